/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/endpoint.h"

#include <openssl/ssl.h>
/* OpenSSL's names of the suites are ours as well. */
#undef SRTP_AES128_CM_SHA1_80
#undef SRTP_AES128_CM_SHA1_32
#undef SRTP_AEAD_AES_128_GCM
#undef SRTP_AEAD_AES_256_GCM
#include <string.h>

#include "gateway/base/clock.h"
#include "media/cand.h"
#include "media/dtls.h"
#include "media/dtls_cert.h"
#include "media/ice.h"
#include "media/rtp.h"
#include "media/srtp.h"
#include "tests/bench/load/die.h"

static struct dtls_cert *cert;

void endpoint_set_up(enum srtp_profile profile)
{
	static const char *const names[SRTP_NPROFILES] = {
		[SRTP_AES128_CM_SHA1_80] = "SRTP_AES128_CM_SHA1_80",
		[SRTP_AEAD_AES_128_GCM] = "SRTP_AEAD_AES_128_GCM",
	};

	if (dtls_cert_open(&cert, NULL) || !names[profile] ||
	    SSL_CTX_set_tlsext_use_srtp(dtls_cert_ctx(cert, true),
					names[profile]))
		DIE("load: no certificate");
}

void endpoint_tear_down(void)
{
	cert = dtls_cert_free(cert);
}

/* Receiving */

static void on_media(struct endpoint *e, uint8_t *p, size_t n, uint64_t at_ns)
{
	bool rtcp = rtp_is_rtcp(p, n);

	if (!e->ready || rtcp)
		return;
	if (e->rx && srtp_rtp(e->rx, p, &n, WIRE_PACKET_CAP))
		n = 0; /* forged or broken: the judge counts it */
	e->handlers->packet(e, p, n, at_ns);
}

static void on_client_packet(struct endpoint *e, const struct addr *remote,
			     uint8_t *p, size_t n, uint64_t at_ns)
{
	uint64_t now_ms = clock_ms();

	switch (rtp_demux(p, n)) {
	case RTP_DEMUX_STUN:
		if (e->ice)
			ice_recv(e->ice, &e->end.local, remote, p, n, now_ms);
		e->due_ms = 0;
		break;
	case RTP_DEMUX_DTLS:
		if (e->dtls)
			dtls_recv(e->dtls, p, n, now_ms);
		e->due_ms = 0;
		break;
	case RTP_DEMUX_RTP:
		on_media(e, p, n, at_ns);
		break;
	default:
		break;
	}
	if (!e->due_ms)
		endpoint_tick(e, now_ms);
}

static void on_received(void *arg, const struct addr *remote, uint8_t *p,
			size_t n, uint64_t at_ns)
{
	struct endpoint *e = arg;

	if (e->web)
		on_client_packet(e, remote, p, n, at_ns);
	else
		on_media(e, p, n, at_ns);
}

/* Both kinds */

void endpoint_open(struct endpoint *e, struct wire *wire, unsigned number,
		   bool web, const struct endpoint_handlers *handlers,
		   void *arg)
{
	*e = (struct endpoint){ .end = { .received = on_received, .arg = e },
				.handlers = handlers,
				.arg = arg,
				.web = web,
				.due_ms = UINT64_MAX };
	wire_open(wire, &e->end, number);
}

void endpoint_close(struct endpoint *e)
{
	wire_close(&e->end);
	e->dtls = dtls_free(e->dtls);
	e->ice = ice_free(e->ice);
	e->tx = srtp_free(e->tx);
	e->rx = srtp_free(e->rx);
	e->ready = false;
	e->due_ms = UINT64_MAX;
}

static void become_ready(struct endpoint *e)
{
	e->ready = true;
	e->handlers->ready(e);
}

void endpoint_send(struct endpoint *e, uint8_t *p, size_t n)
{
	if (e->tx && srtp_rtp(e->tx, p, &n, WIRE_PACKET_CAP))
		DIE("load: cannot protect");
	wire_queue(&e->end, &e->remote, n);
}

/* Telephones */

static void put_codec(struct media_content *out)
{
	struct media_codec codec;

	if (media_codec_static(&codec, 0) ||
	    media_content_add_codec(out, &codec))
		DIE("load: no PCMU");
}

void endpoint_describe(const struct endpoint *e, struct media_content *out)
{
	out->kind = MEDIA_AUDIO;
	out->profile = MEDIA_RTP_AVP;
	out->dir = MEDIA_SENDRECV;
	out->rtp = e->end.local;
	out->ptime_ms = 20;
	put_codec(out);
}

void endpoint_send_to(struct endpoint *e, const struct addr *remote)
{
	e->remote = *remote;
	become_ready(e);
}

