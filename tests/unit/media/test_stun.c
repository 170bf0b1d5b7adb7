/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/text.h"
#include "media/stun.h"
#include "tests/fail_alloc.h"
#include "tests/test.h"

#include <stdlib.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t tid_of_rfc[STUN_TID_LEN] = { 0xb7, 0xe7, 0xa7, 0x01,
						  0xbc, 0x34, 0xd6, 0x86,
						  0xfa, 0x87, 0xdf, 0xae };

/* RFC 5769, 2.1: request of short-term credentials. */
static const uint8_t rfc_request[] = {
	0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
	0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10,
	0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
	0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
	0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
	0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
	0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c,
	0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
	0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

/* RFC 5769, 2.2 and 2.3: responses with 192.0.2.1:32853 and
 * [2001:db8:1234:5678:11:2233:4455:6677]:32853. */
static const uint8_t rfc_response_v4[] = {
	0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
	0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b,
	0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20,
	0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
	0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3,
	0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7,
	0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
static const uint8_t rfc_response_v6[] = {
	0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
	0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b,
	0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20,
	0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
	0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
	0x00, 0x08, 0x00, 0x14, 0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1,
	0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75, 0xbf, 0xe3, 0xed, 0x41,
	0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};
static const char rfc_password[] = "VOkJxbRl1RmTxUk/WvJxBt";

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

/* Decoded from a block of its exact size, so that sanitizers see overruns. */
static int decode(struct stun_packet *out, const uint8_t *p, size_t n,
		  const char *key)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, p, n);
	int r = stun_decode(out, copy, n, slice_of(key));
	out->username = SLICE_NONE;
	free(copy);
	return r;
}

static void the_request_of_rfc_5769_is_read(void **state)
{
	(void)state;
	struct stun_packet pkt;

	assert_int_equal(stun_decode(&pkt, rfc_request, sizeof(rfc_request),
				     slice_of(rfc_password)),
			 0);
	assert_int_equal(pkt.kind, STUN_REQUEST);
	assert_memory_equal(pkt.tid, tid_of_rfc, STUN_TID_LEN);
	assert_true(slice_is(pkt.username, "evtj:h6vY"));
	assert_true(pkt.has_priority);
	assert_int_equal(pkt.priority, 0x6e0001ff);
	assert_int_equal(pkt.role, STUN_CONTROLLED);
	assert_true(pkt.tie_breaker == 0x932ff9b151263b36u);
	assert_false(pkt.use_candidate);
	assert_int_equal(stun_tag(pkt.tid), 0xb7e7a701);
}

static void the_responses_of_rfc_5769_are_read(void **state)
{
	(void)state;
	struct addr v4 = address("192.0.2.1:32853");
	struct addr v6 =
		address("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
	struct stun_packet pkt;

	assert_int_equal(decode(&pkt, rfc_response_v4, sizeof(rfc_response_v4),
				rfc_password),
			 0);
	assert_int_equal(pkt.kind, STUN_SUCCESS);
	assert_true(addr_equal(&pkt.mapped, &v4));
	assert_int_equal(decode(&pkt, rfc_response_v6, sizeof(rfc_response_v6),
				rfc_password),
			 0);
	assert_true(addr_equal(&pkt.mapped, &v6));
}

static void the_username_is_found_in_requests_alone(void **state)
{
	(void)state;
	struct slice s = stun_username(rfc_request, sizeof(rfc_request));

	assert_true(slice_is(s, "evtj:h6vY"));
	s = stun_username(rfc_response_v4, sizeof(rfc_response_v4));
	assert_int_equal(s.n, 0);
}

static void a_wrong_key_or_a_flipped_bit_is_noticed(void **state)
{
	(void)state;
	uint8_t p[sizeof(rfc_request)];
	struct stun_packet pkt;

	assert_int_equal(
		decode(&pkt, rfc_request, sizeof(rfc_request), "wrong"),
		STUN_E_INTEGRITY);
	for (size_t bit = 0; bit < sizeof(p) * 8; bit++) {
		memcpy(p, rfc_request, sizeof(p));
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(decode(&pkt, p, sizeof(p), rfc_password),
				     0);
	}
}

static void no_truncated_or_extended_packet_is_taken(void **state)
{
	(void)state;
	uint8_t p[sizeof(rfc_request) + 4] = { 0 };
	struct stun_packet pkt;

	memcpy(p, rfc_request, sizeof(rfc_request));
	for (size_t n = 0; n <= sizeof(p); n++) {
		if (n == sizeof(rfc_request))
			continue;
		assert_int_equal(decode(&pkt, p, n, rfc_password),
				 STUN_E_SYNTAX);
	}
}

static void encode_all(struct stun_packet *in, const char *key,
		       struct stun_packet *out)
{
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	assert_int_equal(stun_encode(in, slice_of(key), p, sizeof(p), &n), 0);
	assert_true(n <= sizeof(p));
	assert_int_equal(stun_decode(out, p, n, slice_of(key)), 0);
	out->username = SLICE_NONE;
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct stun_packet in = { .kind = STUN_REQUEST,
				  .username = slice_of("local:remote"),
				  .has_priority = true,
				  .priority = 0x7effffff,
				  .use_candidate = true,
				  .role = STUN_CONTROLLING,
				  .tie_breaker = 0x0123456789abcdefu };
	struct stun_packet out;

	encode_all(&in, "key", &out);
	assert_int_equal(out.kind, STUN_REQUEST);
	assert_int_equal(out.priority, in.priority);
	assert_true(out.use_candidate);
	assert_int_equal(out.role, STUN_CONTROLLING);
	assert_true(out.tie_breaker == in.tie_breaker);
	assert_int_equal(out.nunknown, 0);
}

static void errors_and_their_attributes_are_read_back(void **state)
{
	(void)state;
	struct stun_packet in = { .kind = STUN_ERROR,
				  .error = STUN_UNKNOWN_ATTRIBUTE,
				  .unknown = { 0x0003, 0x7fff },
				  .nunknown = 2 };
	struct stun_packet out;

	encode_all(&in, "key", &out);
	assert_int_equal(out.kind, STUN_ERROR);
	assert_int_equal(out.error, STUN_UNKNOWN_ATTRIBUTE);
	in = (struct stun_packet){ .kind = STUN_ERROR,
				   .error = STUN_ROLE_CONFLICT };
	encode_all(&in, "key", &out);
	assert_int_equal(out.error, STUN_ROLE_CONFLICT);
}

static void mapped_addresses_of_both_families_are_read_back(void **state)
{
	(void)state;
	static const char *const texts[] = { "198.51.100.9:1",
					     "[2001:db8::ff]:65535" };

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct stun_packet in = { .kind = STUN_SUCCESS,
					  .mapped = address(texts[i]) };
		struct stun_packet out;

		memset(in.tid, 0x5a, sizeof(in.tid));
		encode_all(&in, NULL, &out);
		assert_true(addr_equal(&in.mapped, &out.mapped));
	}
}

