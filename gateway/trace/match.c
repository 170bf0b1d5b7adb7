/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/match.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "sip/field.h"
#include "xmpp/stanza.h"

/* ---- numbers ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits without what people and carriers put between them. */
static size_t digits_of(char out[static MATCH_DIGITS_CAP], struct slice text)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < text.n; i++) {
		if (is_digit(text.p[i]) && n < MATCH_DIGITS_CAP - 1)
			out[n++] = text.p[i];
		else if (is_digit(text.p[i]) || !strchr("+-.() ", text.p[i]))
			return 0;
	}
	out[n] = '\0';
	return n;
}

/* One ends as the other: a prefix or a country code is there or is not. */
static bool same_number(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), least = n < m ? n : m;

	return n == m ? !strcmp(a, b)
		      : least >= MATCH_NUMBER_MIN &&
				!strcmp(a + n - least, b + m - least);
}

bool match_number(const struct match *match, struct slice text)
{
	char digits[MATCH_DIGITS_CAP];

	if (!match->nnumbers || !digits_of(digits, text))
		return false;
	for (size_t i = 0; i < match->nnumbers; i++) {
		if (same_number(match->numbers[i], digits))
			return true;
	}
	return false;
}

static void add_number(struct match *match, const char *number)
{
	if (match->nnumbers < MATCH_NUMBERS_MAX &&
	    !match_number(match, slice_of(number)) &&
	    digits_of(match->numbers[match->nnumbers], slice_of(number)))
		match->nnumbers++;
}

/* ---- what is followed ---- */

static void on_number(const struct account_number *number, void *arg)
{
	add_number(arg, number->number);
}

static void add_numbers_of_account(struct match *match,
				   const struct gateway *gateway)
{
	const struct config_number *fixed;

	for (size_t i = 0;
	     (fixed = config_number_of(gateway->config, match->jid, i)); i++)
		add_number(match, fixed->number);
	account_each_number(gateway->accounts, match->jid, on_number, match);
}

static int add_jid(struct match *match, const struct gateway *gateway,
		   const char *what)
{
	struct jid jid;

	if (jid_parse(&jid, what) || jid_bare(match->jid, JID_CAP, what))
		return -EINVAL;
	if (slice_is_nocase(jid.domain, gateway->config->xmpp.domain)) {
		char local[MATCH_DIGITS_CAP];

		if (!text_copy(local, sizeof(local), jid.local))
			add_number(match, local);
	} else if (gateway->accounts) {
		add_numbers_of_account(match, gateway);
	}
	return 0;
}

int match_init(struct match *match, const struct gateway *gateway,
	       const char *what)
{
	enum { DIGITS_MIN = 3 };
	char digits[MATCH_DIGITS_CAP];

	*match = (struct match){ .nnumbers = 0 };
	match->names = calloc(MATCH_NAMES_MAX, sizeof(*match->names));
	if (!match->names)
		return -ENOMEM;
	if (digits_of(digits, slice_of(what)) >= DIGITS_MIN) {
		add_number(match, digits);
		return 0;
	}
	if (strlen(what) < MATCH_NAME_CAP && *what)
		match_learn(match, slice_of(what)); /* a Call-ID has an @ */
	if (strchr(what, '@') && !add_jid(match, gateway, what))
		return 0;
	if (match->nnames)
		return 0;
	match_fini(match);
	return -EINVAL;
}

void match_fini(struct match *match)
{
	free(match->names);
	match->names = NULL;
}

bool match_jid(const struct match *match, const char *jid)
{
	struct jid parsed;

	if (!jid || (*match->jid && jid_same_bare(match->jid, jid)))
		return jid;
	return match->nnumbers && !jid_parse(&parsed, jid) &&
	       match_number(match, parsed.local);
}

/* ---- names ---- */

bool match_knows(const struct match *match, struct slice name)
{
	size_t n = match->nnames < MATCH_NAMES_MAX ? match->nnames
						   : MATCH_NAMES_MAX;

	for (size_t i = 0; name.n && i < n; i++) {
		if (slice_is(name, match->names[i]))
			return true;
	}
	return false;
}

void match_learn(struct match *match, struct slice name)
{
	char *to = match->names[match->nnames % MATCH_NAMES_MAX];

	if (name.n && !match_knows(match, name) &&
	    !text_copy(to, MATCH_NAME_CAP, name))
		match->nnames++;
}

/* ---- SIP ---- */

/* "Alice" <sip:+15551234567;npdi@host> or tel:+1-555-1234567 */
static bool uri_matches(const struct match *match, struct slice value)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);
		const char *at = memmem(value.p, value.n, schemes[i], n);
		struct slice user = { at ? at + n : NULL, 0 };

		while (at && user.p + user.n < value.p + value.n &&
		       !strchr("@;>?, ", user.p[user.n]))
			user.n++;
		if (at && match_number(match, user))
			return true;
	}
	return false;
}

static bool is_address(struct slice name)
{
	return sip_field_is(name, "From", 'f') ||
	       sip_field_is(name, "To", 't') ||
	       sip_field_is(name, "P-Asserted-Identity", 0) ||
	       sip_field_is(name, "P-Preferred-Identity", 0) ||
	       sip_field_is(name, "P-Called-Party-ID", 0) ||
	       sip_field_is(name, "Remote-Party-ID", 0) ||
	       sip_field_is(name, "Diversion", 0) ||
	       sip_field_is(name, "Refer-To", 'r') ||
	       sip_field_is(name, "Referred-By", 'b');
}

bool match_sip(const struct match *match, struct slice message)
{
	struct slice first = sip_first_line(&message), name, value;

	if (uri_matches(match, first))
		return true;
	while (sip_next_field(&message, &name, &value)) {
		if (sip_field_is(name, "Call-ID", 'i')
			    ? match_knows(match, value)
			    : is_address(name) && uri_matches(match, value))
			return true;
	}
	return false;
}

/* ---- XMPP ---- */

/* XEP-0166 has the sid as an attribute, XEP-0353 as the id of its elements. */
struct slice match_sid(const struct stanza *stanza)
{
	static const char jmi[] = "urn:xmpp:jingle-message:";
	const struct stanza *child;

	STANZA_FOREACH(child, stanza) {
		const char *sid = stanza_attr(child, "sid");

		if (sid)
			return slice_of(sid);
		if (!strncmp(stanza_ns(child), jmi, sizeof(jmi) - 1))
			return slice_of(stanza_attr(child, "id"));
	}
	return SLICE_NONE;
}

bool match_stanza(const struct match *match, const struct stanza *stanza)
{
	return match_jid(match, stanza_attr(stanza, "from")) ||
	       match_jid(match, stanza_attr(stanza, "to")) ||
	       match_knows(match, match_sid(stanza)) ||
	       match_knows(match, slice_of(stanza_attr(stanza, "id")));
}

void match_learn_request(struct match *match, const struct stanza *stanza)
{
	const char *type = stanza_attr(stanza, "type");

	if (!strcmp(stanza_name(stanza), "iq") && type &&
	    (!strcmp(type, "set") || !strcmp(type, "get")))
		match_learn(match, slice_of(stanza_attr(stanza, "id")));
}
