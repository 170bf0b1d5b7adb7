/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * No text from elsewhere adds to, ends or changes a SIP message: whatever it is
 * and wherever it goes, the message has the headers that it has with a plain
 * one, and its addresses are those.
 */
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/cpim.h"
#include "sip/message.h"
#include "tests/tricks.h"
#include "tests/unit/sip/fixture.h"

#define PLAIN "plain"

enum { SHAPE_CAP = 4000 };

/* ---- what a message is ---- */

/* The names of its headers, in their order; fails at what no line may have. */
static void shape_of(char out[static SHAPE_CAP], const char *message)
{
	const char *end = strstr(message, "\r\n\r\n");
	uint32_t c;

	assert_non_null(end);
	struct slice head = { message, (size_t)(end - message) + 2 };
	for (struct slice rest = head; rest.n;) {
		size_t n = text_utf8(rest, &c);
		assert_true(n > 0);
		assert_true(c >= ' ' || c == '\r' || c == '\n');
		assert_int_not_equal(c, 0x7f);
		rest.p += n;
		rest.n -= n;
	}
	out[0] = '\0';
	(void)slice_cut(&head, '\n'); /* the request line */
	while (head.n) {
		struct slice line = slice_cut(&head, '\n');
		assert_true(line.n > 1 && line.p[line.n - 1] == '\r');
		assert_null(memchr(line.p, '\r', line.n - 1));
		struct slice name = slice_cut(&line, ':');
		assert_true(name.n && *name.p != ' ' && *name.p != '\t');
		size_t at = strlen(out);
		assert_int_equal(text_format(out + at, SHAPE_CAP - at, "%.*s ",
					     SLICE_ARG(name)),
				 0);
	}
}

/* Three words, and no more. */
static void check_request_line(const char *message)
{
	size_t n = strcspn(message, "\r\n"), spaces = 0;

	for (size_t i = 0; i < n; i++)
		spaces += message[i] == ' ';
	assert_int_equal(spaces, 2);
	assert_memory_equal(message + n - 7, "SIP/2.0", 7);
}

/* Quoted or not, one address of ours and its tag. */
static void check_address(const struct sip_peer *peer, const char *name)
{
	struct slice value = sip_peer_header(peer, name, 0);
	bool quoted = false;
	size_t i = 0;

	for (; i < value.n && (quoted || value.p[i] != '<'); i++) {
		if (quoted && value.p[i] == '\\')
			i++;
		else if (value.p[i] == '"')
			quoted = !quoted;
		else
			assert_true(quoted || value.p[i] == ' ');
	}
	assert_true(i < value.n && !quoted);
	struct slice uri = { value.p + i + 1, value.n - i - 1 }, tag = uri;
	uri = slice_cut(&tag, '>');
	assert_null(memchr(uri.p, '<', uri.n));
	assert_null(memchr(uri.p, '"', uri.n));
	assert_null(memchr(uri.p, ' ', uri.n));
	assert_true(!tag.n || !strncmp(tag.p, ";tag=", 5));
	assert_null(memchr(tag.p, '<', tag.n));
	assert_null(memchr(tag.p, ',', tag.n));
	assert_int_equal(sip_peer_header(peer, name, 1).n, 0);
}

/* ---- where a text may come to ---- */

/* Each sends a request with @text in it; false: it was refused. */

static bool invite(struct fixture *f, const struct sip_parties *with)
{
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);
	struct sip_dialog_start start = { .trunk = f->trunk,
					  .parties = *with,
					  .offer = offer };
	int r = sip_dialog_start(&f->dialog, f->agent, &start, &dialog_handlers,
				 NULL);
	media_desc_free(offer);
	if (r) {
		assert_int_equal(r, -EINVAL);
		return false;
	}
	sip_peer_expect(&f->peer, "INVITE ");
	return true;
}

static void end_invite(struct fixture *f)
{
	sip_peer_respond(&f->peer, "486 Busy Here", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "ended:486 ");
	forget_log(f);
	f->dialog = sip_dialog_free(f->dialog);
}

static bool called(struct fixture *f, const char *text)
{
	return invite(f, &(struct sip_parties){ .to = text, .from = "+1555" });
}

static bool calling(struct fixture *f, const char *text)
{
	return invite(f, &(struct sip_parties){ .to = "+1555", .from = text });
}

static bool name(struct fixture *f, const char *text)
{
	return invite(f, &(struct sip_parties){ .to = "+1555",
						.from = "+1555",
						.display = text });
}

