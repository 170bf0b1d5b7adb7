/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One TLS handshake with a trunk, for the words of its failure. */
#pragma once

#include <stddef.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "sip/agent.h"

enum { HANDSHAKE_WHY_CAP = 160 };

/*
 * Shake hands with @at, which must be @name, and hang up; waits some seconds.
 * 0: all is well; -EACCES, or another -errno: @why says it in words.
 */
CHECKED int handshake_try(char why[static HANDSHAKE_WHY_CAP],
			  const struct sip_tls_files *files,
			  const struct addr *at, const char *name);
