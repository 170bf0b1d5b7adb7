/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is dialled that is no number: codes before one, and those that a trunk
 * takes as they stand.
 */
#pragma once

#include <stdbool.h>

struct config_texts;
struct gateway;

/* Whether @text is one of @codes. */
bool code_is_of(const struct config_texts *codes, const char *text);

/*
 * @local without what is dialled before a number so that one call does not show
 * one's own: *67 in North America, #31# with GSM's telephones. *@withhold
 * becomes true when there was such a code; borrowed from @local.
 */
const char *code_cut_withhold(const char *local, bool *withhold);

/* Whether @account (a JID) reaches something by @local as it stands: a number
 * for emergencies that is configured, or a short code of its trunk. */
bool code_is_dialled(const struct gateway *gateway, const char *account,
		     const char *local);
