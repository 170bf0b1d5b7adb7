/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Inside of struct dtls_cert, for dtls.c alone: what OpenSSL needs for one
 * certificate in either role. Read-only after dtls_cert_open(), so that all
 * threads may use it.
 */
#pragma once

#include <stdbool.h>

#include "media/dtls.h"

struct bio_method_st;
struct ssl_ctx_st;

/* Borrowed. */
struct ssl_ctx_st *dtls_cert_ctx(const struct dtls_cert *cert, bool active);
const struct bio_method_st *dtls_cert_bio_method(const struct dtls_cert *cert);
