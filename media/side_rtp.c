/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "media/media.h"
#include "media/resume.h"

static const struct addr *peer_of(const struct side_rtp *rtp)
{
	return addr_is_set(&rtp->peer) ? &rtp->peer : NULL;
}

static void send_ports(struct side *side, struct command *command,
		       const struct port_pair *pair)
{
	command->rtp =
		(struct command_rtp){ pair->rtp, pair->rtcp, pair->local };
	side_send(side, command);
}

/* A pair of ports on the address that routing chooses, given to the worker. */
static int open_ports(struct side *side, struct port_pair *pair,
		      enum command_verb verb)
{
	const struct media *media = side->bridge->media;
	struct side_rtp *rtp = &side->rtp;
	struct command *command;
	struct addr ip;

	int r = media_local_address(media, &ip, peer_of(rtp));
	if (!r)
		r = side_command(side, &command, verb);
	if (r)
		return r;
	r = port_open(media->ports, &ip, true, clock_ms(), pair);
	if (r) {
		command_free(command);
		return r;
	}
	rtp->local = pair->local;
	rtp->advertised = media_advertised(media, &pair->local, peer_of(rtp));
	send_ports(side, command, pair);
	return 0;
}

int side_rtp_open(struct side *side, const struct addr *peer)
{
	if (peer)
		side->rtp.peer = side->rtp.signals_from = *peer;
	return open_ports(side, &side->bridge->circuit->ports[side->which],
			  COMMAND_OPEN_RTP);
}

static bool is_gone(const struct media *media, const struct addr *local)
{
	return media->hosts.n && !host_list_has(&media->hosts, local);
}

bool side_rtp_has_moved(const struct side *side)
{
	const struct media *media = side->bridge->media;
	const struct side_rtp *rtp = &side->rtp;

	struct addr next;

	if (is_gone(media, &rtp->local))
		return !media_local_address(media, &next, peer_of(rtp)) &&
		       host_list_has(&media->hosts, &next);
	struct addr now = media_advertised(media, &rtp->local, peer_of(rtp));
	return !addr_equal(&now, &rtp->advertised);
}

int side_rtp_restart(struct side *side)
{
	const struct media *media = side->bridge->media;
	struct side_rtp *rtp = &side->rtp;
	struct port_pair *pair = &side->bridge->circuit->ports[side->which];
	struct port_pair other;

	side->moved = side->say_moved = false;
	rtp->restarted = true;
	if (!is_gone(media, &rtp->local)) {
		rtp->advertised =
			media_advertised(media, &rtp->local, peer_of(rtp));
		return 0;
	}
	int r = open_ports(side, &other, COMMAND_MOVE_RTP);
	if (r)
		return r;
	port_leave(media->ports, pair, clock_ms());
	*pair = other;
	return 0;
}

static bool is_secure(enum media_profile profile)
{
	return profile == MEDIA_RTP_SAVP || profile == MEDIA_RTP_SAVPF;
}

static void make_crypto(struct media_crypto *out, uint32_t tag,
			enum srtp_profile profile)
{
	*out = (struct media_crypto){
		.tag = tag,
		.profile = profile,
		.key_len = (uint8_t)(srtp_profile_key_len(profile) +
				     srtp_profile_salt_len(profile)),
	};
	rand_bytes(out->key, out->key_len);
}

/* What an offer proposes, in our order of preference; made once. */
static void make_offer(struct side_rtp *rtp)
{
	static const enum srtp_profile offered[SIDE_CRYPTOS] = {
		SRTP_AES128_CM_SHA1_80,
		SRTP_AES128_CM_SHA1_32,
		SRTP_AEAD_AES_128_GCM,
	};

	if (rtp->nours)
		return;
	for (size_t i = 0; i < SIDE_CRYPTOS; i++)
		make_crypto(&rtp->ours[i], (uint32_t)i + 1, offered[i]);
	rtp->nours = SIDE_CRYPTOS;
}

