/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a trace matches, keeps, tells and writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/trace/follow.h"
#include "gateway/trace/hep.h"
#include "gateway/trace/match.h"
#include "gateway/trace/pcap.h"
#include "gateway/trace/ring.h"
#include "gateway/trace/script.h"
#include "tests/test.h"
#include "xmpp/stanza.h"

static struct config_number number = {
	.number = (char[]){ "+15557654321" },
	.owners = (char *[]){ (char[]){ "alice@example.org" } },
	.nowners = 1,
};
static struct config config = { .numbers = &number,
				.nnumbers = 1,
				.xmpp.domain = (char[]){ "tel.example.org" } };
static struct gateway gateway = { .config = &config };
static struct match match;

static void follow(const char *what)
{
	match_fini(&match);
	assert_int_equal(match_init(&match, &gateway, what), 0);
}

static bool hears(const char *message)
{
	return match_sip(&match, slice_of(message));
}

static int forget(void **state)
{
	(void)state;
	match_fini(&match);
	return 0;
}

/* ---- match ---- */

static void a_number_is_one_in_all_spellings(void **state)
{
	static const char *const same[] = {
		"INVITE sip:+15557654321@h SIP/2.0\r\n\r\n",
		"INVITE sip:x SIP/2.0\r\nTo: <sip:5557654321;npdi@h>\r\n\r\n",
		"INVITE sip:x SIP/2.0\r\nf: tel:+1-555-765-4321\r\n\r\n",
		("INVITE sip:x SIP/2.0\r\n"
		 "p-asserted-identity: \"A\" <sips:0015557654321@h>\r\n\r\n"),
	};
	static const char *const others[] = {
		"INVITE sip:+15557654322@h SIP/2.0\r\n\r\n",
		"INVITE sip:54321@h SIP/2.0\r\n\r\n",
		"INVITE sip:x SIP/2.0\r\nCall-ID: 15557654321\r\n\r\n",
		"INVITE sip:x SIP/2.0\r\nVia: sip:+15557654321@h\r\n\r\n",
		"INVITE sip:x SIP/2.0\r\n\r\nTo: <sip:+15557654321@h>\r\n",
	};

	(void)state;
	follow("+1 (555) 765-4321");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(hears(same[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(hears(others[i]));
	assert_true(match_jid(&match, "+15557654321@tel.example.org/sip"));
	assert_false(match_jid(&match, "alice@example.org"));
	assert_false(match_jid(&match, NULL));
}

static void short_numbers_are_exact(void **state)
{
	(void)state;
	follow("911");
	assert_true(hears("INVITE sip:911@h SIP/2.0\r\n\r\n"));
	assert_false(hears("INVITE sip:5550911@h SIP/2.0\r\n\r\n"));
}

static void what_was_learned_is_known_and_bounded(void **state)
{
	char name[32];

	(void)state;
	follow("c-1");
	assert_true(hears("BYE sip:x SIP/2.0\r\ni: c-1\r\n\r\n"));
	assert_false(hears("BYE sip:x SIP/2.0\r\ni: c-2\r\n\r\n"));
	match_learn(&match, slice_of("c-2"));
	assert_true(hears("BYE sip:x SIP/2.0\r\nCALL-ID : c-2\r\n\r\n"));
	for (int i = 0; i < MATCH_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		match_learn(&match, slice_of(name));
	}
	assert_false(match_knows(&match, slice_of("c-2")));
	assert_true(match_knows(&match, slice_of(name)));
	assert_false(match_knows(&match, SLICE_NONE));
}

static void what_is_no_name_is_refused(void **state)
{
	char name[MATCH_NAME_CAP + 8];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	match_fini(&match);
	assert_int_equal(match_init(&match, &gateway, ""), -EINVAL);
	assert_int_equal(match_init(&match, &gateway, name), -EINVAL);
}

static void stanzas_match_by_address_session_and_request(void **state)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	(void)state;
	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", "set");
	stanza_set(iq, "id", "q1");
	stanza_set(iq, "from", "bob@example.org/x");
	stanza_set(stanza_child(iq, "jingle", "urn:xmpp:jingle:1"), "sid",
		   "s1");
	follow("Bob@Example.org");
	assert_true(match_stanza(&match, iq));
	follow("s1");
	assert_true(match_stanza(&match, iq));
	match_learn_request(&match, iq);
	assert_true(match_knows(&match, slice_of("q1")));
	follow("carol@example.org");
	assert_false(match_stanza(&match, iq));
}

/* ---- ring ---- */

static struct entry *entry(int64_t at_us, const char *text)
{
	return entry_new(&(struct entry){ .at_us = at_us, .transport = "" },
			 slice_of(text));
}

static void entries_stand_by_time_and_the_oldest_give_way(void **state)
{
	struct ring ring;
	const struct entry *e;
	int64_t last = 0;

	(void)state;
	ring_init(&ring, 8 * (sizeof(struct entry) + 2));
	ring_put(&ring, NULL);
	for (int i = 0; i < 20; i++)
		ring_put(&ring, entry(i % 2 ? i : 40 - i, "x"));
	TAILQ_FOREACH(e, &ring.entries, link) {
		assert_true(e->at_us >= last);
		last = e->at_us;
	}
	assert_int_equal(last, 40);
	assert_int_equal(ring.forgotten, 12);
	assert_true(ring.octets <= ring.octets_max);
	ring_fini(&ring);
	assert_int_equal(ring.octets, 0);
}

/* ---- media ---- */

static char told[1024];

static void on_told(enum media_side side, const char *text, void *arg)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%d %s\n", side, text);
}

static const char *look(struct follow_media *media,
			const struct media_side_stats *now, uint64_t now_ms)
{
	told[0] = '\0';
	follow_look(media, MEDIA_SIDE_B, now, now_ms, on_told, NULL);
	return told;
}

static void media_are_told_as_they_change_and_losses_seldom(void **state)
{
	struct follow_media media = { 0 };
	struct media_side_stats now = { .remote.sa.sa_family = ADDR_NONE };

	(void)state;
	assert_string_equal(look(&media, &now, 1000), "");
	assert_int_equal(addr_parse(&now.remote, slice_of("192.0.2.1"), 9), 0);
	now.ice_ms = 40;
	now.tx_packets = 3;
	assert_string_equal(look(&media, &now, 1100),
			    "1 ICE has chosen 192.0.2.1:9 after 40 ms\n"
			    "1 packets go to 192.0.2.1:9\n"
			    "1 the first packet has gone\n");
	assert_string_equal(look(&media, &now, 1200), "");
	now.dtls_ms = 50;
	now.rx_packets = 10;
	now.lost = 2;
	now.unauthentic = 1;
	addr_set_port(&now.remote, 10);
	assert_string_equal(
		look(&media, &now, 1300),
		"1 DTLS is done after 50 ms\n"
		"1 packets go to 192.0.2.1:10 now, no more to 192.0.2.1:9\n"
		"1 the first packet has come\n"
		"1 1 packets were forged or came again\n"
		"1 2 packets lost, of 12\n");
	now.lost = 5;
	assert_string_equal(look(&media, &now, 1400), "");
	now.lost = 6;
	assert_string_equal(look(&media, &now, 2300),
			    "1 4 packets lost, of 16\n");
}

/* ---- outputs ---- */

static struct entry *message(enum entry_kind kind, const char *text)
{
	struct entry like = { .at_us = 61000002,
			      .kind = kind,
			      .rx = true,
			      .transport = kind == ENTRY_SIP ? "udp" : "",
			      .call = "c1" };

	if (kind == ENTRY_SIP) {
		assert_int_equal(
			addr_parse(&like.remote, slice_of("2001:db8::1"), 5061),
			0);
		assert_int_equal(
			addr_parse(&like.local, slice_of("2001:db8::2"), 5060),
			0);
	}
	return entry_new(&like, slice_of(text));
}

static void a_hep_packet_is_as_its_format_says(void **state)
{
	/* family, protocol, addresses, ports, time, agent, correlation, type,
	 * payload */
	static const uint8_t head[] = { 'H', 'E', 'P', '3', 0, 134, 0, 0, 0,
					1,   0,   7,   10,  0, 0,   0, 2, 0,
					7,   17,  0,   0,   0, 5,   0, 22 };
	static const uint8_t tail[] = {
		0, 0,    0, 9, 0, 10, 0,  0, 0,   61,  0,   0,  0, 10,
		0, 10,   0, 0, 0, 2,  0,  0, 0,   12,  0,   10, 0, 0,
		7, 0xd1, 0, 0, 0, 17, 0,  8, 'c', '1', 0,   0,  0, 11,
		0, 7,    1, 0, 0, 0,  15, 0, 9,   'S', 'I', 'P'
	};
	uint8_t *packet = malloc(HEP_PACKET_MAX);
	struct entry *e = message(ENTRY_SIP, "SIP");

	(void)state;
	assert_int_equal(hep_encode(packet, e, 2001, ""), 134);
	assert_memory_equal(packet, head, sizeof(head));
	assert_memory_equal(packet + 134 - sizeof(tail), tail, sizeof(tail));
	free(e);
	e = message(ENTRY_MEDIA, "a \"b\"");
	int n = hep_encode(packet, e, 1, "pw");
	assert_true(n > 0);
	assert_non_null(
		memmem(packet, (size_t)n, "\"text\":\"a \\\"b\\\"\"", 16));
	assert_non_null(memmem(packet, (size_t)n, "\0\0\0\x0e\0\x08pw", 8));
	free(e);
	free(packet);
}

static void what_no_datagram_holds_is_no_packet(void **state)
{
	size_t n = HEP_PACKET_MAX;
	uint8_t *packet = malloc(n);
	char *text = malloc(n + 1);

	(void)state;
	memset(text, 'x', n);
	text[n] = '\0';
	struct entry *e = message(ENTRY_SIP, text);
	assert_int_equal(hep_encode(packet, e, 1, ""), -EMSGSIZE);
	free(e);
	free(text);
	free(packet);
}

static void a_capture_names_who_reads_each_packet(void **state)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	struct entry *e = message(ENTRY_SIP, "SIP"),
		     *s = message(ENTRY_STATE, "up");

	(void)state;
	pcap_put_head(to);
	pcap_put(to, e);
	pcap_put(to, s);
	fclose(to);
	assert_int_equal((uint8_t)text[20], PCAP_LINKTYPE_EXPORTED_PDU);
	assert_memory_equal(text + 40, "\0\x0c\0\4sip\0\0\x18\0\4\0\0\0\3", 16);
	assert_memory_equal(text + n - 10, "\0\0\0\0<14>up", 10);
	free(text);
	free(e);
	free(s);
}

