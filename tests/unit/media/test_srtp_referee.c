/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * libsrtp2 as the referee of our own engine: the same pseudo-random traffic
 * goes through both, and every verdict and every octet must be the same.
 */
#include "tests/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "media/srtp.h"

enum {
	CAP = 512,
	STEPS = 20000,
	SEEDS = 3,
	NSSRCS = 10,   /* two more than are taken */
	NSTORED = 160, /* datagrams on the network; more than the window */
};

struct datagram {
	bool rtcp;
	size_t n;
	uint8_t p[CAP];
};

struct play {
	enum srtp_profile profile;
	uint64_t random;
	struct srtp *tx[2], *rx[2];
	uint32_t seq[NSSRCS]; /* with rollovers */
	struct datagram stored[NSTORED];
	size_t nstored;
	unsigned long sent, refused, taken, outcomes[8];
};

static const struct srtp_engine *const engines[2] = { &srtp_evp,
						      &srtp_libsrtp2 };

static const struct {
	enum srtp_profile profile;
	size_t key_len;
} profiles[] = {
	{ SRTP_AES128_CM_SHA1_80, 30 },
	{ SRTP_AES128_CM_SHA1_32, 30 },
	{ SRTP_AEAD_AES_128_GCM, 28 },
	{ SRTP_AEAD_AES_256_GCM, 44 },
};

/* xorshift64*: the same sequence on every machine. */
static uint32_t draw(struct play *play, uint32_t below)
{
	uint64_t x = play->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	play->random = x;
	return (uint32_t)((x * UINT64_C(2685821657736338717) >> 32) % below);
}

static int act(const struct srtp_engine *engine, struct srtp *srtp,
	       struct datagram *d)
{
	return d->rtcp ? engine->rtcp(srtp, d->p, &d->n, sizeof(d->p))
		       : engine->rtp(srtp, d->p, &d->n, sizeof(d->p));
}

/* Through both engines; the verdict they agree on. */
static int both(struct srtp *const srtp[2], struct datagram *d)
{
	struct datagram other = *d;

	int ours = act(engines[0], srtp[0], d);
	int theirs = act(engines[1], srtp[1], &other);
	assert_int_equal(ours, theirs);
	if (!ours) {
		assert_int_equal(d->n, other.n);
		assert_memory_equal(d->p, other.p, d->n);
	}
	return ours;
}

static void put(uint8_t *p, uint32_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

/* The sequence number: mostly the next one; gaps, jumps and old ones too. */
static uint16_t next_seq(struct play *play, uint32_t who)
{
	uint32_t dice = draw(play, 1000);

	if (dice < 30) /* sent already, or perhaps not */
		return (uint16_t)(play->seq[who] - draw(play, 200));
	if (dice < 100)
		play->seq[who] += draw(play, 300);
	else if (dice < 103)
		play->seq[who] += draw(play, 32000);
	else
		play->seq[who]++;
	return (uint16_t)play->seq[who];
}

static void make_rtp(struct play *play, struct datagram *d)
{
	uint32_t who = draw(play, 40);
	uint32_t ncsrcs = draw(play, 8) ? 0 : draw(play, 16);
	bool extension = !draw(play, 4);
	uint32_t words = extension ? draw(play, 6) : 0;

	/* Most traffic is of two sources, as in a call. */
	who = who < NSSRCS ? who : who % 2;
	d->rtcp = false;
	d->n = 12 + 4 * ncsrcs + (extension ? 4 + 4 * words : 0) +
	       draw(play, 180);
	for (size_t i = 0; i < d->n; i++)
		d->p[i] = (uint8_t)draw(play, 256);
	d->p[0] = (uint8_t)(0x80 | ncsrcs | (extension ? 0x10 : 0));
	put(d->p + 2, next_seq(play, who), 2);
	put(d->p + 8, 1000 + who, 4);
	if (extension)
		put(d->p + 12 + 4 * ncsrcs + 2, words, 2);
}

static void make_rtcp(struct play *play, struct datagram *d)
{
	d->rtcp = true;
	d->n = 8 + draw(play, 200);
	for (size_t i = 0; i < d->n; i++)
		d->p[i] = (uint8_t)draw(play, 256);
	d->p[0] = 0x80;
	d->p[1] = 200;
	put(d->p + 4, 1000 + draw(play, 3), 4);
}

static void send_one(struct play *play)
{
	struct datagram *d = &play->stored[play->nstored];

	if (play->nstored == NSTORED) /* the oldest is lost or goes anew */
		d = &play->stored[draw(play, NSTORED)];
	struct datagram made;
	if (draw(play, 12))
		make_rtp(play, &made);
	else
		make_rtcp(play, &made);
	int r = both(play->tx, &made);
	play->outcomes[r]++;
	if (r) {
		play->refused++;
		return;
	}
	play->sent++;
	*d = made;
	if (d == &play->stored[play->nstored])
		play->nstored++;
}

static void damage(struct play *play, struct datagram *d)
{
	switch (draw(play, 4)) {
	case 0:
		d->p[draw(play, (uint32_t)d->n)] ^=
			(uint8_t)(1 << draw(play, 8));
		break;
	case 1: /* the last octets: tag, index, E bit */
		d->p[d->n - 1 - draw(play, 20) % d->n] ^=
			(uint8_t)(1 + draw(play, 255));
		break;
	case 2:
		d->n = draw(play, (uint32_t)d->n + 1);
		break;
	default:
		d->n += draw(play, (uint32_t)(CAP - d->n));
	}
}

/* The newest mostly; else any, and it may come again. */
static void deliver_one(struct play *play)
{
	if (!play->nstored)
		return;
	size_t newest = play->nstored - 1;
	size_t at =
		draw(play, 4) ? newest : draw(play, (uint32_t)play->nstored);
	struct datagram d = play->stored[at];
	bool damaged = !draw(play, 12);

	if (damaged)
		damage(play, &d);
	int r = both(play->rx, &d);
	assert_true(r >= 0 && r < 8);
	play->outcomes[r]++;
	play->taken += !r;
	if (!damaged && !draw(play, 2)) {
		play->stored[at] = play->stored[newest];
		play->nstored--;
	}
}

static void play_open(struct play *play, size_t profile, uint64_t seed)
{
	uint8_t key[46];

	*play = (struct play){ .random = seed,
			       .profile = profiles[profile].profile };
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)draw(play, 256);
	for (size_t i = 0; i < NSSRCS; i++)
		play->seq[i] = draw(play, 65536);
	play->seq[0] = 65400;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(engines[i]->new (&play->tx[i], SRTP_PROTECT,
						  play->profile, key,
						  profiles[profile].key_len),
				 0);
		assert_int_equal(engines[i]->new (&play->rx[i], SRTP_UNPROTECT,
						  play->profile, key,
						  profiles[profile].key_len),
				 0);
	}
}

