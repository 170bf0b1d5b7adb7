/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts in Tandem's database, as many as one likes. */
#pragma once

/* Make the database @path with @n accounts that own a number each. */
void accounts_write(const char *path, unsigned n);
