/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0030, 3 and 4; XEP-0115, 4 to 6; XEP-0092, 0199, 0202. One table says
 * what an entity is: answers, caps and presence are made from it.
 */
#include "xmpp/disco.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/base/clock.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "xmpp/adhoc.h"
#include "xmpp/caps.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#define NS_CAPS       "http://jabber.org/protocol/caps"
#define NS_VERSION    "jabber:iq:version"
#define NS_PING       "urn:xmpp:ping"
#define NS_RECEIPTS   "urn:xmpp:receipts"
#define NS_TIME       "urn:xmpp:time"
#define NS_VCARD4     "urn:ietf:params:xml:ns:vcard-4.0"
#define NS_VCARD_TEMP "vcard-temp"

#define NAME "Tandem"

static_assert((int)DISCO_CAPS_CAP >= (int)CAPS_HASH_CAP, "a hash fits");

/* Cheogram Android takes gateway/pstn for a place that telephones. */
static const struct caps_identity gateway_identities[] = {
	{ "gateway", "pstn", NULL, NAME },
	{ "gateway", "sip", NULL, NAME },
	{ "gateway", "sms", NULL, NAME },
};

static const struct caps_identity number_identities[] = {
	{ "client", "phone", NULL, NAME },
};

static const struct caps_identity echo_identities[] = {
	{ "client", "phone", NULL, NAME " echo test" },
};

/* Sorted: some clients hash them in the order in which they come. */
static const char *const gateway_features[] = {
	NS_CAPS,
	DISCO_NS_INFO,
	DISCO_NS_ITEMS,
	"jabber:iq:gateway",
	"jabber:iq:register",
	NS_VERSION,
	"jid\\20escaping",
	NS_VCARD4,
	"urn:xmpp:blocking",
	"urn:xmpp:extdisco:2",
	NS_PING,
	NS_TIME,
	NS_VCARD_TEMP,
};

static const char *const commanded_features[] = {
	NS_CAPS,
	ADHOC_NS,
	DISCO_NS_INFO,
	DISCO_NS_ITEMS,
	"jabber:iq:gateway",
	"jabber:iq:register",
	NS_VERSION,
	FORM_NS,
	"jid\\20escaping",
	NS_VCARD4,
	"urn:xmpp:blocking",
	"urn:xmpp:extdisco:2",
	NS_PING,
	NS_TIME,
	NS_VCARD_TEMP,
};

/*
 * What call buttons ask for. urn:ietf:rfc:3264 (XEP-0176): candidates come all
 * at once, please. Never urn:xmpp:jingle:apps:rtp:video: Conversations would
 * offer video and end the call when it is refused.
 */
static const char *const number_features[] = {
	NS_CAPS,
	DISCO_NS_INFO,
	NS_VERSION,
	NS_VCARD4,
	"urn:ietf:rfc:3264",
	"urn:xmpp:jingle-message:0",
	"urn:xmpp:jingle:1",
	"urn:xmpp:jingle:apps:dtls:0",
	"urn:xmpp:jingle:apps:grouping:0",
	"urn:xmpp:jingle:apps:rtp:1",
	"urn:xmpp:jingle:apps:rtp:audio",
	"urn:xmpp:jingle:dtmf:0",
	"urn:xmpp:jingle:transports:ice-udp:1",
	NS_PING,
	NS_RECEIPTS,
	NS_TIME,
	NS_VCARD_TEMP,
};

#define LIST(list) (list), sizeof(list) / sizeof(*(list))

static const struct caps_info entities[] = {
	[DISCO_GATEWAY] = { LIST(gateway_identities), LIST(gateway_features),
			    NULL, 0 },
	[DISCO_COMMANDED] = { LIST(gateway_identities),
			      LIST(commanded_features), NULL, 0 },
	[DISCO_NUMBER] = { LIST(number_identities), LIST(number_features), NULL,
			   0 },
	[DISCO_ECHO] = { LIST(echo_identities), LIST(number_features), NULL,
			 0 },
};

int disco_caps_hash(char out[static DISCO_CAPS_CAP], enum disco_entity entity)
{
	return caps_hash(out, &entities[entity]);
}

/* "node" or "node#hash" of the entity's caps. 0, 1: another; -ENOMEM. */
static int match_caps_node(const char *node, enum disco_entity entity)
{
	struct slice rest = slice_of(node);
	char hash[DISCO_CAPS_CAP];

	if (!slice_is(slice_cut(&rest, '#'), DISCO_CAPS_NODE))
		return 1;
	int r = disco_caps_hash(hash, entity);
	if (r)
		return r;
	return !rest.n || slice_is(rest, hash) ? 0 : 1;
}

static void add_info(struct stanza *query, const struct caps_info *info)
{
	for (size_t i = 0; i < info->nidentities; i++) {
		struct stanza *st = stanza_child(query, "identity", NULL);
		stanza_set(st, "category", info->identities[i].category);
		stanza_set(st, "type", info->identities[i].type);
		stanza_set(st, "name", info->identities[i].name);
	}
	for (size_t i = 0; i < info->nfeatures; i++)
		stanza_set(stanza_child(query, "feature", NULL), "var",
			   info->features[i]);
}