static void a_script_has_a_line_each_or_all(void **state)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	struct entry *e = message(ENTRY_SIP, "SIP/2.0 200 O\x01K\r\nCSeq: 3 "
					     "BYE\r\n\r\n");

	(void)state;
	script_put(to, e, false);
	fclose(to);
	assert_string_equal(text, "00:01:01.000002 <- udp [2001:db8::1]:5061 "
				  "SIP/2.0 200 O\xef\xbf\xbdK (BYE)\n");
	free(text);
	to = open_memstream(&text, &n);
	script_put(to, e, true);
	fclose(to);
	assert_non_null(strstr(text, "\n    CSeq: 3 BYE\n    \n"));
	free(text);
	free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_one_in_all_spellings),
		cmocka_unit_test(short_numbers_are_exact),
		cmocka_unit_test(what_was_learned_is_known_and_bounded),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(stanzas_match_by_address_session_and_request),
		cmocka_unit_test(entries_stand_by_time_and_the_oldest_give_way),
		cmocka_unit_test(
			media_are_told_as_they_change_and_losses_seldom),
		cmocka_unit_test(a_hep_packet_is_as_its_format_says),
		cmocka_unit_test(what_no_datagram_holds_is_no_packet),
		cmocka_unit_test(a_capture_names_who_reads_each_packet),
		cmocka_unit_test(a_script_has_a_line_each_or_all),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
