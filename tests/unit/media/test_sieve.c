/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Filters in the kernel, on real sockets. */
#include "media/sieve.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/slice.h"
#include "media/stun.h"
#include "tests/test.h"

enum { FRIENDS = 3, STRANGER = FRIENDS, SENDERS, LEN = 172 };

/* A shared port and who sends to it. */
struct rig {
	bool v6;
	int port, senders[SENDERS];
	struct addr to, from[SENDERS];
	struct sieve_secret secret;
};

static int open_socket(bool v6, struct addr *name)
{
	socklen_t n = v6 ? sizeof(name->in6) : sizeof(name->in4);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_int_equal(
		addr_parse(name, slice_of(v6 ? "::1" : "127.0.0.1"), 0), 0);
	assert_int_equal(bind(fd, &name->sa, n), 0);
	assert_int_equal(getsockname(fd, &name->sa, &n), 0);
	return fd;
}

static void rig_open(struct rig *rig, bool v6)
{
	*rig = (struct rig){ .v6 = v6 };
	sieve_secret_init(&rig->secret);
	rig->port = open_socket(v6, &rig->to);
	for (int i = 0; i < SENDERS; i++) {
		rig->senders[i] = open_socket(v6, &rig->from[i]);
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

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A flood, in which @n addresses are known, the friends' among them. */
static int attach_flooded(struct rig *rig, size_t n, uint32_t share)
{
	uint32_t known[SIEVE_KNOWN_MAX];

	for (size_t i = 0; i < n; i++) {
		struct addr other = rig->from[i % FRIENDS];

		if (i >= FRIENDS && rig->v6)
			other.in6.sin6_addr.s6_addr[i % 8 + 1] =
				(uint8_t)(i / 8 + 1);
		else if (i >= FRIENDS)
			other.in4.sin_addr.s_addr =
				htonl(10 << 24 | (uint32_t)i);
		known[i] = sieve_key(&rig->secret, &other);
	}
	qsort(known, n, sizeof(known[0]), compare);
	const struct sieve sieve = { .v6 = rig->v6,
				     .flooded = true,
				     .secret = &rig->secret,
				     .share = share,
				     .known = known,
				     .nknown = n };
	return sieve_attach(rig->port, &sieve);
}

static void in_a_flood_calls_are_heard(struct rig *rig)
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
	assert_false(comes(rig, STRANGER, p, LEN));
	assert_false(comes(rig, STRANGER, stun, n));
	assert_false(comes(rig, STRANGER, dtls, LEN));
}

static void in_a_flood_known_addresses_are_heard(void **state)
{
	static const size_t many[] = { FRIENDS, 8, 9, 50, 400 };
	struct rig rig;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		rig_open(&rig, v6);
		for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++) {
			assert_int_equal(attach_flooded(&rig, many[i], 0), 0);
			in_a_flood_calls_are_heard(&rig);
		}
		rig_close(&rig);
	}
}

/* The kernel may not take so long a filter (net.core.optmem_max); if it does,
 * it is right. */
static void the_longest_filter_is_right_or_refused(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, false);
	int r = attach_flooded(&rig, SIEVE_KNOWN_MAX, 0);
	if (r)
		assert_int_equal(r, -ENOMEM);
	else
		in_a_flood_calls_are_heard(&rig);
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

/* Whoever knows one key does not know those of other ports. */
static void keys_differ_with_address_port_and_secret(void **state)
{
	struct sieve_secret one, other;
	struct addr a, b;

	(void)state;
	sieve_secret_init(&one);
	sieve_secret_init(&other);
	assert_int_equal(addr_parse(&a, slice_of("192.0.2.1"), 1000), 0);
	b = a;
	assert_int_equal(sieve_key(&one, &a), sieve_key(&one, &b));
	assert_int_not_equal(sieve_key(&one, &a), sieve_key(&other, &a));
	addr_set_port(&b, 1001);
	assert_int_not_equal(sieve_key(&one, &a), sieve_key(&one, &b));
	assert_int_equal(addr_parse(&b, slice_of("192.0.2.2"), 1000), 0);
	assert_int_not_equal(sieve_key(&one, &a), sieve_key(&one, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_has_a_form_comes_through),
		cmocka_unit_test(in_a_flood_known_addresses_are_heard),
		cmocka_unit_test(the_longest_filter_is_right_or_refused),
		cmocka_unit_test(without_known_addresses_chance_decides),
		cmocka_unit_test(a_flood_that_is_over_leaves_nothing_behind),
		cmocka_unit_test(keys_differ_with_address_port_and_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