static int finish(struct stanza **out, struct stanza **st)
{
	if (!stanza_ok(*st))
		return -ENOMEM;
	*out = *st;
	*st = NULL;
	return 0;
}

static int answer_info(struct stanza **out, const struct stanza *iq,
		       enum disco_entity entity, const char *node)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = node ? match_caps_node(node, entity) : 0;

	if (r > 0)
		return stanza_error_reply(out, iq, NULL, "item-not-found",
					  NULL);
	if (!r)
		r = stanza_result(&reply, iq);
	if (r)
		return r;
	struct stanza *query = stanza_child(reply, "query", DISCO_NS_INFO);
	stanza_set(query, "node", node);
	add_info(query, &entities[entity]);
	return finish(out, &reply);
}

static void add_echo(struct stanza *query, const char *gateway_jid)
{
	struct jid jid;

	if (!gateway_jid || jid_parse(&jid, gateway_jid))
		return;
	struct stanza *item = stanza_child(query, "item", NULL);
	stanza_setf(item, "jid", DISCO_ECHO_LOCAL "@%.*s",
		    SLICE_ARG(jid.domain));
	stanza_set(item, "name", echo_identities[0].name);
}

static int answer_items(struct stanza **out, const struct stanza *iq,
			enum disco_entity entity, const char *node)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	if (node)
		return stanza_error_reply(out, iq, NULL, "item-not-found",
					  NULL);
	int r = stanza_result(&reply, iq);
	if (r)
		return r;
	struct stanza *query = stanza_child(reply, "query", DISCO_NS_ITEMS);
	if (entity == DISCO_GATEWAY || entity == DISCO_COMMANDED)
		add_echo(query, stanza_attr(iq, "to"));
	return finish(out, &reply);
}

static bool is_get(const struct stanza *iq)
{
	const char *type = stanza_attr(iq, "type");

	return type && !strcmp(type, "get");
}

int disco_answer(struct stanza **reply, const struct stanza *iq,
		 enum disco_entity entity)
{
	const struct stanza *info = stanza_find(iq, "query", DISCO_NS_INFO);
	const struct stanza *items = stanza_find(iq, "query", DISCO_NS_ITEMS);

	if (!info && !items)
		return stanza_error_reply(reply, iq, NULL,
					  "service-unavailable", NULL);
	if (!is_get(iq))
		return stanza_error_reply(reply, iq, NULL, "not-allowed", NULL);
	if (info)
		return answer_info(reply, iq, entity,
				   stanza_attr(info, "node"));
	return answer_items(reply, iq, entity, stanza_attr(items, "node"));
}

int disco_presence(struct stanza **out, enum disco_entity entity,
		   const char *from, const char *to)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	char hash[DISCO_CAPS_CAP];
	int r = disco_caps_hash(hash, entity);

	if (!r)
		r = stanza_new(&st, "presence", NULL);
	if (r)
		return r;
	stanza_set(st, "from", from);
	stanza_set(st, "to", to);
	struct stanza *caps = stanza_child(st, "c", NS_CAPS);
	stanza_set(caps, "hash", "sha-1");
	stanza_set(caps, "node", DISCO_CAPS_NODE);
	stanza_set(caps, "ver", hash);
	return finish(out, &st);
}

static void add_version(struct stanza *reply)
{
	struct stanza *query = stanza_child(reply, "query", NS_VERSION);

	stanza_child_text(query, "name", NULL, NAME);
	stanza_child_text(query, "version", NULL, TANDEM_VERSION);
}

/* XEP-0202, 3; XEP-0082. */
static void add_time(struct stanza *reply)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char utc[TEXT_STAMP_CAP], tzo[16];
	struct tm tm;

	text_stamp(utc, clock_wall_ms());
	localtime_r(&now, &tm);
	long minutes = labs(tm.tm_gmtoff) / 60;
	if (text_format(tzo, sizeof(tzo), "%c%02ld:%02ld",
			tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
			minutes % 60))
		tzo[0] = '\0';
	struct stanza *st = stanza_child(reply, "time", NS_TIME);
	stanza_child_text(st, "tzo", NULL, tzo);
	stanza_child_text(st, "utc", NULL, utc);
}

static void add_nothing(struct stanza *reply)
{
	(void)reply;
}

int disco_basic_answer(struct stanza **reply, const struct stanza *iq)
{
	static const struct {
		const char *name, *ns;
		void (*add)(struct stanza *reply);
	} queries[] = {
		{ "ping", NS_PING, add_nothing },
		{ "query", NS_VERSION, add_version },
		{ "time", NS_TIME, add_time },
	};
	AUTO(stanza_freep) struct stanza *st = NULL;
	size_t i = 0, n = sizeof(queries) / sizeof(*queries);

	while (i < n && !stanza_find(iq, queries[i].name, queries[i].ns))
		i++;
	if (i == n || !is_get(iq))
		return 1;
	int r = stanza_result(&st, iq);
	if (r)
		return r;
	queries[i].add(st);
	return finish(reply, &st);
}
