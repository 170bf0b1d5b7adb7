/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The neutral offer or answer (RFC 3264). SDP (RFC 8866) and Jingle (XEP-0167,
 * 0176, 0320, 0338) are two spellings of it: sip/sdp.h, xmpp/jingle_desc.h.
 *
 * Direction, setup and addresses are from the view of the party that wrote the
 * description, whoever reads it.
 *
 * Text is printable ASCII (a mid from Jingle alone may be any UTF-8): parsers
 * leave out codecs and candidates with anything else, so that no peer's line
 * ends reach the other spelling.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	MEDIA_MAX_CONTENTS = 16, /* kept, so that each can be answered … */
	MEDIA_USED_CONTENTS = 4, /* … but only these are read in full */
	MEDIA_MAX_CODECS = 32,
	MEDIA_MAX_CANDS = 32,
	MEDIA_MAX_CRYPTOS = 8,
	MEDIA_MAX_FINGERPRINTS = 4,

	MEDIA_MID_CAP = 65, /* of ours Conversations takes 16 characters */
	MEDIA_CODEC_NAME_CAP = 24,
	MEDIA_FMTP_CAP = 160,
	MEDIA_FOUNDATION_CAP = 33, /* RFC 8839, 5.1: 1 to 32 characters */
	MEDIA_UFRAG_CAP = 257,     /* RFC 8839, 5.4: 4 to 256 */
	MEDIA_PWD_CAP = 257,       /* 22 to 256 */
	MEDIA_HASH_CAP = 12,
	MEDIA_WORD_CAP = 24,        /* "application", "UDP/DTLS/SCTP" */
	MEDIA_FINGERPRINT_MAX = 64, /* octets; SHA-512 */
	MEDIA_CRYPTO_KEY_MAX = 46,  /* master key and salt; AES-256 */
};

/* MEDIA_OTHER: also audio under a profile that is not RTP's. */
enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO, MEDIA_OTHER };

/* Bits, so that an answer's direction is the offer's, turned round, and. */
enum media_dir {
	MEDIA_INACTIVE = 0,
	MEDIA_SENDONLY = 1,
	MEDIA_RECVONLY = 2,
	MEDIA_SENDRECV = 3,
};

/* SDP's transport profiles. Jingle with DTLS is UDP/TLS/RTP/SAVPF. */
enum media_profile {
	MEDIA_RTP_AVP,
	MEDIA_RTP_AVPF,
	MEDIA_RTP_SAVP,
	MEDIA_RTP_SAVPF,
	MEDIA_DTLS_SAVP,
	MEDIA_DTLS_SAVPF,
	MEDIA_PROFILE_OTHER,
};

/* RFC 4145, RFC 8842. */
enum media_setup {
	MEDIA_SETUP_NONE,
	MEDIA_SETUP_ACTPASS,
	MEDIA_SETUP_ACTIVE,
	MEDIA_SETUP_PASSIVE,
	MEDIA_SETUP_HOLDCONN,
};

/* Static payload types come with name and rate filled in (RFC 3551). */
struct media_codec {
	uint8_t pt;
	uint8_t channels; /* at least 1 */
	uint32_t clockrate;
	char name[MEDIA_CODEC_NAME_CAP];
	/* "a=1;b=2" as in SDP; a nameless parameter stands alone ("0-15"). */
	char fmtp[MEDIA_FMTP_CAP];
};

enum media_cand_type {
	MEDIA_CAND_HOST,
	MEDIA_CAND_SRFLX,
	MEDIA_CAND_PRFLX,
	MEDIA_CAND_RELAY,
};

/* UDP alone: parsers leave other transports and unresolvable names out. */
struct media_cand {
	enum media_cand_type type;
	uint8_t component; /* 1 RTP, 2 RTCP */
	uint8_t generation;
	uint32_t priority;
	struct addr addr;
	struct addr related; /* unset: none */
	char foundation[MEDIA_FOUNDATION_CAP];
};

