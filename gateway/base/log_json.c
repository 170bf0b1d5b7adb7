/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/log_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

/* What is written, until it does not fit any more. */
struct writer {
	char *out;
	size_t cap, n;
	bool full;
};

static void put(struct writer *w, const char *p, size_t n)
{
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->n, p, n);
	w->n += n;
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

/* RFC 8259, 7; what is no UTF-8 becomes U+FFFD. */
static void put_escaped(struct writer *w, struct slice s)
{
	enum { ESCAPED_CAP = 8, BLANK = 0x20 };

	while (s.n) {
		char escaped[ESCAPED_CAP];
		uint32_t c = 0;
		size_t n = text_utf8(s, &c);

		if (!n) {
			put_text(w, "\\ufffd");
			n = 1;
		} else if (c == '"' || c == '\\' || c < BLANK) {
			(void)snprintf(escaped, sizeof(escaped), "\\u%04x", c);
			put_text(w, escaped);
		} else {
			put(w, s.p, n);
		}
		s.p += n;
		s.n -= n;
	}
}

static void put_member(struct writer *w, struct slice name, struct slice value)
{
	put_text(w, w->n > 1 ? ",\"" : "\"");
	put_escaped(w, name);
	put_text(w, "\":\"");
	put_escaped(w, value);
	put_text(w, "\"");
}

static bool is_key(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return s.n > 0;
}

/* The next word of @line: up to a blank that is not in quotes. */
static struct slice next_word(struct slice *line)
{
	bool quoted = false;
	size_t n = 0;

	for (; n < line->n && (quoted || line->p[n] != ' '); n++)
		quoted ^= line->p[n] == '"';
	struct slice word = { line->p, n };
	line->p += n;
	line->n -= n;
	while (line->n && *line->p == ' ') {
		line->p++;
		line->n--;
	}
	return word;
}

/* "key=value" or "key=value:", with which a line's words begin. */
static bool split(struct slice word, struct slice *key, struct slice *value)
{
	if (!memchr(word.p, '=', word.n))
		return false;
	*value = word;
	*key = slice_cut(value, '=');
	if (value->n && value->p[value->n - 1] == ':')
		value->n--;
	if (value->n > 1 && value->p[0] == '"' &&
	    value->p[value->n - 1] == '"') {
		value->p++;
		value->n -= 2;
	}
	return is_key(*key);
}

static bool is_known(const struct slice *keys, size_t n, struct slice key)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i].n == key.n && !memcmp(keys[i].p, key.p, key.n))
			return true;
	}
	return n == LOG_JSON_MEMBERS;
}

/* Whether it is this very word that became a member. */
static bool is_member(const struct slice *keys, size_t n, struct slice key)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i].p == key.p)
			return true;
	}
	return false;
}

static void put_head(struct writer *w, enum log_level level, int64_t wall_ms)
{
	enum { TIME_CAP = 40 };
	static const char *const levels[] = { [LOG_LEVEL_ERROR] = "error",
					      [LOG_LEVEL_WARN] = "warn",
					      [LOG_LEVEL_INFO] = "info",
					      [LOG_LEVEL_DEBUG] = "debug" };
	time_t s = (time_t)(wall_ms / MS_PER_S);
	char date[TIME_CAP], text[TIME_CAP];
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    text_format(text, sizeof(text), "%s.%03dZ", date,
			(int)(wall_ms % MS_PER_S)))
		text[0] = '\0';
	put_text(w, "{");
	put_member(w, slice_of("time"), slice_of(text));
	put_member(w, slice_of("level"), slice_of(levels[level]));
}

size_t log_json_format(char *out, size_t cap, enum log_level level,
		       int64_t wall_ms, struct slice line)
{
	struct writer w = { .out = out, .cap = cap };
	struct slice keys[LOG_JSON_MEMBERS] = { { "time", 4 },
						{ "level", 5 },
						{ "text", 4 } };
	struct slice rest = line, key, value;
	size_t n = 3;
	bool words = false;

	put_head(&w, level, wall_ms);
	while (rest.n) {
		struct slice word = next_word(&rest);

		if (!split(word, &key, &value) || is_known(keys, n, key)) {
			words = true;
			continue;
		}
		keys[n++] = key;
		put_member(&w, key, value);
	}
	rest = line;
	if (words)
		put_text(&w, ",\"text\":\"");
	for (bool first = true; words && rest.n;) {
		struct slice word = next_word(&rest);

		/* A key that comes twice stands in the text as it is. */
		if (split(word, &key, &value) && is_member(keys, n, key))
			continue;
		put_text(&w, first ? "" : " ");
		put_escaped(&w, word);
		first = false;
	}
	put_text(&w, words ? "\"}" : "}");
	return w.full ? 0 : w.n;
}
