/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_group.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/stanza.h"

#define SMS "sms:"

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* 0, -EINVAL (no number), -EMSGSIZE (too many). */
static int add(struct text_group *group, struct slice number)
{
	char text[TEXT_GROUP_NUMBER_CAP] = "";

	if (text_copy(text, sizeof(text), number) || !config_is_number(text))
		return -EINVAL;
	for (size_t i = 0; i < group->n; i++) {
		if (!strcmp(group->numbers[i], text))
			return 0;
	}
	if (group->n == TEXT_GROUP_MAX)
		return -EMSGSIZE;
	memcpy(group->numbers[group->n++], text, sizeof(text));
	qsort(group->numbers, group->n, sizeof(group->numbers[0]), compare);
	return 0;
}

int text_group_parse(struct text_group *out, const char *local)
{
	*out = (struct text_group){ 0 };
	for (;;) {
		size_t n = strcspn(local, ",");

		if (add(out, (struct slice){ local, n }))
			return -EINVAL;
		if (!local[n])
			break;
		local += n + 1;
	}
	return out->n > 1 ? 0 : -EINVAL;
}

int text_group_format(char out[static TEXT_GROUP_CAP],
		      const struct text_group *group)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < group->n; i++) {
		int r = text_format(out + at, TEXT_GROUP_CAP - at, "%s%s",
				    i ? "," : "", group->numbers[i]);
		if (r)
			return r;
		at += strlen(out + at);
	}
	return 0;
}

void text_group_add(struct stanza *message, const struct text_group *group)
{
	struct stanza *list = stanza_child(message, "addresses", NS_ADDRESS);

	for (size_t i = 0; i < group->n; i++) {
		struct stanza *one = stanza_child(list, "address", NS_ADDRESS);
		stanza_set(one, "type", "to");
		stanza_setf(one, "uri", SMS "%s", group->numbers[i]);
	}
}

static struct slice number_of(const struct stanza *address)
{
	const char *uri = stanza_attr(address, "uri");

	return uri && !strncmp(uri, SMS, strlen(SMS))
		       ? slice_of(uri + strlen(SMS))
		       : slice_of("");
}

/* More than fit are not of it: the group has the first then. */
static void add_if_number(struct text_group *group, struct slice number,
			  const char *own)
{
	if (number.n && !slice_is(number, own) && add(group, number))
		return;
}

void text_group_read(struct text_group *out, const struct stanza *message,
		     struct slice sender, const char *own)
{
	const struct stanza *list =
		stanza_find(message, "addresses", NS_ADDRESS);
	const struct stanza *one;

	*out = (struct text_group){ 0 };
	add_if_number(out, sender, own);
	if (!list)
		return;
	STANZA_FOREACH(one, list)
		add_if_number(out, number_of(one), own);
}
