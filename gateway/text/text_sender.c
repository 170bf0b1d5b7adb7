/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_sender.h"

#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/config/config.h"

#define CONTEXT      ";phone-context="
#define CODE_CONTEXT CONTEXT "ca-us.phone-context.soprani.ca"
#define NAME_CONTEXT CONTEXT "alphanumeric.phone-context.soprani.ca"
#define ANONYMOUS    CONTEXT "anonymous."
#define DIGITS       "0123456789"
#define LETTERS      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define NAME_CHARS   LETTERS DIGITS " -_.&+"

enum { NAME_OFFSET = 30 };

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

enum text_sender text_sender_of(const char *local)
{
	size_t n = strspn(local, DIGITS);
	const char *context = local + n;

	if (config_is_number(local))
		return TEXT_SENDER_NUMBER;
	if (!n || !begins(context, CONTEXT) || !context[strlen(CONTEXT)] ||
	    strlen(local) >= TEXT_SENDER_CAP)
		return TEXT_SENDER_NONE;
	if (!strcmp(context, NAME_CONTEXT) || begins(context, ANONYMOUS))
		return TEXT_SENDER_NAME;
	/* more digits are a number, past what is allowed of numbers */
	return n <= TEXT_CODE_DIGITS ? TEXT_SENDER_CODE : TEXT_SENDER_NONE;
}

static bool is_code(const char *user)
{
	size_t n = strspn(user, DIGITS);

	return n && n <= TEXT_CODE_DIGITS && !user[n];
}

static bool is_name(const char *user)
{
	size_t n = strlen(user);

	return n <= TEXT_NAME_MAX && strpbrk(user, LETTERS) &&
	       strspn(user, NAME_CHARS) == n;
}

static int format_name(char out[static TEXT_SENDER_CAP], const char *name)
{
	size_t at = 0;

	for (; *name; name++) {
		int r = text_format(out + at, TEXT_SENDER_CAP - at, "%d",
				    *name - NAME_OFFSET);
		if (r)
			return r;
		at += strlen(out + at);
	}
	return text_set(out + at, TEXT_SENDER_CAP - at, NAME_CONTEXT);
}

int text_sender_format(char out[static TEXT_SENDER_CAP], const char *user)
{
	if (is_code(user))
		return text_format(out, TEXT_SENDER_CAP, "%s" CODE_CONTEXT,
				   user);
	return is_name(user) ? format_name(out, user) : -EINVAL;
}

int text_sender_user(char *out, size_t cap, const char *local)
{
	switch (text_sender_of(local)) {
	case TEXT_SENDER_NUMBER:
		return text_set(out, cap, local);
	case TEXT_SENDER_CODE:
		return text_copy(
			out, cap,
			(struct slice){ local, strspn(local, DIGITS) });
	case TEXT_SENDER_NAME:
	case TEXT_SENDER_NONE:
		break;
	}
	return -EINVAL;
}
