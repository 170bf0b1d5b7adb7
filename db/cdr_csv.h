/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Call records as CSV (RFC 4180): one header line, then a line a record, UTF-8,
 * lines end in CR LF. Times are RFC 3339 in UTC, "" where it never came to
 * that.
 *
 * Spreadsheets take a field that begins with = + - @ for a formula, and callers
 * choose their names: such a field gets an apostrophe in front, but for
 * telephone numbers.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "db/cdr.h"

/* What cannot be written is in ferror(@to). */
void cdr_csv_head(FILE *to);
void cdr_csv_rows(FILE *to, const struct cdr *rows, size_t n);
