/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/ng.h"

#include <stdarg.h>
#include <string.h>

#include "gateway/base/err.h"
#include "tests/bench/load/die.h"

PRINTF(2, 3)
static void add(struct ng_message *m, const char *fmt, ...)
{
	size_t room = sizeof(m->p) - m->n;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(m->p + m->n, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		DIE("load: NG message too long");
	m->n += (size_t)n;
}

void ng_begin(struct ng_message *message, unsigned long cookie,
	      const char *command)
{
	message->n = 0;
	add(message, "%lu d", cookie);
	ng_text(message, "command", command);
}

void ng_text(struct ng_message *message, const char *key, const char *value)
{
	add(message, "%zu:%s%zu:%s", strlen(key), key, strlen(value), value);
}

void ng_word(struct ng_message *message, const char *key, const char *word)
{
	add(message, "%zu:%sl%zu:%se", strlen(key), key, strlen(word), word);
}

void ng_end(struct ng_message *message)
{
	add(message, "e");
}

static bool cut_text(struct slice *s, struct slice *out)
{
	size_t len = 0;
	bool digits = false;

	while (s->n && *s->p >= '0' && *s->p <= '9') {
		len = len * 10 + (size_t)(*s->p - '0');
		digits = true;
		s->p++;
		s->n--;
	}
	if (!digits || !s->n || *s->p != ':' || len > s->n - 1)
		return false;
	*out = (struct slice){ s->p + 1, len };
	s->p += len + 1;
	s->n -= len + 1;
	return true;
}

static bool skip(struct slice *s)
{
	struct slice ignored;

	if (!s->n)
		return false;
	if (*s->p == 'i') {
		slice_cut(s, 'e');
		return true;
	}
	if (*s->p != 'l' && *s->p != 'd')
		return cut_text(s, &ignored);
	s->p++;
	s->n--;
	while (s->n && *s->p != 'e')
		if (!skip(s))
			return false;
	if (!s->n)
		return false;
	s->p++;
	s->n--;
	return true;
}

struct slice ng_find(const struct ng_message *message, const char *key)
{
	struct slice s = { message->p, message->n }, name, value;

	slice_cut(&s, ' ');
	if (!s.n || *s.p != 'd')
		return SLICE_NONE;
	s.p++;
	s.n--;
	while (cut_text(&s, &name)) {
		if (slice_is(name, key))
			return cut_text(&s, &value) ? value : SLICE_NONE;
		if (!skip(&s))
			break;
	}
	return SLICE_NONE;
}

unsigned long ng_cookie(const struct ng_message *message)
{
	unsigned long cookie = 0;

	for (size_t i = 0;
	     i < message->n && message->p[i] >= '0' && message->p[i] <= '9';
	     i++)
		cookie = cookie * 10 + (unsigned long)(message->p[i] - '0');
	return cookie;
}
