/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Descriptors that outlive the process in systemd's store for it (sd_notify(3),
 * FDSTORE=1): who is started after it finds them among its own. Where nobody
 * keeps any, nothing happens.
 */
#pragma once

#include <stddef.h>

/* What an earlier run has left under @name: the caller's. 0: nothing. To be
 * asked for before the media start. */
int kept_take(const char *name);
/* Keep a copy of @fd. @name: printable, without ':'. */
void kept_put(const char *name, int fd);
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
