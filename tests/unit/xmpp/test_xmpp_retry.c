/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the component stream does without I/O: waiting, and its handshake. */
#include "xmpp/xmpp_retry.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_handshake.h"

enum { MIN = 1000, MAX = 30000, REFUSED = 20000, TRIES = 200 };

static void waits_grow_by_an_eighth_up_to_their_limit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		struct xmpp_retry retry = { MIN, MAX, REFUSED, 0 };
		unsigned reached = 2 * MIN;

		for (size_t k = 0; k < 40; k++) {
			assert_in_range(xmpp_retry_next(&retry), reached / 2,
					reached);
			reached += reached / 8;
			reached = reached < MAX ? reached : MAX;
		}
		assert_int_equal(reached, MAX);
		xmpp_retry_reset(&retry);
		assert_in_range(xmpp_retry_next(&retry), MIN, 2 * MIN);
	}
}

static void a_conflict_counts_much(void **state)
{
	struct xmpp_retry retry = { MIN, MAX, REFUSED, 0 };

	(void)state;
	xmpp_retry_conflict(&retry);
	assert_in_range(xmpp_retry_next(&retry), 4 * MIN, 9 * MIN);
	retry.attempts = UINT_MAX;
	xmpp_retry_conflict(&retry);
	assert_int_equal(retry.attempts, UINT_MAX);
}

static void waits_differ(void **state)
{
	unsigned first = 0;
	bool differ = false;

	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		struct xmpp_retry retry = { MIN, MAX, REFUSED, 9 };
		unsigned ms = xmpp_retry_next(&retry);

		differ = differ || (first && ms != first);
		first = ms;
	}
	assert_true(differ);
}

static void a_refused_secret_waits_long_and_counts_nothing(void **state)
{
	struct xmpp_retry retry = { MIN, MAX, REFUSED, 0 };

	(void)state;
	for (unsigned i = 0; i < TRIES; i++)
		assert_in_range(xmpp_retry_refused(&retry), REFUSED,
				2 * REFUSED - 1);
	assert_in_range(xmpp_retry_next(&retry), MIN, 2 * MIN);
}

/* XEP-0114, 3: SHA-1 of the id and the secret, in small hexadecimal. */
static void the_handshake_is_the_hash_of_id_and_secret(void **state)
{
	AUTO(stanza_freep) struct stanza *handshake = NULL;

	(void)state;
	assert_int_equal(xmpp_handshake_new(&handshake, "ab", "c"), 0);
	assert_true(stanza_is(handshake, "handshake", STANZA_NS));
	assert_string_equal(stanza_text(handshake),
			    "a9993e364706816aba3e25717850c26c9cd0d89d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_by_an_eighth_up_to_their_limit),
		cmocka_unit_test(a_conflict_counts_much),
		cmocka_unit_test(waits_differ),
		cmocka_unit_test(
			a_refused_secret_waits_long_and_counts_nothing),
		cmocka_unit_test(the_handshake_is_the_hash_of_id_and_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
