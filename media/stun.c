/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Binding messages by libre's loop-free codec. Its decoder trusts the lengths
 * of some attributes and reads behind the message's own length, so the message
 * is walked here first; what passes is what libre takes the same way.
 */
#include "media/stun.h"

#include <assert.h>
#include <re.h>

#include "gateway/base/cursor.h"
#include "gateway/base/text.h"

enum {
	COOKIE = 0x2112a442,
	KIND_MASK = 0x0110, /* RFC 8489, figure 3: C1 and C0 */
	V4_LEN = 8,
	V6_LEN = 20,
	OPTIONAL_TYPES = 0x8000, /* from here on: comprehension-optional */
};

static_assert((int)STUN_TID_LEN == (int)STUN_TID_SIZE, "one transaction id");
static_assert((int)STUN_SUCCESS == (int)STUN_CLASS_SUCCESS_RESP &&
		      (int)STUN_ERROR == (int)STUN_CLASS_ERROR_RESP &&
		      (int)STUN_INDICATION == (int)STUN_CLASS_INDICATION,
	      "our kinds are libre's classes");

/* What one walk over the attributes finds. */
struct walk {
	struct slice username;
	bool integrity, fingerprint;
	uint16_t unknown[STUN_MAX_UNKNOWN];
	size_t nunknown;
};

static void note_unknown(struct walk *w, uint16_t type)
{
	if (w->nunknown < STUN_MAX_UNKNOWN)
		w->unknown[w->nunknown++] = type;
}

/* libre goes by the family and would take what is left for attributes. */
static bool is_address(const uint8_t *p, size_t n)
{
	enum { IPV4 = 1, IPV6 = 2 }; /* RFC 8489, 14.1 */

	return (n == V4_LEN && p[1] == IPV4) || (n == V6_LEN && p[1] == IPV6);
}

/* RFC 8489, 14.8: hundreds from 3 to 6, and a number below 100. */
static bool is_error_code(const uint8_t *p, size_t n)
{
	if (n < 4)
		return false;
	uint8_t hundreds = p[2] & 7;
	return hundreds >= 3 && hundreds <= 6 && p[3] < 100;
}

/* Whether @n octets are right for @type; notes what is of interest. */
static bool walk_attr(struct walk *w, uint16_t type, const uint8_t *p, size_t n)
{
	switch (type) {
	case STUN_ATTR_USERNAME:
		if (!w->username.p)
			w->username = (struct slice){ (const char *)p, n };
		return n <= STUN_USERNAME_MAX;
	case STUN_ATTR_MSG_INTEGRITY:
		w->integrity = true;
		return n == 20;
	case STUN_ATTR_FINGERPRINT:
		w->fingerprint = true;
		return n == 4;
	case STUN_ATTR_PRIORITY:
		return n == 4;
	case STUN_ATTR_USE_CAND:
		return n == 0;
	case STUN_ATTR_CONTROLLED:
	case STUN_ATTR_CONTROLLING:
		return n == 8;
	case STUN_ATTR_MAPPED_ADDR:
	case STUN_ATTR_XOR_MAPPED_ADDR:
	case STUN_ATTR_ALT_SERVER:
	case STUN_ATTR_RESP_ORIGIN:
	case STUN_ATTR_OTHER_ADDR:
		return is_address(p, n);
	case STUN_ATTR_XOR_PEER_ADDR:
	case STUN_ATTR_XOR_RELAY_ADDR:
		note_unknown(w, type);
		return is_address(p, n);
	/* TURN's and RFC 5780's: libre reads one word, whatever their length.
	 */
	case STUN_ATTR_CHANNEL_NUMBER:
	case STUN_ATTR_RESP_PORT:
	case STUN_ATTR_REQ_ADDR_FAMILY:
	case STUN_ATTR_REQ_TRANSPORT:
	case STUN_ATTR_EVEN_PORT:
		note_unknown(w, type);
		return n && n <= 4;
	case STUN_ATTR_ERR_CODE:
		return is_error_code(p, n);
	case STUN_ATTR_UNKNOWN_ATTR:
		return n % 2 == 0;
	case STUN_ATTR_REALM:
	case STUN_ATTR_NONCE:
		return true;
	default:
		if (type < OPTIONAL_TYPES)
			note_unknown(w, type);
		return true;
	}
}

