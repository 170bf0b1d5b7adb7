/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What outsiders send into a handshake. */
#include "tests/mock/dtls_pair.h"

#include <string.h>
#include <unistd.h>

#include "media/dtls_bio.h"
#include "media/dtls_record.h"
#include "tests/test.h"

/* Whatever an outsider sends to @end between two datagrams of the peer. */
static void forge(struct pair_end *end, unsigned i)
{
	static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0,
					 0,  0,    9,    0, 2, 2, 40 };
	static const uint8_t ccs[] = { 20, 0xfe, 0xfd, 0, 0, 0, 0,
				       0,  0,    0,    8, 0, 1, 1 };
	uint8_t junk[200];

	for (size_t k = 0; k < sizeof(junk); k++)
		junk[k] = (uint8_t)(k * 31 + i);
	dtls_recv(end->dtls, junk, sizeof(junk), pair.now_ms);
	junk[0] = 22;
	junk[1] = 0xfe;
	junk[2] = 0xfd;
	dtls_recv(end->dtls, junk, sizeof(junk), pair.now_ms);
	junk[3] = 0; /* data of an epoch to come, a whole record */
	junk[4] = 1;
	junk[11] = 0;
	junk[12] = sizeof(junk) - 13;
	dtls_recv(end->dtls, junk, sizeof(junk), pair.now_ms);
	junk[0] = 23;
	dtls_recv(end->dtls, junk, sizeof(junk), pair.now_ms);
	dtls_recv(end->dtls, alert, sizeof(alert), pair.now_ms);
	dtls_recv(end->dtls, ccs, sizeof(ccs), pair.now_ms);
	dtls_recv(end->dtls, alert, 3, pair.now_ms);
	dtls_recv(end->dtls, NULL, 0, pair.now_ms);
}

static void garbage_and_forged_alerts_change_nothing(void **state)
{
	(void)state;
	bool more = true;

	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	forge(&pair.a, 0);
	forge(&pair.b, 0);
	pair_start();
	for (unsigned i = 0; more; i++) {
		forge(&pair.a, i);
		forge(&pair.b, i);
		more = pair_receive_one(&pair.a);
		more = pair_receive_one(&pair.b) || more;
	}
	pair_assert_mirrored();
	pair_close();
}

static void a_forged_server_hello_costs_an_attempt_not_the_call(void **state)
{
	(void)state;
	/* A ServerHello of version 0: a fatal error for OpenSSL. */
	static const uint8_t hello[13 + 12 + 38] = {
		22, 0xfe, 0xfd, 0,  0, 0, 0, 0, 0, 0, 9, 0,  50,
		2,  0,    0,    38, 0, 0, 0, 0, 0, 0, 0, 38,
	};

	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	dtls_recv(pair.a.dtls, hello, sizeof(hello), pair.now_ms);
	assert_string_not_equal(dtls_reason(pair.a.dtls), "");
	assert_int_equal(pair.a.failed, 0);
	/* B holds a handshake with the dead attempt; the next one replaces it
	 * once that is stale. */
	pair_exchange();
	for (unsigned i = 0; i < 200 && !pair_is_connected(); i++) {
		pair.now_ms += 20;
		dtls_tick(pair.a.dtls, pair.now_ms);
		dtls_tick(pair.b.dtls, pair.now_ms);
		pair_exchange();
	}
	pair_exchange_until(pair_is_connected, 4000);
	pair_assert_mirrored();
	pair_close();
}

static void a_forged_client_hello_does_not_keep_the_true_one_out(void **state)
{
	(void)state;
	struct pair_end other = { .peer = &pair.a };

	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	other.peer = &pair.b; /* its datagrams reach B as if they came from A */
	pair_open_end(&other, pair.cert_a, true);
	dtls_start(other.dtls, pair.now_ms);
	dtls_start(pair.b.dtls, pair.now_ms);
	pair_exchange(); /* B answers into the void: A has not started */
	pair.a.first = pair.a.last;
	pair.now_ms += 100;
	dtls_start(pair.a.dtls, pair.now_ms);
	pair_exchange();
	assert_int_equal(pair.b.connected, 0);
	pair.now_ms += DTLS_STALE_MS;
	/* A's ClientHello, repeated by OpenSSL after its 200 ms. */
	usleep(DTLS_RETRANSMIT_MS * 1000);
	dtls_tick(pair.a.dtls, pair.now_ms);
	pair_exchange();
	pair_assert_mirrored();
	dtls_free(other.dtls);
	pair_close();
}

static void past_the_input_limit_it_is_deaf(void **state)
{
	(void)state;
	/* A handshake record that OpenSSL would keep: of the next epoch. */
	uint8_t junk[1013] = { 22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 3, 232 };

	pair_open();
	pair_trust(&pair.a, pair.cert_b);
	pair_trust(&pair.b, pair.cert_a);
	pair_start();
	for (unsigned i = 0; i < 100; i++)
		dtls_recv(pair.a.dtls, junk, sizeof(junk), pair.now_ms);
	pair_exchange();
	assert_int_equal(pair.a.connected + pair.a.failed, 0);
	dtls_tick(pair.a.dtls, PAIR_T0 + DTLS_HANDSHAKE_MS);
	assert_int_equal(pair.a.failed, 1);
	pair_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_and_forged_alerts_change_nothing),
		cmocka_unit_test(
			a_forged_server_hello_costs_an_attempt_not_the_call),
		cmocka_unit_test(
			a_forged_client_hello_does_not_keep_the_true_one_out),
		cmocka_unit_test(past_the_input_limit_it_is_deaf),
	};

	return cmocka_run_group_tests(tests, pair_open_certs, pair_close_certs);
}
