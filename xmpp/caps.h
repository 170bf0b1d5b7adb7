/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The verification string of entity capabilities (XEP-0115, 5.1) over any set
 * of identities, features and forms (XEP-0128).
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"

enum { CAPS_HASH_CAP = 32 }; /* base64 of SHA-1 has 28 characters */

struct caps_identity { /* @lang and @name: NULL none */
	const char *category, *type, *lang, *name;
};

struct caps_field {
	const char *var;
	const char *const *values;
	size_t nvalues;
};

struct caps_form {
	const char *form_type;
	const struct caps_field *fields; /* FORM_TYPE left out */
	size_t nfields;
};

/* In any order. */
struct caps_info {
	const struct caps_identity *identities;
	size_t nidentities;
	const char *const *features;
	size_t nfeatures;
	const struct caps_form *forms;
	size_t nforms;
};

/* 0 or -ENOMEM. */
CHECKED int caps_hash(char out[static CAPS_HASH_CAP],
		      const struct caps_info *info);
