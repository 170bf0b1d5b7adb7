/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/cdr_csv.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "gateway/base/clock.h"

static bool is_number(const char *text)
{
	return *text == '+' && text[1] &&
	       !text[1 + strspn(text + 1, "0123456789")];
}

static void put_text(FILE *to, const char *text)
{
	if (!text || !*text)
		return;
	fputc('"', to);
	if (strchr("=+-@\t\r", *text) && !is_number(text))
		fputc('\'', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static void put_time(FILE *to, int64_t ms)
{
	enum { CAP = 32 };
	time_t s = (time_t)(ms / MS_PER_S);
	char text[CAP];
	struct tm tm;

	if (ms <= 0 || !gmtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	fprintf(to, "%s.%03dZ", text, (int)(ms % MS_PER_S));
}

enum csv_type { CSV_TEXT, CSV_TIME, CSV_COUNT32, CSV_COUNT64, CSV_SMALL };

static const struct csv_column {
	const char *name;
	enum csv_type type;
	size_t offset;
} columns[] = {
#define COLUMN(type, name, field)                             \
	{                                                     \
		name, CSV_##type, offsetof(struct cdr, field) \
	}
#define MEDIA(side)                                                            \
	COLUMN(TEXT, #side "_codec", side##_media.codec),                      \
		COLUMN(TEXT, #side "_srtp", side##_media.srtp_profile),        \
		COLUMN(COUNT64, #side "_rx_packets", side##_media.rx_packets), \
		COLUMN(COUNT64, #side "_tx_packets", side##_media.tx_packets), \
		COLUMN(COUNT64, #side "_lost", side##_media.lost),             \
		COLUMN(COUNT64, #side "_dropped", side##_media.dropped),       \
		COLUMN(COUNT32, #side "_jitter_us", side##_media.jitter_us),   \
		COLUMN(COUNT32, #side "_rtt_us", side##_media.rtt_us),         \
		COLUMN(COUNT32, #side "_ice_ms", side##_media.ice_ms),         \
		COLUMN(COUNT32, #side "_dtls_ms", side##_media.dtls_ms)
	COLUMN(TEXT, "call", call),
	COLUMN(TEXT, "caller", caller),
	COLUMN(TEXT, "caller_name", caller_name),
	COLUMN(TEXT, "callee", callee),
	COLUMN(TEXT, "account", account),
	COLUMN(TEXT, "trunk", trunk),
	COLUMN(TIME, "started", started_ms),
	COLUMN(TIME, "ringing", ringing_ms),
	COLUMN(TIME, "answered", answered_ms),
	COLUMN(TIME, "ended", ended_ms),
	COLUMN(TEXT, "cause", cause),
	COLUMN(TEXT, "end_text", end_text),
	COLUMN(SMALL, "sip_status", sip_status),
	COLUMN(SMALL, "q850", q850),
	COLUMN(TEXT, "verstat", verstat),
	COLUMN(TEXT, "attestation", attestation),
	COLUMN(TEXT, "first_called", first_called),
	COLUMN(TEXT, "diversion", diversion),
	MEDIA(caller),
	MEDIA(callee),
};
enum { NCOLUMNS = sizeof(columns) / sizeof(columns[0]) };

static void put_field(FILE *to, const struct csv_column *column,
		      const struct cdr *cdr)
{
	const void *field = (const char *)cdr + column->offset;

	switch (column->type) {
	case CSV_TEXT:
		put_text(to, *(const char *const *)field);
		break;
	case CSV_TIME:
		put_time(to, *(const int64_t *)field);
		break;
	case CSV_COUNT32:
		fprintf(to, "%" PRIu32, *(const uint32_t *)field);
		break;
	case CSV_COUNT64:
		fprintf(to, "%" PRIu64, *(const uint64_t *)field);
		break;
	case CSV_SMALL:
		fprintf(to, "%u", *(const uint16_t *)field);
		break;
	}
}

static int64_t talked_s(const struct cdr *cdr)
{
	return cdr->answered_ms && cdr->ended_ms > cdr->answered_ms
		       ? (cdr->ended_ms - cdr->answered_ms + MS_PER_S - 1) /
				 MS_PER_S
		       : 0;
}

void cdr_csv_head(FILE *to)
{
	fputs("direction,ended_by,talked_s", to);
	for (size_t i = 0; i < NCOLUMNS; i++)
		fprintf(to, ",%s", columns[i].name);
	fputs("\r\n", to);
}

void cdr_csv_rows(FILE *to, const struct cdr *rows, size_t n)
{
	for (size_t row = 0; row < n; row++) {
		fprintf(to, "%s,%s,%" PRId64,
			cdr_direction_name(rows[row].direction),
			cdr_end_name(rows[row].ended_by), talked_s(&rows[row]));
		for (size_t i = 0; i < NCOLUMNS; i++) {
			fputc(',', to);
			put_field(to, &columns[i], &rows[row]);
		}
		fputs("\r\n", to);
	}
}
