/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/devices.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "xmpp/disco.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/jmi.h"
#include "xmpp/stanza.h"

#define NS_CAPS    "http://jabber.org/protocol/caps"
#define NS_JINGLE  "urn:xmpp:jingle:1"
#define NS_AUDIO   "urn:xmpp:jingle:apps:rtp:audio"
#define NS_ICE_UDP "urn:xmpp:jingle:transports:ice-udp:1"

struct device {
	TAILQ_ENTRY(device) entry;
	bool direct; /* audio, but no proposals */
	char *ver;   /* of its caps; owned */
	char jid[];
};

TAILQ_HEAD(device_list, device);

struct owner {
	RB_ENTRY(owner) node;
	struct device_list devices; /* who was there last comes first */
	unsigned n;
	unsigned asking; /* queries without an answer, at most DEVICES_MAX */
	const char *bare;
	char text[];
};

RB_HEAD(owner_tree, owner);

struct devices {
	struct owner_tree owners;
};

static int compare(const struct owner *a, const struct owner *b)
{
	return strcmp(a->bare, b->bare);
}

TREE_GENERATE(owner_tree, owner, node, compare)

int devices_new(struct gateway *gateway)
{
	gateway->devices = calloc(1, sizeof(*gateway->devices));
	if (!gateway->devices)
		return -ENOMEM;
	RB_INIT(&gateway->devices->owners);
	return 0;
}

static void drop(struct owner *owner, struct device *device)
{
	TAILQ_REMOVE(&owner->devices, device, entry);
	owner->n--;
	free(device->ver);
	free(device);
}

/* Nobody waits for what it was asked any more. */
static void drop_owner(struct gateway *gateway, struct owner *owner)
{
	while (!TAILQ_EMPTY(&owner->devices))
		drop(owner, TAILQ_FIRST(&owner->devices));
	iq_cancel(gateway->iqs, owner);
	RB_REMOVE(owner_tree, &gateway->devices->owners, owner);
	free(owner);
}

void devices_free(struct gateway *gateway)
{
	struct owner *owner;

	if (!gateway->devices)
		return;
	while ((owner = RB_MIN(owner_tree, &gateway->devices->owners)))
		drop_owner(gateway, owner);
	free(gateway->devices);
	gateway->devices = NULL;
}

static struct owner *find_owner(const struct gateway *gateway, const char *bare)
{
	struct owner key = { .bare = bare };

	return RB_FIND(owner_tree, &gateway->devices->owners, &key);
}

/* Only those who can be called; NULL: not one, or no memory. */
static struct owner *take_owner(struct gateway *gateway, const char *bare)
{
	struct owner *owner = find_owner(gateway, bare);
	size_t n = strlen(bare) + 1;
	struct number number;

	if (owner || !number_of(&number, gateway, bare, NULL))
		return owner;
	owner = calloc(1, sizeof(*owner) + n);
	if (!owner)
		return NULL;
	owner->bare = memcpy(owner->text, bare, n);
	TAILQ_INIT(&owner->devices);
	RB_INSERT(owner_tree, &gateway->devices->owners, owner);
	return owner;
}

static struct device *find_device(const struct owner *owner, const char *jid)
{
	struct device *device;

	TAILQ_FOREACH(device, &owner->devices, entry) {
		if (!strcmp(device->jid, jid))
			return device;
	}
	return NULL;
}

/* That one has gone may have been said while the stream was down: who was not
 * there for longest makes room. */
static struct device *add_device(struct owner *owner, const char *jid)
{
	size_t n = strlen(jid) + 1;
	struct device *device = calloc(1, sizeof(*device) + n);

	if (!device)
		return NULL;
	if (owner->n == DEVICES_MAX)
		drop(owner, TAILQ_LAST(&owner->devices, device_list));
	memcpy(device->jid, jid, n);
	TAILQ_INSERT_HEAD(&owner->devices, device, entry);
	owner->n++;
	return device;
}

/* ---- what it can do ---- */

