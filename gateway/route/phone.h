/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Telephone numbers as people write them, and as we do: "+" and digits (E.164).
 * By libphonenumber, which knows the lengths, prefixes and codes of every
 * country; it is C++, this header is C. The main thread alone may call it.
 *
 * A region is two capital letters (ISO 3166-1), "US"; NULL or "": not known.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"

enum {
	PHONE_CAP = 17,        /* "+15551234567": 15 digits at most, and NUL */
	PHONE_REGION_CAP = 3,  /* "US" */
	PHONE_TEXT_CAP = 64,   /* "+1 555-123-4567" */
	PHONE_INPUT_MAX = 128, /* octets; nobody writes a longer number */
};

enum phone_outcome {
	PHONE_E_TEXT = 1, /* this is no telephone number */
	PHONE_E_COUNTRY =
		2, /* no country code, and no region; or no such code */
	PHONE_E_LENGTH = 3, /* no number there has as many digits */
};

enum phone_kind {
	PHONE_ORDINARY,  /* or nothing that is dialled at all */
	PHONE_SHORT,     /* a code known in its region alone: "411", "116117" */
	PHONE_EMERGENCY, /* "911", "112" */
};

/* Read the library's tables: some 50 ms that the first number would take, and
 * no later one. */
void phone_warm(void);

/*
 * @text as somebody in @region writes it: national, international with "+", the
 * region's own prefix or "00", with blanks, signs and letters of the keypad
 * between, or as a tel: URI (RFC 3966) whose context is global or none. An
 * extension is left out: it is dialled once the call is up.
 *
 * The number has a length that its country has, but need not be given out: what
 * we know of a country is older than its newest numbers.
 * 0, enum phone_outcome, -ENOMEM. @out is empty unless 0.
 */
CHECKED int phone_parse(char out[PHONE_CAP], const char *text,
			const char *region);

/* Whether numbers can be written nationally in it: "US" is one, "XX" is not. */
bool phone_is_region(const char *text);

/* The region of @number (E.164), of several that share a code the greatest:
 * "US" for all of +1 that is not known better. False: of none. */
bool phone_region(char out[PHONE_REGION_CAP], const char *number);

/* @number (E.164) for people's eyes, in its country's groups; as it is when
 * that has none. 0, -EMSGSIZE, -ENOMEM. */
CHECKED int phone_format(char *out, size_t cap, const char *number);

/* What @digits, dialled in @region as they are, would reach. */
enum phone_kind phone_kind(const char *digits, const char *region);

#ifdef __cplusplus
}
#endif