static void the_longest_username_fits_and_a_longer_one_is_refused(void **state)
{
	(void)state;
	char name[STUN_USERNAME_MAX + 2];
	uint8_t p[STUN_PACKET_MAX];
	struct stun_packet in = { .kind = STUN_REQUEST,
				  .has_priority = true,
				  .use_candidate = true,
				  .role = STUN_CONTROLLED };
	size_t n;

	memset(name, 'a', sizeof(name));
	in.username = (struct slice){ name, STUN_USERNAME_MAX };
	assert_int_equal(stun_encode(&in, slice_of("k"), p, sizeof(p), &n), 0);
	assert_int_equal(stun_username(p, n).n, STUN_USERNAME_MAX);
	assert_int_equal(stun_encode(&in, slice_of("k"), p, 100, &n),
			 -EMSGSIZE);
	in.username.n++;
	assert_int_equal(stun_encode(&in, slice_of("k"), p, sizeof(p), &n),
			 -EMSGSIZE);
}

struct raw {
	const char *why;
	uint8_t attrs[40];
	uint8_t len;
};

static size_t raw_packet(uint8_t *p, const struct raw *raw)
{
	memcpy(p, rfc_request, 20);
	p[2] = 0;
	p[3] = raw->len;
	memcpy(p + 20, raw->attrs, raw->len);
	return 20u + raw->len;
}

static void malformed_attributes_are_refused(void **state)
{
	(void)state;
	static const struct raw rows[] = {
		{ "header cut", { 0x00, 0x06 }, 2 },
		{ "value cut", { 0x00, 0x06, 0x00, 0x08, 1, 2, 3, 4 }, 8 },
		{ "length to the sky",
		  { 0x00, 0x06, 0xff, 0xff, 0, 0, 0, 0 },
		  8 },
		{ "short priority", { 0x00, 0x24, 0x00, 0x02, 0, 0, 0, 0 }, 8 },
		{ "use-candidate with a value",
		  { 0x00, 0x25, 0x00, 0x04, 0, 0, 0, 0 },
		  8 },
		{ "short tie-breaker",
		  { 0x80, 0x2a, 0x00, 0x04, 0, 0, 0, 0 },
		  8 },
		{ "short mapped address",
		  { 0x00, 0x20, 0x00, 0x04, 0, 1, 0, 0 },
		  8 },
		{ "IPv6 in eight octets",
		  { 0x00, 0x20, 0x00, 0x08, 0, 2, 0, 0, 0, 0, 0, 0 },
		  12 },
		/* libre reads on where it thinks that an attribute has ended */
		{
			"IPv4 in twenty octets, and what hides in it",
			{ 0x00, 0x20, 0x00, 0x14, 0,    1,    0, 0,
			  0,    0,    0,    0,    0x00, 0x25, 0, 0,
			  0x80, 0x22, 0,    0,    0x80, 0x22, 0, 0 },
			24 },
		{ "channel number with another attribute in it",
		  { 0x00, 0x0c, 0x00, 0x08, 0x40, 0, 0, 0, 0x00, 0x25, 0, 0 },
		  12 },
		{ "unknown family",
		  { 0x00, 0x20, 0x00, 0x08, 0, 9, 0, 0, 0, 0, 0, 0 },
		  12 },
		{ "error code cut", { 0x00, 0x09, 0x00, 0x02, 0, 0, 0, 0 }, 8 },
		{ "error code 955",
		  { 0x00, 0x09, 0x00, 0x04, 0, 0, 7, 255 },
		  8 },
		{ "odd list of unknown attributes",
		  { 0x00, 0x0a, 0x00, 0x01, 0, 0, 0, 0 },
		  8 },
		{ "fingerprint before the end",
		  { 0x80, 0x28, 0x00, 0x04, 0, 0, 0, 0, 0x80, 0x22, 0, 0 },
		  12 },
		{ "wrong fingerprint",
		  { 0x80, 0x28, 0x00, 0x04, 0, 0, 0, 0 },
		  8 },
	};
	struct stun_packet pkt;
	uint8_t p[64];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		size_t n = raw_packet(p, &rows[i]);

		if (decode(&pkt, p, n, NULL) != STUN_E_SYNTAX)
			fail_msg("taken: %s", rows[i].why);
	}
}

