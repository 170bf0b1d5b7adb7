/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What one peer is treated with, as its trunk's configuration says, and the
 * lists of what we take that follow from it (RFC 3261, 20.5 and 20.37).
 */
#pragma once

#include <stdbool.h>

#define SIP_ALLOW                                                   \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, " \
	"MESSAGE"

/* All zero is the careful default. */
struct sip_policy {
	bool prack;         /* reliable provisional responses (RFC 3262) */
	bool refer;         /* REFER and Replaces (RFC 3515, 3891) */
	bool follow;        /* 3xx, to the trunk's own hosts */
	bool refuse_notify; /* 481 to a NOTIFY nobody asked for (RFC 6665) */
	unsigned session_expires_s; /* wished for in our INVITE; 0: none */
};

/* Values of Allow and Supported. Static text. */
const char *sip_policy_allow(const struct sip_policy *policy);
const char *sip_policy_supported(const struct sip_policy *policy);

/* Whether an extension that a request requires is known. */
bool sip_policy_has(const struct sip_policy *policy, const char *extension);
