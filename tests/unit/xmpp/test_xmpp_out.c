/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"

/* A socket whose buffer is small, and its other end. */
struct rig {
	struct xmpp_out out;
	int ours, theirs;
};

static void rig_init(struct rig *rig)
{
	int fds[2], size = 4096;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
		0);
	xmpp_out_init(&rig->out);
	rig->ours = fds[0];
	rig->theirs = fds[1];
}

static void rig_fini(struct rig *rig)
{
	xmpp_out_fini(&rig->out);
	close(rig->ours);
	if (rig->theirs >= 0)
		close(rig->theirs);
}

/* All that can be read now. */
static size_t drain(struct rig *rig, char *buf, size_t cap)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(rig->theirs, buf + n, cap - n, 0);
		if (got <= 0)
			return n;
		n += (size_t)got;
	}
}

static size_t drain_all(struct rig *rig, char *buf, size_t cap)
{
	size_t n = drain(rig, buf, cap);

	for (;;) {
		int r = xmpp_out_flush(&rig->out, rig->ours);
		n += drain(rig, buf + n, cap - n);
		if (!r)
			return n;
		assert_int_equal(r, XMPP_OUT_E_BLOCKED);
	}
}

static void what_fits_is_written_as_it_stands(void **state)
{
	(void)state;
	struct rig rig;
	char buf[64];

	rig_init(&rig);
	assert_int_equal(xmpp_out_add(&rig.out, "<a/>", 4), 0);
	assert_int_equal(xmpp_out_add(&rig.out, "<b/>", 4), 0);
	assert_int_equal(xmpp_out_flush(&rig.out, rig.ours), 0);
	assert_int_equal(drain(&rig, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "<a/><b/>", 8);
	assert_int_equal(rig.out.octets, 0);
	assert_int_equal(rig.out.stanzas, 0);
	rig_fini(&rig);
}

/* Prosody 0.12 would hold back a stanza whose end came alone. */
static void a_stanza_that_was_cut_is_followed_by_spaces(void **state)
{
	(void)state;
	enum { N = 60000 };
	char *text = malloc(N), *buf = malloc(4 * N);
	struct rig rig;

	assert_true(text && buf);
	memset(text, 'x', N);
	rig_init(&rig);
	assert_int_equal(xmpp_out_add(&rig.out, text, N), 0);
	assert_int_equal(xmpp_out_flush(&rig.out, rig.ours),
			 XMPP_OUT_E_BLOCKED);
	assert_int_equal(drain_all(&rig, buf, 4 * N), 2 * N);
	assert_memory_equal(buf, text, N);
	for (size_t i = N; i < 2 * N; i++)
		assert_int_equal(buf[i], ' ');
	/* one that follows does the same service */
	assert_int_equal(xmpp_out_add(&rig.out, text, N), 0);
	assert_int_equal(xmpp_out_flush(&rig.out, rig.ours),
			 XMPP_OUT_E_BLOCKED);
	assert_int_equal(xmpp_out_add(&rig.out, "<b/>", 4), 0);
	assert_int_equal(drain_all(&rig, buf, 4 * N), N + 4);
	assert_int_equal(rig.out.octets, 0);
	free(text);
	free(buf);
	rig_fini(&rig);
}

static void a_space_is_sent_on_an_idle_stream_alone(void **state)
{
	(void)state;
	struct rig rig;
	char buf[64];

	rig_init(&rig);
	assert_int_equal(xmpp_out_add_space(&rig.out), 0);
	assert_int_equal(xmpp_out_add(&rig.out, "<a/>", 4), 0);
	assert_int_equal(xmpp_out_add_space(&rig.out), 0);
	assert_int_equal(xmpp_out_flush(&rig.out, rig.ours), 0);
	assert_int_equal(drain(&rig, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, " <a/>", 5);
	rig_fini(&rig);
}

static void octets_and_stanzas_are_limited(void **state)
{
	(void)state;
	enum { N = 1024 * 1024 };
	char *text = malloc(N);
	struct rig rig;

	assert_non_null(text);
	memset(text, 'x', N);
	rig_init(&rig);
	for (size_t i = 0; i < XMPP_OUT_MAX / N; i++)
		assert_int_equal(xmpp_out_add(&rig.out, text, N), 0);
	assert_int_equal(xmpp_out_add(&rig.out, text, 1), XMPP_OUT_E_FULL);
	xmpp_out_fini(&rig.out);
	for (size_t i = 0; i < XMPP_OUT_MAX_STANZAS; i++)
		assert_int_equal(xmpp_out_add(&rig.out, text, 1), 0);
	assert_int_equal(xmpp_out_add(&rig.out, text, 1), XMPP_OUT_E_FULL);
	free(text);
	rig_fini(&rig);
}

static void a_dead_socket_is_an_error(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig);
	close(rig.theirs);
	rig.theirs = -1;
	assert_int_equal(xmpp_out_add(&rig.out, "<a/>", 4), 0);
	assert_int_equal(xmpp_out_flush(&rig.out, rig.ours), -EPIPE);
	rig_fini(&rig);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct rig rig;
	int r;

	rig_init(&rig);
	FAIL_EACH_ALLOCATION(r, xmpp_out_add(&rig.out, "<a/>", 4))
	assert_int_equal(rig.out.stanzas, 1);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_written_as_it_stands),
		cmocka_unit_test(a_stanza_that_was_cut_is_followed_by_spaces),
		cmocka_unit_test(a_space_is_sent_on_an_idle_stream_alone),
		cmocka_unit_test(octets_and_stanzas_are_limited),
		cmocka_unit_test(a_dead_socket_is_an_error),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
