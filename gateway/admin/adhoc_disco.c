/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/adhoc_disco.h"

#include <string.h>

#include "gateway/admin/command.h"
#include "xmpp/adhoc.h"
#include "xmpp/disco.h"
#include "xmpp/stanza.h"

static void add_identity(struct stanza *query, const char *type,
			 const char *name)
{
	struct stanza *st = stanza_child(query, "identity", NULL);

	stanza_set(st, "category", "automation");
	stanza_set(st, "type", type);
	stanza_set(st, "name", name);
}

/* XEP-0050, 2.2. */
static int disco_info(struct stanza **reply, const struct stanza *iq,
		      const struct command *command)
{
	static const char *const features[] = { ADHOC_NS, DISCO_NS_INFO,
						DISCO_NS_ITEMS, FORM_NS };
	int r = stanza_result(reply, iq);
	struct stanza *query =
		r ? NULL : stanza_child(*reply, "query", DISCO_NS_INFO);

	stanza_set(query, "node", command ? command->node : ADHOC_NS);
	add_identity(query, command ? "command-node" : "command-list",
		     command ? command->title : "Commands");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		stanza_set(stanza_child(query, "feature", NULL), "var",
			   features[i]);
	return r;
}

/* 2.1: those that the asker may, and none else. A command has no items. */
static int disco_items(struct stanza **reply, const struct stanza *iq,
		       const struct command *of, const struct actor *actor)
{
	const struct command *command;
	int r = stanza_result(reply, iq);
	struct stanza *query =
		r ? NULL : stanza_child(*reply, "query", DISCO_NS_ITEMS);

	stanza_set(query, "node", of ? of->node : ADHOC_NS);
	for (size_t i = 0; !of && (command = command_at(i)); i++) {
		if (!role_may(actor, command->need))
			continue;
		struct stanza *item = stanza_child(query, "item", NULL);
		stanza_set(item, "jid", stanza_attr(iq, "to"));
		stanza_set(item, "node", command->node);
		stanza_set(item, "name", command->title);
	}
	return r;
}

bool adhoc_disco_is(const struct stanza *iq)
{
	const struct stanza *payload = stanza_first(iq);

	return stanza_is(payload, "query", DISCO_NS_INFO) ||
	       stanza_is(payload, "query", DISCO_NS_ITEMS);
}

int adhoc_disco(struct stanza **reply, const struct stanza *iq,
		const struct actor *actor)
{
	const struct stanza *query = stanza_first(iq);
	const char *node = stanza_attr(query, "node");
	const char *type = stanza_attr(iq, "type");
	const struct command *command = node ? command_of_node(node) : NULL;
	bool list = node && !strcmp(node, ADHOC_NS);

	if (command && !role_may(actor, command->need))
		command = NULL;
	if ((!list && !command) || !type || strcmp(type, "get") != 0)
		return ADHOC_DISCO_E_OTHER;
	int r = stanza_is(query, "query", DISCO_NS_INFO)
			? disco_info(reply, iq, command)
			: disco_items(reply, iq, command, actor);
	if (!r && stanza_ok(*reply))
		return 0;
	*reply = stanza_free(*reply);
	return -ENOMEM;
}
