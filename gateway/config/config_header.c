/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Headers that a trunk wants, or proves itself by. */
#include "gateway/config/config_table.h"

#include <ctype.h>

/* Those that are the dialog's, and what a peer would take for them. */
static bool is_ours(struct slice name)
{
	static const char *const names[] = { "Via",
					     "v",
					     "From",
					     "f",
					     "To",
					     "t",
					     "Call-ID",
					     "i",
					     "CSeq",
					     "Contact",
					     "m",
					     "Max-Forwards",
					     "Route",
					     "Require",
					     "Record-Route",
					     "Content-Type",
					     "c",
					     "Content-Length",
					     "l",
					     "Privacy",
					     "P-Asserted-Identity",
					     "Supported",
					     "k",
					     "Remote-Party-ID",
					     "Allow",
					     "Authorization",
					     "Proxy-Authorization" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (slice_is_nocase(name, names[i]))
			return true;
	}
	return false;
}

/* RFC 3261, 25.1: token HCOLON header-value, on one line. */
static bool is_header(const char *text)
{
	struct slice value = slice_of(text);
	struct slice name = slice_cut(&value, ':');

	value = slice_trim(value);
	for (size_t i = 0; i < name.n; i++) {
		if (!isalnum((unsigned char)name.p[i]) &&
		    !strchr("-.!%*_+`'~", name.p[i]))
			return false;
	}
	for (size_t i = 0; i < value.n; i++) {
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return false;
	}
	return name.n && value.n && strlen(text) <= CONFIG_HEADER_MAX;
}

static int read_headers(void *field, const struct config_key *key,
			const char *text)
{
	struct slice rest = slice_of(text);

	(void)key;
	return is_header(text) && !is_ours(slice_cut(&rest, ':'))
		       ? config_add_text(field, text)
		       : CONFIG_E_INVALID;
}

static int read_header(void *field, const struct config_key *key,
		       const char *text)
{
	(void)key;
	return !*text || is_header(text)
		       ? config_set_string(field, slice_of(text))
		       : CONFIG_E_INVALID;
}

CONFIG_TEXTS_KIND(headers, "a header that is not SIP's own: \"X-Name: value\"",
		  read_headers);
CONFIG_KIND(header, "\"X-Name: value\" or \"\"", .read = read_header,
	    .fini = config_fini_secret, .print = config_print_text);
