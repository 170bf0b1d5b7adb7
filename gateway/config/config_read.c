/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The syntax of tandem.conf(5), by libconfuse, and each value by its type.
 *
 * libconfuse gives up at the first thing it does not know, and we want all
 * mistakes at once. So every key is a string to it, converted here without ever
 * failing it; and a key it does not know is added to its table as unknown and
 * the file is read again from the start. What remains fatal is broken syntax.
 *
 * It also takes a missing `}` at the end of the file for a closed section. A
 * sentinel key behind the text shows where the end was really reached.
 */
#include "gateway/config/config_table.h"

#include <assert.h>
#include <confuse.h>
#include <stdarg.h>
#include <stdlib.h>

#include "gateway/base/text.h"

enum {
	MAX_UNKNOWN = 16,     /* keys, before we stop asking for more */
	KEYS_TEXT_CAP = 2048, /* the names of all keys of a section */
	MAX_OPTIONS = CONFIG_NKEYS + MAX_UNKNOWN + CONFIG_NSECTIONS + 1,
};
#define SENTINEL "\001"

struct reader {
	struct config *config;
	struct config_lines *lines;
	struct config_mistakes *mistakes;
	struct {
		enum config_section section;
		char *name;
	} unknown[MAX_UNKNOWN];
	size_t nunknown;
	bool again;              /* a key became unknown: read once more */
	bool ended;              /* the sentinel was met where it belongs */
	void *object;            /* the trunk or number being read */
	bool seen[CONFIG_NKEYS]; /* its keys */
};

/* libconfuse's callbacks have no argument of ours; it is not reentrant. */
static struct reader *reading;

static bool is_multi(enum config_section section)
{
	return section == CONFIG_TRUNK || section == CONFIG_NUMBER ||
	       section == CONFIG_ROUTE;
}

static enum config_section section_of(cfg_t *cfg)
{
	for (size_t i = CONFIG_TOP + 1; i < CONFIG_NSECTIONS; i++) {
		if (!strcmp(cfg_name(cfg), config_section_names[i]))
			return (enum config_section)i;
	}
	return CONFIG_TOP;
}

/* "xmpp.port", "trunk \"carrier\".proxy", "admins": for mistakes. */
static struct log_text key_name(cfg_t *cfg, const char *name)
{
	const char *title = cfg_title(cfg);
	const char *section = config_section_names[section_of(cfg)];
	struct log_text out;

	snprintf(out.s, sizeof(out.s), "%s%s%.64s%s%s%.64s", section,
		 title ? " \"" : "", title ? title : "", title ? "\"" : "",
		 *section ? "." : "", name);
	return out;
}

static const struct config_key *find_key(enum config_section section,
					 const char *name)
{
	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		if (config_keys[i].section == section &&
		    !strcmp(config_keys[i].name, name))
			return &config_keys[i];
	}
	return NULL;
}

/* The struct that @section's offsets count from, made when it is new. */
static void *object_of(enum config_section section, cfg_t *cfg)
{
	const struct config_object object = { .section = section,
					      .title = cfg_title(cfg),
					      .line = (unsigned)cfg->line };

	if (!is_multi(section))
		return reading->config;
	if (reading->object)
		return reading->object;
	int r = config_object_add(&reading->object, &object, reading->config,
				  reading->mistakes);
	if (r)
		reading->mistakes->failed = r;
	return r ? NULL : reading->object;
}

/* Whether the key was given before in the same place. */
static bool note_key(const struct config_key *key, unsigned line, bool first)
{
	size_t id = (size_t)(key - config_keys);
	bool known = is_multi(key->section) ? reading->seen[id]
					    : reading->lines->key[id] != 0;

	reading->seen[id] = true;
	reading->lines->key[id] = line;
	return known && first;
}

static void bad_value(cfg_t *cfg, const struct config_key *key,
		      const char *value)
{
	struct log_text name = key_name(cfg, key->name);
	unsigned line = (unsigned)cfg->line;

	if (key->kind->secret)
		config_mistakes_add(reading->mistakes, line, "%s: expected %s",
				    name.s, key->kind->expected);
	else if (key->max)
		config_mistakes_add(reading->mistakes, line,
				    "%s = %s: expected a number from %u to %u",
				    name.s, log_text(slice_of(value)).s,
				    key->min, key->max);
	else
		config_mistakes_add(
			reading->mistakes, line, "%s = %s: expected %s", name.s,
			log_text(slice_of(value)).s, key->kind->expected);
}

static void set_value(cfg_t *cfg, cfg_opt_t *opt, const char *value)
{
	enum config_section section = section_of(cfg);
	const struct config_key *key = find_key(section, cfg_opt_name(opt));
	char *object = object_of(section, cfg);
	bool first = cfg_opt_size(opt) == 1;

	if (!object)
		return;
	if (note_key(key, (unsigned)cfg->line, first))
		config_mistakes_add(reading->mistakes, (unsigned)cfg->line,
				    "%s is given twice: expected it once",
				    key_name(cfg, key->name).s);
	if (section == CONFIG_NUMBER && !strcmp(key->name, "trunk"))
		((struct config_number *)reading->object)->trunk_line =
			(unsigned)cfg->line;
	if (key->kind->list && first)
		key->kind->fini(object + key->offset);

	int r = key->kind->read(object + key->offset, key, value);
	if (r == CONFIG_E_INVALID)
		bad_value(cfg, key, value);
	else if (r)
		reading->mistakes->failed = r;
}

