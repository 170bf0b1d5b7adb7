/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/port.h"

#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/handover.h"
#include "tests/test.h"

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of(text), 0), 0);
	return a;
}

static struct port_pool *pool_of(uint16_t min, uint16_t max)
{
	struct port_pool *pool = NULL;

	assert_int_equal(port_pool_new(&pool, min, max), 0);
	return pool;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof(name);
	struct addr a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &n), 0);
	assert_int_equal(addr_from(&a, (struct sockaddr *)&name), 0);
	return addr_port(&a);
}

static void ranges_without_a_pair_are_refused(void **state)
{
	(void)state;
	struct port_pool *pool;

	assert_int_equal(port_pool_new(&pool, 5001, 5002), -EINVAL);
	assert_int_equal(port_pool_new(&pool, 5000, 5000), -EINVAL);
	assert_int_equal(port_pool_new(&pool, 6000, 5000), -EINVAL);
	assert_int_equal(port_pool_new(&pool, 0, 5000), -EINVAL);
	assert_int_equal(port_pool_new(&pool, 65535, 65535), -EINVAL);
	pool = pool_of(65534, 65535);
	port_pool_free(pool);
}

static void a_pair_is_an_even_port_and_the_next(void **state)
{
	(void)state;
	struct port_pool *pool = pool_of(35001, 35101);
	struct addr local = ip("127.0.0.1");
	struct port_pair pair;

	assert_int_equal(port_open(pool, &local, true, 1, &pair), 0);
	uint16_t port = addr_port(&pair.local);
	assert_in_range(port, 35002, 35100);
	assert_int_equal(port % 2, 0);
	assert_int_equal(bound_port(pair.rtp), port);
	assert_int_equal(bound_port(pair.rtcp), port + 1);
	assert_int_equal(port_pool_used(pool), 1);
	port_close(pool, &pair, 1);
	assert_int_equal(pair.rtp, -1);
	assert_int_equal(port_pool_used(pool), 0);
	port_close(pool, &pair, 1); /* again: nothing */
	assert_int_equal(port_pool_used(pool), 0);
	port_pool_free(pool);
}

static void a_port_rests_after_use(void **state)
{
	(void)state;
	struct port_pool *pool = pool_of(35200, 35201);
	struct addr local = ip("127.0.0.1");
	struct port_pair pair;

	assert_int_equal(port_open(pool, &local, true, 1000, &pair), 0);
	port_close(pool, &pair, 2000);
	assert_int_equal(
		port_open(pool, &local, true, 2000 + PORT_REST_MS - 1, &pair),
		-EADDRINUSE);
	assert_int_equal(
		port_open(pool, &local, true, 2000 + PORT_REST_MS, &pair), 0);
	port_close(pool, &pair, 90000);
	port_pool_free(pool);
}

static void ports_of_others_are_passed_over(void **state)
{
	(void)state;
	struct port_pool *pool = pool_of(35300, 35305);
	struct addr local = ip("127.0.0.1"), taken = local;
	struct port_pair pairs[3];
	int fd;

	addr_set_port(&taken, 35303); /* RTCP of the middle pair */
	assert_int_equal(port_socket(&fd, &taken, PORT_DSCP_EF), 0);
	assert_int_equal(port_open(pool, &local, true, 1, &pairs[0]), 0);
	assert_int_equal(port_open(pool, &local, true, 1, &pairs[1]), 0);
	assert_int_equal(port_open(pool, &local, true, 1, &pairs[2]),
			 -EADDRINUSE);
	assert_int_equal(port_pool_used(pool), 2);
	/* Its even port alone is free: nothing was left open. */
	assert_int_equal(port_open(pool, &local, false, 1, &pairs[2]), 0);
	assert_int_equal(addr_port(&pairs[2].local), 35302);
	assert_int_equal(pairs[2].rtcp, -1);
	for (int i = 0; i < 3; i++)
		port_close(pool, &pairs[i], 1);
	close(fd);
	port_pool_free(pool);
}

static void an_address_that_is_not_ours_is_an_error_not_a_search(void **state)
{
	(void)state;
	struct port_pool *pool = pool_of(35400, 35499);
	struct addr local = ip("192.0.2.1");
	struct port_pair pair;

	assert_int_equal(port_open(pool, &local, true, 1, &pair),
			 -EADDRNOTAVAIL);
	assert_int_equal(port_pool_used(pool), 0);
	port_pool_free(pool);
}

