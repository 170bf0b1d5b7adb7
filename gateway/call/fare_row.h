/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Fares in the rows of the session table: that of a call's leg is in that leg's
 * row, for the process that takes the call up again, or finds that it is lost.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/call/fare.h"

struct session_row;

/* What is paid, and since when. */
struct fare_past {
	struct fare fare; /* its text is the row's */
	int64_t since_ms; /* as the row's times; 0: since it was answered */
	unsigned part;
};

void fare_row_put(struct session_row *row, const struct fare *fare,
		  int64_t since_ms, unsigned part);

/* That of the leg whose row @own is, @other being the call's other leg's; NULL:
 * it is not there. False: there is none. */
bool fare_row_get(struct fare_past *out, const struct session_row *own,
		  const struct session_row *other);

/* The call is lost: who pays is told of what it has cost until @ended_ms, and
 * what has a record of its own gets it. Once: the rows say no more of it then.
 */
void fare_row_lost(struct gateway *gateway, const struct session_row *a,
		   const struct session_row *b, int64_t ended_ms);