/*
 * RFC 8489, 14.5 and 14.7: nothing but FINGERPRINT counts behind
 * MESSAGE-INTEGRITY, and nothing at all behind FINGERPRINT. We refuse what
 * does not keep the order, as no sender needs it.
 */
static bool in_order(const struct walk *w, uint16_t type)
{
	if (w->fingerprint)
		return false;
	return !w->integrity || type == STUN_ATTR_FINGERPRINT;
}

static bool walk_attrs(struct walk *w, struct cursor c)
{
	for (int count = 0; cursor_left(&c); count++) {
		uint16_t type = cursor_u16(&c);
		uint16_t len = cursor_u16(&c);
		const uint8_t *value = cursor_take(&c, len);

		cursor_take(&c, -len & 3u);
		if (!cursor_ok(&c) || count == STUN_MAX_ATTRS)
			return false;
		if (!in_order(w, type) || !walk_attr(w, type, value, len))
			return false;
	}
	return cursor_ok(&c);
}

static int walk_packet(struct stun_head *head, struct walk *w, const uint8_t *p,
		       size_t n)
{
	struct cursor c = cursor_reading(p, n);
	uint16_t type = cursor_u16(&c);
	uint16_t len = cursor_u16(&c);
	uint32_t cookie = cursor_u32(&c);

	*head = (struct stun_head){ .tid = cursor_take(&c, STUN_TID_LEN) };
	*w = (struct walk){ 0 };
	if (!cursor_ok(&c) || n > STUN_INPUT_MAX || cookie != COOKIE)
		return STUN_E_SYNTAX;
	if ((type & ~KIND_MASK) != STUN_METHOD_BINDING || len % 4 ||
	    len != cursor_left(&c))
		return STUN_E_SYNTAX;
	head->kind = (enum stun_kind)((type >> 7 & 2) | (type >> 4 & 1));
	if (!walk_attrs(w, c))
		return STUN_E_SYNTAX;
	head->username = w->username;
	return 0;
}

int stun_head(struct stun_head *out, const uint8_t *p, size_t n)
{
	struct walk w;

	return walk_packet(out, &w, p, n);
}

struct slice stun_username(const uint8_t *p, size_t n)
{
	struct stun_head head;

	if (stun_head(&head, p, n) || head.kind != STUN_REQUEST)
		return SLICE_NONE;
	return head.username;
}

uint32_t stun_tag(const uint8_t tid[static STUN_TID_LEN])
{
	struct cursor c = cursor_reading(tid, STUN_TID_LEN);

	return cursor_u32(&c);
}

static void read_role(struct stun_packet *out, const struct stun_msg *msg)
{
	const struct stun_attr *a;

	if ((a = stun_msg_attr(msg, STUN_ATTR_CONTROLLING))) {
		out->role = STUN_CONTROLLING;
		out->tie_breaker = a->v.controlling;
	} else if ((a = stun_msg_attr(msg, STUN_ATTR_CONTROLLED))) {
		out->role = STUN_CONTROLLED;
		out->tie_breaker = a->v.controlled;
	}
}

static void read_mapped(struct stun_packet *out, const struct stun_msg *msg)
{
	const struct stun_attr *a =
		stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);

	if (!a)
		a = stun_msg_attr(msg, STUN_ATTR_MAPPED_ADDR);
	if (a && addr_from(&out->mapped, &a->v.sa.u.sa))
		out->mapped = (struct addr){ 0 };
}

static void read_attrs(struct stun_packet *out, const struct stun_msg *msg)
{
	const struct stun_attr *a;

	if ((a = stun_msg_attr(msg, STUN_ATTR_PRIORITY))) {
		out->has_priority = true;
		out->priority = a->v.priority;
	}
	out->use_candidate = stun_msg_attr(msg, STUN_ATTR_USE_CAND);
	if ((a = stun_msg_attr(msg, STUN_ATTR_ERR_CODE)))
		out->error = a->v.err_code.code;
	read_role(out, msg);
	read_mapped(out, msg);
}

