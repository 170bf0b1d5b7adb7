/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The contents of <jingle/> and the neutral description: XEP-0166 (content),
 * 0167 (RTP), 0176 (ICE-UDP), 0320 (DTLS), 0338 (BUNDLE). RTCP feedback
 * (XEP-0293), header extensions (0294) and sources (0339) are read over, and so
 * is SDES: with a fingerprint there is no need of it (Dino offers both).
 *
 * Who wrote the stanza matters: senders names roles, a description's direction
 * is its writer's.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "media/desc.h"
#include "xmpp/stanza.h"

#define JINGLE_NS          "urn:xmpp:jingle:1"
#define JINGLE_NS_RTP      "urn:xmpp:jingle:apps:rtp:1"
#define JINGLE_NS_ICE_UDP  "urn:xmpp:jingle:transports:ice-udp:1"
#define JINGLE_NS_DTLS     "urn:xmpp:jingle:apps:dtls:0"
#define JINGLE_NS_GROUPING "urn:xmpp:jingle:apps:grouping:0"

enum {
	JINGLE_MID_MAX = 16, /* characters that Conversations takes of a name
			      * we choose */
};

enum jingle_desc_outcome {
	JINGLE_DESC_E_SYNTAX = 1,  /* <bad-request/> */
	JINGLE_DESC_E_CONTENT = 2, /* more contents than we keep:
				    * <unsupported-applications/> */
};

/*
 * Read all contents of @jingle. *@out is owned by the caller. What is not a
 * session of ours shows in the contents:
 *   kind MEDIA_OTHER    no RTP description, or beyond MEDIA_USED_CONTENTS
 *   ufrag ""            no ICE-UDP transport: <unsupported-transports/>
 *   no fingerprint      no DTLS: <security-error/>; its profile is RTP_AVP then
 * Codecs, their parameters, candidates and fingerprints that we could not use
 * (TCP, names instead of addresses, unknown hashes), or beyond the tables, are
 * left out.
 * 0, JINGLE_DESC_E_*, or -ENOMEM.
 */
CHECKED int jingle_desc_parse(struct media_desc **out,
			      const struct stanza *jingle,
			      bool writer_is_initiator);

/*
 * Of one <content/>, as transport-info has it. *@out, of which nothing is read,
 * is owned by the caller: media_content_fini(). 0, JINGLE_DESC_E_SYNTAX, or
 * -ENOMEM.
 */
CHECKED int jingle_content_parse(struct media_content *out,
				 const struct stanza *content,
				 bool writer_is_initiator);

/* How a rejected content is said; XEP-0166 has no word for it in an accept. */
enum jingle_rejected {
	JINGLE_REJECTED_OMIT, /* Dino takes an accept without it */
	/*
	 * senders "none", the first of its payload types, and the transport of
	 * the first content that is not rejected: Conversations ends a session
	 * whose accept has not the media of its offer. MEDIA_OTHER is left out.
	 */
	JINGLE_REJECTED_NONE,
};

struct jingle_desc_options {
	bool writer_is_initiator;
	enum jingle_rejected rejected;
};

/*
 * Add @desc's contents and its group to @jingle. Everything that any client
 * insists on is there: creator, name, senders, name and clock rate of every
 * payload type, all candidate attributes; each parameter has name and value and
 * telephone-event none (Monal cannot read others), and there is neither
 * <gathering-complete/> nor <ice-lite/>, which only Stanza knows. Out of memory
 * shows in stanza_ok(@jingle).
 */
void jingle_desc_format(struct stanza *jingle, const struct media_desc *desc,
			const struct jingle_desc_options *options);

/*
 * Add one content with the credentials of @content and @cand alone, or with
 * @cand NULL all of its candidates: for transport-info, new candidates or an
 * ICE restart. There is no fingerprint in it: it does not change.
 */
void jingle_transport_format(struct stanza *jingle,
			     const struct media_content *content,
			     const struct media_cand *cand);
