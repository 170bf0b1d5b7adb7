/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Another process in the place of this one, with all calls that are up: this
 * one ends without a word, the service manager starts the program that is there
 * now, and that takes each call up as after a crash
 * (gateway/call/call_resume.h). The manager holds the media's sockets
 * meanwhile: what comes waits in them. Calls that are being made are waited
 * for, and so are those that have just ended: a BYE's answer (or its 401).
 */
#pragma once

#include <stdbool.h>

struct gateway;

/* New calls are refused (503) from now on; upgrade_run() when it is due. */
void upgrade_begin(struct gateway *gateway);
/* It was begun, no call is in set-up any more, no request in a SIP dialog or at
 * the control socket unanswered, and all was written to the stream; or not for
 * too long. */
bool upgrade_is_due(const struct gateway *gateway);
/* Before media_new(): what the media of the process before have left with the
 * manager (kept_take_last()). */
void upgrade_take_sockets(void);
/* Does not return. */
_Noreturn void upgrade_run(struct gateway *gateway);
