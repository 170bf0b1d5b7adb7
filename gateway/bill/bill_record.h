/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Call records are pushed to the billing system: one after the other, the one
 * that ended first before the next, each until it is taken by a 2xx. What is
 * not taken yet is in the database (cdr.push), also when we end; a record may
 * come again with the same id, so who takes it looks at that.
 */
#pragma once

#include "gateway/base/err.h"

struct bill_records;
struct gateway;
struct wire;

enum {
	RECORD_RETRY_MIN_MS = 1000, /* doubled up to the second */
	RECORD_RETRY_MAX_MS = 300 * 1000,
};

/* What an earlier run has left is pushed at once. *@out is owned by the caller;
 * @gateway and @wire outlive it. 0 or -ENOMEM. */
CHECKED int bill_records_new(struct bill_records **out, struct gateway *gateway,
			     struct wire *wire);
/* NULL is fine; returns NULL. */
struct bill_records *bill_records_free(struct bill_records *records);

/* There may be one. */
void bill_records_look(struct bill_records *records);
