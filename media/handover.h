/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Sockets that an earlier process had: what arrived since waits in them. Which
 * is which their addresses tell. Of the main thread.
 */
#pragma once

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

/* Before media_new(): @fd is ours now; closed when it is no UDP socket. 0,
 * -EINVAL, -ENOMEM. */
CHECKED int handover_offer(int fd);
/* The one that is bound to @local, once; -1: none. */
int handover_take(const struct addr *local);
/* Nobody takes the rest: they are closed. Returns how many. */
size_t handover_end(void);
