/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts of which somebody wants to know what becomes of them, after they have
 * left us: those of accounts on their way to a telephone, by the id of their
 * envelope, and those of telephones that an account's devices have, by the id
 * of their stanza. In memory and on disk; bounded in number and time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct gateway;
struct report_row;
struct text_reports;

enum {
	TEXT_REPORTS_MAX = 20000,               /* the oldest gives way */
	TEXT_REPORTS_MS = 7 * 24 * 3600 * 1000, /* a telephone may be off */
};

/* Reads what an earlier run has left. 0 or -errno. */
CHECKED int text_reports_new(struct text_reports **out,
			     struct gateway *gateway);
/* NULL is fine; returns NULL. */
struct text_reports *text_reports_free(struct text_reports *reports);

/* Await what becomes of @row, whose time is set here; copied. What is known by
 * its key takes its place. Without memory nobody will know. */
void text_reports_put(struct text_reports *reports,
		      const struct report_row *row);
/* Borrowed until the next change, or NULL. */
const struct report_row *text_reports_find(const struct text_reports *reports,
					   const char *key);
/* All again, as rewriting_some_fn. */
bool text_reports_put_some(struct text_reports *reports, bool begin, int *r);
void text_reports_drop(struct text_reports *reports, const char *key);
/* Those of texts that @account (bare JID) wrote, and of texts to numbers that
 * nobody has any more. */
void text_reports_forget(struct text_reports *reports, const char *account);
