/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Filters in the kernel, on real sockets. */
#include "media/sieve.h"

#include <netinet/in.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "media/stun.h"
#include "tests/loopback.h"

enum { FRIENDS = 3, STRANGER = FRIENDS, SENDERS, LEN = 172, STRANGERS = 200 };

/* A shared port and who sends to it. */
struct rig {
	bool v6;
	int port, senders[SENDERS];
	struct addr to, from[SENDERS];
	struct sieve_secret secret;
};

static void rig_open(struct rig *rig, bool v6)
{
	*rig = (struct rig){ .v6 = v6 };
	sieve_secret_init(&rig->secret);
	rig->port = loopback_open(SOCK_DGRAM, v6, &rig->to);
	for (int i = 0; i < SENDERS; i++) {
		rig->senders[i] = loopback_open(SOCK_DGRAM, v6, &rig->from[i]);
		assert_int_equal(connect(rig->senders[i], &rig->to.sa,
					 addr_len(&rig->to)),
				 0);
	}
}

static void rig_close(struct rig *rig)
{
	close(rig->port);
	for (int i = 0; i < SENDERS; i++)
		close(rig->senders[i]);
}

/* Loopback delivers before send() returns. */
static bool comes(struct rig *rig, int sender, const void *p, size_t n)
{
	uint8_t got[2048];

	assert_int_equal(send(rig->senders[sender], p, n, 0), n);
	ssize_t r = recv(rig->port, got, sizeof(got), 0);
	if (r < 0)
		return false;
	assert_int_equal(r, n);
	assert_memory_equal(got, p, n);
	return true;
}

static size_t check(uint8_t p[static STUN_PACKET_MAX], enum stun_kind kind)
{
	struct stun_packet packet = { .kind = kind,
				      .username = slice_of("abcdefgh:x") };
	size_t n;

	if (kind == STUN_ERROR)
		packet.error = STUN_BAD_REQUEST;
	assert_int_equal(stun_encode(&packet, slice_of("password"), p,
				     STUN_PACKET_MAX, &n),
			 0);
	return n;
}

static void fill(uint8_t p[static LEN], uint8_t first, uint8_t second)
{
	memset(p, 7, LEN);
	p[0] = first;
	p[1] = second;
}

static void what_has_a_form_comes_through(struct rig *rig)
{
	uint8_t p[STUN_PACKET_MAX];

	for (enum stun_kind kind = STUN_REQUEST; kind <= STUN_ERROR; kind++) {
		size_t n = check(p, kind);
		assert_true(comes(rig, STRANGER, p, n));
	}
	fill(p, 22, 0xfe);
	assert_true(comes(rig, STRANGER, p, 13));
	fill(p, 0x80, 0);
	assert_true(comes(rig, STRANGER, p, 12));
	fill(p, 0xbf, 0xff);
	assert_true(comes(rig, STRANGER, p, LEN));
}

static void what_has_none_does_not(struct rig *rig)
{
	static const uint8_t first[] = { 4, 19, 24, 64, 79, 127, 192, 255 };
	uint8_t p[STUN_PACKET_MAX];
	size_t n = check(p, STUN_REQUEST);

	assert_false(comes(rig, STRANGER, p, n - 1));
	assert_false(comes(rig, STRANGER, p, 19));
	p[3] ^= 4;
	assert_false(comes(rig, STRANGER, p, n));
	p[3] ^= 4;
	p[7] ^= 1; /* the cookie */
	assert_false(comes(rig, STRANGER, p, n));
	p[7] ^= 1;
	p[1] = 3; /* Allocate */
	assert_false(comes(rig, STRANGER, p, n));
	for (size_t i = 0; i < sizeof(first); i++) {
		fill(p, first[i], 0xfe);
		assert_false(comes(rig, STRANGER, p, LEN));
	}
	fill(p, 22, 3); /* TLS */
	assert_false(comes(rig, STRANGER, p, LEN));
	fill(p, 22, 0xfe);
	assert_false(comes(rig, STRANGER, p, 12));
	fill(p, 0x80, 0);
	assert_false(comes(rig, STRANGER, p, 11));
	assert_false(comes(rig, STRANGER, p, 0));
}

static void only_what_has_a_form_comes_through(void **state)
{
	const struct sieve sieve = { .flooded = false };
	struct rig rig;

	(void)state;
	rig_open(&rig, false);
	assert_int_equal(sieve_attach(rig.port, &sieve), 0);
	what_has_a_form_comes_through(&rig);
	uint32_t before = sieve_dropped(rig.port);
	what_has_none_does_not(&rig);
	assert_true(sieve_dropped(rig.port) > before);
	rig_close(&rig);
}

/* A flood, in which @n addresses are known, the friends' among them. */
static int attach_flooded(struct rig *rig, size_t n, uint32_t share)
{
	struct sieve_known known;

	sieve_known_init(&known, n);
	for (size_t i = 0; i < n; i++) {
		struct addr other = rig->from[i % FRIENDS];

		if (i >= FRIENDS && rig->v6)
			other.in6.sin6_addr.s6_addr32[0] = htonl((uint32_t)i);
		else if (i >= FRIENDS)
			other.in4.sin_addr.s_addr =
				htonl(10 << 24 | (uint32_t)i);
		sieve_known_add(&known, &rig->secret, &other);
	}
	const struct sieve sieve = { .v6 = rig->v6,
				     .flooded = true,
				     .secret = &rig->secret,
				     .share = share,
				     .known = &known };
	return sieve_attach(rig->port, &sieve);
}

