/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/answer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"

/* @tag: the level of a note, the label of a fact. */
struct item {
	char *text; /* owned */
	enum answer_level level;
	const char *label;
	const char *var; /* NULL: none */
};

struct items {
	struct item *v;
	size_t n, cap;
};

struct answer {
	struct items notes, facts, cells;
	const char *columns[ANSWER_MAX_COLUMNS];
	size_t ncolumns;
	bool failed; /* no memory */
};

const char *answer_level_name(enum answer_level level)
{
	static const char *const names[] = { [ANSWER_INFO] = "info",
					     [ANSWER_WARN] = "warn",
					     [ANSWER_ERROR] = "error" };

	return names[level];
}

int answer_new(struct answer **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void fini_items(struct items *items)
{
	while (items->n)
		free(items->v[--items->n].text);
	free(items->v);
}

struct answer *answer_free(struct answer *answer)
{
	if (!answer)
		return NULL;
	fini_items(&answer->notes);
	fini_items(&answer->facts);
	fini_items(&answer->cells);
	free(answer);
	return NULL;
}

static bool grow(struct items *items)
{
	enum { FIRST = 8 };
	size_t cap = items->cap ? 2 * items->cap : FIRST;
	struct item *grown;

	if (items->n < items->cap)
		return true;
	grown = reallocarray(items->v, cap, sizeof(*grown));
	if (!grown)
		return false;
	items->v = grown;
	items->cap = cap;
	return true;
}

/* What was written elsewhere is among it: one octet that XML does not take
 * would lose the whole answer, and a terminal obeys others. */
static void make_fit(char *text)
{
	struct slice rest = slice_of(text);
	char *to = text;

	while (rest.n) {
		uint32_t c = 0;
		size_t n = text_utf8(rest, &c);
		bool fit = n && (c == '\n' || c == '\t' || text_is_fit(c));

		if (fit)
			memmove(to, rest.p, n);
		else
			*to = '?';
		to += fit ? n : 1;
		rest.p += n ? n : 1;
		rest.n -= n ? n : 1;
	}
	*to = '\0';
}

static void add(struct answer *answer, struct items *items, struct item item,
		const char *fmt, va_list ap) PRINTF(4, 0);
static void add(struct answer *answer, struct items *items, struct item item,
		const char *fmt, va_list ap)
{
	if (!grow(items) || vasprintf(&item.text, fmt, ap) < 0) {
		answer->failed = true;
		return;
	}
	make_fit(item.text);
	items->v[items->n++] = item;
}

void answer_note(struct answer *answer, enum answer_level level,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(answer, &answer->notes, (struct item){ .level = level }, fmt, ap);
	va_end(ap);
}

void answer_fact(struct answer *answer, const char *label, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(answer, &answer->facts, (struct item){ .label = label }, fmt, ap);
	va_end(ap);
}

void answer_named(struct answer *answer, const char *var, const char *label,
		  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(answer, &answer->facts, (struct item){ .label = label, .var = var },
	    fmt, ap);
	va_end(ap);
}

void answer_column(struct answer *answer, const char *label)
{
	assert(answer->ncolumns < ANSWER_MAX_COLUMNS && !answer->cells.n);
	answer->columns[answer->ncolumns++] = label;
}

void answer_cell(struct answer *answer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(answer, &answer->cells, (struct item){ 0 }, fmt, ap);
	va_end(ap);
}

bool answer_ok(const struct answer *answer)
{
	return !answer->failed;
}

static const struct item *at(const struct items *items, size_t i)
{
	return i < items->n ? &items->v[i] : NULL;
}

const char *answer_note_at(const struct answer *answer, size_t i,
			   enum answer_level *level)
{
	const struct item *item = at(&answer->notes, i);

	if (item)
		*level = item->level;
	return item ? item->text : NULL;
}

const char *answer_fact_at(const struct answer *answer, size_t i,
			   const char **label)
{
	const struct item *item = at(&answer->facts, i);

	if (item)
		*label = item->label;
	return item ? item->text : NULL;
}

const char *answer_fact_var(const struct answer *answer, size_t i)
{
	return answer->facts.v[i].var;
}

const char *answer_column_at(const struct answer *answer, size_t i)
{
	return i < answer->ncolumns ? answer->columns[i] : NULL;
}

size_t answer_rows(const struct answer *answer)
{
	return answer->ncolumns ? answer->cells.n / answer->ncolumns : 0;
}

const char *answer_cell_at(const struct answer *answer, size_t row,
			   size_t column)
{
	return answer->cells.v[row * answer->ncolumns + column].text;
}

bool answer_failed(const struct answer *answer)
{
	for (size_t i = 0; i < answer->notes.n; i++) {
		if (answer->notes.v[i].level == ANSWER_ERROR)
			return true;
	}
	return false;
}

/* ---- as text ---- */

/* Characters, not octets: what a terminal shows. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct answer *answer, size_t column)
{
	size_t most = width_of(answer->columns[column]);

	for (size_t row = 0; row < answer_rows(answer); row++) {
		size_t width = width_of(answer_cell_at(answer, row, column));

		if (width > most)
			most = width;
	}
	return most;
}

static void put_padded(FILE *to, const char *text, size_t width, bool last)
{
	fputs(text, to);
	for (size_t n = width_of(text); !last && n < width + 2; n++)
		fputc(' ', to);
}

static void print_aligned(const struct answer *answer, FILE *to)
{
	size_t rows = answer_rows(answer), n = answer->ncolumns;
	size_t widths[ANSWER_MAX_COLUMNS];

	for (size_t i = 0; i < n; i++)
		widths[i] = column_width(answer, i);
	for (size_t i = 0; i < n; i++)
		put_padded(to, answer->columns[i], widths[i], i + 1 == n);
	fputc('\n', to);
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = 0; i < n; i++)
			put_padded(to, answer_cell_at(answer, row, i),
				   widths[i], i + 1 == n);
		fputc('\n', to);
	}
}

/* A cell of several lines, or with tabs, stays one cell. */
static void put_cell(FILE *to, const char *text)
{
	for (; *text; text++)
		fputc(*text == '\t' || *text == '\n' ? ' ' : *text, to);
}

static void print_tabs(const struct answer *answer, FILE *to)
{
	for (size_t row = 0; row < answer_rows(answer); row++) {
		for (size_t i = 0; i < answer->ncolumns; i++) {
			if (i)
				fputc('\t', to);
			put_cell(to, answer_cell_at(answer, row, i));
		}
		fputc('\n', to);
	}
}

/* The first cell names the row; those that are empty are left out. */
static void print_chat(const struct answer *answer, FILE *to)
{
	for (size_t row = 0; row < answer_rows(answer); row++) {
		fprintf(to, "• %s", answer_cell_at(answer, row, 0));
		for (size_t i = 1; i < answer->ncolumns; i++) {
			const char *text = answer_cell_at(answer, row, i);

			if (*text)
				fprintf(to, "; %s: %s", answer->columns[i],
					text);
		}
		fputc('\n', to);
	}
}

void answer_print(const struct answer *answer, enum answer_style style,
		  FILE *to)
{
	static void (*const tables[])(const struct answer *answer, FILE *to) = {
		[ANSWER_ALIGNED] = print_aligned,
		[ANSWER_TABS] = print_tabs,
		[ANSWER_CHAT] = print_chat,
	};

	for (size_t i = 0; i < answer->notes.n; i++)
		fprintf(to, "%s%s\n",
			answer->notes.v[i].level == ANSWER_WARN ? "Note: " : "",
			answer->notes.v[i].text);
	for (size_t i = 0; i < answer->facts.n; i++)
		fprintf(to, style == ANSWER_TABS ? "%s\t%s\n" : "%s: %s\n",
			answer->facts.v[i].label, answer->facts.v[i].text);
	if (answer_rows(answer))
		tables[style](answer, to);
}