static bool has_feature(const struct stanza *query, const char *var)
{
	const struct stanza *child;

	STANZA_FOREACH(child, query) {
		const char *name = stanza_attr(child, "var");

		if (name && !strcmp(stanza_name(child), "feature") &&
		    !strcmp(name, var))
			return true;
	}
	return false;
}

static void on_info(enum iq_answer answer, const struct stanza *reply,
		    void *arg)
{
	const struct stanza *query =
		answer == IQ_RESULT ? stanza_find(reply, "query", DISCO_NS_INFO)
				    : NULL;
	struct owner *owner = arg;
	struct device *device =
		reply ? find_device(owner, stanza_attr(reply, "from")) : NULL;

	owner->asking--;
	if (!device)
		return;
	device->direct = query && has_feature(query, NS_JINGLE) &&
			 has_feature(query, NS_AUDIO) &&
			 has_feature(query, NS_ICE_UDP) &&
			 !has_feature(query, JMI_NS);
	if (device->direct)
		log_debug("device=%s direct=yes",
			  log_text(slice_of(device->jid)).s);
}

/* @us: whom its presence was sent to; that address it knows. */
static void ask(struct gateway *gateway, struct owner *owner,
		const struct device *device, const char *us)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	if (stanza_new(&iq, "iq", NULL))
		return;
	stanza_set(iq, "type", "get");
	stanza_setf(iq, "from", "%s/%s", us,
		    strchr(us, '@') ? "sip" : "gateway");
	stanza_set(iq, "to", device->jid);
	stanza_child(iq, "query", DISCO_NS_INFO);
	if (stanza_ok(iq) && !iq_send(gateway->iqs, iq, on_info, owner))
		owner->asking++;
	else
		log_debug("device=%s disco=not-asked",
			  log_text(slice_of(device->jid)).s);
}

static void on_available(struct gateway *gateway, struct owner *owner,
			 const char *jid, const struct stanza *presence)
{
	const struct stanza *caps = stanza_find(presence, "c", NS_CAPS);
	const char *ver = stanza_attr(caps, "ver");
	struct device *device = find_device(owner, jid);
	char us[JID_CAP];

	if (device) {
		TAILQ_REMOVE(&owner->devices, device, entry);
		TAILQ_INSERT_HEAD(&owner->devices, device, entry);
	} else {
		device = add_device(owner, jid);
	}
	if (!device || !ver || owner->asking == DEVICES_MAX ||
	    jid_bare(us, sizeof(us), stanza_attr(presence, "to")) ||
	    (device->ver && !strcmp(device->ver, ver)))
		return;
	free(device->ver);
	device->ver = text_dup(slice_of(ver));
	ask(gateway, owner, device, us);
}

void devices_presence(struct gateway *gateway, const struct stanza *presence)
{
	const char *type = stanza_attr(presence, "type");
	const char *from = stanza_attr(presence, "from");
	bool gone = type && !strcmp(type, "unavailable");
	char bare[JID_CAP];

	if ((type && !gone) || !from || !strchr(from, '/') ||
	    jid_bare(bare, sizeof(bare), from))
		return;
	struct owner *owner =
		gone ? find_owner(gateway, bare) : take_owner(gateway, bare);
	if (!owner)
		return;
	struct device *device = gone ? find_device(owner, from) : NULL;
	if (!gone)
		on_available(gateway, owner, from, presence);
	else if (device)
		drop(owner, device);
	if (!owner->n)
		drop_owner(gateway, owner);
}

unsigned devices_count(const struct gateway *gateway, const char *account)
{
	const struct owner *owner = find_owner(gateway, account);

	return owner ? owner->n : 0;
}

void devices_each_direct(const struct gateway *gateway, const char *account,
			 device_fn fn, void *arg)
{
	const struct owner *owner = find_owner(gateway, account);
	const struct device *device;

	if (!owner)
		return;
	TAILQ_FOREACH(device, &owner->devices, entry) {
		if (device->direct)
			fn(device->jid, arg);
	}
}
