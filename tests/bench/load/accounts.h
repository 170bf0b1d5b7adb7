/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts in Tandem's database, as many as one likes. */
#pragma once

#include "tests/bench/load/call.h"

/* Make the database @path with @n accounts that own a number each. */
void accounts_write(const char *path, unsigned n);
/* Whom @call calls: the next of @n accounts, or the one that is configured. */
void accounts_choose(struct call *call, unsigned n);