static int verify(const struct stun_msg *msg, const struct walk *w,
		  struct slice key)
{
	if (w->fingerprint && stun_msg_chk_fingerprint(msg))
		return STUN_E_SYNTAX;
	if (!key.n)
		return 0;
	if (!w->integrity ||
	    stun_msg_chk_mi(msg, (const uint8_t *)key.p, key.n))
		return STUN_E_INTEGRITY;
	return 0;
}

/* libre keeps, and while it verifies changes, the buffer: it gets a copy. */
static int decode_copy(struct stun_msg **msg, const uint8_t *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n);
	int err = mb ? mbuf_write_mem(mb, p, n) : ENOMEM;

	if (!err) {
		mb->pos = 0;
		err = stun_msg_decode(msg, mb, NULL);
	}
	mem_deref(mb);
	if (err)
		return err == ENOMEM ? -ENOMEM : STUN_E_SYNTAX;
	return 0;
}

int stun_decode(struct stun_packet *out, const uint8_t *p, size_t n,
		struct slice key)
{
	struct stun_msg *msg = NULL;
	struct stun_head head;
	struct walk w;

	*out = (struct stun_packet){ 0 };
	int r = walk_packet(&head, &w, p, n);
	if (!r)
		r = decode_copy(&msg, p, n);
	if (!r)
		r = verify(msg, &w, key);
	if (!r) {
		out->kind = head.kind;
		memcpy(out->tid, head.tid, STUN_TID_LEN);
		out->username = head.username;
		memcpy(out->unknown, w.unknown, sizeof(w.unknown));
		out->nunknown = w.nunknown;
		read_attrs(out, msg);
	}
	mem_deref(msg);
	return r;
}

/* libre leaves out an attribute whose value is NULL. */
static int encode_mbuf(struct mbuf *mb, const struct stun_packet *packet,
		       const char *username, struct slice key)
{
	/* No phrase: an error is never longer than its request. */
	char phrase[] = "";
	struct stun_errcode ec = { packet->error, phrase };
	struct stun_unknown_attr ua = { .typec = (uint32_t)packet->nunknown };
	struct sa mapped;
	bool has_mapped = addr_is_set(&packet->mapped);

	memcpy(ua.typev, packet->unknown, sizeof(ua.typev));
	if (has_mapped && sa_set_sa(&mapped, &packet->mapped.sa))
		return EINVAL;
	return stun_msg_encode(
		mb, STUN_METHOD_BINDING, (uint8_t)packet->kind, packet->tid,
		packet->error ? &ec : NULL,
		key.n ? (const uint8_t *)key.p : NULL, key.n, true, 0, 7,
		STUN_ATTR_UNKNOWN_ATTR, ua.typec ? &ua : NULL,
		STUN_ATTR_USERNAME, username[0] ? username : NULL,
		STUN_ATTR_PRIORITY,
		packet->has_priority ? &packet->priority : NULL,
		STUN_ATTR_USE_CAND, packet->use_candidate ? "" : NULL,
		STUN_ATTR_CONTROLLED,
		packet->role == STUN_CONTROLLED ? &packet->tie_breaker : NULL,
		STUN_ATTR_CONTROLLING,
		packet->role == STUN_CONTROLLING ? &packet->tie_breaker : NULL,
		STUN_ATTR_XOR_MAPPED_ADDR, has_mapped ? &mapped : NULL);
}

int stun_encode(const struct stun_packet *packet, struct slice key, uint8_t *p,
		size_t cap, size_t *n)
{
	char username[STUN_USERNAME_MAX + 1];

	if (text_copy(username, sizeof(username), packet->username))
		return -EMSGSIZE;
	struct mbuf *mb = mbuf_alloc(STUN_PACKET_MAX);
	if (!mb)
		return -ENOMEM;

	int err = encode_mbuf(mb, packet, username, key);
	if (!err && mb->end > cap)
		err = EMSGSIZE;
	if (!err) {
		memcpy(p, mb->buf, mb->end);
		*n = mb->end;
	}
	mem_deref(mb);
	return -err;
}
