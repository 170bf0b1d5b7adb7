/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the checks of the doctor share: the patient, and how a finding is told.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "gateway/base/err.h"

struct config;
struct event_base;

struct doctor {
	const struct config *config;
	struct event_base *base;
	FILE *out;
	bool running; /* a Tandem holds this configuration's database */
	unsigned bad; /* findings that must be mended */
};

enum finding {
	FINDING_GOOD, /* it is so, and well */
	FINDING_ODD,  /* it may be meant, but often is not */
	FINDING_BAD,  /* calls will fail */
};

/*
 * Tell one, as finding_good(), finding_odd() and finding_bad() do. @subject is
 * a word or two; @mend says what to do, and of what is odd also when.
 */
void finding_tell(struct doctor *doctor, enum finding finding,
		  const char *subject, const char *mend, const char *fmt, ...)
	PRINTF(5, 6);

#define finding_good(doctor, subject, ...) \
	finding_tell(doctor, FINDING_GOOD, subject, NULL, __VA_ARGS__)
#define finding_odd(doctor, ...) finding_tell(doctor, FINDING_ODD, __VA_ARGS__)
#define finding_bad(doctor, ...) finding_tell(doctor, FINDING_BAD, __VA_ARGS__)

/* From here on as the service's user, when root asks. */
void check_user(struct doctor *doctor);
/* The checks; each tells one or more findings. */
void check_machine(struct doctor *doctor);
void check_files(struct doctor *doctor);
void check_ports(struct doctor *doctor);
void check_public(struct doctor *doctor);
void check_dns(struct doctor *doctor);
void check_component(struct doctor *doctor);
void check_trunks(struct doctor *doctor);
