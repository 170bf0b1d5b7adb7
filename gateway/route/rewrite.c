/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/rewrite.h"

#include <string.h>

#include "gateway/base/text.h"

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

int rewrite_apply(char *out, size_t cap, const struct config_rewrites *rules,
		  const char *number)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct config_rewrite *rule = &rules->v[i];

		if (rule->whole ? strcmp(number, rule->prefix) != 0
				: !begins(number, rule->prefix))
			continue;
		return text_format(out, cap, "%s%s", rule->by,
				   number + strlen(rule->prefix));
	}
	return text_set(out, cap, number);
}

int rewrite_code(char *out, size_t cap, const struct config_rewrites *rules,
		 const char *code)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (rules->v[i].whole && !strcmp(rules->v[i].prefix, code))
			return text_set(out, cap, rules->v[i].by);
	}
	return text_set(out, cap, code);
}

int rewrite_plain(char *out, size_t cap, const char *number)
{
	size_t n = 0;

	if (number[strspn(number, "+0123456789-.()")] != '\0')
		return text_set(out, cap, number);
	out[0] = '\0';
	for (const char *p = number; *p; p++) {
		if (strchr("-.()", *p))
			continue;
		if (n + 1 >= cap)
			return -EMSGSIZE;
		out[n++] = *p;
		out[n] = '\0';
	}
	return 0;
}

/* The length of the longest of @prefixes that fits, or -1. */
static int longest(const struct config_texts *prefixes, const char *number)
{
	int most = -1;

	for (size_t i = 0; i < prefixes->n; i++) {
		int n = config_prefix_fit(prefixes->v[i], number);

		if (n > most)
			most = n;
	}
	return most;
}

bool rewrite_allows(const struct config_destinations *destinations,
		    const char *number)
{
	int allowed = longest(&destinations->allow, number);
	int denied = longest(&destinations->deny, number);

	if (allowed < 0 && denied < 0)
		return !destinations->allow.n;
	return allowed > denied;
}