static bool diverted(struct fixture *f, const char *text)
{
	return invite(f, &(struct sip_parties){ .to = "+1555",
						.from = "+1555",
						.diverted = text });
}

static void on_answered(unsigned status, const char *phrase, bool local,
			void *arg)
{
	(void)phrase;
	(void)local;
	(void)arg;
	note("text:%u ", status);
}

static bool message(struct fixture *f, const struct sip_message_out *with)
{
	char call_id[RAND_UUID_CAP];
	struct sip_message_out out = *with;
	struct sip_request *request;

	rand_uuid(call_id);
	out.trunk = f->trunk;
	out.call_id = call_id;
	int r = sip_message_send(&request, f->agent, &out, on_answered, NULL);
	if (r) {
		assert_int_equal(r, -EINVAL);
		return false;
	}
	sip_peer_expect(&f->peer, "MESSAGE ");
	return true;
}

static void end_message(struct fixture *f)
{
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "text:200 ");
	forget_log(f);
}

static bool text_to(struct fixture *f, const char *text)
{
	return message(f, &(struct sip_message_out){ .to_user = text,
						     .from_user = "+1555",
						     .text = "x" });
}

static bool text_from(struct fixture *f, const char *text)
{
	return message(f, &(struct sip_message_out){ .to_user = "+1555",
						     .from_user = text,
						     .text = "x" });
}

static bool body(struct fixture *f, const char *text)
{
	return message(f, &(struct sip_message_out){ .to_user = "+1555",
						     .from_user = "+1555",
						     .text = text });
}

static bool in_envelope(struct fixture *f, const char *text)
{
	const struct sip_envelope envelope = { .id = text,
					       .date = "2026-01-01T00:00:00Z",
					       .wants = SIP_CPIM_DELIVERED };

	return message(f, &(struct sip_message_out){ .to_user = "+1555",
						     .from_user = "+1555",
						     .text = "x",
						     .envelope = &envelope });
}

static bool reason(struct fixture *f, const char *text)
{
	call_out_up(f);
	hang_up(f, 0, 16, text);
	sip_peer_expect(&f->peer, "BYE ");
	return true;
}

static void end_bye(struct fixture *f)
{
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	f->dialog = sip_dialog_free(f->dialog);
	forget_log(f);
}

static const struct entry {
	const char *name;
	bool (*send)(struct fixture *f, const char *text);
	void (*end)(struct fixture *f);
} entries[] = {
	{ "called", called, end_invite },
	{ "calling", calling, end_invite },
	{ "name", name, end_invite },
	{ "diverted", diverted, end_invite },
	{ "text to", text_to, end_message },
	{ "text from", text_from, end_message },
	{ "body", body, end_message },
	{ "envelope", in_envelope, end_message },
	{ "reason", reason, end_bye },
};

static void try_one(struct fixture *f, const struct entry *entry,
		    const char *trick, const char *plain_shape)
{
	char shape[SHAPE_CAP];

	if (!entry->send(f, trick))
		return;
	check_request_line(f->peer.last);
	shape_of(shape, f->peer.last);
	assert_string_equal(shape, plain_shape);
	check_address(&f->peer, "From");
	check_address(&f->peer, "To");
	entry->end(f);
}

static void no_text_changes_a_message(void **state)
{
	struct fixture *f = *state;
	char plain[SHAPE_CAP];

	add_trunk(f, "", "", "");
	for (size_t e = 0; e < sizeof(entries) / sizeof(*entries); e++) {
		assert_true(entries[e].send(f, PLAIN));
		shape_of(plain, f->peer.last);
		entries[e].end(f);
		for (size_t i = 0; i < NTRICKS; i++)
			try_one(f, &entries[e], tricks[i], plain);
	}
}

/* In a message/cpim there are headers in the body (RFC 3862). */
static void no_id_changes_an_envelope(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	for (size_t i = 0; i < NTRICKS; i++) {
		if (!in_envelope(f, tricks[i]))
			continue;
		const char *at = sip_peer_body(&f->peer).p;
		const char *end = strstr(at, "\r\n\r\n");
		assert_non_null(end);
		for (; at < end; at += strcspn(at, "\n") + 1) {
			assert_true(strncmp(at, "X-EVIL", 6) != 0);
			assert_true(*at != ' ' && *at != '\t');
		}
		end_message(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_text_changes_a_message,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_id_changes_an_envelope,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
