/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A few words to an account about a call, as a text from who is on its other
 * end; kept until the XMPP server has it. */
#pragma once

struct gateway;

/* @from: our full JID that stands for that party; @account: a bare JID. What
 * cannot be sent is logged. */
void notice_send(struct gateway *gateway, const char *from, const char *account,
		 const char *body);
