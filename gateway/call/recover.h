/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Calls of a run of the process that died: they go on (call_resume.h), or are
 * ended cleanly on both sides, so that nobody is left with a call that is none
 * any more. SIP dialogs get a BYE with their stored tags and route, Jingle
 * sessions a session-terminate, and each call its record.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;

/* Reads the session table and takes its calls up. 0; or -errno, the table could
 * not be read: nothing was begun, and it is as it was. */
CHECKED int recover_new(struct gateway *gateway);
void recover_free(struct gateway *gateway);
/* The stream is up (again): what was left there is ended once. */
void recover_stream_up(struct gateway *gateway);
/* In another file (gateway/rewriting.h) is nothing of what has been told. 0,
 * -ENOBUFS, -ENOMEM. */
CHECKED int recover_put_all(struct gateway *gateway);
