/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The commands over a local socket, for tandemctl(8).
 *
 * A request is texts that end in NUL each, and then the end of the stream:
 * what role to have, whose user commands to run ("" none), "aligned" or
 * "tabs", the command, and its words (gateway/admin/args.h). The answer is '0',
 * or '1' when it failed, and text; that of a live command comes while it runs.
 *
 * The system's root and the user that Tandem runs as are owners, and may ask
 * for less. Nobody else is heard.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct control;
struct gateway;

enum {
	CONTROL_MAX_CLIENTS = 16,
	CONTROL_MAX_REQUEST = 1 << 20, /* octets */
	CONTROL_MAX_WORDS = 64,
	CONTROL_MAX_UNREAD = 4 << 20, /* octets of a live command's */
	CONTROL_TIMEOUT_S = 120, /* of a client that reads and says nothing */
};

/*
 * *@out is NULL when no socket is configured, or when it cannot be made, which
 * is logged. It is owned by the caller: control_free(). 0, -ENOMEM.
 */
CHECKED int control_new(struct control **out, struct gateway *gateway);
struct control *control_free(struct control *control);
/* Whether nobody waits for an answer; who is told as things happen does not.
 * NULL is fine. */
bool control_is_idle(const struct control *control);
