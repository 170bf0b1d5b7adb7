/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The billing system is asked before a text goes to its trunk. */
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/gateway.h"
#include "gateway/text/text_queue_state.h"
#include "xmpp/jid.h"

static void on_answer(const struct bill_answer *answer, void *arg)
{
	struct conversation *c = arg;
	struct text_queue *queue = c->queue;
	struct lane *lane = c->lane;
	char reason[BILL_REASON_CAP];

	if (text_set(reason, sizeof(reason), answer->reason))
		reason[0] = '\0';
	bool allowed = answer->allowed;
	c->question = question_free(c->question);
	lane->at_once--;
	if (allowed) {
		TAILQ_FIRST(&c->texts)->paid = true;
		text_wake(c);
	} else {
		text_refuse_first(c, "policy-violation",
				  *reason ? reason
					  : "The credit of this account does "
					    "not cover the text.");
	}
	text_pump(queue, lane);
}

int text_bill(struct conversation *c)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	struct gateway *gateway = c->queue->gateway;
	char account[JID_CAP];

	if (first->paid || first->kind != TEXT_PLAIN || !bill_asks(gateway))
		return 0;
	jid_account(account, first->sender);
	const struct bill_request request = { .kind = BILL_TEXT,
					      .id = first->call_id,
					      .account = account,
					      .from = c->number,
					      .to = c->party,
					      .trunk = c->lane->name };
	int r = bill_ask(&c->question, gateway, &request, on_answer, c);
	if (r)
		return r;
	c->lane->at_once++;
	return TEXT_BILL_E_ASKED;
}
