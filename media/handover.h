/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Sockets that the next process takes from this one: the service manager holds
 * them in between (sd_pid_notify_with_fds(3), FDSTORE), so that what arrives
 * waits in them. Which is which their addresses tell.
 *
 * Of the main thread.
 */
#pragma once

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

/* @fd is to be held by the manager; -1 is fine. 0 or -errno. */
CHECKED int handover_give(int fd);
/* Send what was given. Returns how many; 0 when nobody holds sockets for us. */
size_t handover_send(void);

/* A UDP socket bound to @local that was handed to us, once; -1: none. */
int handover_take(const struct addr *local);
/* Nobody takes the rest: they are closed, and the manager holds nothing any
 * more. Returns how many. */
size_t handover_end(void);
