/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * <transport/> of ICE-UDP (XEP-0176) with its fingerprints (XEP-0320), inside
 * the spelling of contents.
 */
#pragma once

#include "media/desc.h"
#include "xmpp/stanza.h"

/* Credentials, candidates, setup and fingerprints. 0, -EINVAL, or -ENOMEM. */
CHECKED int jingle_ice_parse(struct media_content *out,
			     const struct stanza *transport);

/* The parts of a <transport/>; @transport NULL is fine. */
struct stanza *jingle_ice_format(struct stanza *parent,
				 const struct media_content *content);
void jingle_ice_add_cand(struct stanza *transport,
			 const struct media_cand *cand);
void jingle_ice_add_cands(struct stanza *transport,
			  const struct media_content *content);
void jingle_ice_add_fingerprints(struct stanza *transport,
				 const struct media_content *content);

/* Printable ASCII, blanks between only; a limit is the caller's. */
bool jingle_is_printable(const char *s);
