/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Descriptors that outlive the process in systemd's store for it (sd_notify(3),
 * FDSTORE=1): who is started after it finds them among its own. Where nobody
 * keeps any, nothing happens.
 */
#pragma once

#include <stddef.h>

/* A copy of what an earlier run has left under @name: the caller's. 0: nothing.
 */
int kept_take(const char *name);
/*
 * The last that is asked for: each under @name is @take's from now on, to keep
 * or to close, and the manager keeps it no longer. All others of this process
 * are closed. Returns how many there were, and *@refused, of how many @take
 * returned not 0.
 */
size_t kept_take_last(const char *name, int (*take)(int fd), size_t *refused);
/* Keep a copy of @fd. @name: printable, without ':'. */
void kept_put(const char *name, int fd);
/* Of all of @fds, under one name. Returns how many are kept. */
size_t kept_put_all(const char *name, const int *fds, size_t n);
void kept_drop(const char *name);
/* All whose name begins with @prefix, but @name. Returns how many. */
size_t kept_drop_others(const char *prefix, const char *name);

/*
 * Memory that outlives the process: KEPT_PAGE_LEN octets, zero at first. NULL:
 * there is none. The caller's: kept_page_free().
 */
enum { KEPT_PAGE_LEN = 4096 };
void *kept_page(const char *name);
/* What is in it stays. NULL is fine. */
void kept_page_free(void *page);
