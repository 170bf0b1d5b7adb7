/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What others need of a new configuration: the XMPP server's section for the
 * component, the firewall's ports; and what comes next.
 */
#pragma once

#include <stdio.h>

#include "gateway/base/err.h"

struct answers;

/*
 * Reads the configuration that was written to @path; -1 when there is a mistake
 * in it, which was told.
 */
CHECKED int advice_tell(const struct answers *answers, const char *path,
			FILE *to);
void advice_farewell(const struct answers *answers, FILE *to);
