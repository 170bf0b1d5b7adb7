/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call: two legs, the bridge between their media, and one table of states.
 *
 *              caller's leg (side A)          callee's leg (side B)
 *   new        calls, or offers
 *   asking     … while the billing system is asked
 *   offered                                   is called
 *   ringing    hears that it rings            rings
 *   picked-up                                 somebody did, says its media next
 *   answered                                  accepted; its media comes up
 *   proceeding is asked for its offer
 *   storing    … until the session's row is on disk
 *   connecting was answered; its media comes up
 *   early      up, by policy, while the callee still rings
 *   up         ----------------- both talk -----------------
 *   closed     over; freed at the end of the loop's turn
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/call/cause.h"
#include "media/bridge.h"

struct call;
struct fare;
struct gateway;
struct hunt;
struct leg;
struct origin;
struct session_row;

enum { CALL_NAME_CAP = 37 };

/* All text is borrowed for the call alone. */
struct call_parties {
	bool inbound;        /* from the telephone network */
	const char *account; /* bare JID whose call this is */
	const char *from;    /* number, or JID */
	const char *to;
	const char *trunk; /* "" none */
	unsigned ring_timeout_ms;
	const struct fare *fare; /* of the callee; borrowed, NULL: none */
	bool early_answer; /* a trunk's 183 with media connects the caller */
	/* Who is called when the callee does not answer: owned by the call from
	 * call_new() on, also when that fails. NULL: nobody. */
	struct hunt *hunt;
	/* What the trunk says of an inbound call; borrowed, NULL: nothing. */
	const struct origin *origin;
};

/*
 * A call between two legs that have not begun. The legs are the call's from now
 * on, also when this fails. The call frees itself after it has ended;
 * *@out is borrowed until then. Begin with leg_calls() or leg_offers().
 * 0, -EAGAIN (limits.calls reached), or -errno.
 */
CHECKED int call_new(struct call **out, struct gateway *gateway,
		     const struct call_parties *parties, struct leg *caller,
		     struct leg *callee);

const char *call_name(const struct call *call);
const char *call_account(const struct call *call); /* bare JID */
struct bridge *call_bridge(const struct call *call);
struct leg *call_leg(const struct call *call, enum media_side side);
/* What the trunk said of it, its caller's name with it; NULL: nothing. */
const struct origin *call_origin(const struct call *call);
const char *call_state_name(const struct call *call);

/* Whether nobody is called yet, as the billing system is asked. */
bool call_is_asked_about(const struct call *call);

/* Whether its parties hear each other, or the caller hears early media. */
bool call_talks(const struct call *call);
/* Whether keys that a party presses are for the call: from when somebody has
 * picked up. They are played once the parties hear each other. */
bool call_takes_digits(const struct call *call);

/*
 * @account, a bare JID that is called as by @from, a JID of ours, does not take
 * the call, by @cause. If nobody does, it is told once the call has ended. Once
 * an account and call.
 */
void call_missed(struct call *call, const char *account, const char *from,
		 enum cause cause);

/* Queue a row that a leg has filled (leg_ops.store), unless it says what was
 * queued last. 0 or -errno. */
CHECKED int call_record_put(struct call *call, const struct session_row *row);

/* What the rows say has changed: write them again while the call is up. */
void call_record_refresh(struct call *call);
/* Those of all calls that are up again, as rewriting_some_fn; of others, when
 * they are, and until then what is left of them. */
bool call_record_some(struct gateway *gateway, bool begin, int *r);

/* How many are not up yet. */
unsigned call_count_in_setup(const struct gateway *gateway);

/*
 * Its user hands it over: the telephone is asked to call @number (E.164)
 * itself, where the user might call it too (RFC 3515). When that is answered
 * the call ends; when not it goes on. 0, LEG_E_TRANSFER (it is not up, or its
 * trunk has no `refer`), or -errno.
 */
CHECKED int call_transfer(struct call *call, const char *number);

/* That came to nothing, by @cause: the user is told. */
void call_transfer_failed(struct call *call, const char *number,
			  enum cause cause);

/* The telephone on @side has had itself transferred, at @fare's expense, which
 * is taken; for @seconds at most, 0: as long as they like. 0, or -ENOMEM: what
 * it costs is not counted, and the call is to be ended. */
CHECKED int call_transferred(struct call *call, enum media_side side,
			     struct fare *fare, uint32_t seconds);

/* End it from outside: an administrator, our shutdown. */
void call_hangup(struct call *call, enum cause cause);
/* End and free all calls at once, at the end of the process. */
void call_end_all(struct gateway *gateway, enum cause cause);
