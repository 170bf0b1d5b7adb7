/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Trunks that administrators add, change and remove at run time, beside those
 * of tandem.conf(5). They are in the database, their passwords sealed; in
 * gateway->config they are found as the file's are (config_find_trunk()).
 *
 * They use the listeners that there are: none can be added while sofia-sip
 * runs.
 */
#pragma once

#include "db/trunk_row.h"
#include "gateway/base/err.h"

struct gateway;

enum added_outcome {
	ADDED_E_INVALID = 1, /* what is wrong is in @why */
	ADDED_E_FILE,        /* tandem.conf(5) has one of that name */
	ADDED_E_UNKNOWN,
	ADDED_E_FULL,
};

enum {
	ADDED_MAX = 200,
	ADDED_WHY_CAP = 512,
	ADDED_MORE_MAX = 8192, /* octets of trunk_row.more */
};

/* Read them; trunks_new() opens them. Needs gateway->db. 0 or -errno. */
CHECKED int added_new(struct gateway *gateway);
void added_free(struct gateway *gateway);

/* What was asked for; borrowed until the next change, NULL: none. */
const struct trunk_row *added_find(const struct gateway *gateway,
				   const char *name);

/* Whether @proxy leads to the host of the trunk @name; true as well where it is
 * no address. Without memory: no. */
bool added_is_at(const struct gateway *gateway, const char *name,
		 const char *proxy);

/*
 * Add a trunk, or put it in the place of the one of its name, whose calls go
 * on as they are. 0, ADDED_E_INVALID, ADDED_E_FILE, ADDED_E_FULL, -ENOBUFS,
 * -ENOMEM, -errno; then nothing has changed.
 */
CHECKED int added_put(struct gateway *gateway, const struct trunk_row *row,
		      char why[static ADDED_WHY_CAP]);
/* Its calls go on. 0, ADDED_E_FILE, ADDED_E_UNKNOWN, -ENOBUFS, -ENOMEM. */
CHECKED int added_drop(struct gateway *gateway, const char *name);
/* All again, as account_put_all(). */
CHECKED int added_put_all(struct gateway *gateway);
