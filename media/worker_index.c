/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whose a STUN message is: the flows of a worker by the ufrag that a request
 * names (RFC 8445, 7.3), and by the tag in our own requests' transaction ids.
 */
#include <string.h>

#include "media/worker.h"

static int compare_name(const struct flow_name *a, const struct flow_name *b)
{
	return strcmp(a->ufrag, b->ufrag);
}

static int compare_tag(const struct flow *a, const struct flow *b)
{
	return a->ice.tag < b->ice.tag ? -1 : a->ice.tag > b->ice.tag;
}

TREE_GENERATE(worker_names, flow_name, entry, compare_name)
TREE_GENERATE(worker_tags, flow, ice.tag_entry, compare_tag)

void worker_name(struct worker *worker, struct flow_name *name,
		 struct flow *flow, const char *ufrag)
{
	memset(name, 0, sizeof(*name));
	memcpy(name->ufrag, ufrag, strnlen(ufrag, ICE_UFRAG_LEN));
	if (!RB_INSERT(worker_names, &worker->names, name))
		name->flow = flow;
}

void worker_unname(struct worker *worker, struct flow_name *name)
{
	if (name->flow)
		RB_REMOVE(worker_names, &worker->names, name);
	name->flow = NULL;
}

struct flow *worker_find_name(struct worker *worker, struct slice ufrag)
{
	struct flow_name key;

	if (ufrag.n != ICE_UFRAG_LEN)
		return NULL;
	memcpy(key.ufrag, ufrag.p, ICE_UFRAG_LEN);
	key.ufrag[ICE_UFRAG_LEN] = '\0';
	struct flow_name *name = RB_FIND(worker_names, &worker->names, &key);
	return name ? name->flow : NULL;
}

uint32_t worker_new_tag(struct worker *worker)
{
	if (!++worker->next_tag) /* zero is no tag: media/ice.h */
		worker->next_tag = 1;
	return worker->next_tag;
}

void worker_tag(struct worker *worker, struct flow *flow)
{
	flow->ice.tag = ice_tag(flow->ice.ice);
	flow->ice.tagged = !RB_INSERT(worker_tags, &worker->tags, flow);
}

void worker_untag(struct worker *worker, struct flow *flow)
{
	if (flow->ice.tagged)
		RB_REMOVE(worker_tags, &worker->tags, flow);
	flow->ice.tagged = false;
}

struct flow *worker_find_tag(struct worker *worker, uint32_t tag)
{
	/* Only the tag of the key is looked at. */
	struct flow *at = RB_ROOT(&worker->tags);

	while (at && at->ice.tag != tag)
		at = tag < at->ice.tag ? RB_LEFT(at, ice.tag_entry)
				       : RB_RIGHT(at, ice.tag_entry);
	return at;
}
