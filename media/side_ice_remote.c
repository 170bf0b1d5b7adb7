/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include "media/ice_cred.h"
#include "media/media.h"

/* What the peer says of its role, and what that leaves for us. */
static int role_for(const struct side_ice *ice, enum media_setup peer,
		    enum media_setup *out)
{
	switch (peer) {
	case MEDIA_SETUP_ACTIVE:
		*out = MEDIA_SETUP_PASSIVE;
		return 0;
	/* Actpass in an answer is a mistake (dino#1072); the ClientHello we
	 * send is what such a peer can still answer. */
	case MEDIA_SETUP_ACTPASS:
	case MEDIA_SETUP_PASSIVE:
		*out = MEDIA_SETUP_ACTIVE;
		return 0;
	case MEDIA_SETUP_NONE: /* RFC 4145, 4: the defaults */
		*out = ice->offering ? MEDIA_SETUP_ACTIVE : MEDIA_SETUP_PASSIVE;
		return 0;
	case MEDIA_SETUP_HOLDCONN:
		break;
	}
	return -EINVAL;
}

static bool lengths_are_right(const struct media_content *content)
{
	size_t ufrag = strlen(content->ufrag), pwd = strlen(content->pwd);

	return ufrag >= ICE_UFRAG_MIN && pwd >= ICE_PWD_MIN;
}

static bool same_fingerprints(const struct side_ice *ice,
			      const struct media_content *content)
{
	return ice->nfingerprints == content->nfingerprints &&
	       !memcmp(ice->fingerprints, content->fingerprints,
		       ice->nfingerprints * sizeof(ice->fingerprints[0]));
}

/* Whether all of it can be used; nothing changes. */
static int check(const struct side_ice *ice,
		 const struct media_content *content)
{
	enum media_setup role;

	if (content->rejected)
		return -EINVAL;
	if (content->ufrag[0] || !ice->peer_ufrag[0]) {
		if (!lengths_are_right(content))
			return -EINVAL;
	}
	if (!content->nfingerprints)
		return ice->nfingerprints ? 0 : -EINVAL;
	return role_for(ice, content->setup, &role);
}

/* The role stays for the life of an association (RFC 8842, 5.3). */
static int take_fingerprints(struct side_ice *ice,
			     const struct media_content *content)
{
	if (!content->nfingerprints || same_fingerprints(ice, content))
		return 0;

	memcpy(ice->fingerprints, content->fingerprints,
	       sizeof(ice->fingerprints));
	ice->nfingerprints = content->nfingerprints;
	return role_for(ice, content->setup, &ice->setup);
}

/*
 * New credentials restart ICE. Unless we did, the peer did, and we need new
 * ones as well (RFC 8839, 4.4.3.1.1).
 */
static int take_credentials(struct side *side,
			    const struct media_content *content)
{
	struct side_ice *ice = side->ice;
	bool known = ice->peer_ufrag[0];
	bool same = !strcmp(ice->peer_ufrag, content->ufrag) &&
		    !strcmp(ice->peer_pwd, content->pwd);

	if (!content->ufrag[0])
		return 0;
	if (known && !same && !ice->offering) {
		int r = side_ice_restart(side);
		if (r)
			return r;
	}
	ice->offering = false;
	memcpy(ice->peer_ufrag, content->ufrag, sizeof(ice->peer_ufrag));
	memcpy(ice->peer_pwd, content->pwd, sizeof(ice->peer_pwd));
	return 0;
}

int side_ice_remote_command(struct side *side, struct command **out, bool lite)
{
	const struct side_ice *ice = side->ice;

	int r = side_command(side, out, COMMAND_PEER_ICE);
	if (r)
		return r;
	struct command_ice_peer *peer = &(*out)->ice_peer;
	memcpy(peer->ufrag, ice->peer_ufrag, sizeof(peer->ufrag));
	memcpy(peer->pwd, ice->peer_pwd, sizeof(peer->pwd));
	peer->lite = lite;
	peer->active = ice->setup == MEDIA_SETUP_ACTIVE;
	memcpy(peer->fingerprints, ice->fingerprints,
	       sizeof(peer->fingerprints));
	peer->nfingerprints = ice->nfingerprints;
	peer->ncands = 0;
	return 0;
}

int side_ice_remote(struct side *side, const struct media_content *content)
{
	struct side_ice *ice = side->ice;
	struct command *command;

	int r = check(ice, content);
	if (!r)
		r = take_fingerprints(ice, content);
	if (!r)
		r = take_credentials(side, content);
	if (!r)
		r = side_ice_remote_command(side, &command, content->ice_lite);
	if (r)
		return r;
	if (media_profile_is_dtls(content->profile)) {
		ice->profile = content->profile;
		ice->has_profile = true;
	}

	struct command_ice_peer *peer = &command->ice_peer;
	for (size_t i = 0; i < content->ncands; i++) {
		const struct media_cand *cand = &content->cands[i];

		if (!media_is_own(side->bridge->media, &cand->addr))
			peer->cands[peer->ncands++] = *cand;
	}
	side_send(side, command);
	return 0;
}

int side_ice_candidate(struct side *side, const struct media_cand *cand)
{
	struct command *command;

	if (!addr_is_set(&cand->addr) || !addr_port(&cand->addr))
		return -EINVAL;
	if (cand->component != 1) /* RTCP is muxed; some clients offer both */
		return 0;
	if (media_is_own(side->bridge->media, &cand->addr))
		return 0; /* checks to ourselves */
	if (side->ice->trickled >= SIDE_MAX_TRICKLED)
		return -E2BIG;

	int r = side_command(side, &command, COMMAND_CANDIDATE);
	if (r)
		return r;
	side->ice->trickled++;
	command->cand = *cand;
	side_send(side, command);
	return 0;
}
