/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * tandem.conf: what is understood is printed, and reads the same again. Its
 * files of secrets are not opened: a text that names one is left out.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_mistake(const char *line, void *arg)
{
	assert(!strncmp(line, "f:", 2));
	++*(unsigned *)arg;
}

static char *print(const struct config *config)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert(to);
	config_print(config, to);
	assert(!fclose(to));
	return text;
}

static int parse(struct config **out, struct slice text)
{
	unsigned mistakes = 0;
	int r = config_parse(out, "f", text, on_mistake, &mistakes);

	assert((r == CONFIG_E_INVALID) == (mistakes > 0));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(config_freep) struct config *config = NULL, *again = NULL;

	if (memmem(data, size, "_file", 5))
		return 0;
	if (parse(&config, (struct slice){ (const char *)data, size }))
		return 0;
	char *once = print(config);
	assert(!parse(&again, slice_of(once)));
	char *twice = print(again);
	assert(!strcmp(once, twice));
	free(once);
	free(twice);
	return 0;
}
