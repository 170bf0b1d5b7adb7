/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whom an INVITE of a trunk is for. Carriers write the number into the
 * Request-URI; those that send to our Contact (RFC 3261, 10) name it in
 * P-Called-Party-ID (RFC 7315, 4.2) or in To alone.
 */
#pragma once

struct config_trunk;
struct sip_invite;

/* A user of @invite's, borrowed; "" when it names nobody. */
const char *called_user(const struct config_trunk *trunk,
			const struct sip_invite *invite);
