/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Days of the week and hours of the day. */
#include "gateway/config/config_table.h"

#include "gateway/base/text.h"

static const char *const day_names[] = { "mon", "tue", "wed", "thu",
					 "fri", "sat", "sun" };
enum { NDAYS = sizeof(day_names) / sizeof(*day_names) };

static bool find_day(struct slice text, unsigned *out)
{
	for (unsigned i = 0; i < NDAYS; i++) {
		if (slice_is_nocase(text, day_names[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* Past Sunday it goes on with Monday: "sat-mon". */
bool config_parse_days(uint8_t *out, const char *text)
{
	struct slice rest = slice_of(text);
	uint8_t days = 0;

	while (rest.n) {
		struct slice range = slice_trim(slice_cut(&rest, ','));
		struct slice head = slice_cut(&range, '-');
		unsigned first, last;

		if (!find_day(slice_trim(head), &first))
			return false;
		last = first;
		if (range.n && !find_day(slice_trim(range), &last))
			return false;
		for (unsigned day = first;; day = (day + 1) % NDAYS) {
			days |= (uint8_t)(1u << day);
			if (day == last)
				break;
		}
	}
	*out = days;
	return days != 0;
}

static int read_days(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	return config_parse_days(field, text) ? 0 : CONFIG_E_INVALID;
}

static void print_days(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	uint8_t days = *(const uint8_t *)field;
	const char *comma = "";

	fprintf(to, "%s%s = \"", indent, key->name);
	for (unsigned i = 0; i < NDAYS; i++) {
		if (!(days & 1u << i))
			continue;
		fprintf(to, "%s%s", comma, day_names[i]);
		comma = ",";
	}
	fputs("\"\n", to);
}

/* "08:30" or "24:00", which ends a day. */
static bool parse_time(struct slice text, uint16_t *out)
{
	enum { HOUR_MIN = 60, HOURS = 24 };
	struct slice hour = slice_cut(&text, ':');
	uint64_t h, m;

	if (text_number(hour, HOURS, &h) ||
	    text_number(text, HOUR_MIN - 1, &m) ||
	    h * HOUR_MIN + m > CONFIG_DAY_MIN)
		return false;
	*out = (uint16_t)(h * HOUR_MIN + m);
	return true;
}

bool config_parse_hours(uint16_t *from_min, uint16_t *until_min,
			const char *text)
{
	struct slice rest = slice_of(text);
	struct slice from = slice_trim(slice_cut(&rest, '-'));

	return parse_time(from, from_min) &&
	       parse_time(slice_trim(rest), until_min) &&
	       *from_min != *until_min;
}

struct hours {
	uint16_t from, until;
};
_Static_assert(offsetof(struct config_route, until_min) -
			       offsetof(struct config_route, from_min) ==
		       offsetof(struct hours, until),
	       "until_min stands behind from_min");

static int read_hours(void *field, const struct config_key *key,
		      const char *text)
{
	struct hours *hours = field;

	(void)key;
	return config_parse_hours(&hours->from, &hours->until, text)
		       ? 0
		       : CONFIG_E_INVALID;
}

static void print_hours(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	enum { HOUR_MIN = 60 };
	const struct hours *hours = field;

	fprintf(to, "%s%s = \"%02u:%02u-%02u:%02u\"\n", indent, key->name,
		hours->from / HOUR_MIN, hours->from % HOUR_MIN,
		hours->until / HOUR_MIN, hours->until % HOUR_MIN);
}

CONFIG_KIND(days, "days of the week, such as \"mon-fri, sun\"",
	    .read = read_days, .fini = config_fini_nothing,
	    .print = print_days);
CONFIG_KIND(hours, "times of the day, such as \"08:00-18:30\"",
	    .read = read_hours, .fini = config_fini_nothing,
	    .print = print_hours);
