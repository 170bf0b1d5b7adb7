/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What outsiders send into a handshake. */
#include "tests/unit/media/dtls_rig.h"

/* Whatever an outsider sends to @end between two datagrams of the peer. */
static void forge(struct end *end, unsigned i)
{
	static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0,
					 0,  0,    9,    0, 2, 2, 40 };
	static const uint8_t ccs[] = { 20, 0xfe, 0xfd, 0, 0, 0, 0,
				       0,  0,    0,    8, 0, 1, 1 };
	uint8_t junk[200];

	for (size_t k = 0; k < sizeof(junk); k++)
		junk[k] = (uint8_t)(k * 31 + i);
	dtls_recv(end->dtls, junk, sizeof(junk), now_ms);
	junk[0] = 22;
	junk[1] = 0xfe;
	junk[2] = 0xfd;
	dtls_recv(end->dtls, junk, sizeof(junk), now_ms);
	junk[3] = 0; /* data of an epoch to come, a whole record */
	junk[4] = 1;
	junk[11] = 0;
	junk[12] = sizeof(junk) - 13;
	dtls_recv(end->dtls, junk, sizeof(junk), now_ms);
	junk[0] = 23;
	dtls_recv(end->dtls, junk, sizeof(junk), now_ms);
	dtls_recv(end->dtls, alert, sizeof(alert), now_ms);
	dtls_recv(end->dtls, ccs, sizeof(ccs), now_ms);
	dtls_recv(end->dtls, alert, 3, now_ms);
	dtls_recv(end->dtls, NULL, 0, now_ms);
}

static void garbage_and_forged_alerts_change_nothing(void **state)
{
	(void)state;
	bool more = true;

	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	forge(&a, 0);
	forge(&b, 0);
	start_both();
	for (unsigned i = 0; more; i++) {
		forge(&a, i);
		forge(&b, i);
		more = receive_one(&a);
		more = receive_one(&b) || more;
	}
	assert_mirrored();
	ends_close();
}

static void a_forged_server_hello_costs_an_attempt_not_the_call(void **state)
{
	(void)state;
	/* A ServerHello of version 0: a fatal error for OpenSSL. */
	static const uint8_t hello[13 + 12 + 38] = {
		22, 0xfe, 0xfd, 0,  0, 0, 0, 0, 0, 0, 9, 0,  50,
		2,  0,    0,    38, 0, 0, 0, 0, 0, 0, 0, 38,
	};

	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	start_both();
	dtls_recv(a.dtls, hello, sizeof(hello), now_ms);
	assert_string_not_equal(dtls_reason(a.dtls), "");
	assert_int_equal(a.failed, 0);
	/* B holds a handshake with the dead attempt; the next one replaces it
	 * once that is stale. */
	exchange();
	for (unsigned i = 0; i < 200 && !both_connected(); i++) {
		now_ms += 20;
		dtls_tick(a.dtls, now_ms);
		dtls_tick(b.dtls, now_ms);
		exchange();
	}
	exchange_until(both_connected, 4000);
	assert_mirrored();
	ends_close();
}

static void a_forged_client_hello_does_not_keep_the_true_one_out(void **state)
{
	(void)state;
	struct end other = { .peer = &a };

	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	other.peer = &b; /* its datagrams reach B as if they came from A */
	end_open(&other, cert_a, true);
	dtls_start(other.dtls, now_ms);
	dtls_start(b.dtls, now_ms);
	exchange(); /* B answers into the void: A has not started */
	a.first = a.last;
	now_ms += 100;
	dtls_start(a.dtls, now_ms);
	exchange();
	assert_int_equal(b.connected, 0);
	now_ms += DTLS_STALE_MS;
	/* A's ClientHello, repeated by OpenSSL after its 200 ms. */
	usleep(DTLS_RETRANSMIT_MS * 1000);
	dtls_tick(a.dtls, now_ms);
	exchange();
	assert_mirrored();
	dtls_free(other.dtls);
	ends_close();
}

static void past_the_input_limit_it_is_deaf(void **state)
{
	(void)state;
	/* A handshake record that OpenSSL would keep: of the next epoch. */
	uint8_t junk[1013] = { 22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 3, 232 };

	ends_open();
	trust(&a, cert_b);
	trust(&b, cert_a);
	start_both();
	for (unsigned i = 0; i < 100; i++)
		dtls_recv(a.dtls, junk, sizeof(junk), now_ms);
	exchange();
	assert_int_equal(a.connected + a.failed, 0);
	dtls_tick(a.dtls, T0 + DTLS_HANDSHAKE_MS);
	assert_int_equal(a.failed, 1);
	ends_close();
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

	return cmocka_run_group_tests(tests, open_certs, close_certs);
}
