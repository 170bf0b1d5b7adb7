/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A gateway that has nothing but a configuration. */
#pragma once

#include "gateway/gateway.h"
#include "tests/test.h"

static struct gateway gateway;
static struct config *config;

static inline void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

/* In place of what was configured before. */
static inline void configure(const char *text)
{
	config = config_free(config);
	assert_int_equal(
		config_parse(&config, "test", slice_of(text), on_mistake, NULL),
		0);
	gateway = (struct gateway){ .config = config };
}
