/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/base/addr.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"

/* TLS 1.2 (1.3 has no others): forward secrecy and AEAD alone. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"

struct sip_tls_context {
	SSL_CTX *ssl;
	char *certificate, *private_key, *trusted;
	bool ask_clients;
	/* The files then. */
	struct timespec read_certificate, read_key;
};

static void complain(const char *what, const char *path)
{
	char why[SIP_TLS_WHY_CAP] = "";
	unsigned long error = ERR_get_error();

	if (error)
		ERR_error_string_n(error, why, sizeof(why));
	ERR_clear_error();
	log_error("event=sip_tls what=%s file=%s why=%s",
		  log_text(slice_of(what)).s, log_text(slice_of(path)).s,
		  log_text(slice_of(why)).s);
}

static bool load_own(SSL_CTX *ssl, const struct sip_tls_context *ctx)
{
	const char *key =
		*ctx->private_key ? ctx->private_key : ctx->certificate;

	if (!*ctx->certificate)
		return true;
	if (SSL_CTX_use_certificate_chain_file(ssl, ctx->certificate) != 1) {
		complain("certificate cannot be read", ctx->certificate);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ssl) != 1) {
		complain("no private key of the certificate", key);
		return false;
	}
	return true;
}

static bool load_trusted(SSL_CTX *ssl, const struct sip_tls_context *ctx)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);

	/* What is trusted need not be a root: a PBX's own certificate. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (!*ctx->trusted)
		return SSL_CTX_set_default_verify_paths(ssl) == 1;
	if (SSL_CTX_load_verify_file(ssl, ctx->trusted) == 1)
		return true;
	complain("trusted certificates cannot be read", ctx->trusted);
	return false;
}

static SSL_CTX *load(const struct sip_tls_context *ctx)
{
	static const unsigned char id[] = "tandem-sip";
	SSL_CTX *ssl = SSL_CTX_new(TLS_method());

	if (!ssl)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, CIPHERS) != 1 ||
	    SSL_CTX_set_session_id_context(ssl, id, sizeof(id) - 1) != 1 ||
	    !load_own(ssl, ctx) || !load_trusted(ssl, ctx)) {
		SSL_CTX_free(ssl);
		return NULL;
	}
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	/* A buffer of 34 KiB only while there is something in it. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	return ssl;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct timespec file_time(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return (struct timespec){ 0 };
	return st.st_mtim;
}

/* Notes it. The key may be in a file of its own, and change after or before the
 * certificate. */
static bool has_changed(struct sip_tls_context *ctx)
{
	struct timespec certificate = file_time(ctx->certificate);
	struct timespec key = file_time(ctx->private_key);
	bool changed = !is_same_time(certificate, ctx->read_certificate) ||
		       !is_same_time(key, ctx->read_key);

	ctx->read_certificate = certificate;
	ctx->read_key = key;
	return changed;
}

int sip_tls_context_new(struct sip_tls_context **out,
			const struct sip_tls_files *files)
{
	struct sip_tls_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	ctx->certificate = text_dup(slice_of(files->certificate));
	ctx->private_key = text_dup(slice_of(files->private_key));
	ctx->trusted = text_dup(slice_of(files->trusted));
	ctx->ask_clients = files->ask_clients;
	if (!ctx->certificate || !ctx->private_key || !ctx->trusted) {
		sip_tls_context_free(ctx);
		return -ENOMEM;
	}
	has_changed(ctx);
	ctx->ssl = load(ctx);
	if (!ctx->ssl) {
		sip_tls_context_free(ctx);
		return -EINVAL;
	}
	*out = ctx;
	return 0;
}

struct sip_tls_context *sip_tls_context_free(struct sip_tls_context *ctx)
{
	if (!ctx)
		return NULL;
	SSL_CTX_free(ctx->ssl);
	free(ctx->certificate);
	free(ctx->private_key);
	free(ctx->trusted);
	free(ctx);
	return NULL;
}

void sip_tls_context_refresh(struct sip_tls_context *ctx)
{
	SSL_CTX *ssl;

	if (!*ctx->certificate || !has_changed(ctx))
		return;
	ssl = load(ctx);
	if (!ssl)
		return;
	log_info("event=sip_tls what=\"certificate read anew\" file=%s",
		 ctx->certificate);
	SSL_CTX_free(ctx->ssl);
	ctx->ssl = ssl;
}

struct ssl_st *sip_tls_context_accept(struct sip_tls_context *ctx)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (ssl && ctx->ask_clients)
		SSL_set_verify(
			ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			NULL);
	return ssl;
}

static bool is_address(const char *name)
{
	struct addr addr;

	return !addr_parse(&addr, slice_of(name), 0);
}

struct ssl_st *sip_tls_context_connect(struct sip_tls_context *ctx,
				       const char *name)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (!ssl)
		return NULL;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	/* RFC 6066, 3: a name, never an address. */
	if (!is_address(name) && SSL_set_tlsext_host_name(ssl, name) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

/* ---- whose certificate it is ---- */

/* "sip:carrier.example": RFC 5922, 7.1. */
static bool is_uri_of(const GENERAL_NAME *name, const char *host)
{
	const ASN1_IA5STRING *text = name->d.uniformResourceIdentifier;
	struct slice uri;
	struct slice scheme;

	if (name->type != GEN_URI)
		return false;
	uri = (struct slice){ (const char *)ASN1_STRING_get0_data(text),
			      (size_t)ASN1_STRING_length(text) };
	scheme = slice_cut(&uri, ':');
	return slice_is_nocase(scheme, "sip") && slice_is_nocase(uri, host);
}

static bool has_uri(X509 *cert, const char *host)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		found = found ||
			is_uri_of(sk_GENERAL_NAME_value(names, i), host);
	GENERAL_NAMES_free(names);
	return found;
}

bool sip_tls_is_for(struct ssl_st *ssl, const char *name)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	bool ok;

	if (!cert)
		return false;
	ok = is_address(name)
		     ? X509_check_ip_asc(cert, name, 0) == 1
		     : X509_check_host(cert, name, 0,
				       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
				       NULL) == 1;
	ok = ok || has_uri(cert, name);
	X509_free(cert);
	return ok;
}

void sip_tls_why(struct ssl_st *ssl, char out[static SIP_TLS_WHY_CAP])
{
	long verdict = SSL_get_verify_result(ssl);
	unsigned long error = ERR_get_error();

	if (verdict != X509_V_OK)
		text_clean(out, SIP_TLS_WHY_CAP,
			   slice_of(X509_verify_cert_error_string(verdict)));
	else if (error)
		ERR_error_string_n(error, out, SIP_TLS_WHY_CAP);
	else
		out[0] = '\0';
	ERR_clear_error();
}
