/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Descriptors that outlive the process in systemd's store for it (sd_notify(3),
 * FDSTORE=1): who is started after it finds them among its own. Where nobody
 * keeps any, nothing happens.
 */
#pragma once

/* What an earlier run has left under @name: the caller's. 0: nothing. To be
 * asked for before the media start. */
int kept_take(const char *name);
/* Keep a copy of @fd. @name: printable, without ':'. */
void kept_put(const char *name, int fd);
void kept_drop(const char *name);