/* Of @STRANGERS packets, each from a port of its own. */
static unsigned strangers_heard(struct rig *rig, const void *p, size_t n)
{
	unsigned heard = 0;

	for (int i = 0; i < STRANGERS; i++) {
		struct addr from;
		uint8_t got[2048];
		int fd = loopback_open(SOCK_DGRAM, rig->v6, &from);

		assert_int_equal(
			sendto(fd, p, n, 0, &rig->to.sa, addr_len(&rig->to)),
			n);
		heard += recv(rig->port, got, sizeof(got), 0) > 0;
		close(fd);
	}
	return heard;
}

/* And of strangers @most. */
static void in_a_flood_calls_are_heard(struct rig *rig, unsigned most)
{
	uint8_t p[LEN], stun[STUN_PACKET_MAX], dtls[LEN];
	size_t n = check(stun, STUN_REQUEST);

	fill(p, 0x80, 0);
	fill(dtls, 22, 0xfe);
	for (int i = 0; i < FRIENDS; i++) {
		assert_true(comes(rig, i, p, LEN));
		assert_true(comes(rig, i, stun, n));
		assert_true(comes(rig, i, dtls, LEN));
		p[0] = 200;
		assert_false(comes(rig, i, p, LEN));
		p[0] = 0x80;
	}
	assert_true(strangers_heard(rig, p, LEN) <= most);
	assert_true(strangers_heard(rig, stun, n) <= most);
	assert_true(strangers_heard(rig, dtls, LEN) <= most);
}

static void in_a_flood_known_addresses_are_heard(void **state)
{
	static const struct {
		size_t n;
		unsigned most; /* a hundredth, where less is to be expected */
	} many[] = { { FRIENDS, 2 }, { 4, 2 },   { 5, 2 },
		     { 50, 2 },      { 400, 2 }, { 1000, 8 } };
	struct rig rig;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		rig_open(&rig, v6);
		for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++) {
			assert_int_equal(attach_flooded(&rig, many[i].n, 0), 0);
			in_a_flood_calls_are_heard(&rig, many[i].most);
		}
		rig_close(&rig);
	}
}

/* A tenth of strangers is to be expected. */
static void with_thousands_of_known_addresses_most_strangers_stay_out(
	void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, false);
	assert_int_equal(attach_flooded(&rig, 4000, 0), 0);
	in_a_flood_calls_are_heard(&rig, STRANGERS / 3);
	/* It knows too many to be of use, but none of them is shut out. */
	assert_int_equal(attach_flooded(&rig, 100000, 0), 0);
	in_a_flood_calls_are_heard(&rig, STRANGERS);
	rig_close(&rig);
}

static void without_known_addresses_chance_decides(void **state)
{
	enum { TRIES = 2000 };
	uint8_t stun[STUN_PACKET_MAX], rtp[LEN];
	size_t n = check(stun, STUN_REQUEST), heard = 0;
	struct rig rig;

	(void)state;
	fill(rtp, 0x80, 0);
	rig_open(&rig, false);
	assert_int_equal(attach_flooded(&rig, 0, SIEVE_ALL / 4), 0);
	for (int i = 0; i < TRIES; i++) {
		heard += comes(&rig, STRANGER, stun, n);
		assert_false(comes(&rig, STRANGER, rtp, LEN));
	}
	assert_in_range(heard, TRIES / 6, TRIES / 3);
	assert_int_equal(attach_flooded(&rig, 0, SIEVE_ALL), 0);
	for (int i = 0; i < 100; i++)
		assert_true(comes(&rig, STRANGER, stun, n));
	rig_close(&rig);
}

static void a_flood_that_is_over_leaves_nothing_behind(void **state)
{
	const struct sieve calm = { .flooded = false };
	struct rig rig;

	(void)state;
	rig_open(&rig, true);
	assert_int_equal(attach_flooded(&rig, 100, 0), 0);
	assert_int_equal(sieve_attach(rig.port, &calm), 0);
	what_has_a_form_comes_through(&rig);
	rig_close(&rig);
}

/* Who has found addresses that pass one filter cannot pass another's. */
static void what_passes_differs_with_the_secret(void **state)
{
	struct sieve_known one, other;
	struct sieve_secret secrets[2];
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, slice_of("192.0.2.1"), 1000), 0);
	sieve_known_init(&one, 1000);
	sieve_known_init(&other, 1000);
	for (int i = 0; i < 2; i++)
		sieve_secret_init(&secrets[i]);
	sieve_known_add(&one, &secrets[0], &a);
	sieve_known_add(&other, &secrets[1], &a);
	assert_memory_not_equal(&one, &other, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_has_a_form_comes_through),
		cmocka_unit_test(in_a_flood_known_addresses_are_heard),
		cmocka_unit_test(
			with_thousands_of_known_addresses_most_strangers_stay_out),
		cmocka_unit_test(without_known_addresses_chance_decides),
		cmocka_unit_test(a_flood_that_is_over_leaves_nothing_behind),
		cmocka_unit_test(what_passes_differs_with_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