/* Clients */

static void on_ice_send(const struct addr *local, const struct addr *remote,
			const uint8_t *p, size_t n, void *arg)
{
	const struct endpoint *e = arg;

	(void)local;
	wire_send(&e->end, remote, p, n);
}

static void on_ice_valid(const struct addr *local, const struct addr *remote,
			 void *arg)
{
	(void)local;
	(void)remote;
	(void)arg;
}

static void on_ice_selected(const struct addr *local, const struct addr *remote,
			    void *arg)
{
	struct endpoint *e = arg;

	(void)local;
	e->remote = *remote;
	dtls_start(e->dtls, clock_ms());
}

static void on_ice_failed(enum ice_failure why, void *arg)
{
	struct endpoint *e = arg;

	e->handlers->failed(e, why == ICE_FAILED ? "ICE" : "consent");
}

static const struct ice_handlers ice_handlers = {
	.send = on_ice_send,
	.valid = on_ice_valid,
	.selected = on_ice_selected,
	.failed = on_ice_failed,
};

static void on_dtls_send(const uint8_t *p, size_t n, void *arg)
{
	const struct endpoint *e = arg;

	wire_send(&e->end, &e->remote, p, n);
}

static void on_connected(const struct dtls_keys *keys, void *arg)
{
	struct endpoint *e = arg;

	if (srtp_new(&e->tx, SRTP_PROTECT, keys->profile, keys->tx,
		     keys->len) ||
	    srtp_new(&e->rx, SRTP_UNPROTECT, keys->profile, keys->rx,
		     keys->len))
		DIE("load: no SRTP");
	e->profile = keys->profile;
	become_ready(e);
}

static void on_dtls_failed(enum dtls_failure why, void *arg)
{
	struct endpoint *e = arg;

	(void)why;
	e->handlers->failed(e, "DTLS");
}

static const struct dtls_handlers dtls_handlers = {
	.send = on_dtls_send,
	.connected = on_connected,
	.failed = on_dtls_failed,
};

static bool begin(struct endpoint *e, const struct media_content *offer)
{
	int r = dtls_new(&e->dtls, cert, true, &dtls_handlers, e);

	if (!r)
		r = dtls_set_fingerprints(e->dtls, offer->fingerprints,
					  offer->nfingerprints);
	if (!r)
		r = ice_set_remote(e->ice, offer->ufrag, offer->pwd,
				   offer->ice_lite);
	for (size_t i = 0; !r && i < offer->ncands; i++)
		if (offer->cands[i].component == 1)
			r = ice_add_remote(e->ice, &offer->cands[i]);
	return !r;
}

static void put_ice(struct endpoint *e, struct media_content *answer)
{
	struct media_cand cand = {
		.type = MEDIA_CAND_HOST,
		.component = 1,
		.priority = cand_priority(MEDIA_CAND_HOST, 65535, 1),
		.addr = e->end.local,
		.foundation = "1",
	};

	snprintf(answer->ufrag, sizeof(answer->ufrag), "%s", ice_ufrag(e->ice));
	snprintf(answer->pwd, sizeof(answer->pwd), "%s", ice_pwd(e->ice));
	if (ice_add_local(e->ice, &cand, &e->end.local) ||
	    media_content_add_cand(answer, &cand))
		DIE("load: no candidate");
}

bool endpoint_answer(struct endpoint *e, const struct media_content *offer,
		     struct media_content *answer)
{
	const struct ice_config config = { .allow_loopback = true,
					   .now_ms = clock_ms() };

	if (ice_new(&e->ice, &config, &ice_handlers, e))
		DIE("load: no ICE");
	snprintf(answer->mid, sizeof(answer->mid), "%s", offer->mid);
	answer->kind = MEDIA_AUDIO;
	answer->profile = offer->profile;
	answer->dir = MEDIA_SENDRECV;
	answer->rtcp_mux = true;
	answer->setup = MEDIA_SETUP_ACTIVE;
	answer->rtp = e->end.local;
	answer->nfingerprints = 1;
	dtls_cert_fingerprint(cert, &answer->fingerprints[0]);
	put_codec(answer);
	put_ice(e, answer);
	if (!begin(e, offer))
		return false;
	endpoint_tick(e, clock_ms());
	return true;
}

void endpoint_tick(struct endpoint *e, uint64_t now_ms)
{
	if (!e->ice)
		return;
	uint64_t ice_ms = ice_tick(e->ice, now_ms);
	uint64_t dtls_ms = e->dtls ? dtls_tick(e->dtls, now_ms) : UINT64_MAX;

	e->due_ms = ice_ms < dtls_ms ? ice_ms : dtls_ms;
}
