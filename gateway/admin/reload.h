/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The configuration file read again while calls go on. Numbers, routes, limits,
 * rules of trunks and who may what change at once; what cannot is a reason to
 * change nothing.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/config/config.h"

struct gateway;
struct reload;

enum {
	/* Calls and queues borrow from the configuration of their time, so each
	 * is kept until the end. */
	RELOAD_MAX = 1000,
};

enum reload_outcome {
	RELOAD_E_INVALID = 1, /* @mistake was told of each mistake */
	RELOAD_E_RESTART,     /* @what needs one */
	RELOAD_E_FULL,        /* RELOAD_MAX: needs one too */
};

/* Stopped behind all that borrows. 0 or -ENOMEM. */
CHECKED int reload_new(struct gateway *gateway);
void reload_free(struct gateway *gateway);

/* 0, RELOAD_E_*, -ENOMEM. */
CHECKED int reload(struct gateway *gateway, config_mistake_fn mistake,
		   void *arg, char what[static CONFIG_WHAT_CAP]);
