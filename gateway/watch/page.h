/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The status page: live calls and how well they are heard, trunks, workers,
 * the last failures and why. Plain HTML that reloads itself; no script, nothing
 * from elsewhere.
 */
#pragma once

#include "gateway/base/err.h"

struct evbuffer;
struct gateway;

enum {
	PAGE_RELOAD_S = 5,
	PAGE_CALLS_MAX = 100, /* that are shown */
	PAGE_FAILURES_MAX = 30,
};

/* 0, or as html_end(). */
CHECKED int page_write(struct gateway *gateway, struct evbuffer *out);

/* Its style sheet. */
extern const char page_style[];
