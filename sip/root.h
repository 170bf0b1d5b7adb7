/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sofia-sip's event loop inside libevent: its epoll descriptor is watched by
 * ours, and its turn is run after every iteration of our loop.
 */
#pragma once

#include "gateway/base/err.h"

struct event_base;
struct sip_root;
struct su_root_s;

/*
 * Makes sofia's clocks monotonic and sends its log to ours at debug. One at a
 * time in a process: the hooks are global. -ENOSYS when sofia did not make
 * exactly one epoll descriptor, as then nothing would wake it. *@out is owned
 * by the caller; @base must outlive it. 0 or -errno.
 */
CHECKED int sip_root_new(struct sip_root **out, struct event_base *base);
/* NULL is fine; returns NULL. */
struct sip_root *sip_root_free(struct sip_root *root);

struct su_root_s *sip_root_su(const struct sip_root *root);

/* sofia's turn: its messages, sockets and timers, and when to come again. */
void sip_root_pump(struct sip_root *root);