static void too_many_attributes_are_refused(void **state)
{
	(void)state;
	uint8_t p[20 + 4 * (STUN_MAX_ATTRS + 1)] = { 0 };
	struct stun_packet pkt;

	memcpy(p, rfc_request, 20);
	for (size_t at = 20; at < sizeof(p); at += 4) {
		p[at] = 0x80;
		p[at + 1] = 0x22;
	}
	p[3] = 4 * STUN_MAX_ATTRS;
	assert_int_equal(decode(&pkt, p, sizeof(p) - 4, NULL), 0);
	p[3] = 4 * (STUN_MAX_ATTRS + 1);
	assert_int_equal(decode(&pkt, p, sizeof(p), NULL), STUN_E_SYNTAX);
}

static void unknown_required_attributes_are_reported(void **state)
{
	(void)state;
	static const struct raw raw = { "",
					{ 0x00, 0x03, 0x00, 0x04, 0, 0, 0, 0,
					  0x7a, 0xbc, 0, 0, 0x9a, 0xbc, 0, 0 },
					16 };
	struct stun_packet pkt;
	uint8_t p[64];
	size_t n = raw_packet(p, &raw);

	assert_int_equal(decode(&pkt, p, n, NULL), 0);
	assert_int_equal(pkt.nunknown, 2);
	assert_int_equal(pkt.unknown[0], 0x0003);
	assert_int_equal(pkt.unknown[1], 0x7abc);
}

static void other_methods_and_protocols_are_not_binding_messages(void **state)
{
	(void)state;
	uint8_t p[sizeof(rfc_request)];
	struct stun_head head;
	static const uint8_t firsts[] = { 0x40, 0x80, 20, 22, 0xff };

	for (size_t i = 0; i < LENGTH(firsts); i++) {
		memcpy(p, rfc_request, sizeof(p));
		p[0] = firsts[i];
		assert_int_equal(stun_head(&head, p, sizeof(p)), STUN_E_SYNTAX);
	}
	memcpy(p, rfc_request, sizeof(p));
	p[1] = 0x03; /* Allocate */
	assert_int_equal(stun_head(&head, p, sizeof(p)), STUN_E_SYNTAX);
	p[1] = 0x01;
	p[4] = 0; /* no magic cookie */
	assert_int_equal(stun_head(&head, p, sizeof(p)), STUN_E_SYNTAX);
}

/* Without a key: OpenSSL's own failures are not told by libre. */
static int write_and_read(void)
{
	struct stun_packet packet = { .kind = STUN_SUCCESS,
				      .mapped = address("192.0.2.1:1") };
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	int r = stun_encode(&packet, SLICE_NONE, p, sizeof(p), &n);
	return r ? r : stun_decode(&packet, p, n, SLICE_NONE);
}

static void running_out_of_memory_is_reported(void **state)
{
	(void)state;
	int r;

	FAIL_EACH_ALLOCATION(r, write_and_read())
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_of_rfc_5769_is_read),
		cmocka_unit_test(the_responses_of_rfc_5769_are_read),
		cmocka_unit_test(the_username_is_found_in_requests_alone),
		cmocka_unit_test(a_wrong_key_or_a_flipped_bit_is_noticed),
		cmocka_unit_test(no_truncated_or_extended_packet_is_taken),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(errors_and_their_attributes_are_read_back),
		cmocka_unit_test(
			mapped_addresses_of_both_families_are_read_back),
		cmocka_unit_test(
			the_longest_username_fits_and_a_longer_one_is_refused),
		cmocka_unit_test(malformed_attributes_are_refused),
		cmocka_unit_test(too_many_attributes_are_refused),
		cmocka_unit_test(unknown_required_attributes_are_reported),
		cmocka_unit_test(
			other_methods_and_protocols_are_not_binding_messages),
		cmocka_unit_test(running_out_of_memory_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
