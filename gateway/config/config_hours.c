/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Days of the week and hours of the day. */
#include "gateway/config/config_table.h"

#include "gateway/base/text.h"

static const char *const day_names[] = { "mon", "tue", "wed", "thu",
					 "fri", "sat", "sun" };
enum { NDAYS = sizeof(day_names) / sizeof(*day_names), HOUR_MIN = 60 };

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

/* The last day of those in a row that begin with @first. */
static unsigned last_day(uint8_t days, unsigned first)
{
	unsigned last = first;

	while (last + 1 < NDAYS && days & 1u << (last + 1))
		last++;
	return last;
}

struct config_days_text config_format_days(uint8_t days)
{
	struct config_days_text out = { "" };
	size_t at = 0;

	for (unsigned i = 0; i < NDAYS; i++) {
		unsigned last = last_day(days, i);

		if (!(days & 1u << i))
			continue;
		at += (size_t)snprintf(out.s + at, sizeof(out.s) - at, "%s%s",
				       at ? "," : "", day_names[i]);
		if (last < i + 2)
			continue;
		at += (size_t)snprintf(out.s + at, sizeof(out.s) - at, "-%s",
				       day_names[last]);
		i = last;
	}
	return out;
}

static void print_days(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	fprintf(to, "%s%s = \"%s\"\n", indent, key->name,
		config_format_days(*(const uint8_t *)field).s);
}

/* "08:30" or "24:00", which ends a day. */
static bool parse_time(struct slice text, uint16_t *out)
{
	enum { HOURS = 24 };
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

struct config_time_text config_format_time(uint16_t min)
{
	struct config_time_text out;

	snprintf(out.s, sizeof(out.s), "%02u:%02u", min / HOUR_MIN,
		 min % HOUR_MIN);
	return out;
}

static void print_hours(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	const struct hours *hours = field;

	fprintf(to, "%s%s = \"%s-%s\"\n", indent, key->name,
		config_format_time(hours->from).s,
		config_format_time(hours->until).s);
}

CONFIG_KIND(days, "days of the week, such as \"mon-fri, sun\"",
	    .read = read_days, .fini = config_fini_nothing,
	    .print = print_days);
CONFIG_KIND(hours, "times of the day, such as \"08:00-18:30\"",
	    .read = read_hours, .fini = config_fini_nothing,
	    .print = print_hours);
