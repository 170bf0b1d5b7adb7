/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The JSON objects that the billing system is sent. All are owned by the
 * caller: free(); NULL without memory.
 */
#pragma once

struct bill_request;
struct cdr;

/* A call's or text's question, as bill.h has it. */
char *bill_json_request(const struct bill_request *request);
/* A call's record. Times are milliseconds since 1970, 0 where it never came to
 * that. */
char *bill_json_record(const struct cdr *cdr);
