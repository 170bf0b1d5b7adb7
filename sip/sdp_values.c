/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The two attributes with a grammar of their own: a=crypto (RFC 4568, 9.2) and
 * a=candidate (RFC 8839, 5.1).
 */
#include <string.h>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "sip/sdp_names.h"
#include "sip/sdp_parse.h"

static bool begins(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && !strncasecmp(s.p, text, n);
}

/*
 * RFC 4568, 6.3. What weakens or changes the packets makes the line unusable;
 * hints about the sender do not. Unknown ones may be ignored only when they
 * begin with "-" (6.3.7).
 */
static bool is_harmless(struct slice parameter)
{
	return slice_is_nocase(parameter, "KDR=0") ||
	       begins(parameter, "WSH=") || begins(parameter, "-");
}

/* RFC 4568, 9.2: "2^20" or "1048576", not 0; RFC 3711, 9.2: 2^48 at most. */
static bool is_lifetime(struct slice text)
{
	enum { MAX_POWER = 48 };
	uint64_t n;

	if (!begins(text, "2^"))
		return !text_number(text, UINT64_C(1) << MAX_POWER, &n) && n;
	text.p += 2;
	text.n -= 2;
	return !text_number(text, MAX_POWER, &n);
}

/*
 * "inline:" key||salt ["|" lifetime] ["|" MKI ":" length]. A master key
 * identifier would have to be in every packet: refused. A lifetime that can be
 * one is enough: in packets, they are far beyond a call.
 */
static int parse_key(struct media_crypto *out, struct slice text)
{
	size_t want = srtp_profile_key_len(out->profile) +
		      srtp_profile_salt_len(out->profile);
	size_t n = sizeof(out->key);

	if (!begins(text, "inline:") || memchr(text.p, ';', text.n))
		return -EINVAL;
	slice_cut(&text, ':');
	struct slice key = slice_cut(&text, '|');
	if (memchr(text.p ? text.p : "", ':', text.n) ||
	    (text.n && !is_lifetime(text)))
		return -EINVAL;
	if (base64_decode(out->key, &n, key) || n != want)
		return -EINVAL;
	out->key_len = (uint8_t)n;
	return 0;
}

enum { CRYPTO_MAX_TAG = 999999999 }; /* nine digits */

int sdp_crypto(struct media_crypto *out, struct slice value)
{
	struct slice number = sdp_field(&value), suite = sdp_field(&value);
	struct slice key = sdp_field(&value);
	uint64_t tag;

	memset(out, 0, sizeof(*out));
	if (text_number(number, CRYPTO_MAX_TAG, &tag) ||
	    srtp_profile_parse(&out->profile, suite))
		return -EINVAL;
	out->tag = (uint32_t)tag;
	for (struct slice p = sdp_field(&value); p.n; p = sdp_field(&value))
		if (!is_harmless(p))
			return -EINVAL;
	return parse_key(out, key);
}

static int parse_addr(struct addr *out, struct slice ip, struct slice port)
{
	uint64_t number;

	if (text_number(port, UINT16_MAX, &number))
		return -EINVAL;
	return addr_parse(out, ip, (uint16_t)number);
}

/* <name> <value> pairs behind the type. */
static void parse_extensions(struct media_cand *out, struct slice value)
{
	struct slice raddr = SLICE_NONE, rport = SLICE_NONE;
	uint64_t number;

	for (struct slice name = sdp_field(&value); name.n;
	     name = sdp_field(&value)) {
		struct slice is = sdp_field(&value);
		if (slice_is(name, "raddr"))
			raddr = is;
		else if (slice_is(name, "rport"))
			rport = is;
		else if (slice_is(name, "generation") &&
			 !text_number(is, UINT8_MAX, &number))
			out->generation = (uint8_t)number;
	}
	/* 0.0.0.0 is written by who will not tell (RFC 8839, 5.1) */
	if (parse_addr(&out->related, raddr, rport) ||
	    addr_classify(&out->related) == ADDR_UNSPECIFIED)
		memset(&out->related, 0, sizeof(out->related));
}

enum { MAX_COMPONENT = 2 };

int sdp_candidate(struct media_cand *out, struct slice value)
{
	struct slice foundation = sdp_field(&value),
		     component = sdp_field(&value);
	struct slice transport = sdp_field(&value),
		     priority = sdp_field(&value);
	struct slice ip = sdp_field(&value), port = sdp_field(&value);
	struct slice typ = sdp_field(&value), type = sdp_field(&value);
	uint64_t id, rank;

	memset(out, 0, sizeof(*out));
	if (!slice_is_nocase(transport, "udp") || !slice_is(typ, "typ") ||
	    text_number(component, MAX_COMPONENT, &id) || !id ||
	    text_number(priority, UINT32_MAX, &rank) ||
	    !sdp_is_word(foundation) ||
	    text_copy(out->foundation, sizeof(out->foundation), foundation) ||
	    media_cand_type_parse(&out->type, type) ||
	    parse_addr(&out->addr, ip, port))
		return -EINVAL;
	out->component = (uint8_t)id;
	out->priority = (uint32_t)rank;
	parse_extensions(out, value);
	return 0;
}
