/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The accounts that legs are about: found by sid and account, counted by
 * account.
 */
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "xmpp/jid.h"

struct xmpp_account {
	RB_ENTRY(xmpp_account) link;
	unsigned n; /* targets */
	LIST_HEAD(, xmpp_target) targets;
	const char *bare;
	char text[]; /* what bare points to */
};

RB_HEAD(target_tree, xmpp_target);
RB_HEAD(busy_tree, xmpp_account);
struct xmpp_legs {
	struct target_tree targets;
	struct busy_tree accounts;
	struct recent *ended; /* "sid account" of sids of theirs */
};

static int compare_targets(const struct xmpp_target *a,
			   const struct xmpp_target *b)
{
	int by_sid = strcmp(a->sid, b->sid);

	return by_sid ? by_sid : strcmp(a->bare, b->bare);
}

static int compare_accounts(const struct xmpp_account *a,
			    const struct xmpp_account *b)
{
	return strcmp(a->bare, b->bare);
}

TREE_GENERATE(target_tree, xmpp_target, link, compare_targets)
TREE_GENERATE(busy_tree, xmpp_account, link, compare_accounts)

/* ---- the index ---- */

int leg_xmpp_index_new(struct gateway *gateway)
{
	gateway->legs = calloc(1, sizeof(*gateway->legs));
	if (!gateway->legs)
		return -ENOMEM;
	RB_INIT(&gateway->legs->targets);
	RB_INIT(&gateway->legs->accounts);
	return recent_new(&gateway->legs->ended, XMPP_ENDED_MAX, XMPP_ENDED_MS);
}

void leg_xmpp_index_free(struct gateway *gateway)
{
	if (gateway->legs)
		recent_free(gateway->legs->ended);
	free(gateway->legs);
	gateway->legs = NULL;
}

void leg_xmpp_index_expire(struct gateway *gateway, uint64_t now_ms)
{
	recent_expire(gateway->legs->ended, now_ms);
}

void xmpp_each(struct gateway *gateway, void (*fn)(struct leg_xmpp *))
{
	struct xmpp_target *target;

	RB_FOREACH(target, target_tree, &gateway->legs->targets) {
		if (target->state == XMPP_TARGET_OPEN &&
		    !strcmp(target->sid, target->xmpp->sid))
			fn(target->xmpp);
	}
}

struct leg *leg_xmpp_find(struct gateway *gateway, const char *sid,
			  const char *peer)
{
	struct xmpp_target key;
	char bare[JID_CAP];

	if (text_set(key.sid, sizeof(key.sid), sid) ||
	    jid_bare(bare, sizeof(bare), peer))
		return NULL;
	key.bare = bare;
	const struct xmpp_target *found =
		RB_FIND(target_tree, &gateway->legs->targets, &key);
	return found ? &found->xmpp->leg : NULL;
}

/* ---- counting ---- */

/* @bare as jid_bare() writes it. */
static struct xmpp_account *find_account(const struct gateway *gateway,
					 const char *bare)
{
	struct xmpp_account key = { .bare = bare };

	return RB_FIND(busy_tree, &gateway->legs->accounts, &key);
}

/* A leg that moves to another device, or whose client is called anew, is about
 * its account by two sids for a while, and one call. */
static bool is_first(const struct xmpp_target *target)
{
	const struct xmpp_target *other;

	LIST_FOREACH(other, &target->xmpp->targets, entry) {
		if (other->account == target->account)
			return other == target;
	}
	return true;
}

unsigned leg_xmpp_calls_of(const struct gateway *gateway, const char *account)
{
	char bare[JID_CAP];
	const struct xmpp_account *found =
		jid_bare(bare, sizeof(bare), account)
			? NULL
			: find_account(gateway, bare);
	const struct xmpp_target *target;
	unsigned n = 0;

	if (!found)
		return 0;
	/* One that is over lives to the end of the loop's turn. */
	LIST_FOREACH(target, &found->targets, counted) {
		n += target->xmpp->state != XMPP_LEG_ENDED && is_first(target);
	}
	return n;
}

static int count(struct xmpp_target *target)
{
	struct gateway *gateway = target->xmpp->gateway;
	struct xmpp_account *account = find_account(gateway, target->bare);
	size_t n = strlen(target->bare) + 1;

	if (!account) {
		account = calloc(1, sizeof(*account) + n);
		if (!account)
			return -ENOMEM;
		account->bare = memcpy(account->text, target->bare, n);
		RB_INSERT(busy_tree, &gateway->legs->accounts, account);
	}
	account->n++;
	target->account = account;
	LIST_INSERT_HEAD(&account->targets, target, counted);
	return 0;
}

static void discount(struct xmpp_target *target)
{
	struct xmpp_account *account = target->account;

	if (!account)
		return;
	target->account = NULL;
	LIST_REMOVE(target, counted);
	if (--account->n)
		return;
	RB_REMOVE(busy_tree, &target->xmpp->gateway->legs->accounts, account);
	free(account);
}

static struct leg *find_leg(struct gateway *gateway, const char *account,
			    const char *local,
			    bool (*wanted)(const struct leg *leg))
{
	char bare[JID_CAP], ours[JID_CAP];
	const struct xmpp_account *found =
		jid_bare(bare, sizeof(bare), account)
			? NULL
			: find_account(gateway, bare);
	struct xmpp_target *target;

	if (!found || jid_bare(ours, sizeof(ours), local))
		return NULL;
	LIST_FOREACH(target, &found->targets, counted) {
		struct leg_xmpp *xmpp = target->xmpp;

		if (!strcmp(xmpp->local_bare, ours) && wanted(&xmpp->leg))
			return &xmpp->leg;
	}
	return NULL;
}

