/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/echo_call.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_echo.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/refusal.h"
#include "gateway/route/route.h"
#include "xmpp/jid.h"

static int new_legs(struct leg **echo, struct leg **callee,
		    struct gateway *gateway, const char *account)
{
	char us[JID_CAP];
	int r = text_format(us, sizeof(us), ROUTE_ECHO_LOCAL "@%s/sip",
			    gateway->config->xmpp.domain);

	if (!r)
		r = leg_echo_new(echo);
	if (r)
		return r;
	r = leg_xmpp_new_callee(
		callee, gateway,
		&(struct leg_xmpp_callees){
			.local = us, .accounts = &account, .naccounts = 1 });
	if (r)
		(*echo)->ops->free(*echo);
	return r;
}

const struct refusal *echo_call_place(struct gateway *gateway,
				      const char *account, unsigned ring_s)
{
	const struct call_parties parties = { .account = account,
					      .from = ROUTE_ECHO_LOCAL,
					      .to = account,
					      .trunk = "",
					      .ring_timeout_ms =
						      ring_s * MS_PER_S };
	struct leg *echo, *callee;
	struct call *call;
	int r;

	if (gateway->draining)
		return refusal_no_line();
	r = route_echo_to(gateway, account);
	if (!r)
		r = new_legs(&echo, &callee, gateway, account);
	if (!r)
		r = call_new(&call, gateway, &parties, echo, callee);
	if (r)
		return r == -EAGAIN ? refusal_no_line() : refusal_of(r);
	leg_echo_begin(echo);
	return NULL;
}
