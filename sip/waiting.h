/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Messages that wait in a mailbox of the carrier's, as NOTIFY tells them
 * (RFC 3842, application/simple-message-summary).
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "sip/uri.h"

#define SIP_WAITING_TYPE "application/simple-message-summary"

struct sip_waiting {
	bool waiting;
	char account[SIP_USER_CAP]; /* user of Message-Account; "" none */
	bool has_voice;             /* the counts below were given */
	unsigned voice_new, voice_old;
};

/* 0, or -EINVAL: it does not say whether messages wait. */
CHECKED int sip_waiting_parse(struct sip_waiting *out, struct slice body);