int side_rtp_local(struct side *side, struct media_content *content)
{
	struct side_rtp *rtp = &side->rtp;

	if (rtp->has_peer) {
		content->profile = rtp->profile;
		content->rtcp_mux = rtp->mux;
	}
	bool secure = is_secure(content->profile) ||
		      (rtp->has_peer ? rtp->secure : content->osrtp);

	rtp->optional = secure && !is_secure(content->profile);
	rtp->offered_mux = content->rtcp_mux;
	content->rtp = rtp->advertised;
	memset(&content->rtcp, 0, sizeof(content->rtcp));
	content->ufrag[0] = content->pwd[0] = '\0';
	content->ncands = content->nfingerprints = content->ncryptos = 0;
	content->setup = MEDIA_SETUP_NONE;
	if (!secure)
		return 0;

	make_offer(rtp);
	for (size_t i = 0; i < rtp->nours; i++) {
		int r = media_content_add_crypto(content, &rtp->ours[i]);
		if (r)
			return r;
	}
	return 0;
}

static struct media_crypto *find_ours(struct side_rtp *rtp, uint32_t tag,
				      enum srtp_profile profile)
{
	for (size_t i = 0; i < rtp->nours; i++) {
		if (rtp->ours[i].tag == tag && rtp->ours[i].profile == profile)
			return &rtp->ours[i];
	}
	return NULL;
}

/*
 * The first of the peer's that we know (RFC 4568, 5.1.2), with a key of ours:
 * that of the same tag and suite when it was described already, which an answer
 * to our offer must name, and which a re-offer keeps.
 */
static int agree(struct side_rtp *rtp, const struct media_content *content,
		 const struct media_crypto **theirs)
{
	bool is_answer = rtp->nours && !rtp->has_peer;

	for (size_t i = 0; i < content->ncryptos; i++) {
		const struct media_crypto *c = &content->cryptos[i];
		struct media_crypto *ours = find_ours(rtp, c->tag, c->profile);
		struct media_crypto chosen;

		if (c->profile == SRTP_NONE || (is_answer && !ours))
			continue;
		if (ours)
			chosen = *ours;
		else
			make_crypto(&chosen, c->tag, c->profile);
		if (c->key_len != chosen.key_len)
			continue;
		rtp->ours[0] = chosen;
		rtp->nours = 1;
		*theirs = c;
		return 0;
	}
	return -EINVAL;
}

static bool is_refused(const struct media *media, const struct addr *a)
{
	if (media_is_own(media, a))
		return true; /* packets would run in a circle */
	switch (addr_classify(a)) {
	case ADDR_MULTICAST:
		return true;
	case ADDR_LOOPBACK:
		return !media->config.allow_loopback;
	default:
		return false;
	}
}

/* RFC 3605; one that RTP would not be sent to is left out as well. */
static struct addr rtcp_of(const struct media *media,
			   const struct media_content *content)
{
	struct addr a = content->rtcp;

	if (addr_is_set(&a) && !is_refused(media, &a))
		return a;
	a = content->rtp;
	addr_set_port(&a, (uint16_t)(addr_port(&a) + 1));
	return a;
}

/* Keys under a plain profile offer SRTP, or take our offer of it (RFC 8643). */
static bool wants_srtp(const struct side *side,
		       const struct media_content *content)
{
	const struct side_rtp *rtp = &side->rtp;

	if (is_secure(content->profile) || !content->ncryptos)
		return is_secure(content->profile);
	return rtp->has_peer ? rtp->secure : !side->offerer || rtp->optional;
}

/*
 * What begins encrypted does not become plain, nor the reverse; neither does
 * an answer choose what the offer did not (no downgrade).
 */
static bool keeps_security(const struct side *side,
			   const struct media_content *content)
{
	const struct side_rtp *rtp = &side->rtp;
	bool secure = wants_srtp(side, content);

	if (rtp->has_peer)
		return secure == rtp->secure;
	return !side->offerer ||
	       (secure ? rtp->nours > 0 : !rtp->nours || rtp->optional);
}

