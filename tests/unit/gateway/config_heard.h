/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A text that is read as a tandem.conf(5), and what is heard of its mistakes.
 */
#pragma once

#include "gateway/base/text.h"
#include "gateway/config/config.h"
#include "tests/test.h"

#define LEAST "xmpp { domain = \"tel.example.org\" secret = \"s\" }\n"

struct heard {
	char text[8192];
	size_t n;
};

static inline void on_mistake(const char *line, void *arg)
{
	struct heard *heard = arg;
	size_t at = strlen(heard->text);

	assert_int_equal(text_format(heard->text + at, sizeof(heard->text) - at,
				     "%s\n", line),
			 0);
	heard->n++;
}

static inline struct config *read_well(const char *text)
{
	struct heard heard = { .n = 0 };
	struct config *config = NULL;

	int r = config_parse(&config, "t.conf", slice_of(text), on_mistake,
			     &heard);
	if (r)
		print_error("%s", heard.text);
	assert_int_equal(r, 0);
	return config;
}

static inline struct heard read_badly(const char *text)
{
	struct heard heard = { .n = 0 };
	struct config *config = NULL;

	assert_int_equal(config_parse(&config, "t.conf", slice_of(text),
				      on_mistake, &heard),
			 CONFIG_E_INVALID);
	assert_null(config);
	assert_true(heard.n > 0);
	return heard;
}
