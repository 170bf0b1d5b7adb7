/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The log of what XMPP peers are refused: a line each, but whoever is refused
 * often does not fill the log.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;

enum {
	/* Lines an account gets in that time; after them one at a hundred
	 * refusals, one at a thousand, and so on. */
	REFUSED_LINES = 10,
	REFUSED_MS = 60000,
	REFUSED_MAX = 4096, /* accounts that are counted */
};

/* 0 or -ENOMEM. */
CHECKED int refused_new(struct gateway *gateway);
void refused_free(struct gateway *gateway);

/* @what: "forbidden", a cause's name or the like; @from and @to as the peer
 * wrote them. */
void refused_log(struct gateway *gateway, const char *what, const char *from,
		 const char *to);
