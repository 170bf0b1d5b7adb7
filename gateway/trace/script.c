/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/script.h"

#include <string.h>
#include <time.h>

#include "gateway/base/text.h"
#include "gateway/trace/ring.h"
#include "sip/field.h"

enum { LINE_CAP = 1024, TIME_CAP = 32, US_PER_S = 1000000 };

static void put_clean(FILE *to, struct slice text)
{
	char line[LINE_CAP];

	text_clean(line, sizeof(line), text);
	fputs(line, to);
}

static void put_time(FILE *to, int64_t at_us)
{
	time_t s = (time_t)(at_us / US_PER_S);
	char text[TIME_CAP];
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%H:%M:%S", &tm))
		text[0] = '\0';
	fprintf(to, "%s.%06d ", text, (int)(at_us % US_PER_S));
}

/* The first line of a message, and of an answer what it answers. */
static void put_sip(FILE *to, const struct entry *entry)
{
	struct slice rest = { entry->text, entry->n };
	struct slice first = sip_first_line(&rest);
	struct slice cseq = sip_find_field(
		(struct slice){ entry->text, entry->n }, "CSeq", 0);

	put_clean(to, first);
	if (first.n > 7 && !memcmp(first.p, "SIP/2.0", 7)) {
		slice_cut(&cseq, ' ');
		fputs(" (", to);
		put_clean(to, slice_trim(cseq));
		fputc(')', to);
	}
}

/* A stanza's head, and the names of the two elements inside that say most. */
static void put_xmpp(FILE *to, const struct entry *entry)
{
	struct slice rest = { entry->text, entry->n };

	for (int i = 0; i < 3 && rest.n; i++) {
		slice_cut(&rest, '<');
		struct slice tag = slice_cut(&rest, '>');

		if (!tag.n || *tag.p == '/')
			continue;
		if (tag.p[tag.n - 1] == '/')
			tag.n--;
		fputs(i ? " / " : "", to);
		put_clean(to, tag);
	}
}

/* As much as fits a line when all of it has to be replaced; characters stay
 * whole. */
static size_t part_of(struct slice line)
{
	enum { PART_MAX = LINE_CAP / 4 };
	size_t n = line.n < PART_MAX ? line.n : PART_MAX;

	while (n > 1 && n < line.n && ((unsigned char)line.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void put_whole(FILE *to, const struct entry *entry)
{
	struct slice rest = { entry->text, entry->n };

	while (rest.n) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		fputs("    ", to);
		while (line.n) {
			struct slice part = { line.p, part_of(line) };

			put_clean(to, part);
			line.p += part.n;
			line.n -= part.n;
		}
		fputc('\n', to);
	}
}

void script_put(FILE *to, const struct entry *entry, bool whole)
{
	bool message = entry->kind == ENTRY_SIP || entry->kind == ENTRY_XMPP;

	put_time(to, entry->at_us);
	fputs(!message ? "   " : entry->rx ? "<- " : "-> ", to);
	if (message)
		fprintf(to, "%s ", entry->transport);
	if (addr_is_set(&entry->remote))
		fprintf(to, "%s ", addr_text(&entry->remote).s);
	if (entry->kind == ENTRY_SIP)
		put_sip(to, entry);
	else if (entry->kind == ENTRY_XMPP)
		put_xmpp(to, entry);
	else
		put_clean(to, (struct slice){ entry->text, entry->n });
	fputc('\n', to);
	if (whole && message)
		put_whole(to, entry);
}
