/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0115, 5.1. Everything is sorted octet by octet (RFC 4790, i;octet) and
 * ends with '<'.
 */
#include "xmpp/caps.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text_file.h"

typedef int (*order_fn)(const void *a, const void *b);

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static int order_texts(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

static int order_identities(const void *a, const void *b)
{
	const struct caps_identity *left = a, *right = b;
	int r = strcmp(left->category, right->category);

	if (!r)
		r = strcmp(left->type, right->type);
	return r ? r : strcmp(text_of(left->lang), text_of(right->lang));
}

static int order_fields(const void *a, const void *b)
{
	const struct caps_field *left = a, *right = b;

	return strcmp(left->var, right->var);
}

static int order_forms(const void *a, const void *b)
{
	const struct caps_form *left = a, *right = b;

	return strcmp(left->form_type, right->form_type);
}

/* A sorted copy of @n elements; owned by the caller. NULL: no memory. */
static void *sorted(const void *list, size_t n, size_t size, order_fn order)
{
	void *copy = malloc(n ? n * size : 1);

	if (!copy)
		return NULL;
	if (n)
		memcpy(copy, list, n * size);
	qsort(copy, n, size, order);
	return copy;
}

static int put_texts(FILE *f, const char *const *texts, size_t n)
{
	const char **list = sorted(texts, n, sizeof(*texts), order_texts);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s<", list[i]);
	free(list);
	return 0;
}

static int put_identities(FILE *f, const struct caps_info *info)
{
	struct caps_identity *list = sorted(info->identities, info->nidentities,
					    sizeof(*list), order_identities);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < info->nidentities; i++)
		fprintf(f, "%s/%s/%s/%s<", list[i].category, list[i].type,
			text_of(list[i].lang), text_of(list[i].name));
	free(list);
	return 0;
}

static int put_form(FILE *f, const struct caps_form *form)
{
	struct caps_field *list = sorted(form->fields, form->nfields,
					 sizeof(*list), order_fields);
	int r = list ? 0 : -ENOMEM;

	fprintf(f, "%s<", form->form_type);
	for (size_t i = 0; !r && i < form->nfields; i++) {
		fprintf(f, "%s<", list[i].var);
		r = put_texts(f, list[i].values, list[i].nvalues);
	}
	free(list);
	return r;
}

static int put_forms(FILE *f, const struct caps_info *info)
{
	struct caps_form *list =
		sorted(info->forms, info->nforms, sizeof(*list), order_forms);
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < info->nforms; i++)
		r = put_form(f, &list[i]);
	free(list);
	return r;
}

static int put_info(FILE *f, const struct caps_info *info)
{
	int r = put_identities(f, info);

	if (!r)
		r = put_texts(f, info->features, info->nfeatures);
	if (!r)
		r = put_forms(f, info);
	return r;
}

/* Owned by the caller: free(). */
static int verification_text(char **out, size_t *n,
			     const struct caps_info *info)
{
	struct text_file file;
	int r = text_file_open(&file);

	if (r)
		return r;
	r = put_info(file.to, info);
	if (!r)
		return text_file_close(&file, out, n);
	text_file_drop(&file);
	return r;
}

int caps_hash(char out[static CAPS_HASH_CAP], const struct caps_info *info)
{
	unsigned char digest[EVP_MAX_MD_SIZE], base64[2 * EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *text = NULL;
	size_t n = 0;
	int r = verification_text(&text, &n, info);

	if (r)
		return r;
	if (EVP_Digest(text, n, digest, &len, EVP_sha1(), NULL) != 1)
		r = -ENOMEM;
	free(text);
	if (r)
		return r;
	int chars = EVP_EncodeBlock(base64, digest, (int)len);
	memcpy(out, base64, (size_t)chars + 1);
	return 0;
}
