/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/config/config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/text.h"
#include "gateway/config/config_table.h"

void config_mistakes_add(struct config_mistakes *m, unsigned line,
			 const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0 || config_grow(&m->rows, &m->n, sizeof(*m->rows))) {
		if (n >= 0)
			free(text);
		m->failed = -ENOMEM;
		return;
	}
	m->rows[m->n - 1] = (struct config_mistake){ line, text };
}

void config_mistakes_fini(struct config_mistakes *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->rows[i].text);
	free(m->rows);
	*m = (struct config_mistakes){ 0 };
}

/* By line; those of one line stay in the order they were found. */
static void sort_mistakes(struct config_mistakes *m)
{
	for (size_t i = 1; i < m->n; i++) {
		struct config_mistake row = m->rows[i];
		size_t j = i;

		for (; j && m->rows[j - 1].line > row.line; j--)
			m->rows[j] = m->rows[j - 1];
		m->rows[j] = row;
	}
}

static void tell(struct config_mistakes *m, const char *name,
		 config_mistake_fn mistake, void *arg)
{
	sort_mistakes(m);
	for (size_t i = 0; i < m->n; i++) {
		char *line = NULL;

		if (asprintf(&line, "%s:%u: %s", name, m->rows[i].line,
			     m->rows[i].text) < 0)
			mistake(m->rows[i].text, arg);
		else
			mistake(line, arg);
		free(line);
	}
}

int config_parse(struct config **out, const char *name, struct slice text,
		 config_mistake_fn mistake, void *arg)
{
	AUTO(config_freep) struct config *config = calloc(1, sizeof(*config));
	struct config_lines lines = { .end = 1 };
	struct config_mistakes m = { 0 };

	if (!config)
		return -ENOMEM;
	config_read(config, text, &lines, &m);
	if (!m.failed)
		m.failed = config_index(config, CONFIG_BY_NUMBER);
	if (!m.broken && !m.failed)
		config_check(config, &lines, &m);
	/* By then each has its trunk. */
	for (int by = CONFIG_BY_NUMBER + 1;
	     by < CONFIG_NBY && !m.n && !m.failed; by++)
		m.failed = config_index(config, (enum config_by)by);

	int r = m.failed ? m.failed : m.n ? CONFIG_E_INVALID : 0;
	if (r == CONFIG_E_INVALID)
		tell(&m, name, mistake, arg);
	config_mistakes_fini(&m);
	if (r)
		return r;
	*out = config;
	config = NULL;
	return 0;
}

/* All of @fd into an owned string. 0 or -errno. */
static int read_all(int fd, char **out, size_t *n)
{
	char *text = malloc(CONFIG_FILE_MAX + 1);
	ssize_t got = 1;

	if (!text)
		return -ENOMEM;
	for (*n = 0; got && *n <= CONFIG_FILE_MAX; *n += (size_t)got) {
		got = read(fd, text + *n, CONFIG_FILE_MAX + 1 - *n);
		if (got < 0) {
			int error = errno;

			free(text);
			return -error;
		}
	}
	*out = text;
	return 0;
}

int config_load(struct config **out, const char *path,
		config_mistake_fn mistake, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t n = 0;
	int r = fd < 0 ? -errno : read_all(fd, &text, &n);

	if (fd >= 0)
		close(fd);
	if (!text) {
		struct config_mistakes m = { 0 };

		config_mistakes_add(&m, 1,
				    "%s: expected a file that can be "
				    "read",
				    strerror(-r));
		tell(&m, path, mistake, arg);
		config_mistakes_fini(&m);
		return CONFIG_E_INVALID;
	}
	r = config_parse(out, path, (struct slice){ text, n }, mistake, arg);
	explicit_bzero(text, n);
	free(text);
	if (!r) {
		(*out)->path = text_dup(slice_of(path));
		if (!(*out)->path) {
			*out = config_free(*out);
			r = -ENOMEM;
		}
	}
	return r;
}

static void fini_keys(void *object, enum config_section section)
{
	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section == section)
			key->kind->fini((char *)object + key->offset);
	}
}

void config_clear_trunk(struct config_trunk *trunk)
{
	fini_keys(trunk, CONFIG_TRUNK);
	free(trunk->name);
	*trunk = (struct config_trunk){ 0 };
}

void config_clear(struct config *config)
{
	for (size_t i = 0; i < CONFIG_NSECTIONS; i++) {
		if (i != CONFIG_TRUNK && i != CONFIG_NUMBER &&
		    i != CONFIG_ROUTE)
			fini_keys(config, (enum config_section)i);
	}
	for (size_t i = 0; i < config->ntrunks; i++)
		config_clear_trunk(&config->trunks[i]);
	for (size_t i = 0; i < config->nnumbers; i++) {
		fini_keys(&config->numbers[i], CONFIG_NUMBER);
		free(config->numbers[i].number);
	}
	for (size_t i = 0; i < config->nroutes; i++) {
		fini_keys(&config->routes[i], CONFIG_ROUTE);
		free(config->routes[i].name);
	}
	config_index_clear(config);
	free(config->trunks);
	free(config->numbers);
	free(config->routes);
	memset(config, 0, sizeof(*config));
}

struct config *config_free(struct config *config)
{
	if (config) {
		free(config->path);
		config_clear(config);
		free(config);
	}
	return NULL;
}

const struct config_trunk *config_trunk_at(const struct config *config,
					   size_t i)
{
	if (i < config->ntrunks)
		return &config->trunks[i];
	i -= config->ntrunks;
	return config->added && i < config->added->n ? config->added->v[i]
						     : NULL;
}

const struct config_trunk *config_find_trunk(const struct config *config,
					     const char *name)
{
	const struct config_trunk *trunk;

	for (size_t i = 0; (trunk = config_trunk_at(config, i)); i++) {
		if (!strcmp(trunk->name, name))
			return trunk;
	}
	return NULL;
}
