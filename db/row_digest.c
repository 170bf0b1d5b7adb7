/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whether two rows say the same (FIPS 180-4, SHA-256): each field as it would
 * be bound, texts with their end, so that no two rows have the same octets.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "db/row.h"
#include "gateway/base/addr.h"

static_assert(ROW_DIGEST_LEN == 32, "SHA-256");

static int add_text(EVP_MD_CTX *ctx, const char *text)
{
	text = text ? text : "";
	return EVP_DigestUpdate(ctx, text, strlen(text) + 1);
}

static int add_secret(EVP_MD_CTX *ctx, const struct db_secret *secret)
{
	return EVP_DigestUpdate(ctx, &secret->n, sizeof(secret->n)) &&
	       EVP_DigestUpdate(ctx, secret->octets, secret->n);
}

static int add_field(EVP_MD_CTX *ctx, const struct row_column *c,
		     const void *row)
{
	const void *field = (const char *)row + c->offset;

	switch (c->type) {
	case ROW_TEXT:
		return add_text(ctx, *(const char *const *)field);
	case ROW_ADDR:
		return add_text(ctx, addr_text(field).s);
	case ROW_SECRET:
		return add_secret(ctx, field);
	case ROW_UINT:
	case ROW_INT:
		return EVP_DigestUpdate(ctx, field, c->size);
	}
	return 0;
}

int row_digest(const struct row_table *table, const void *row,
	       uint8_t out[static ROW_DIGEST_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

	for (size_t i = 0; ok && i < table->n; i++)
		ok = add_field(ctx, &table->columns[i], row);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}
