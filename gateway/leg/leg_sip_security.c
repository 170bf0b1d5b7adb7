/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How the media of a trunk is kept from being heard: what we offer, and what of
 * the trunk's descriptions is taken, by its `srtp` (tandem.conf(5)).
 *
 * SDES (RFC 4568) puts the keys into SIP's own text, for every hop to read, so
 * it is used where the operator says so; DTLS-SRTP does not, and is taken from
 * whoever offers it.
 */
#include "gateway/base/log.h"
#include "gateway/call/call.h"
#include "gateway/config/config.h"
#include "gateway/leg/leg_sip_state.h"

static enum config_srtp policy(const struct leg_sip *sip)
{
	return sip->config ? sip->config->srtp : CONFIG_SRTP_NO;
}

enum media_transport leg_sip_transport(const struct leg_sip *sip)
{
	return policy(sip) == CONFIG_SRTP_DTLS ? MEDIA_ICE : MEDIA_RTP;
}

void leg_sip_wish(const struct leg_sip *sip, struct media_desc *offer)
{
	enum config_srtp srtp = policy(sip);

	for (size_t i = 0; i < offer->ncontents; i++) {
		struct media_content *content = offer->contents[i];

		content->profile = srtp == CONFIG_SRTP_REQUIRE ? MEDIA_RTP_SAVP
							       : MEDIA_RTP_AVP;
		content->osrtp = srtp == CONFIG_SRTP_OFFER;
	}
}

static bool has_dtls(const struct media_content *remote)
{
	return *remote->ufrag && remote->nfingerprints;
}

static bool has_sdes(const struct media_content *remote)
{
	return remote->profile == MEDIA_RTP_SAVP ||
	       remote->profile == MEDIA_RTP_SAVPF;
}

static bool permits(const struct leg_sip *sip,
		    const struct media_content *remote)
{
	if (has_dtls(remote))
		return true;
	switch (policy(sip)) {
	case CONFIG_SRTP_NO:
		return !has_sdes(remote);
	case CONFIG_SRTP_OFFER:
		return true;
	case CONFIG_SRTP_REQUIRE:
		return has_sdes(remote) || remote->ncryptos;
	case CONFIG_SRTP_DTLS:
		return false;
	}
	return false;
}

/* We have one port for both (RFC 5761, as WebRTC has it). */
static bool lacks_mux(const struct media_content *remote)
{
	return has_dtls(remote) && !remote->rtcp_mux;
}

bool leg_sip_takes(const struct leg_sip *sip,
		   const struct media_content *remote)
{
	static const char *const names[] = { [CONFIG_SRTP_NO] = "no",
					     [CONFIG_SRTP_OFFER] = "offer",
					     [CONFIG_SRTP_REQUIRE] = "require",
					     [CONFIG_SRTP_DTLS] = "dtls" };

	if (lacks_mux(remote)) {
		log_warn("call=%s leg=sip refused=ice-without-rtcp-mux",
			 call_name(sip->leg.call));
		return false;
	}
	if (permits(sip, remote))
		return true;
	log_warn("call=%s leg=sip refused=%s trunk=%s srtp=%s",
		 call_name(sip->leg.call),
		 has_sdes(remote) ? "sdes" : "plain-rtp",
		 sip->config ? sip->config->name : "", names[policy(sip)]);
	return false;
}

bool leg_sip_passes_keys(const struct leg_sip *sip,
			 const struct media_content *remote)
{
	return policy(sip) == CONFIG_SRTP_NO && remote->ncryptos;
}

/* The first audio that may be taken; NULL: none. */
static const struct media_content *find_taken(const struct leg_sip *sip,
					      const struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++) {
		const struct media_content *content = desc->contents[i];

		if (content->kind == MEDIA_AUDIO && !content->rejected &&
		    !lacks_mux(content) && permits(sip, content))
			return content;
	}
	return NULL;
}

int leg_sip_choose(struct media_desc **out, const struct leg_sip *sip,
		   const struct media_desc *offer)
{
	int r = media_desc_copy(out, offer);
	const struct media_content *taken = r ? NULL : find_taken(sip, *out);

	for (size_t i = 0; taken && (*out)->contents[i] != taken; i++)
		(*out)->contents[i]->rejected = true;
	return r;
}