/* libconfuse: non-zero ends the parse. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (strstr(value, SENTINEL)) {
		reading->mistakes->broken = true;
		config_mistakes_add(reading->mistakes, reading->lines->end,
				    "%s is cut off by the end of the file: "
				    "expected a value and }",
				    key_name(cfg, cfg_opt_name(opt)).s);
		return -1;
	}
	set_value(cfg, opt, value);
	*(const char **)result = value;
	return reading->mistakes->failed;
}

static void list_keys(enum config_section section, char *out, size_t cap)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < CONFIG_NKEYS && at < cap; i++) {
		if (config_keys[i].section == section)
			at += (size_t)snprintf(out + at, cap - at, "%s%s",
					       at ? ", " : "",
					       config_keys[i].name);
	}
	for (size_t i = 1;
	     section == CONFIG_TOP && i < CONFIG_NSECTIONS && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, ", %s",
				       config_section_names[i]);
}

static int on_unknown(cfg_t *cfg, cfg_opt_t *opt, const char *value,
		      void *result)
{
	*(const char **)result = value;
	if (cfg_opt_size(opt) > 1)
		return 0;

	char known[KEYS_TEXT_CAP];
	list_keys(section_of(cfg), known, sizeof(known));
	config_mistakes_add(reading->mistakes, (unsigned)cfg->line,
			    "unknown key %s: expected one of %s",
			    key_name(cfg, cfg_opt_name(opt)).s, known);
	return 0;
}

static int on_sentinel(cfg_t *cfg, cfg_opt_t *opt, const char *value,
		       void *result)
{
	(void)cfg;
	(void)opt;
	*(const char **)result = value;
	reading->ended = true;
	return 0;
}

/* A list that is given and empty calls nothing while it is read. */
static void take_empty_lists(cfg_t *cfg, enum config_section section)
{
	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		const struct config_key *key = &config_keys[i];
		if (key->section != section || !key->kind->list)
			continue;
		cfg_opt_t *opt = cfg_getopt(cfg, key->name);
		char *object = object_of(section, cfg);
		if (object && (opt->flags & CFGF_MODIFIED) &&
		    !cfg_opt_size(opt))
			key->kind->fini(object + key->offset);
	}
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	enum config_section id = section_of(section);

	(void)cfg;
	if (is_multi(id))
		object_of(id, section); /* one without any key */
	take_empty_lists(section, id);
	reading->object = NULL;
	memset(reading->seen, 0, sizeof(reading->seen));
	return reading->mistakes->failed;
}

static bool learn_unknown(cfg_t *cfg, const char *text)
{
	static const char prefix[] = "no such option '";
	const char *name = text + strlen(prefix);
	size_t n = strlen(text);

	if (strncmp(text, prefix, strlen(prefix)) != 0 ||
	    strstr(text, SENTINEL) || reading->nunknown == MAX_UNKNOWN)
		return false;
	char *copy = text_dup((struct slice){ name, n - strlen(prefix) - 1 });
	if (!copy) {
		reading->mistakes->failed = -ENOMEM;
		return true;
	}
	reading->unknown[reading->nunknown].section = section_of(cfg);
	reading->unknown[reading->nunknown++].name = copy;
	reading->again = true;
	return true;
}

/* libconfuse says what it met; this table says what it wanted. */
static const char *expected_after(const char *text)
{
	static const struct {
		const char *prefix, *expected;
	} rows[] = {
		{ "missing equal sign", "key = value" },
		{ "unexpected token", "a value in quotes, or , or }" },
		{ "unexpected closing", "a key or a section" },
		{ "missing opening brace", "{ after the section's name" },
		{ "missing title", "a name in quotes" },
		{ "found duplicate title", "each name once" },
		{ "premature end", "a closing quote or }" },
		{ "unterminated string", "a closing quote" },
		{ "no such option", "one of the keys of tandem.conf(5)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strncmp(text, rows[i].prefix, strlen(rows[i].prefix)))
			return rows[i].expected;
	}
	return "the syntax of tandem.conf(5)";
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) PRINTF(2, 0);
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[LOG_TEXT_CAP];
	unsigned line = (unsigned)cfg->line, end = reading->lines->end;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (learn_unknown(cfg, text))
		return;
	reading->mistakes->broken = true;
	if (strstr(text, SENTINEL))
		config_mistakes_add(reading->mistakes, reading->lines->end,
				    "section %s is cut off by the end of the "
				    "file: expected }",
				    config_section_names[section_of(cfg)]);
	else
		config_mistakes_add(reading->mistakes, line < end ? line : end,
				    "%s: expected %s", text,
				    expected_after(text));
}

