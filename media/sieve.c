/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The program, in the order of its parts:
 *
 *     form      RTP, check, handshake, or refused; M[0] = what of it strangers
 *               may
 *     key       of the source: the fold of port and address
 *     tables    of what is known, one after the other: passed if all have its
 *               bit, else on to
 *     stranger  by chance
 *
 * Classic BPF has no arrays: a table is a tree of conditions on the bits of the
 * hash, whose leaves load a word each.
 *
 * A socket's filter sees the UDP header at offset 0, and the IP header by
 * SKF_NET_OFF.
 */
#include "media/sieve.h"

#include <assert.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/base/rand.h"
#include "media/stun.h"

enum {
	CODE_MAX = 2200,
	UDP_LEN = 8,
	V4_SOURCE = 12, /* in the IP header */
	V6_SOURCE = 8,
	STUN_COOKIE_AT = UDP_LEN + 4,
	STUN_LEN = 20,
	DTLS_LEN = 13,
	RTP_LEN = 12,
	WORD_BITS = 32,
	WHOLE = 65535,
	/* of the scratch memory */
	CHANCE = 0,
	KEY = 1,
	HASH = 2,
	/* so many addresses to a word of a table: an eighth of its bits is set
	 * at most while there are words to be had */
	WORD_HOLDS = 4,
};

#define STUN_COOKIE 0x2112a442u
#define TOP_BIT     0x80000000u

/* What strangers' packets of one form may. */
enum { NEVER, BY_CHANCE };

struct code {
	struct sock_filter at[CODE_MAX];
	size_t n;
};

static void add(struct code *code, struct sock_filter instruction)
{
	assert(code->n < CODE_MAX);
	code->at[code->n++] = instruction;
}

static void load(struct code *code, unsigned size, unsigned at)
{
	add(code, (struct sock_filter)BPF_STMT(BPF_LD | size | BPF_ABS, at));
}

/* Go on where the accumulator is to @k what @how says, else refuse. */
static void need(struct code *code, unsigned how, unsigned k)
{
	add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, k, 1, 0));
	add(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
}

static void need_len(struct code *code, unsigned len)
{
	add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	need(code, BPF_JGE, len);
}

/* Returns where the jump stands, for land(). */
static size_t jump(struct code *code)
{
	add(code, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	return code->n - 1;
}

static void land(struct code *code, size_t from)
{
	code->at[from].k = (uint32_t)(code->n - from - 1);
}

/* What follows is for first octets up to @last; returns the jump of others. */
static size_t up_to(struct code *code, unsigned last)
{
	load(code, BPF_B, UDP_LEN);
	add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last,
					       0, 1));
	return jump(code);
}

static void set_chance(struct code *code, unsigned chance)
{
	add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, chance));
	add(code, (struct sock_filter)BPF_STMT(BPF_ST, CHANCE));
}

/* A whole Binding message, of any of the four classes. */
static void form_stun(struct code *code)
{
	enum { CLASSES = 0x0110, BINDING = 1 };

	need_len(code, UDP_LEN + STUN_LEN);
	load(code, BPF_H, UDP_LEN);
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
					       0xffffu & ~CLASSES));
	need(code, BPF_JEQ, BINDING);
	load(code, BPF_W, STUN_COOKIE_AT);
	need(code, BPF_JEQ, STUN_COOKIE);
	/* what it says of its length is so */
	load(code, BPF_H, UDP_LEN + 2);
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K,
					       UDP_LEN + STUN_LEN));
	add(code, (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0));
	add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	add(code,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0));
	add(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
	set_chance(code, BY_CHANCE);
}

static void form_dtls(struct code *code)
{
	enum { FIRST = 20, MAJOR = 0xfe };

	need(code, BPF_JGE, FIRST);
	need_len(code, UDP_LEN + DTLS_LEN);
	load(code, BPF_B, UDP_LEN + 1);
	need(code, BPF_JEQ, MAJOR);
	set_chance(code, BY_CHANCE);
}

static void form_rtp(struct code *code)
{
	enum { FIRST = 128 };

	need(code, BPF_JGE, FIRST);
	need_len(code, UDP_LEN + RTP_LEN);
}

static void form(struct code *code)
{
	enum { STUN_LAST = 3, DTLS_LAST = 23, RTP_LAST = 191 };

	set_chance(code, NEVER); /* the kernel wants it set on all ways */
	need_len(code, UDP_LEN + RTP_LEN);
	size_t no_stun = up_to(code, STUN_LAST);
	form_stun(code);
	size_t stun = jump(code);
	land(code, no_stun);
	size_t no_dtls = up_to(code, DTLS_LAST);
	form_dtls(code);
	size_t dtls = jump(code);
	land(code, no_dtls);
	size_t nothing = up_to(code, RTP_LAST);
	form_rtp(code);
	size_t rtp = jump(code);
	land(code, nothing);
	add(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
	land(code, stun);
	land(code, dtls);
	land(code, rtp);
}

/* The fold of what is loaded with @factor, and of what was before in X. */
static void fold(struct code *code, uint32_t factor)
{
	add(code,
	    (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, factor));
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0));
	add(code, (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0));
}