/* RFC 8122; @hash in lower case ("sha-256"). */
struct media_fingerprint {
	char hash[MEDIA_HASH_CAP];
	uint8_t len;
	uint8_t octets[MEDIA_FINGERPRINT_MAX];
};

enum srtp_profile {
	SRTP_NONE,
	SRTP_AES128_CM_SHA1_80, /* RFC 3711, 4568 */
	SRTP_AES128_CM_SHA1_32,
	SRTP_AEAD_AES_128_GCM, /* RFC 7714 */
	SRTP_AEAD_AES_256_GCM,
	SRTP_NPROFILES,
};

/* One a=crypto line (RFC 4568) that we could use. */
struct media_crypto {
	uint32_t tag;
	enum srtp_profile profile;
	uint8_t key_len; /* master key and salt */
	uint8_t key[MEDIA_CRYPTO_KEY_MAX];
};

/*
 * An `m=` line, a Jingle content. Its lists are its own: media_content_add_*()
 * makes them longer, a smaller count shorter; NULL when nothing was ever added.
 */
struct media_content {
	char mid[MEDIA_MID_CAP];
	enum media_kind kind;
	enum media_profile profile;
	enum media_dir dir;
	bool rejected; /* port 0, content not accepted */
	bool rtcp_mux;
	/*
	 * What a refusal repeats (RFC 3264, 6) of a medium that is not ours:
	 * the medium's name with MEDIA_OTHER, the profile's with
	 * MEDIA_PROFILE_OTHER, the first format when no codec is known. ""
	 * otherwise.
	 */
	char other_media[MEDIA_WORD_CAP];
	char other_profile[MEDIA_WORD_CAP];
	char other_format[MEDIA_WORD_CAP];

	/* In order of preference; codecs and telephone-event (RFC 4733). */
	struct media_codec *codecs;
	size_t ncodecs;    /* at most MEDIA_MAX_CODECS */
	uint16_t ptime_ms; /* 0: not said */
	uint16_t maxptime_ms;

	/* Where RTP is expected when there is no ICE; port 9 or unset: none. */
	struct addr rtp;
	struct addr rtcp; /* unset: the next port */

	/* ICE (RFC 8839, XEP-0176): "" when there is none. */
	char ufrag[MEDIA_UFRAG_CAP];
	char pwd[MEDIA_PWD_CAP];
	bool ice_lite;
	bool end_of_candidates;
	struct media_cand *cands;
	size_t ncands; /* at most MEDIA_MAX_CANDS */

	/* DTLS-SRTP (RFC 5763, XEP-0320) */
	enum media_setup setup;
	struct media_fingerprint fingerprints[MEDIA_MAX_FINGERPRINTS];
	size_t nfingerprints;

	/* SDES (RFC 4568); in an offer of ours under a plain profile, whether
	 * to ask for it without insisting (RFC 8643). */
	bool osrtp;
	struct media_crypto *cryptos;
	size_t ncryptos; /* at most MEDIA_MAX_CRYPTOS */
};

struct media_desc {
	/* Owned; use media_desc_add(). */
	struct media_content *contents[MEDIA_MAX_CONTENTS];
	size_t ncontents;
	bool bundle; /* all contents in one BUNDLE group (RFC 9143, XEP-0338) */
};

/* *@out is owned by the caller: media_desc_free(). 0 or -ENOMEM. */
CHECKED int media_desc_new(struct media_desc **out);
/* A deep copy of @src. 0 or -ENOMEM. */
CHECKED int media_desc_copy(struct media_desc **out,
			    const struct media_desc *src);
/* Wipes keys and passwords. NULL is fine; returns NULL. */
struct media_desc *media_desc_free(struct media_desc *desc);
DEFINE_AUTO(struct media_desc *, media_desc_free)

/*
 * Append an empty content (audio, sendrecv, nothing else set); *@out is
 * borrowed from @desc. 0, -ENOMEM, or -E2BIG past MEDIA_MAX_CONTENTS.
 */
