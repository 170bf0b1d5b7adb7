/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A bridge that is taken up after the death of its process: the same ports,
 * credentials, keys, SSRCs and sequence, so that neither peer has to do
 * anything. What the worker does with each packet is kept by itself
 * (media/keep.h); the rest is saved and given back here, beside the
 * descriptions of both peers.
 */
#pragma once

#include "gateway/base/err.h"
#include "media/bridge.h"
#include "media/dtls.h"

/* Of one side. Holds secrets: wipe it. */
struct bridge_saved {
	enum media_transport transport;
	bool offerer;              /* as bridge_open() was told */
	struct addr local, remote; /* where packets leave from, and go to */
	struct dtls_keys keys;     /* of profile NONE: none */
	/* MEDIA_ICE */
	unsigned worker;
	bool own_port; /* local is not the shared one */
	uint8_t generation;
	enum media_setup setup; /* ours */
	char local_ufrag[MEDIA_UFRAG_CAP], local_pwd[MEDIA_PWD_CAP];
	char remote_ufrag[MEDIA_UFRAG_CAP], remote_pwd[MEDIA_PWD_CAP];
	uint64_t ice_ms, dtls_ms;
	/* MEDIA_RTP */
	uint32_t crypto_tag; /* RFC 4568; 0: none */
};

/* 0, -ENOTCONN (nothing flows there yet: it cannot be taken up). */
CHECKED int bridge_save(const struct bridge *bridge, enum media_side side,
			struct bridge_saved *out);

/*
 * The bridge that was @name's before, on the worker of its shared port. As
 * bridge_new(); -ENOENT: nothing is kept of it.
 */
CHECKED int bridge_revive(struct bridge **out, struct media *media,
			  const char *name, unsigned worker,
			  const struct bridge_handlers *handlers, void *arg);
/*
 * Instead of bridge_open(), bridge_local() and bridge_remote(): @local and
 * @remote were the descriptions in force. ready() follows; failed() when the
 * keys are not those whose indices were kept, and when the pair does not answer
 * any more. bridge_map() and bridge_direction() are to be called as ever. After
 * an error nothing is left of @saved, least of all its keys: bridge_open()
 * makes others. 0, -EADDRINUSE, -EADDRNOTAVAIL (the address or the port has
 * gone), -EINVAL, -ENOMEM (it may be tried again).
 */
CHECKED int bridge_resume(struct bridge *bridge, enum media_side side,
			  const struct bridge_saved *saved,
			  const struct media_content *local,
			  const struct media_content *remote);
