/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_guard.h"

#include <stdbool.h>
#include <string.h>

#include "xmpp/jid.h"
#include "xmpp/stanza.h"

static bool is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; text && i < n; i++)
		if (!strcmp(text, list[i]))
			return true;
	return false;
}

static bool is_stanza(const struct stanza *st)
{
	static const char *const names[] = { "iq", "message", "presence" };

	return !strcmp(stanza_ns(st), STANZA_NS) &&
	       is_one_of(stanza_name(st), names, 3);
}

/*
 * Prosody's expat (Debian's 2.5.0) holds back a start tag that comes in more
 * than one read of 8 KiB until twice as much has come: an echo of somebody's
 * id of 20 KB would keep back everybody's next stanzas. JIDs have 3,071 octets
 * at most.
 */
enum { ID_MAX = 1023, ATTR_MAX = 3071 };

static bool has_long_id(const struct stanza *st)
{
	const char *id = stanza_attr(st, "id");

	return id && strlen(id) > ID_MAX;
}

static int check_attr(const char *name, const char *value, void *arg)
{
	(void)name;
	(void)arg;
	return strlen(value) > ATTR_MAX;
}

static bool has_long_attr(const struct stanza *st)
{
	static const struct stanza_walk walk = { .attr = check_attr };
	const struct stanza *child;

	if (stanza_walk_attrs(st, &walk, NULL))
		return true;
	STANZA_FOREACH(child, st)
		if (has_long_attr(child))
			return true;
	return false;
}

/* Of a JID that may be malformed otherwise: between '@' and '/'. */
static bool is_in_domain(const char *text, const char *domain)
{
	struct slice rest = slice_of(text);
	struct slice bare = slice_cut(&rest, '/');
	const char *at = bare.n ? memchr(bare.p, '@', bare.n) : NULL;

	if (at) {
		bare.n -= (size_t)(at + 1 - bare.p);
		bare.p = at + 1;
	}
	return slice_is_nocase(bare, domain);
}

static void make_error(struct stanza **reply, const struct stanza *stanza,
		       const char *condition)
{
	/* an answer that is not made is a timeout for the sender, no more */
	if (stanza_error_reply(reply, stanza, NULL, condition, NULL))
		*reply = NULL;
}

/* RFC 6120, 8.2.3 */
static bool is_iq(const struct stanza *iq)
{
	static const char *const types[] = { "get", "set", "result", "error" };
	const char *type = stanza_attr(iq, "type");

	if (!stanza_attr(iq, "id") || !is_one_of(type, types, 4))
		return false;
	if (!is_one_of(type, types, 2))
		return true;
	const struct stanza *payload = stanza_first(iq);
	return payload && !stanza_next(payload);
}

const char *xmpp_guard_incoming(struct stanza **reply,
				const struct stanza *stanza, const char *domain)
{
	const char *to = stanza_attr(stanza, "to");
	struct jid jid;

	*reply = NULL;
	if (!is_stanza(stanza))
		return "no-stanza";
	if (has_long_id(stanza))
		return "long-id";
	if (jid_parse(&jid, stanza_attr(stanza, "from")))
		return "bad-from";
	if (!is_in_domain(to, domain))
		return "foreign-to";
	if (jid_parse(&jid, to)) {
		make_error(reply, stanza, "jid-malformed");
		/* from our domain: what was malformed cannot be a sender */
		stanza_set(*reply, "from", domain);
		return "jid-malformed";
	}
	if (!strcmp(stanza_name(stanza), "iq") && !is_iq(stanza)) {
		make_error(reply, stanza, "bad-request");
		if (!stanza_attr(stanza, "id"))
			*reply = stanza_free(*reply);
		return "bad-iq";
	}
	return NULL;
}

struct stanza *xmpp_guard_refused(const struct stanza *head, const char *domain)
{
	const char *to = stanza_attr(head, "to");
	struct stanza *reply = NULL;
	struct jid jid;

	if (!is_stanza(head) || has_long_id(head) ||
	    jid_parse(&jid, stanza_attr(head, "from")) ||
	    !is_in_domain(to, domain) || jid_parse(&jid, to))
		return NULL;
	if (strcmp(stanza_name(head), "iq") || stanza_attr(head, "id"))
		make_error(&reply, head, "policy-violation");
	return reply;
}

const char *xmpp_guard_outgoing(const struct stanza *stanza, const char *domain)
{
	struct jid jid;

	if (!is_stanza(stanza))
		return "no-stanza";
	if (jid_parse(&jid, stanza_attr(stanza, "from")) ||
	    !slice_is_nocase(jid.domain, domain))
		return "foreign-from";
	if (jid_parse(&jid, stanza_attr(stanza, "to")))
		return "bad-to";
	if (!strcmp(stanza_name(stanza), "iq") && !stanza_attr(stanza, "id"))
		return "no-id";
	if (has_long_id(stanza) || has_long_attr(stanza))
		return "too-long";
	return NULL;
}