CHECKED int media_desc_add(struct media_desc *desc, struct media_content **out);

/* Borrowed, or NULL. */
struct media_content *media_desc_find(const struct media_desc *desc,
				      const char *mid);
/* The first content of @kind that is not rejected; borrowed, or NULL. */
struct media_content *media_desc_first(const struct media_desc *desc,
				       enum media_kind kind);

/*
 * A content that stands alone, in no description, begins as zeros.
 * media_content_fini() wipes and frees what it holds, and leaves zeros.
 */
void media_content_fini(struct media_content *content);
/* *@out, of which nothing is read, is owned by the caller. 0 or -ENOMEM. */
CHECKED int media_content_copy(struct media_content *out,
			       const struct media_content *src);

/* Append a copy. 0, -E2BIG when there is no room, or -ENOMEM. */
CHECKED int media_content_add_codec(struct media_content *content,
				    const struct media_codec *codec);
CHECKED int media_content_add_cand(struct media_content *content,
				   const struct media_cand *cand);
CHECKED int media_content_add_crypto(struct media_content *content,
				     const struct media_crypto *crypto);
CHECKED int media_content_add_fingerprint(
	struct media_content *content,
	const struct media_fingerprint *fingerprint);
/* Put @src's candidates in the place of @content's. 0 or -ENOMEM. */
CHECKED int media_content_copy_cands(struct media_content *content,
				     const struct media_content *src);

/*
 * Name, clock rate and channels of a static payload type (RFC 3551, table 4).
 * 0 or -ENOENT.
 */
CHECKED int media_codec_static(struct media_codec *out, uint8_t pt);
/*
 * The same encoding (name without case, clock rate, channels), whatever pt.
 * Opus is one encoding, mono or stereo (RFC 7587, 4.1).
 */
bool media_codec_same(const struct media_codec *a, const struct media_codec *b);
/* Borrowed; NULL: it has none that is the same. */
const struct media_codec *media_content_same(
	const struct media_content *content, const struct media_codec *codec);
bool media_codec_is_event(const struct media_codec *codec);
const struct media_codec *media_content_codec(const struct media_content *c,
					      uint8_t pt);

/* What we send is what they receive: sendonly <-> recvonly. */
enum media_dir media_dir_reverse(enum media_dir dir);
bool media_profile_is_dtls(enum media_profile profile);

const char *media_cand_type_name(enum media_cand_type type);
/* "host", "srflx", "prflx", "relay". 0 or -EINVAL. */
CHECKED int media_cand_type_parse(enum media_cand_type *out, struct slice s);
/* "actpass", …; NULL for MEDIA_SETUP_NONE. 0 or -EINVAL, in any case. */
const char *media_setup_name(enum media_setup setup);
CHECKED int media_setup_parse(enum media_setup *out, struct slice s);
/* RFC 4568 and 7714 names ("AES_CM_128_HMAC_SHA1_80"). */
const char *srtp_profile_name(enum srtp_profile profile);
CHECKED int srtp_profile_parse(enum srtp_profile *out, struct slice s);
/* Octets of master key and of master salt. */
size_t srtp_profile_key_len(enum srtp_profile profile);
size_t srtp_profile_salt_len(enum srtp_profile profile);

/*
 * "AB:CD:…" <-> octets (RFC 8122). -EINVAL when it is no fingerprint or its
 * length is not the hash's; -ENOTSUP for a hash that proves nothing today or
 * that we do not know (md5, sha-1).
 */
CHECKED int media_fingerprint_parse(struct media_fingerprint *out,
				    struct slice hash, struct slice hex);
enum { MEDIA_FINGERPRINT_TEXT_CAP = MEDIA_FINGERPRINT_MAX * 3 };
struct media_fingerprint_text {
	char s[MEDIA_FINGERPRINT_TEXT_CAP];
};
struct media_fingerprint_text media_fingerprint_text(
	const struct media_fingerprint *f);