static void key(struct code *code, const struct sieve *sieve)
{
	unsigned words = sieve->v6 ? 4 : 1;
	unsigned at = sieve->v6 ? V6_SOURCE : V4_SOURCE;

	add(code, (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0));
	load(code, BPF_H, 0);
	fold(code, sieve->secret->factors[0]);
	for (unsigned i = 0; i < words; i++) {
		load(code, BPF_W, (unsigned)SKF_NET_OFF + at + 4 * i);
		fold(code, sieve->secret->factors[i + 1]);
	}
	add(code, (struct sock_filter)BPF_STMT(BPF_STX, KEY));
}

void sieve_secret_init(struct sieve_secret *secret)
{
	rand_bytes(secret, sizeof(*secret));
	for (int i = 0; i < SIEVE_FACTORS; i++)
		secret->factors[i] |= 1;
	for (int i = 0; i < SIEVE_TABLES; i++)
		secret->tables[i] |= 1;
}

/* As key() writes it. */
static uint32_t key_of(const struct sieve_secret *secret,
		       const struct addr *remote)
{
	uint32_t x = addr_port(remote) * secret->factors[0];

	if (!addr_is_v6(remote))
		return x ^
		       ntohl(remote->in4.sin_addr.s_addr) * secret->factors[1];
	for (int i = 0; i < 4; i++)
		x ^= ntohl(remote->in6.sin6_addr.s6_addr32[i]) *
		     secret->factors[i + 1];
	return x;
}

/* The upper bits of a product are a good hash: the word, then the bit in it. */
static unsigned shift_of(const struct sieve_known *known)
{
	unsigned bits = 5;

	static_assert(WORD_BITS == 1 << 5, "bits of a word");
	for (size_t words = known->words; words > 1; words /= 2)
		bits++;
	return 32 - bits;
}

void sieve_known_init(struct sieve_known *known, size_t n)
{
	memset(known, 0, sizeof(*known));
	known->words = 1;
	while (known->words < SIEVE_WORDS_MAX && known->words * WORD_HOLDS < n)
		known->words *= 2;
}

void sieve_known_add(struct sieve_known *known,
		     const struct sieve_secret *secret,
		     const struct addr *remote)
{
	uint32_t x = key_of(secret, remote);

	for (int i = 0; i < SIEVE_TABLES; i++) {
		uint32_t hash = x * secret->tables[i] >> shift_of(known);

		known->at[i][hash / WORD_BITS] |= TOP_BIT >> hash % WORD_BITS;
	}
}

struct leaves {
	size_t at[SIEVE_WORDS_MAX];
	size_t n;
};

/* Have the word in the accumulator, on whose place among @n it depends. */
static void tree(struct code *code, const uint32_t *words, size_t n,
		 struct leaves *leaves)
{
	if (n == 1) {
		add(code,
		    (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, words[0]));
		leaves->at[leaves->n++] = jump(code);
		return;
	}
	size_t half = n / 2, at = code->n;
	add(code,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
					 (uint32_t)half * WORD_BITS, 0, 0));
	tree(code, words, half, leaves);
	/* a condition reaches so far: half of the longest tree */
	static_assert(3 * SIEVE_WORDS_MAX / 2 <= UINT8_MAX, "one octet");
	code->at[at].jt = (uint8_t)(code->n - at - 1);
	tree(code, words + half, half, leaves);
}

/* Go on where the table has the key's bit; returns the jump of others. */
static size_t table(struct code *code, const struct sieve *sieve, int which)
{
	const struct sieve_known *known = sieve->known;
	struct leaves leaves = { .n = 0 };

	add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, KEY));
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K,
					       sieve->secret->tables[which]));
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K,
					       shift_of(known)));
	add(code, (struct sock_filter)BPF_STMT(BPF_ST, HASH));
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
					       WORD_BITS - 1));
	add(code, (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0));
	add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, HASH));
	tree(code, known->at[which], known->words, &leaves);
	for (size_t i = 0; i < leaves.n; i++)
		land(code, leaves.at[i]);
	add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0));
	add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
					       TOP_BIT, 1, 0));
	return jump(code);
}

static void stranger(struct code *code, uint32_t share)
{
	add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, CHANCE));
	need(code, BPF_JEQ, BY_CHANCE);
	load(code, BPF_W, (unsigned)SKF_AD_OFF + SKF_AD_RANDOM);
	add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, share,
					       0, 1));
	add(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
}

static void write_flooded(struct code *code, const struct sieve *sieve)
{
	size_t misses[SIEVE_TABLES];

	key(code, sieve);
	for (int i = 0; i < SIEVE_TABLES; i++)
		misses[i] = table(code, sieve, i);
	add(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, WHOLE));
	for (int i = 0; i < SIEVE_TABLES; i++)
		land(code, misses[i]);
	stranger(code, sieve->share);
}

/* Where old and new one together are too much for the socket's options
 * (net.core.optmem_max), the old one goes first. */
static int set(int fd, const struct sock_fprog *program)
{
	const int none = 0;

	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program,
			sizeof(*program)))
		return 0;
	if (errno != ENOMEM)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program,
			  sizeof(*program))
		       ? -errno
		       : 0;
}

int sieve_attach(int fd, const struct sieve *sieve)
{
	struct code code = { .n = 0 };

	form(&code);
	if (sieve->flooded)
		write_flooded(&code, sieve);
	add(&code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, WHOLE));

	const struct sock_fprog program = { (unsigned short)code.n, code.at };
	return set(fd, &program);
}

uint32_t sieve_dropped(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t n = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n))
		return 0;
	return info[SK_MEMINFO_DROPS];
}
