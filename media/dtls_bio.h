/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * OpenSSL's I/O object over datagrams that are given and taken one by one: a
 * read gives one whole datagram, a write is one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bio_st;
struct bio_method_st;

/* What a BIO works on; it must outlive the BIO. */
struct dtls_link {
	const uint8_t *in; /* the datagram to be read; NULL: none */
	size_t in_len;
	void (*send)(const uint8_t *p, size_t n, void *arg);
	void *arg;
};

/* Owned by the caller: BIO_meth_free(). NULL: no memory. */
struct bio_method_st *dtls_bio_method(void);
/* Owned by the caller, or the SSL it is given to. NULL: no memory. */
struct bio_st *dtls_bio_new(const struct bio_method_st *method,
			    struct dtls_link *link);