static int check(const struct side *side, const struct media_content *content)
{
	bool unspecified = addr_classify(&content->rtp) == ADDR_UNSPECIFIED;

	if (!keeps_security(side, content))
		return -EINVAL;

	if (!addr_is_set(&content->rtp) || !addr_port(&content->rtp) ||
	    content->rejected || media_profile_is_dtls(content->profile) ||
	    content->profile == MEDIA_PROFILE_OTHER)
		return -EINVAL;
	if (content->rtp.sa.sa_family != side->rtp.local.sa.sa_family &&
	    !unspecified)
		return -EINVAL;
	return is_refused(side->bridge->media, &content->rtp) ? -EINVAL : 0;
}

int side_rtp_remote(struct side *side, const struct media_content *content)
{
	struct side_rtp *rtp = &side->rtp;
	const struct media_crypto *theirs = NULL;
	struct command *command;

	bool secure = wants_srtp(side, content);
	int r = check(side, content);
	if (!r && secure)
		r = agree(rtp, content, &theirs);
	if (!r)
		r = side_command(side, &command, COMMAND_PEER_RTP);
	if (r)
		return r;

	rtp->profile = content->profile;
	rtp->secure = secure;
	rtp->mux = content->rtcp_mux &&
		   (rtp->has_peer || !side->offerer || rtp->offered_mux);
	rtp->has_peer = true;
	struct command_rtp_peer *peer = &command->rtp_peer;
	peer->rtp = content->rtp;
	peer->rtcp = rtcp_of(side->bridge->media, content);
	peer->mux = rtp->mux;
	peer->we_moved = rtp->restarted;
	peer->signals_from = rtp->signals_from;
	peer->anywhere = rtp->anywhere;
	rtp->restarted = false;
	if (theirs) {
		peer->keys.profile = theirs->profile;
		peer->keys.len = theirs->key_len;
		memcpy(peer->keys.tx, rtp->ours[0].key, theirs->key_len);
		memcpy(peer->keys.rx, theirs->key, theirs->key_len);
	}
	side_send(side, command);
	return 0;
}

void side_rtp_save(const struct side *side, struct bridge_saved *out)
{
	const struct side_rtp *rtp = &side->rtp;

	out->local = rtp->local;
	if (rtp->secure && rtp->nours)
		out->crypto_tag = rtp->ours[0].tag;
}

static void take_saved(struct side *side, const struct bridge_saved *saved,
		       const struct media_content *local,
		       const struct media_content *remote)
{
	struct side_rtp *rtp = &side->rtp;
	const struct dtls_keys *keys = &saved->keys;

	rtp->peer = rtp->signals_from = saved->remote;
	rtp->local = saved->local;
	rtp->advertised = local->rtp;
	rtp->profile = remote->profile;
	rtp->mux = remote->rtcp_mux && local->rtcp_mux;
	rtp->has_peer = true;
	rtp->secure = keys->profile != SRTP_NONE;
	if (!rtp->secure)
		return;
	rtp->nours = 1;
	rtp->ours[0] = (struct media_crypto){
		.tag = saved->crypto_tag,
		.profile = keys->profile,
		.key_len = keys->len,
	};
	memcpy(rtp->ours[0].key, keys->tx, keys->len);
}

static int resume_ports(struct side *side)
{
	struct command *command;

	int r = side_reopen(side, &side->rtp.local, COMMAND_OPEN_RTP, &command);
	if (!r)
		send_ports(side, command,
			   &side->bridge->circuit->ports[side->which]);
	return r;
}

int side_rtp_resume(struct side *side, const struct bridge_saved *saved,
		    const struct media_content *local,
		    const struct media_content *remote)
{
	struct command *command;

	take_saved(side, saved, local, remote);
	/* first, as it can fail, and nothing is said then */
	int r = side_command(side, &command, COMMAND_RESUME);
	if (r)
		return r;
	r = resume_ports(side);
	if (r) {
		command_free(command);
		return r;
	}
	command->resume = (struct command_resume){
		.keys = saved->keys,
		.local = saved->local,
		.remote = saved->remote,
		.signalled = remote->rtp,
		.rtcp = rtcp_of(side->bridge->media, remote),
		.mux = side->rtp.mux,
	};
	side_send(side, command);
	return 0;
}
