/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Microseconds a packet costs both SRTP engines, with few and many sessions: a
 * session is one object that protects and one that unprotects; 20 ms of G.711.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "media/srtp.h"

enum { RTP_LEN = 172, CAP = 256, SESSIONS_MAX = 1000, LIMIT_MS = 1500 };

static const struct {
	const char *name;
	enum srtp_profile profile;
	size_t key_len;
} profiles[] = {
	{ "AES_CM_128_HMAC_SHA1_80", SRTP_AES128_CM_SHA1_80, 30 },
	{ "AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM, 28 },
	{ "AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, 44 },
};

struct session {
	struct srtp *tx, *rx;
};

/* Processor time: others may use the machine. */
static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static size_t make(uint8_t *p, uint16_t seq)
{
	memset(p, 0x55, RTP_LEN);
	p[0] = 0x80;
	p[1] = 0;
	p[2] = (uint8_t)(seq >> 8);
	p[3] = (uint8_t)seq;
	return RTP_LEN;
}

static int die(const char *what, int r)
{
	fprintf(stderr, "bench_srtp: %s: %d\n", what, r);
	exit(1);
}

/* One packet of each session in turn, as a worker meets them. */
static void run(const struct srtp_engine *engine, size_t profile,
		struct session *sessions, size_t n)
{
	static uint8_t packets[SESSIONS_MAX][CAP];
	static size_t lens[SESSIONS_MAX];
	double tx_us = 0, rx_us = 0, begin;
	unsigned long rounds = 0;
	int r;

	while (tx_us + rx_us < LIMIT_MS * 1000.0 && rounds < 60000) {
		for (size_t i = 0; i < n; i++)
			lens[i] = make(packets[i], (uint16_t)rounds);
		begin = cpu_us();
		for (size_t i = 0; i < n; i++)
			if ((r = engine->rtp(sessions[i].tx, packets[i],
					     &lens[i], CAP)))
				die("protect", r);
		tx_us += cpu_us() - begin;
		begin = cpu_us();
		for (size_t i = 0; i < n; i++)
			if ((r = engine->rtp(sessions[i].rx, packets[i],
					     &lens[i], CAP)))
				die("unprotect", r);
		rx_us += cpu_us() - begin;
		rounds++;
	}
	printf("%-9s %-24s sessions=%-5zu protect_us=%.3f unprotect_us=%.3f\n",
	       engine->name, profiles[profile].name, n,
	       tx_us / (double)(rounds * n), rx_us / (double)(rounds * n));
}

static void measure(const struct srtp_engine *engine, size_t profile, size_t n)
{
	static struct session sessions[SESSIONS_MAX];
	int r;

	for (size_t i = 0; i < n; i++) {
		uint8_t key[46] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };
		r = engine->new (&sessions[i].tx, SRTP_PROTECT,
				 profiles[profile].profile, key,
				 profiles[profile].key_len);
		if (!r)
			r = engine->new (&sessions[i].rx, SRTP_UNPROTECT,
					 profiles[profile].profile, key,
					 profiles[profile].key_len);
		if (r)
			die("new", r);
	}
	run(engine, profile, sessions, n);
	for (size_t i = 0; i < n; i++) {
		engine->free(sessions[i].tx);
		engine->free(sessions[i].rx);
	}
}

int main(void)
{
	static const struct srtp_engine *const engines[] = { &srtp_evp,
							     &srtp_libsrtp2 };
	static const size_t counts[] = { 10, 1000 };

	for (size_t e = 0; e < 2; e++)
		for (size_t p = 0; p < sizeof(profiles) / sizeof(*profiles);
		     p++)
			for (size_t c = 0; c < 2; c++)
				measure(engines[e], p, counts[c]);
	return 0;
}