static void play_close(struct play *play)
{
	for (size_t i = 0; i < 2; i++) {
		engines[i]->free(play->tx[i]);
		engines[i]->free(play->rx[i]);
	}
}

static void both_engines_give_the_same_verdicts_and_octets(void **state)
{
	(void)state;
	static struct play play;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			play_open(&play, i, seed * 7919);
			for (unsigned step = 0; step < STEPS; step++) {
				send_one(&play);
				if (draw(&play, 10))
					deliver_one(&play);
			}
			/* Every kind of verdict was given. */
			assert_true(play.sent > STEPS / 2);
			assert_true(play.taken > STEPS / 4);
			assert_true(play.outcomes[SRTP_E_AUTH]);
			assert_true(play.outcomes[SRTP_E_REPLAY]);
			assert_true(play.outcomes[SRTP_E_SYNTAX]);
			assert_true(play.outcomes[SRTP_E_LIMIT]);
			assert_true(play.outcomes[SRTP_E_REUSE]);
			assert_true(play.seq[0] > 4 * 65536);
			play_close(&play);
		}
	}
}

static void each_engine_reads_what_the_other_wrote(void **state)
{
	(void)state;
	static struct play play;
	struct datagram d;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		play_open(&play, i, 4711);
		for (unsigned step = 0; step < 1000; step++) {
			struct datagram plain;
			make_rtp(&play, &plain);
			put(plain.p + 2, step + 65000, 2);
			put(plain.p + 8, 42, 4);
			for (size_t from = 0; from < 2; from++) {
				d = plain;
				assert_int_equal(
					act(engines[from], play.tx[from], &d),
					0);
				assert_true(d.n > plain.n);
				assert_int_equal(act(engines[1 - from],
						     play.rx[1 - from], &d),
						 0);
				assert_int_equal(d.n, plain.n);
				assert_memory_equal(d.p, plain.p, d.n);
			}
		}
		play_close(&play);
	}
}

static void libsrtp2_says_that_it_cannot_restore(void **state)
{
	(void)state;
	static struct play play;

	play_open(&play, 0, 5);
	assert_int_equal(srtp_libsrtp2.restore(play.tx[1], 1, 5, 5), -ENOTSUP);
	play_close(&play);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			both_engines_give_the_same_verdicts_and_octets),
		cmocka_unit_test(each_engine_reads_what_the_other_wrote),
		cmocka_unit_test(libsrtp2_says_that_it_cannot_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
