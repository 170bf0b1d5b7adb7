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

/* It is so, and well. @subject is a word or two. */
void finding_good(struct doctor *doctor, const char *subject, const char *fmt,
		  ...) PRINTF(3, 4);
/* It may be meant, but often is not; @mend says when, and what to do then. */
void finding_odd(struct doctor *doctor, const char *subject, const char *mend,
		 const char *fmt, ...) PRINTF(4, 5);
/* Calls will fail; @mend says what to do. */
void finding_bad(struct doctor *doctor, const char *subject, const char *mend,
		 const char *fmt, ...) PRINTF(4, 5);

/* The checks; each tells one or more findings. */
void check_machine(struct doctor *doctor);
void check_files(struct doctor *doctor);
void check_ports(struct doctor *doctor);
void check_public(struct doctor *doctor);
void check_component(struct doctor *doctor);
void check_trunks(struct doctor *doctor);
