/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A flow of ICE with a worker that has no thread, so that time is ours, and a
 * peer at another socket that answers checks when it is told to. */
#include "media/flow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "media/stun.h"
#include "media/worker.h"
#include "tests/loopback.h"

enum { STEP_MS = 100, SECOND_MS = 1000 };

static const char OUR_PWD[] = "a password of our own...";
static const char PEER_PWD[] = "a password of the peer's";

struct bench {
	struct notices notices;
	struct worker *worker;
	struct circuit *circuit;
	struct flow *flow;
	int fd; /* the peer's */
	struct addr local, remote;
	struct media_fingerprint fingerprint; /* .len 0: none is known */
	bool answers, talks;                  /* the peer */
	unsigned checks;                      /* that came to it */
	bool failed;                          /* as the main thread was told */
	enum media_failure why;
};

static struct command_local local_of(const struct bench *b, const char *ufrag)
{
	struct command_local local = { .controlling = true, .ncands = 1 };

	memcpy(local.ufrag, ufrag, ICE_UFRAG_LEN);
	memcpy(local.pwd, OUR_PWD, ICE_PWD_LEN);
	local.cands[0].cand = (struct media_cand){ .component = 1,
						   .priority = 1,
						   .addr = b->local };
	local.cands[0].base = b->local;
	return local;
}

static void describe_peer(struct bench *b, const char *ufrag)
{
	struct command_ice_peer peer = {
		.active = false,
		.nfingerprints = b->fingerprint.len ? 1 : 0,
		.fingerprints = { b->fingerprint },
	};

	memcpy(peer.ufrag, ufrag, strlen(ufrag));
	memcpy(peer.pwd, PEER_PWD, sizeof(PEER_PWD));
	peer.cands[peer.ncands++] = (struct media_cand){ .component = 1,
							 .priority = 1,
							 .addr = b->remote };
	assert_int_equal(flow_ice_peer(b->flow, &peer), 0);
}

static void open_worker(struct bench *b)
{
	struct batch_socket sockets[BATCH_NSOCKETS] = { { .fd = -1 },
							{ .fd = -1 } };

	b->worker = calloc(1, sizeof(*b->worker));
	assert_non_null(b->worker);
	b->worker->config.notices = &b->notices;
	b->worker->config.allow_loopback = true;
	b->worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	b->worker->now_ms = SECOND_MS;
	b->worker->shared[BATCH_V4].fd = sockets[BATCH_V4].fd =
		loopback_open(SOCK_DGRAM, false, &b->local);
	STAILQ_INIT(&b->worker->touched);
	tuple_table_init(&b->worker->tuples);
	assert_int_equal(batch_new(&b->worker->batch, sockets), 0);
}

/* A call that was taken up: its pair is known, and media flows at once. */
static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(notices_init(&b->notices), 0);
	open_worker(b);
	b->fd = loopback_open(SOCK_DGRAM, false, &b->remote);
	b->answers = b->talks = true;
	assert_int_equal(
		circuit_new(&b->circuit, b->worker, NULL, NULL, "test"), 0);
	b->flow = &b->circuit->flows[MEDIA_SIDE_A];

	const struct command_local local = local_of(b, "ourselvs");
	const struct command_resume resume = { .local = b->local,
					       .remote = b->remote };
	assert_int_equal(flow_ice_open(b->flow, &local), 0);
	describe_peer(b, "peer");
	assert_int_equal(flow_ice_resume(b->flow, &resume), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	circuit_close(b->circuit);
	circuit_free(b->circuit);
	notices_fini(&b->notices);
	batch_free(b->worker->batch);
	close(b->worker->shared[BATCH_V4].fd);
	close(b->worker->epoll);
	close(b->fd);
	free(b->worker);
	free(b);
	return 0;
}

static void answer(struct bench *b, const struct stun_head *head)
{
	struct packet packet = { .local = b->local, .remote = b->remote };
	struct stun_packet out = { .kind = STUN_SUCCESS, .mapped = b->local };

	memcpy(out.tid, head->tid, STUN_TID_LEN);
	assert_int_equal(stun_encode(&out, slice_of(PEER_PWD), packet.p,
				     sizeof(packet.p), &packet.n),
			 0);
	flow_ice_stun(b->flow, &packet);
}

/* What came to the peer: checks, and nothing else is sent by a flow alone. */
static void serve(struct bench *b)
{
	uint8_t p[STUN_PACKET_MAX];
	struct stun_head head;
	ssize_t n;

	while ((n = recv(b->fd, p, sizeof(p), 0)) > 0) {
		assert_int_equal(stun_head(&head, p, (size_t)n), 0);
		b->checks += head.kind == STUN_REQUEST;
		if (head.kind == STUN_REQUEST && b->answers)
			answer(b, &head);
	}
}