static void sockets_are_marked_for_speech(void **state)
{
	(void)state;
	struct port_pool *pool = pool_of(35500, 35599);
	struct addr local = ip("127.0.0.1");
	struct port_pair pair;
	int tos = 0;
	socklen_t n = sizeof(tos);

	assert_int_equal(port_open(pool, &local, true, 1, &pair), 0);
	assert_int_equal(getsockopt(pair.rtp, IPPROTO_IP, IP_TOS, &tos, &n), 0);
	assert_int_equal(tos, PORT_DSCP_EF << 2);
	port_close(pool, &pair, 1);
	port_pool_free(pool);
}

static void a_socket_of_before_is_marked_anew(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct addr local = ip(addresses[i]);
		int was, now, mark = 0;
		socklen_t n = sizeof(mark);

		addr_set_port(&local, 35600);
		assert_int_equal(port_socket(&was, &local, 0), 0);
		assert_int_equal(handover_offer(was), 0);
		assert_int_equal(port_socket(&now, &local, PORT_DSCP_EF), 0);
		assert_int_equal(now, was);
		assert_int_equal(getsockopt(now, i ? IPPROTO_IPV6 : IPPROTO_IP,
					    i ? IPV6_TCLASS : IP_TOS, &mark,
					    &n),
				 0);
		assert_int_equal(mark, PORT_DSCP_EF << 2);
		close(now);
	}
	assert_int_equal(handover_end(), 0);
}

static int bound(const char *address, uint16_t port)
{
	struct addr local = ip(address);
	int fd;

	addr_set_port(&local, port);
	assert_int_equal(port_socket(&fd, &local, 0), 0);
	return fd;
}

/* Whether what @from sends to @to, at @port, is heard there. */
static bool is_heard(int to, int from, const char *address, uint16_t port)
{
	struct addr at = ip(address);
	uint8_t p;

	addr_set_port(&at, port);
	assert_int_equal(
		sendto(from, "x", 1, MSG_DONTWAIT, &at.sa, addr_len(&at)), 1);
	return recv(to, &p, 1, MSG_DONTWAIT) == 1;
}

static void one_may_be_heard_alone(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *at = addresses[i];
		int us = bound(at, 35610), peer = bound(at, 35612);
		int other = bound(at, 35614);
		struct addr remote = ip(at);

		addr_set_port(&remote, 35612);
		assert_int_equal(port_hear_one(us, &remote), 0);
		assert_true(is_heard(us, peer, at, 35610));
		assert_false(is_heard(us, other, at, 35610));
		port_hear_all(us);
		assert_int_equal(bound_port(us), 35610);
		assert_true(is_heard(us, peer, at, 35610));
		assert_true(is_heard(us, other, at, 35610));
		close(us);
		close(peer);
		close(other);
	}
}

static void at_a_socket_of_before_all_are_heard(void **state)
{
	(void)state;
	struct addr remote = ip("127.0.0.1");
	int was = bound("127.0.0.1", 35620), other = bound("127.0.0.1", 35622);

	addr_set_port(&remote, 9);
	assert_int_equal(port_hear_one(was, &remote), 0);
	assert_int_equal(handover_offer(was), 0);
	assert_int_equal(bound("127.0.0.1", 35620), was);
	assert_true(is_heard(was, other, "127.0.0.1", 35620));
	close(was);
	close(other);
	assert_int_equal(handover_end(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_without_a_pair_are_refused),
		cmocka_unit_test(a_pair_is_an_even_port_and_the_next),
		cmocka_unit_test(a_port_rests_after_use),
		cmocka_unit_test(ports_of_others_are_passed_over),
		cmocka_unit_test(
			an_address_that_is_not_ours_is_an_error_not_a_search),
		cmocka_unit_test(sockets_are_marked_for_speech),
		cmocka_unit_test(a_socket_of_before_is_marked_anew),
		cmocka_unit_test(one_may_be_heard_alone),
		cmocka_unit_test(at_a_socket_of_before_all_are_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
