/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/callee.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/caller.h"
#include "gateway/call/missed.h"
#include "gateway/call/policy.h"
#include "gateway/call/trunk_hunt.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_echo.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/route.h"
#include "gateway/route/telephone.h"
#include "sip/onward.h"
#include "xmpp/jid.h"

enum {
	RING_S = 20, /* one after the other, unless the number says */
};

/* ---- accounts ---- */

/* Of one leg over XMPP. */
struct accounts {
	char *local, *nick;
	char *jids[ACCOUNT_MAX_OWNERS];
	size_t n;
};

static void free_accounts(void *arg)
{
	struct accounts *accounts = arg;

	if (!accounts)
		return;
	for (size_t i = 0; i < accounts->n; i++)
		free(accounts->jids[i]);
	free(accounts->local);
	free(accounts->nick);
	free(accounts);
}

static int call_accounts(struct leg **out, struct gateway *gateway, void *arg)
{
	const struct accounts *accounts = arg;

	return leg_xmpp_new_callee(
		out, gateway,
		&(struct leg_xmpp_callees){
			.local = accounts->local,
			.accounts = (const char *const *)accounts->jids,
			.naccounts = accounts->n,
			.nick = accounts->nick });
}

static bool owns_several(const struct gateway *gateway, const char *const *jids,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (number_count(gateway, jids[i]) > 1)
			return true;
	}
	return false;
}

static int fill_accounts(struct accounts *accounts,
			 const struct gateway *gateway, const char *const *jids,
			 size_t n, const struct callee_caller *caller)
{
	char nick[CALLER_NICK_CAP];
	const char *to = owns_several(gateway, jids, n) ? caller->number : NULL;
	int r = caller_nick(nick, caller->name, caller->jid, to);

	if (r)
		return r;
	accounts->local = text_dup(slice_of(caller->jid));
	accounts->nick = *nick ? text_dup(slice_of(nick)) : NULL;
	if (!accounts->local || (*nick && !accounts->nick))
		return -ENOMEM;
	for (; accounts->n < n; accounts->n++) {
		char *jid = text_dup(slice_of(jids[accounts->n]));

		if (!jid)
			return -ENOMEM;
		accounts->jids[accounts->n] = jid;
	}
	return 0;
}

static int add_accounts(struct hunt *hunt, const struct gateway *gateway,
			const char *const *jids, size_t n,
			const struct callee_caller *caller, unsigned ring_ms)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));
	int r = accounts ? fill_accounts(accounts, gateway, jids, n, caller)
			 : -ENOMEM;

	if (r) {
		free_accounts(accounts);
		return r;
	}
	return hunt_add(hunt,
			&(struct hunt_target){ .name = jids[0],
					       .trunk = "",
					       .ring_ms = ring_ms,
					       .next_on = HUNT_ON_NOT_TAKEN,
					       .new_leg = call_accounts,
					       .free_arg = free_accounts,
					       .arg = accounts });
}

/* ---- the echo ---- */

static int call_echo(struct leg **out, struct gateway *gateway, void *arg)
{
	(void)gateway;
	(void)arg;
	return leg_echo_new(out);
}

int callee_add_echo(struct hunt *hunt)
{
	return hunt_add(hunt, &(struct hunt_target){ .name = "echo",
						     .trunk = "",
						     .new_leg = call_echo });
}

/* ---- the owners of a number ---- */

enum decision {
	RINGS,
	BUSY,   /* the caller hears it, if nobody else takes the call */
	PASSES, /* to the others */
	FORWARDS,
	ABSENT, /* closed by an administrator, or does not hear who calls */
};

/* What is built for a call. */
struct build {
	struct hunt *hunt;
	struct gateway *gateway;
	const struct number *number;
	const struct callee_caller *caller;
	const char *ringing[ACCOUNT_MAX_OWNERS]; /* at once */
	size_t nringing;
	size_t nadded;
	bool busy;
	bool forwarded; /* no further: two may forward to each other */
};

/* As for texts; what was blocked learns no more than that nobody is there. */
static bool is_blocked(const struct build *build, const char *owner)
{
	char party[JID_PART_MAX + 1];
	struct jid jid;

	return !jid_parse(&jid, build->caller->jid) &&
	       !text_copy(party, sizeof(party), jid.local) &&
	       blocks_has(build->gateway, owner, party);
}

static enum decision decide(const struct build *build, const char *owner,
			    struct policy *policy)
{
	unsigned n = leg_xmpp_calls_of(build->gateway, owner);

