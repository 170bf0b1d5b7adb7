/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How much one account or trunk may: what an administrator has set for it
 * (db/quota.h), and where that says nothing what is configured. limits.h asks,
 * and changes it.
 */
#pragma once

#include <stdbool.h>

#include "db/quota.h"
#include "gateway/base/err.h"

struct config_quota;
struct gateway;

/* Reads what was set. 0 or -errno. */
CHECKED int quotas_new(struct gateway *gateway);
void quotas_free(struct gateway *gateway);

/* What holds for @name; its lists are borrowed until the next change. */
void quotas_of(struct config_quota *out, const struct gateway *gateway,
	       enum quota_kind kind, const char *name);
/* What was set for it, borrowed until the next change; NULL: nothing. */
const struct config_quota *quotas_given(const struct gateway *gateway,
					enum quota_kind kind, const char *name,
					bool *withhold);
/* Whether @account never shows its number. */
bool quotas_withhold(const struct gateway *gateway, const char *account);

/* 0, -EINVAL (prefixes), -ENOBUFS, -ENOMEM: nothing has changed. */
CHECKED int quotas_set(struct gateway *gateway, const struct quota_row *row);
CHECKED int quotas_unset(struct gateway *gateway, enum quota_kind kind,
			 const char *name);
/* All again, as account_put_all(). */
CHECKED int quotas_put_all(struct gateway *gateway);
/* In memory alone. */
void quotas_forget(struct gateway *gateway, enum quota_kind kind,
		   const char *name);
/* The account @from is called @to from now on. In memory alone; prepared first,
 * it cannot fail: 0 or -ENOMEM. */
CHECKED int quotas_prepare(struct gateway *gateway, const char *to);
void quotas_move(struct gateway *gateway, const char *from, const char *to);
