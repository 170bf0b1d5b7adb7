/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The certificate of all DTLS associations, its file, and OpenSSL's contexts.
 */
#include "media/dtls_cert.h"

#include <fcntl.h>
#include <libgen.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "media/dtls_bio.h"

enum {
	DAY_S = 24 * 60 * 60,
	VALID_DAYS = 20 * 365, /* peers look at the fingerprint alone */
	MAX_CERT_LIST = 16 * 1024,
	FILE_TRIES = 3,
};

/*
 * Forward secrecy alone. ECDSA first: all WebRTC peers have it; RSA is for the
 * certificates of older SIP gear when we are the client.
 */
static const char CIPHERS[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"
	"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:"
	"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA";
static const char GROUPS[] = "X25519:P-256:P-384";
/* Dino 0.4 has AES128_CM_SHA1_80 alone; the others are as good as GCM-128. */
static const char SRTP_PROFILES[] =
	"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:"
	"SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_32";

struct dtls_cert {
	X509 *x509;
	EVP_PKEY *key;
	SSL_CTX *ctx[2]; /* passive, active */
	BIO_METHOD *bio_method;
};

/* The fingerprint is compared when the handshake is done: dtls.c. */
static int on_verify(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static SSL_CTX *ctx_new(const struct dtls_cert *cert, bool active)
{
	SSL_CTX *ctx = SSL_CTX_new(active ? DTLS_client_method()
					  : DTLS_server_method());

	if (!ctx)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET |
					 SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	SSL_CTX_set_max_cert_list(ctx, MAX_CERT_LIST);
	/* The last returns 0 for success. */
	if (SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, GROUPS) != 1 ||
	    SSL_CTX_use_certificate(ctx, cert->x509) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, cert->key) != 1 ||
	    SSL_CTX_set_tlsext_use_srtp(ctx, SRTP_PROFILES)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int on_passphrase(char *buf, int cap, int writing, void *arg)
{
	(void)buf;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

static int cert_read(struct dtls_cert *cert, const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	if (!fstat(fileno(f), &st) && st.st_mode & (S_IRWXG | S_IRWXO))
		log_warn("event=certificate path=%s "
			 "problem=\"others may read the key\"",
			 path);
	cert->key = PEM_read_PrivateKey(f, NULL, on_passphrase, NULL);
	rewind(f);
	cert->x509 = PEM_read_X509(f, NULL, on_passphrase, NULL);
	fclose(f);
	bool ok = cert->key && cert->x509 &&
		  X509_check_private_key(cert->x509, cert->key) == 1;
	ERR_clear_error();
	return ok ? 0 : -EINVAL;
}

static bool cert_fill(X509 *x509, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x509);

	return X509_set_version(x509, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509),
				       rand_u64() >> 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(x509), -(long)DAY_S) &&
	       X509_time_adj_ex(X509_getm_notAfter(x509), VALID_DAYS, 0,
				NULL) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"tandem", -1,
					  -1, 0) == 1 &&
	       X509_set_issuer_name(x509, name) == 1 &&
	       X509_set_pubkey(x509, key) == 1 &&
	       X509_sign(x509, key, EVP_sha256()) > 0;
}

static int cert_make(struct dtls_cert *cert)
{
	cert->key = EVP_EC_gen("P-256");
	cert->x509 = X509_new();
	if (!cert->key || !cert->x509 || !cert_fill(cert->x509, cert->key))
		return -ENOMEM;
	return 0;
}

static int write_pem(const struct dtls_cert *cert, int fd)
{
	FILE *f = fdopen(fd, "w");

	if (!f) {
		int r = -errno;
		close(fd);
		return r;
	}
	bool ok = PEM_write_X509(f, cert->x509) == 1 &&
		  PEM_write_PrivateKey(f, cert->key, NULL, NULL, 0, NULL,
				       NULL) == 1 &&
		  !fflush(f) && !fsync(fileno(f));
	int r = ok ? 0 : errno ? -errno : -EIO;
	if (fclose(f) && !r)
		r = -errno;
	return r;
}

/* A new name in a directory is durable when the directory is. */
static void sync_directory(const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		if (fsync(fd))
			log_warn("event=certificate path=%s errno=%d", path,
				 errno);
		close(fd);
	}
	free(copy);
}

/* Written aside and linked: never half there, never over another's. */
static int cert_write(const struct dtls_cert *cert, const char *path)
{
	char *aside = NULL;

	if (asprintf(&aside, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	int fd = mkostemp(aside, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		int r = -errno;
		free(aside);
		return r;
	}
	int r = write_pem(cert, fd);
	if (!r && link(aside, path))
		r = -errno;
	unlink(aside);
	free(aside);
	if (!r)
		sync_directory(path);
	return r;
}

static void cert_drop(struct dtls_cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	cert->x509 = NULL;
	cert->key = NULL;
}

/* Two processes that start at once agree on the one that was first. */
static int cert_load(struct dtls_cert *cert, const char *path)
{
	int r = -ENOENT;

	for (unsigned i = 0; i < FILE_TRIES; i++) {
		cert_drop(cert);
		r = path ? cert_read(cert, path) : -ENOENT;
		if (r != -ENOENT)
			return r;
		r = cert_make(cert);
		if (!r && path)
			r = cert_write(cert, path);
		if (r != -EEXIST)
			return r;
	}
	return r;
}

int dtls_cert_open(struct dtls_cert **out, const char *path)
{
	struct dtls_cert *cert = calloc(1, sizeof(*cert));

	if (!cert)
		return -ENOMEM;
	int r = cert_load(cert, path);
	if (r) {
		dtls_cert_free(cert);
		return r;
	}
	cert->bio_method = dtls_bio_method();
	cert->ctx[0] = ctx_new(cert, false);
	cert->ctx[1] = ctx_new(cert, true);
	if (!cert->bio_method || !cert->ctx[0] || !cert->ctx[1]) {
		dtls_cert_free(cert);
		ERR_clear_error();
		return -EINVAL; /* a key too weak, or of another kind */
	}
	*out = cert;
	return 0;
}

struct dtls_cert *dtls_cert_free(struct dtls_cert *cert)
{
	if (!cert)
		return NULL;
	SSL_CTX_free(cert->ctx[0]);
	SSL_CTX_free(cert->ctx[1]);
	BIO_meth_free(cert->bio_method);
	cert_drop(cert);
	free(cert);
	return NULL;
}

void dtls_cert_fingerprint(const struct dtls_cert *cert,
			   struct media_fingerprint *out)
{
	unsigned len = 0;

	*out = (struct media_fingerprint){ .hash = "sha-256" };
	if (X509_digest(cert->x509, EVP_sha256(), out->octets, &len) == 1)
		out->len = (uint8_t)len;
}

struct ssl_ctx_st *dtls_cert_ctx(const struct dtls_cert *cert, bool active)
{
	return cert->ctx[active];
}

const struct bio_method_st *dtls_cert_bio_method(const struct dtls_cert *cert)
{
	return cert->bio_method;
}
