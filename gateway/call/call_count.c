/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a call counts for while it lasts: a call of its trunk, or of the echo.
 * An account's calls are its legs over XMPP; who sends a call on has that of
 * the fare too (call_fare.c).
 */
#include <stdlib.h>

#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/route/route.h"

static bool is_echo(const struct call *call)
{
	return !call->inbound && (!strcmp(call->to, ROUTE_ECHO_LOCAL) ||
				  !strcmp(call->from, ROUTE_ECHO_LOCAL));
}

static int count_trunk(struct call *call)
{
	return *call->trunk ? toll_take(call->gateway, &call->line, TOLL_TRUNK,
					call->trunk)
			    : 0;
}

int call_count_begin(struct call *call)
{
	int r = count_trunk(call);

	if (!r && is_echo(call))
		r = toll_take(call->gateway, &call->echo[0], TOLL_ECHO,
			      call->account);
	if (!r && is_echo(call))
		r = toll_take(call->gateway, &call->echo[1], TOLL_ECHO,
			      TOLL_ECHO_ALL);
	return r;
}

int call_count_trunk(struct call *call, const char *trunk)
{
	char *copy = text_dup(slice_of(trunk));

	if (!copy)
		return -ENOMEM;
	free(call->trunk);
	call->trunk = copy;
	toll_drop(&call->line);
	return count_trunk(call);
}

void call_count_end(struct call *call)
{
	toll_drop(&call->line);
	toll_drop(&call->echo[0]);
	toll_drop(&call->echo[1]);
}
