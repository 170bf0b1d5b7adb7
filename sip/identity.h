/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who calls, and what carriers say about it: P-Asserted-Identity (RFC 3325),
 * Remote-Party-ID, From, Privacy (RFC 3323), Diversion (RFC 5806), History-Info
 * (RFC 7044), and what became of a signature (RFC 8224; `verstat`, 3GPP TS
 * 24.229, 7.2A.20). And the same in requests of ours.
 *
 * Nothing here is judged: whom to believe is the gateway's business, by trunk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sip/uri.h"

struct sip_s;

/* Of an address that hides who it is (RFC 3323, 4.1.1.3). */
#define SIP_ANONYMOUS_HOST "anonymous.invalid"

enum {
	SIP_VERSTAT_CAP = 32,   /* "TN-Validation-Passed-A" */
	SIP_DIVERSION_CAP = 32, /* of a diversion: "no-answer" */
};

struct sip_party {
	char user[SIP_USER_CAP];       /* unescaped; "" none */
	char display[SIP_DISPLAY_CAP]; /* cleaned; "" none */
};

struct sip_identity {
	struct sip_party from;     /* what anybody may write */
	struct sip_party asserted; /* P-Asserted-Identity, Remote-Party-ID */
	/* Privacy, RPID's privacy or an anonymous From: not to be shown. */
	bool withheld;
	/* "" or a token: "TN-Validation-Passed". */
	char verstat[SIP_VERSTAT_CAP];
	bool is_signed;   /* it has an Identity header (RFC 8224) */
	char attestation; /* 'A', 'B', 'C' (RFC 8588, 5.1); 0: not said */
	/* Whom it was for before it was diverted; "" it was not. */
	struct sip_party first_called;
	char diversion[SIP_DIVERSION_CAP]; /* why, a token; "" not said */
	/* How often it was diverted, as far as is told: a call that goes round
	 * can be known by it. */
	unsigned diversions;
};

void sip_identity_read(struct sip_identity *out, const struct sip_s *sip);

/*
 * The party to show: @believe what was asserted, or From alone. Without a
 * display name of its own an asserted party has From's.
 */
void sip_identity_caller(struct sip_party *out,
			 const struct sip_identity *identity, bool believe);

/* How a trunk wants to be told whose call it is. */
enum sip_identity_mode {
	SIP_IDENTITY_PAI,  /* From and P-Asserted-Identity */
	SIP_IDENTITY_RPID, /* From and Remote-Party-ID */
	SIP_IDENTITY_FROM, /* From alone, unless that is anonymous */
};

/* Who calls, in a request of ours. */
struct sip_calling {
	enum sip_identity_mode mode;
	const char *user;    /* the account's number */
	const char *display; /* or NULL */
	const char *domain;
	bool anonymous; /* RFC 3323, 4.1; the trunk alone learns the number */
};

struct sip_calling_text {
	char from[SIP_NAME_ADDR_CAP];          /* without tag */
	char asserted[SIP_NAME_ADDR_CAP + 64]; /* a whole header line, or "" */
};

/* 0, -EINVAL (a user that no header can hold), -EMSGSIZE. */
CHECKED int sip_calling_format(struct sip_calling_text *out,
			       const struct sip_calling *calling);

/*
 * The value of the first header @name (in any case) that sofia does not know
 * itself, or "".
 */
const char *sip_header_text(const struct sip_s *sip, const char *name);

/* Whom a carrier says that it called, when the Request-URI is our Contact
 * (P-Called-Party-ID: RFC 7315, 4.2); "" not said. */
void sip_called_user(char out[static SIP_USER_CAP], const struct sip_s *sip);

/* The user of @url (sofia's url_t has no tag), unescaped; "" when there is none
 * or it is no good. */
void sip_url_user(char out[static SIP_USER_CAP], const void *url);
