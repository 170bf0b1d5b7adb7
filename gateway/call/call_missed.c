/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who was called and did not answer: told when the call has ended and nobody
 * else did.
 */
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/call/call_state.h"
#include "gateway/call/missed.h"
#include "gateway/route/origin.h"

void call_missed(struct call *call, const char *account, const char *from,
		 enum cause cause)
{
	size_t n = strlen(account) + 1, nfrom = strlen(from) + 1;
	struct call_miss *miss = calloc(1, sizeof(*miss) + n + nfrom);

	if (!miss) {
		log_warn("call=%s missed=not-kept account=%s: no memory",
			 call->name, log_text(slice_of(account)).s);
		return;
	}
	miss->cause = cause;
	miss->account = memcpy(miss->text, account, n);
	miss->from = memcpy(miss->text + n, from, nfrom);
	STAILQ_INSERT_TAIL(&call->missed, miss, link);
}

static bool is_told(const struct call *call)
{
	return !call->answered_ms && call->cause != CAUSE_ELSEWHERE &&
	       call->cause != CAUSE_SHUTDOWN;
}

void call_missed_tell(struct call *call)
{
	const struct call_miss *miss;

	if (!is_told(call))
		return;
	STAILQ_FOREACH(miss, &call->missed, link)
		missed_tell(call->gateway,
			    &(struct missed_call){
				    .account = miss->account,
				    .from = miss->from,
				    .name = call->origin ? call->origin->display
							 : NULL,
				    .to = call->to,
				    .at_ms = call->started_ms,
				    .cause = miss->cause });
}

void call_missed_forget(struct call *call)
{
	struct call_miss *miss;

	while ((miss = STAILQ_FIRST(&call->missed))) {
		STAILQ_REMOVE_HEAD(&call->missed, link);
		free(miss);
	}
}
