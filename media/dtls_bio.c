/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A BIO that keeps datagrams apart; see the header. */
#include "media/dtls_bio.h"

#include <openssl/bio.h>
#include <string.h>

#include "media/dtls.h"
#include "media/dtls_record.h"

static int on_read(BIO *bio, char *out, int cap)
{
	struct dtls_link *link = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (!link->in || cap <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t n = link->in_len < (size_t)cap ? link->in_len : (size_t)cap;
	memcpy(out, link->in, n);
	link->in = NULL;
	return (int)n;
}

static int on_write(BIO *bio, const char *in, int n)
{
	struct dtls_link *link = BIO_get_data(bio);
	const uint8_t *p = (const uint8_t *)in;

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	/* OpenSSL answers a forged datagram with a fatal alert, which would
	 * end the true peer's handshake: none leaves. Call signalling says
	 * what went wrong. */
	if (p[0] != DTLS_RECORD_ALERT)
		link->send(p, (size_t)n, link->arg);
	return n;
}

static long on_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	const struct dtls_link *link = BIO_get_data(bio);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
		return 1;
	case BIO_CTRL_PENDING:
		return link->in ? (long)link->in_len : 0;
	case BIO_CTRL_DGRAM_QUERY_MTU:
		return DTLS_MTU;
	default:
		return 0;
	}
}

struct bio_method_st *dtls_bio_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_START | BIO_TYPE_SOURCE_SINK,
					  "datagrams");

	if (!method)
		return NULL;
	if (BIO_meth_set_read(method, on_read) != 1 ||
	    BIO_meth_set_write(method, on_write) != 1 ||
	    BIO_meth_set_ctrl(method, on_ctrl) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

struct bio_st *dtls_bio_new(const struct bio_method_st *method,
			    struct dtls_link *link)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, link);
	BIO_set_init(bio, 1);
	return bio;
}
