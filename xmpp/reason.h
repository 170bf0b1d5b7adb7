/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The reasons of XEP-0166 (7.4), shared by Jingle and message initiation.
 */
#pragma once

struct stanza;

#define REASON_NS "urn:xmpp:jingle:1"

enum reason {
	REASON_NONE, /* not given, or one we do not know */
	REASON_ALTERNATIVE_SESSION,
	REASON_BUSY,
	REASON_CANCEL,
	REASON_CONNECTIVITY_ERROR,
	REASON_DECLINE,
	REASON_EXPIRED,
	REASON_FAILED_APPLICATION,
	REASON_FAILED_TRANSPORT,
	REASON_GENERAL_ERROR,
	REASON_GONE,
	REASON_INCOMPATIBLE_PARAMETERS,
	REASON_MEDIA_ERROR,
	REASON_SECURITY_ERROR,
	REASON_SUCCESS,
	REASON_TIMEOUT,
	REASON_UNSUPPORTED_APPLICATIONS,
	REASON_UNSUPPORTED_TRANSPORTS,
	REASON_NVALUES,
};

const char *reason_name(enum reason reason); /* "busy" */
/* Of a <reason/> element; underscores are taken for hyphens (Dino). @text,
 * borrowed from @element, may be NULL. REASON_NONE when @element is NULL. */
enum reason reason_parse(const struct stanza *element, const char **text);
/*
 * Append <reason><busy/><text>…</text></reason>; @text may be NULL. @reason is
 * not REASON_NONE.
 */
void reason_format(struct stanza *parent, enum reason reason, const char *text);