	policy_of(policy, build->gateway, owner, build->number->number);
	if (!policy->enabled || is_blocked(build, owner))
		return ABSENT;
	if (policy->quiet || (policy->forwards && *policy->forward))
		return *policy->forward ? FORWARDS : BUSY;
	if (!n)
		return RINGS;
	switch (policy->second_call) {
	case ACCOUNT_SECOND_BUSY:
		return BUSY;
	case ACCOUNT_SECOND_NEXT:
		return PASSES;
	case ACCOUNT_SECOND_FORWARD:
		return *policy->forward ? FORWARDS : BUSY;
	case ACCOUNT_SECOND_RING:
		break;
	}
	return limits_at_once(build->gateway, QUOTA_ACCOUNT, owner) ? BUSY
								    : RINGS;
}

static int add_number(struct build *build);

static int refuse_forward(const char *owner, const char *to, int outcome)
{
	log_warn("forward=refused account=%s to=%s r=%d",
		 log_text(slice_of(owner)).s, log_text(slice_of(to)).s,
		 outcome);
	return 0;
}

/* As decide() had it, which has said FORWARDS. */
static enum sip_diversion why_diverted(const struct policy *policy)
{
	if (policy->quiet)
		return policy->quiet_for_now ? SIP_DIVERSION_TIME_OF_DAY
					     : SIP_DIVERSION_DO_NOT_DISTURB;
	return policy->forwards ? SIP_DIVERSION_UNCONDITIONAL
				: SIP_DIVERSION_USER_BUSY;
}

/* As if @owner called there: its number is shown, its limits hold. */
static int forward_to_telephone(struct build *build, const char *owner,
				const char *to, enum sip_diversion why)
{
	struct route route;
	struct number number;
	int r = route_forward(&route, build->gateway, owner, to);

	if (r < 0)
		return r;
	if (r)
		return refuse_forward(owner, to, r);
	if (route.kind == ROUTE_ACCOUNT) {
		struct build further = *build;

		if (!number_find(&number, build->gateway, route.to))
			return 0;
		further.number = &number;
		further.forwarded = true;
		further.nringing = 0;
		r = add_number(&further);
		build->nadded = further.nadded;
		return r;
	}
	route.diverted = build->number->number;
	route.why_diverted = why;
	route.onward = build->caller->onward;
	r = trunk_hunt_add(build->hunt, &route, 0);
	if (r > 0)
		return refuse_forward(owner, to, r);
	build->nadded++;
	return r;
}

static int forward(struct build *build, const char *owner, const char *to,
		   enum sip_diversion why)
{
	const struct sip_onward *onward = build->caller->onward;
	unsigned diversions = onward ? onward->diversions : 0;
	char local[JID_PART_MAX + 1];

	build->busy = true; /* that is why, and what is left if it is in vain */
	if (build->forwarded)
		return 0;
	if (diversions >= CALLEE_DIVERSIONS_MAX) {
		log_warn("forward=refused account=%s diversions=%u: a loop",
			 log_text(slice_of(owner)).s, diversions);
		return 0;
	}
	if (telephone_local(local, build->gateway, to))
		return forward_to_telephone(build, owner, local, why);
	build->nadded++;
	return add_accounts(build->hunt, build->gateway, &to, 1, build->caller,
			    0);
}

static bool is_among(const char *const *jids, size_t n, const char *jid)
{
	for (size_t i = 0; i < n; i++) {
		if (jid_same_bare(jids[i], jid))
			return true;
	}
	return false;
}

/* Behind the @n of @jids those that they want to ring with them, and that take
 * calls themselves; the texts are @texts'. How many there are then. */
static size_t add_targets(const struct build *build,
			  const char *jids[static ACCOUNT_MAX_OWNERS], size_t n,
			  struct config_texts *texts)
{
	struct policy policy;

	for (size_t i = 0; i < n; i++) {
		policy_of(&policy, build->gateway, jids[i],
			  build->number->number);
		if (config_texts_parse(texts, policy.targets,
				       config_is_bare_jid))
			log_warn("account=%s targets=not-called",
				 log_text(slice_of(jids[i])).s);
	}
	for (size_t i = 0; i < texts->n && n < ACCOUNT_MAX_OWNERS; i++) {
		const char *jid = texts->v[i];

		/* A telephone of ours would be called by ourselves. */
		if (!telephone_is_ours(build->gateway, jid) &&
		    !is_among(jids, n, jid) &&
		    decide(build, jid, &policy) == RINGS)
			jids[n++] = jid;
	}
	return n;
}