static size_t add_options(cfg_opt_t *opts, enum config_section section)
{
	size_t n = 0;

	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		if (config_keys[i].section == section)
			opts[n++] = (cfg_opt_t){
				.name = config_keys[i].name,
				.type = CFGT_STR,
				.flags = CFGF_NODEFAULT |
					 (config_keys[i].kind->list ? CFGF_LIST
								    : 0),
				.parsecb = on_value,
			};
	}
	for (size_t i = 0; i < reading->nunknown; i++) {
		if (reading->unknown[i].section == section)
			opts[n++] = (cfg_opt_t){
				.name = reading->unknown[i].name,
				.type = CFGT_STR,
				.flags = CFGF_NODEFAULT | CFGF_LIST,
				.parsecb = on_unknown,
			};
	}
	opts[n] = (cfg_opt_t)CFG_END();
	return n;
}

static cfg_t *new_parser(void)
{
	cfg_opt_t opts[CONFIG_NSECTIONS][MAX_OPTIONS];
	size_t n = add_options(opts[CONFIG_TOP], CONFIG_TOP);

	for (size_t i = CONFIG_TOP + 1; i < CONFIG_NSECTIONS; i++) {
		bool multi = is_multi((enum config_section)i);

		add_options(opts[i], (enum config_section)i);
		opts[CONFIG_TOP][n++] = (cfg_opt_t){
			.name = config_section_names[i],
			.type = CFGT_SEC,
			.flags = CFGF_NODEFAULT |
				 (multi ? CFGF_MULTI | CFGF_TITLE |
						  CFGF_NO_TITLE_DUPES
					: 0),
			.subopts = opts[i],
			.validcb = on_section_end,
		};
	}
	opts[CONFIG_TOP][n++] = (cfg_opt_t){ .name = SENTINEL,
					     .type = CFGT_STR,
					     .flags = CFGF_NODEFAULT,
					     .parsecb = on_sentinel };
	opts[CONFIG_TOP][n] = (cfg_opt_t)CFG_END();
	cfg_t *cfg = cfg_init(opts[CONFIG_TOP], CFGF_NONE);
	if (cfg)
		cfg_set_error_function(cfg, on_error);
	return cfg;
}

static int set_defaults(struct config *config)
{
	for (size_t i = 0; i < CONFIG_NSECTIONS; i++) {
		int r = is_multi((enum config_section)i)
				? 0
				: config_set_defaults(config,
						      (enum config_section)i);
		if (r)
			return r;
	}
	return 0;
}

/* Once through @text; reading->again when a key became known as unknown. */
static void read_once(const char *text)
{
	struct reader *r = reading;
	unsigned end = r->lines->end;

	config_clear(r->config);
	config_mistakes_fini(r->mistakes);
	memset(r->lines, 0, sizeof(*r->lines));
	r->lines->end = end;
	r->again = r->ended = false;
	r->object = NULL;
	memset(r->seen, 0, sizeof(r->seen));
	r->mistakes->failed = set_defaults(r->config);
	cfg_t *cfg = r->mistakes->failed ? NULL : new_parser();
	if (!cfg) {
		r->mistakes->failed = -ENOMEM;
		return;
	}
	cfg_parse_buf(cfg, text);
	if (!r->again && !r->ended && !r->mistakes->broken) {
		r->mistakes->broken = true;
		config_mistakes_add(r->mistakes, end,
				    "a comment is cut off by the end of the "
				    "file: expected */");
	}
	take_empty_lists(cfg, CONFIG_TOP);
	cfg_free(cfg);
}

/* Lines in @text; mistakes for octets that no text has. */
static void scan(struct slice text, struct config_lines *lines,
		 struct config_mistakes *m)
{
	lines->end = 1;
	if (text.n > CONFIG_FILE_MAX)
		config_mistakes_add(m, 1, "%zu octets: expected at most %d",
				    text.n, CONFIG_FILE_MAX);
	for (size_t i = 0; i < text.n && !m->n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool blank = c == '\n' || c == '\t' || c == '\r';

		if ((c < 0x20 && !blank) || c == 0x7f)
			config_mistakes_add(m, lines->end,
					    "octet 0x%02x: expected text", c);
		if (c == '\n' && i + 1 < text.n)
			lines->end++;
	}
}

void config_read(struct config *config, struct slice text,
		 struct config_lines *lines, struct config_mistakes *m)
{
	struct reader r = { .config = config, .lines = lines, .mistakes = m };
	char *copy = NULL;

	scan(text, lines, m);
	m->broken = m->n;
	if (m->broken || m->failed)
		return;
	if (asprintf(&copy, "%.*s\n" SENTINEL "=1\n", SLICE_ARG(text)) < 0) {
		m->failed = -ENOMEM;
		return;
	}
	reading = &r;
	do
		read_once(copy);
	while (r.again && !m->failed);
	reading = NULL;
	for (size_t i = 0; i < r.nunknown; i++)
		free(r.unknown[i].name);
	text_wipe(copy);
}
