/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* In a network namespace of its own, where addresses come and go at will. */
#include "media/host.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/unit/media/rig.h"

static bool alone; /* whether we got the namespace */

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
	(void)state;
	if (!alone)
		return 0;
	run("ip link set lo up && ip link add d0 type veth peer name d1 && "
	    "ip addr add 10.77.0.1/24 dev d0 && ip link set d0 up && "
	    "ip link set d1 up");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (alone)
		run("ip link del d0");
	return 0;
}

static struct addr ip(const char *text)
{
	return rig_addr(text, 0);
}

static void interfaces_are_listed_without_what_nobody_reaches(void **state)
{
	(void)state;
	struct host_list list;
	struct addr here = ip("10.77.0.1"), loopback = ip("127.0.0.1");

	if (!alone)
		skip();
	assert_int_equal(host_list_read(&list, false), 0);
	assert_int_equal(list.n, 1); /* neither loopback nor fe80:: */
	assert_true(host_list_has(&list, &here));
	assert_int_equal(host_list_read(&list, true), 0);
	assert_true(host_list_has(&list, &loopback));
	assert_true(addr_same_ip(&list.addrs[0], &here));
}

static void routing_tells_the_local_address(void **state)
{
	(void)state;
	struct addr near = ip("10.77.0.9"), far = ip("192.0.2.1"), out;
	struct addr here = ip("10.77.0.1");

	if (!alone)
		skip();
	assert_int_equal(host_route(&out, &near), 0);
	assert_true(addr_equal(&out, &here));
	assert_int_equal(host_route(&out, &far), -ENETUNREACH);
}

static void the_watch_tells_of_addresses_that_come_and_go(void **state)
{
	(void)state;
	int fd;

	if (!alone)
		skip();
	assert_int_equal(host_watch_open(&fd), 0);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	run("ip addr add 10.77.0.2/24 dev d0");
	assert_int_equal(poll(&pollfd, 1, 1000), 1);
	host_watch_drain(fd);
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	run("ip addr del 10.77.0.2/24 dev d0");
	assert_int_equal(poll(&pollfd, 1, 1000), 1);
	close(fd);
}

static void a_call_whose_address_is_gone_is_told_to_move(void **state)
{
	(void)state;
	struct rig rig = { .ip = "127.0.0.1", .any = true };
	struct rig_seen seen = { 0 };
	AUTO(media_content_fini) struct media_content content = { 0 };
	struct addr there = ip("10.77.0.2");
	struct bridge *bridge;

	if (!alone)
		skip();
	rig.base = event_base_new();
	rig.left = rig_media(&rig, 1, 0);
	assert_int_equal(
		bridge_new(&bridge, rig.left, "l", &rig_handlers, &seen), 0);
	assert_int_equal(
		bridge_open(bridge, MEDIA_SIDE_A, MEDIA_ICE, true, NULL), 0);
	assert_int_equal(bridge_local(bridge, MEDIA_SIDE_A, &content), 0);
	/* One more is no reason to disturb a call. */
	run("ip addr add 10.77.0.2/24 dev d0");
	rig_wait(&rig, 800);
	assert_int_equal(seen.moved[MEDIA_SIDE_A], 0);
	/* Deleting the first deletes its secondaries too. */
	run("ip addr del 10.77.0.1/24 dev d0 && "
	    "(ip addr add 10.77.0.2/24 dev d0 2>/dev/null || true)");
	RIG_UNTIL(&rig, seen.moved[MEDIA_SIDE_A]);
	assert_int_equal(bridge_restart(bridge, MEDIA_SIDE_A), 0);
	assert_int_equal(bridge_local(bridge, MEDIA_SIDE_A, &content), 0);
	assert_true(addr_same_ip(&content.cands[0].addr, &there));
	rig_wait(&rig, 100);
	assert_int_equal(seen.moved[MEDIA_SIDE_A], 1);
	bridge_free(bridge);
	media_free(rig.left);
	event_base_free(rig.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			interfaces_are_listed_without_what_nobody_reaches,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(routing_tells_the_local_address,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_watch_tells_of_addresses_that_come_and_go, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_call_whose_address_is_gone_is_told_to_move, set_up,
			tear_down),
	};

	alone = !unshare(CLONE_NEWNET) ||
		!unshare(CLONE_NEWUSER | CLONE_NEWNET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