/* The @n of @owners at once, and who rings with them. */
static int ring(struct build *build, const char *const *owners, size_t n,
		unsigned ring_ms)
{
	const char *jids[ACCOUNT_MAX_OWNERS];
	struct config_texts texts = { 0 };

	build->nadded++;
	memcpy(jids, owners, n * sizeof(*jids));
	n = add_targets(build, jids, n, &texts);
	int r = add_accounts(build->hunt, build->gateway, jids, n,
			     build->caller, ring_ms);
	config_texts_fini(&texts);
	return r;
}

static unsigned ring_ms(const struct number *number)
{
	return (number->ring_s ? number->ring_s : RING_S) * MS_PER_S;
}

/* One after the other: the last has what is left of the call's time. */
static int add_in_order(struct build *build)
{
	const struct number *number = build->number;
	struct policy policy;
	int r = 0;

	for (size_t i = 0; !r && i < number->nowners; i++) {
		const char *owner = number->owners[i];
		bool last = i + 1 == number->nowners;

		switch (decide(build, owner, &policy)) {
		case RINGS:
			r = ring(build, &owner, 1, last ? 0 : ring_ms(number));
			break;
		case FORWARDS:
			r = forward(build, owner, policy.forward,
				    why_diverted(&policy));
			break;
		case BUSY:
			build->busy = true;
			return 0;
		case PASSES:
			build->busy = true;
			break;
		case ABSENT:
			break;
		}
	}
	return r;
}

/* As long as the most patient of them; 0: as long as the call may ring. */
static unsigned patience_ms(const struct build *build)
{
	unsigned most_s = 0;

	for (size_t i = 0; i < build->nringing; i++) {
		struct policy policy;

		policy_of(&policy, build->gateway, build->ringing[i],
			  build->number->number);
		if (!policy.ring_s)
			return 0;
		if (policy.ring_s > most_s)
			most_s = policy.ring_s;
	}
	return most_s * MS_PER_S;
}

/* Who rang in vain, and has said for how long. */
static int forward_unanswered(struct build *build, const char *owner,
			      const struct policy *policy)
{
	bool busy = build->busy;
	int r = policy->ring_s && *policy->forward
			? forward(build, owner, policy->forward,
				  SIP_DIVERSION_NO_ANSWER)
			: 0;

	build->busy = busy;
	return r;
}

/* Those who forward come after those who ring. */
static int add_at_once(struct build *build)
{
	const struct number *number = build->number;
	struct policy policy;
	int r = 0;

	for (size_t i = 0; i < number->nowners; i++) {
		enum decision decision =
			decide(build, number->owners[i], &policy);

		if (decision == RINGS)
			build->ringing[build->nringing++] = number->owners[i];
		build->busy |= decision == BUSY || decision == PASSES;
	}
	if (build->nringing)
		r = ring(build, build->ringing, build->nringing,
			 patience_ms(build));
	for (size_t i = 0; !r && i < number->nowners; i++) {
		const char *owner = number->owners[i];
		enum decision decision = decide(build, owner, &policy);

		if (decision == FORWARDS)
			r = forward(build, owner, policy.forward,
				    why_diverted(&policy));
		else if (decision == RINGS)
			r = forward_unanswered(build, owner, &policy);
	}
	return r;
}

static int add_number(struct build *build)
{
	return build->number->ring == ACCOUNT_RING_ORDER ? add_in_order(build)
							 : add_at_once(build);
}

/* Who is in another call, and does not ring for this one. */
static void tell_busy(const struct build *build)
{
	const struct number *number = build->number;
	struct policy policy;

	for (size_t i = 0; i < number->nowners; i++) {
		enum decision decision =
			decide(build, number->owners[i], &policy);

		if (decision == BUSY || decision == PASSES ||
		    decision == FORWARDS)
			missed_tell(build->gateway,
				    &(struct missed_call){
					    .account = number->owners[i],
					    .from = build->caller->jid,
					    .name = build->caller->name,
					    .to = number->number,
					    .at_ms = clock_wall_ms(),
					    .cause = CAUSE_BUSY });
	}
}

int callee_add_number(struct hunt *hunt, struct gateway *gateway,
		      const struct number *number,
		      const struct callee_caller *caller, enum cause *why)
{
	struct build build = { .hunt = hunt,
			       .gateway = gateway,
			       .number = number,
			       .caller = caller };
	int r = add_number(&build);

	if (r || build.nadded)
		return r;
	tell_busy(&build);
	*why = build.busy ? CAUSE_BUSY : CAUSE_UNREACHABLE;
	return CALLEE_E_NOBODY;
}
