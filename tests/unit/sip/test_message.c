/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* MESSAGE to a trunk against a peer's own words. */
#include "tests/unit/sip/fixture.h"

#include "gateway/base/rand.h"
#include "sip/datagram.h"
#include "sip/message.h"

static void on_answered(unsigned status, const char *phrase, bool local,
			void *arg)
{
	(void)phrase;
	(void)local;
	(void)arg;
	note("text:%u ", status);
}

/* It is in the peer's last, and answered. */
static void send_text(struct fixture *f, const char *lang)
{
	char call_id[RAND_UUID_CAP];
	struct sip_request *request;

	rand_uuid(call_id);
	assert_int_equal(sip_message_send(&request, f->agent,
					  &(struct sip_message_out){
						  .trunk = f->trunk,
						  .to_user = "+15551234567",
						  .from_user = "+15557654321",
						  .call_id = call_id,
						  .lang = lang,
						  .text = "hello" },
					  on_answered, NULL),
			 0);
	sip_peer_expect(&f->peer, "MESSAGE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "text:200 ");
	forget_log(f);
}

/* To be told, not to be tried again: its peer takes no TCP. */
static void a_text_that_no_datagram_holds_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sip_request *request;
	char text[SIP_DATAGRAM_V4_MAX + 1];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	add_trunk(f, "", "", "");
	assert_int_equal(sip_message_send(&request, f->agent,
					  &(struct sip_message_out){
						  .trunk = f->trunk,
						  .to_user = "+15551234567",
						  .from_user = "+15557654321",
						  .call_id = "long",
						  .text = text },
					  on_answered, NULL),
			 0);
	expect_log(f, "text:513 ");
}

static void a_text_says_its_language(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	send_text(f, "de-CH");
	assert_true(sip_peer_header_has(&f->peer, "Content-Language", "de-CH"));
	send_text(f, "");
	assert_int_equal(sip_peer_header(&f->peer, "Content-Language", 0).n, 0);
}

static void what_is_no_language_stays_out_of_the_headers(void **state)
{
	static const char *const bad[] = {
		"en\nX-Evil: 1", "en\r\nX-Evil: 1\r\n\r\nX-Evil",
		"X-Evil: 1",     "en, X-Evil",
		"\"X-Evil",      "X-Evil-that-is-longer-than-any-may-be"
	};
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		send_text(f, bad[i]);
		assert_null(strstr(f->peer.last, "X-Evil"));
		assert_null(strstr(f->peer.last, "Content-Language"));
	}
}

#define MESSAGE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(a_text_says_its_language),
		MESSAGE_TEST(a_text_that_no_datagram_holds_is_refused),
		MESSAGE_TEST(what_is_no_language_stays_out_of_the_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