static bool talks(const struct leg *leg)
{
	return call_talks(leg->call);
}

struct leg *leg_xmpp_talking(struct gateway *gateway, const char *account,
			     const char *local)
{
	return find_leg(gateway, account, local, talks);
}

static bool calls(const struct leg *leg)
{
	const struct leg_xmpp *xmpp = (const struct leg_xmpp *)leg;

	return !xmpp->caller && xmpp->state == XMPP_LEG_PROPOSED;
}

struct leg *leg_xmpp_calling(struct gateway *gateway, const char *account,
			     const char *local)
{
	return find_leg(gateway, account, local, calls);
}

static bool proposes(const struct leg *leg)
{
	const struct leg_xmpp *xmpp = (const struct leg_xmpp *)leg;

	return xmpp->caller && xmpp->state == XMPP_LEG_PROPOSED;
}

const char *xmpp_proposed_sid(struct gateway *gateway, const char *account,
			      const char *local)
{
	struct leg *leg = find_leg(gateway, account, local, proposes);

	return leg ? xmpp_of(leg)->sid : NULL;
}

static bool dials(const struct leg *leg)
{
	return call_takes_digits(leg->call);
}

struct leg *leg_xmpp_dialling(struct gateway *gateway, const char *account,
			      const char *local)
{
	return find_leg(gateway, account, local, dials);
}

/* ---- targets ---- */

int xmpp_target_add(struct leg_xmpp *xmpp, const char *sid, const char *account)
{
	char bare[JID_CAP];

	if (jid_bare(bare, sizeof(bare), account))
		return -EINVAL;
	size_t n = strlen(bare) + 1;
	struct xmpp_target *target = calloc(1, sizeof(*target) + n);
	if (!target)
		return -ENOMEM;
	target->bare = memcpy(target->text, bare, n);
	target->xmpp = xmpp;
	target->theirs = xmpp->caller || strcmp(sid, xmpp->sid) != 0;
	int r = text_set(target->sid, sizeof(target->sid), sid);
	if (r) {
		free(target);
		return -EINVAL;
	}
	if (RB_INSERT(target_tree, &xmpp->gateway->legs->targets, target)) {
		free(target);
		return -EEXIST;
	}
	LIST_INSERT_HEAD(&xmpp->targets, target, entry);
	return count(target);
}

enum { ENDED_NAME_CAP = XMPP_SID_CAP + JID_CAP };

/* 0 or -EMSGSIZE. */
static int ended_name(char out[static ENDED_NAME_CAP], const char *sid,
		      const char *bare)
{
	return text_format(out, ENDED_NAME_CAP, "%s %s", sid, bare);
}

bool leg_xmpp_has_ended(const struct gateway *gateway, const char *sid,
			const char *peer)
{
	char bare[JID_CAP], name[ENDED_NAME_CAP];

	return !jid_bare(bare, sizeof(bare), peer) &&
	       !ended_name(name, sid, bare) &&
	       recent_has(gateway->legs->ended, name, clock_ms());
}

/* A leg whose call was never placed may be tried again. */
static void keep_ended(const struct xmpp_target *target)
{
	const struct leg_xmpp *xmpp = target->xmpp;
	char name[ENDED_NAME_CAP];

	if (target->theirs && xmpp->state != XMPP_LEG_IDLE &&
	    !ended_name(name, target->sid, target->bare))
		recent_add(xmpp->gateway->legs->ended, name, clock_ms());
}

void xmpp_target_drop(struct xmpp_target *target)
{
	discount(target);
	keep_ended(target);
	RB_REMOVE(target_tree, &target->xmpp->gateway->legs->targets, target);
	LIST_REMOVE(target, entry);
	free(target);
}

struct xmpp_target *xmpp_target_find(struct leg_xmpp *xmpp, const char *jid)
{
	struct xmpp_target *target;

	LIST_FOREACH(target, &xmpp->targets, entry) {
		if (jid_same_bare(target->bare, jid))
			return target;
	}
	return NULL;
}

void xmpp_target_end(struct xmpp_target *target, enum cause cause)
{
	if (target->state == XMPP_TARGET_ENDED)
		return;
	log_info("call=%s leg=xmpp account=%s ended cause=%s",
		 call_name(target->xmpp->leg.call),
		 log_text(slice_of(target->bare)).s, cause_name(cause));
	target->state = XMPP_TARGET_ENDED;
	target->cause = cause;
	discount(target);
}

/* Who has picked up knows of the call. */
void xmpp_targets_missed(const struct leg_xmpp *xmpp, enum cause cause)
{
	struct xmpp_target *target;

	if (xmpp->caller || xmpp->peer)
		return;
	LIST_FOREACH(target, &xmpp->targets, entry) {
		bool ended = target->state == XMPP_TARGET_ENDED;

		if (!target->missed)
			call_missed(xmpp->leg.call, target->bare, xmpp->local,
				    ended ? target->cause : cause);
		target->missed = true;
	}
}

bool xmpp_targets_open(const struct leg_xmpp *xmpp, enum cause *cause)
{
	const struct xmpp_target *target;
	bool first = true;

	LIST_FOREACH(target, &xmpp->targets, entry) {
		if (target->state == XMPP_TARGET_OPEN)
			return true;
		*cause = first ? target->cause
			       : cause_combine(*cause, target->cause);
		first = false;
	}
	return false;
}
