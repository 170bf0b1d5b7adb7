/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One OPTIONS to a trunk, now, for who wants to know: it has no say in whether
 * the trunk counts as up (that is trunk_qualify.c's).
 */
#pragma once

#include "gateway/base/err.h"

struct sip_probe;
struct sip_trunk;

enum { SIP_PROBE_WAIT_MS = 8000 };

/* @status: of the final answer; 0: none came in time. Called once, from the
 * loop; the probe may be freed in it. */
typedef void (*sip_probe_fn)(unsigned status, unsigned ms, void *arg);

/* @trunk must outlive *@out, which is owned by the caller: sip_probe_free().
 * 0 or -errno (-EHOSTUNREACH: it has no address now). */
CHECKED int sip_probe_new(struct sip_probe **out, struct sip_trunk *trunk,
			  sip_probe_fn fn, void *arg);
/* NULL is fine; returns NULL. */
struct sip_probe *sip_probe_free(struct sip_probe *probe);
