/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sources in any order, and what SRTP says of what leaves. */
#include "tests/unit/media/relay_rig.h"

#include "media/srtp.h"

/* A small generator, the same on every machine. */
static uint32_t draw(uint64_t *random, uint32_t below)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((*random >> 33) % below);
}

/* Three sources that take turns, jump, and send packets late. */
struct crowd {
	uint64_t random;
	uint32_t who;
	uint16_t seq[3];
	uint32_t ts[3];
	bool holds;
	uint16_t held; /* a sequence number that comes later */
};

static int crowd_speak(struct crowd *crowd)
{
	uint32_t dice = draw(&crowd->random, 1000);
	uint32_t who = crowd->who;
	uint16_t seq = crowd->seq[who];

	crowd->ts[who] += 160;
	if (dice < 3) {
		crowd->who = draw(&crowd->random, 3);
		crowd->holds = false;
	} else if (dice < 5) {
		crowd->seq[who] += 5000 + draw(&crowd->random, 50000);
		crowd->holds = false;
	} else if (dice < 50 && !crowd->holds) {
		crowd->holds = true;
		crowd->held = crowd->seq[who]++;
	} else if (dice < 200 && crowd->holds) {
		crowd->holds = false;
		return audio(who + 1, crowd->held, crowd->ts[who] - 160);
	}
	seq = crowd->seq[who]++;
	if (dice < 950)
		return audio(who + 1, seq, crowd->ts[who]);
	if (dice < 970)
		return comfort_noise_of(who + 1, seq);
	return dtmf(seq, crowd->ts[0], '5', false, dice & 2, 160);
}

static void no_keystream_is_used_twice_whatever_comes(void **state)
{
	(void)state;
	struct crowd crowd = { .random = 42, .seq = { 65400, 1, 30000 } };
	unsigned sent = 0, inserted = 0;
	const uint8_t key[30] = { 1 };
	struct srtp *srtp = NULL;
	uint8_t wire[300];
	size_t n;

	assert_int_equal(srtp_evp.new(&srtp, SRTP_PROTECT,
				      SRTP_AES128_CM_SHA1_80, key, 30),
			 0);
	for (unsigned i = 0; i < 200000; i++) {
		now_us += draw(&crowd.random, 40) * MS;
		if (!draw(&crowd.random, 300) && !relay.inserting.n)
			assert_int_equal(relay_digit(&relay, '#',
						     draw(&crowd.random, 200)),
					 0);
		if (!crowd_speak(&crowd)) {
			n = RTP_HDR_LEN + 4;
			memcpy(wire, octets, n);
			assert_int_equal(
				srtp_evp.rtp(srtp, wire, &n, sizeof(wire)), 0);
			sent++;
		}
		relay_insert(&relay, wire, sizeof(wire), &n, now_us);
		if (n) {
			assert_int_equal(
				srtp_evp.rtp(srtp, wire, &n, sizeof(wire)), 0);
			inserted++;
		}
	}
	assert_true(sent > 100000);
	assert_true(inserted > 1000);
	srtp_evp.free(srtp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, begin)
		TEST(no_keystream_is_used_twice_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