static void hear_what_is_told(struct bench *b)
{
	struct notice notice;

	while (notices_take(&b->notices, &notice)) {
		if (!notice.sides[MEDIA_SIDE_A].failed)
			continue;
		b->failed = true;
		b->why = notice.sides[MEDIA_SIDE_A].why;
	}
}

static void run(struct bench *b, unsigned ms)
{
	for (unsigned t = 0; t < ms; t += STEP_MS) {
		b->worker->now_ms += STEP_MS;
		b->worker->now_us = b->worker->now_ms * 1000;
		if (b->talks)
			b->flow->last_rx_ms = b->worker->now_ms;
		(void)flow_ice_tick(b->flow, b->worker->now_ms);
		serve(b);
		hear_what_is_told(b);
	}
}

/* Until consent rests: the peer is heard, and answers no check. */
static void come_to_rest(struct bench *b)
{
	run(b, SECOND_MS);
	assert_true(flow_may_send(b->flow));
	b->answers = false;
	run(b, ICE_CONSENT_LOST_MS + 2 * SECOND_MS);
	assert_false(flow_may_send(b->flow) || flow_may_report(b->flow));
	assert_false(b->failed);
}

static void restart(struct bench *b)
{
	const struct command_local local = local_of(b, "restartd");

	assert_int_equal(flow_ice_restart(b->flow, &local), 0);
}

static void consent_that_is_back_ends_the_rest(void **state)
{
	struct bench *b = *state;

	come_to_rest(b);
	b->answers = true;
	restart(b);
	describe_peer(b, "peer2");
	run(b, SECOND_MS);
	assert_true(flow_may_send(b->flow) && flow_may_report(b->flow));
	assert_false(b->failed);
}

/* RFC 7675, 5.1: a restart is no consent; its first answered check is. */
static void a_restart_alone_ends_no_rest(void **state)
{
	struct bench *b = *state;

	come_to_rest(b);
	restart(b);
	assert_false(flow_may_send(b->flow) || flow_may_report(b->flow));
	unsigned checks = b->checks;
	describe_peer(b, "peer2");
	run(b, 5 * SECOND_MS);
	assert_true(b->checks > checks);
	assert_false(flow_may_send(b->flow) || flow_may_report(b->flow));
	b->answers = true;
	run(b, 5 * SECOND_MS);
	assert_true(flow_may_send(b->flow));
}

static void nor_does_one_after_consent_was_lost(void **state)
{
	struct bench *b = *state;

	b->talks = false;
	run(b, SECOND_MS);
	b->answers = false;
	run(b, ICE_CONSENT_LOST_MS + 2 * SECOND_MS);
	assert_true(b->failed);
	assert_int_equal(b->why, MEDIA_FAIL_CONSENT);
	restart(b);
	assert_false(flow_may_send(b->flow) || flow_may_report(b->flow));
	b->answers = true;
	describe_peer(b, "peer2");
	run(b, SECOND_MS);
	assert_true(flow_may_send(b->flow));
}

static void a_failure_during_the_rest_is_told(void **state)
{
	struct bench *b = *state;

	come_to_rest(b);
	flow_fail(b->flow, MEDIA_FAIL_FINGERPRINT);
	hear_what_is_told(b);
	assert_true(b->failed);
	assert_int_equal(b->why, MEDIA_FAIL_FINGERPRINT);
	/* and it outlasts the path's return */
	b->answers = true;
	restart(b);
	describe_peer(b, "peer2");
	run(b, SECOND_MS);
	assert_false(flow_may_send(b->flow));
}

static void a_restart_in_the_rest_that_comes_to_nothing_is_told(void **state)
{
	struct bench *b = *state;

	come_to_rest(b);
	restart(b);
	describe_peer(b, "peer2");
	run(b, ICE_FAIL_MS + SECOND_MS);
	assert_true(b->failed);
	assert_int_equal(b->why, MEDIA_FAIL_ICE);
}

/* What it said before would not leave. */
static void a_handshake_waits_for_the_end_of_the_rest(void **state)
{
	struct bench *b = *state;

	come_to_rest(b);
	b->fingerprint =
		(struct media_fingerprint){ .hash = "sha-256", .len = 32 };
	restart(b);
	describe_peer(b, "peer2");
	run(b, 5 * SECOND_MS);
	assert_null(b->flow->dtls.association);
	b->answers = true;
	run(b, 5 * SECOND_MS);
	assert_non_null(b->flow->dtls.association);
	assert_false(b->failed);
}

#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(consent_that_is_back_ends_the_rest),
		FLOW_TEST(a_restart_alone_ends_no_rest),
		FLOW_TEST(nor_does_one_after_consent_was_lost),
		FLOW_TEST(a_failure_during_the_rest_is_told),
		FLOW_TEST(a_restart_in_the_rest_that_comes_to_nothing_is_told),
		FLOW_TEST(a_handshake_waits_for_the_end_of_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
