/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call record as the JSON object that is pushed. Times are milliseconds since
 * 1970, 0 where it never came to that.
 */
#pragma once

struct cdr;

/* Owned by the caller: free(). NULL without memory. */
char *bill_json_record(const struct cdr *cdr);
