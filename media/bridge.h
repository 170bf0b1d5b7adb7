/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The media of one call, as the main thread sees it: two sides, A the caller's
 * and B the callee's, relayed to each other by a worker. Everything here runs
 * on the main thread; handlers are called there too, from the event loop, never
 * from inside a function of this header.
 *
 * A side is either
 *   MEDIA_ICE: full ICE (RFC 8445, 8838, 7675) on the worker's shared port with
 *              DTLS-SRTP (RFC 5764), rtcp-mux; or
 *   MEDIA_RTP: an even port of its own, symmetric RTP (RFC 4961), plain or
 *              SDES-SRTP (RFC 4568), RTCP on the next port or muxed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/desc.h"
#include "media/map.h"

struct event_base;
struct media; /* workers, ports, certificate: one a process */
struct bridge;

enum { MEDIA_MAX_WORKERS = 64, MEDIA_MAX_SERVICES = 8 };

struct media_config {
	struct addr address;        /* bind here; unset or unspecified: both
				     * IP versions, and host candidates are
				     * the interfaces' */
	struct addr public_address; /* also offered; unset: none. IP alone */
	bool public_auto;           /* find it: media_set_stun() */
	uint16_t ice_port;          /* of worker 0; worker n has ice_port + n */
	uint16_t port_min, port_max;
	/* Of what else we serve by UDP; no peer's media is there. */
	uint16_t services[MEDIA_MAX_SERVICES];
	size_t nservices;
	unsigned workers;        /* 0: one per processor */
	unsigned priority;       /* of workers, SCHED_RR; 0: as all else */
	unsigned dscp;           /* of media packets (RFC 2474); 46 is EF */
	bool allow_loopback;     /* for tests and the demo only */
	const char *certificate; /* PEM, certificate and key; made if absent */
	/* Where calls are kept for a process that comes after this one
	 * (media/resume.h); NULL: nowhere. */
	const char *keep;
};

enum media_side { MEDIA_SIDE_A, MEDIA_SIDE_B };
enum media_transport { MEDIA_ICE, MEDIA_RTP };

enum media_failure {
	MEDIA_FAIL_ICE,         /* no pair within ICE_FAIL_MS */
	MEDIA_FAIL_CONSENT,     /* RFC 7675: the peer is gone */
	MEDIA_FAIL_DTLS,        /* handshake failed or timed out */
	MEDIA_FAIL_FINGERPRINT, /* the certificate is not the signalled one */
	MEDIA_FAIL_SILENCE,     /* nothing received for long, not on hold */
	MEDIA_FAIL_WORKER,      /* no memory, no socket */
};

struct bridge_handlers {
	/*
	 * Media may flow: ICE selected a pair and DTLS verified the peer, or an
	 * RTP side has got its remote description. Once a side.
	 */
	void (*ready)(enum media_side side, void *arg);
	void (*failed)(enum media_side side, enum media_failure why, void *arg);
	/* Our own address changed (NAT, interface): time for an ICE restart. */
	void (*moved)(enum media_side side, void *arg);
	/*
	 * One more local candidate, to be trickled (RFC 8838); may be NULL. It
	 * comes when this peer's address and our shared port are already those
	 * of another call (two gateways of our kind, an SFU), which media alone
	 * cannot tell apart: the side then gets a port of its own. A peer that
	 * takes no candidate after its description finds it by our checks
	 * (peer-reflexive), unless a NAT of its own stands before it; the
	 * candidate is also in each later bridge_local().
	 */
	void (*candidate)(enum media_side side, const struct media_cand *cand,
			  void *arg);
	/* What bridge_save() says of @side has changed; may be NULL. */
	void (*changed)(enum media_side side, void *arg);
	/* A telephone-event has ended on @side (it was relayed already). */
	void (*digit)(enum media_side side, char digit, unsigned duration_ms,
		      void *arg);
};

/* What a side has seen; all counters only grow. */
struct media_side_stats {
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	uint64_t lost;    /* by sequence number, RFC 3550 A.3 */
	uint64_t dropped; /* not relayed: bad source, auth, replay, pt, … */
	uint64_t unauthentic; /* of these: SRTP found them forged or replayed */
	uint32_t jitter_us;   /* RFC 3550, 6.4.1 */
	uint32_t rtt_us;      /* from RTCP; 0 unknown */
	uint64_t ice_ms, dtls_ms; /* how long each took; 0 not (yet) */
	struct addr remote;       /* where packets go now */
	enum srtp_profile srtp;
};

/*
 * Start the workers. @base must outlive *@out: media_free().
 * 0 or -errno (ports in use, certificate unreadable).
 */
CHECKED int media_new(struct media **out, const struct media_config *config,
		      struct event_base *base);
/* All bridges must be freed before. Joins the workers. */
struct media *media_free(struct media *media);

/* The STUN server that tells our public address (public_auto). */
void media_set_stun(struct media *media, const struct addr *server);
/*
 * @fn is called when addresses of ours, the machine's or the public one, have
 * changed, before moved() of the bridges is.
 */
typedef void (*media_addresses_fn)(void *arg);
void media_on_addresses(struct media *media, media_addresses_fn fn, void *arg);
/* The public address as known now, the port unset; unset: unknown. */
struct addr media_public_address(const struct media *media);

/*
 * The process is to end, with all calls for the next one: its sockets, up to
 * @cap, to be kept open for that (media/handover.h). Returns how many.
 */
size_t media_hand_over(struct media *media, int *fds, size_t cap);
/*
 * All calls of before that come back have done so: what is kept of the others
 * is let go. Where there were any, the workers begin only now, so that packets
 * that had waited find their call.
 */
void media_forget(struct media *media);

/* How many workers media_config.workers gives on this machine. */
unsigned media_worker_count(unsigned wanted);
/* For metrics: workers, and the bridges that one of them serves now. */
unsigned media_workers(const struct media *media);
unsigned media_worker_load(const struct media *media, unsigned worker);

struct media_worker_stats {
	unsigned calls;
	unsigned busy_permille; /* of a processor, over the last second */
	uint64_t packets_s;
	/* since the start; lost: the kernel did not take them; late: media
	 * that was let go (media/pace.h) */
	uint64_t packets, lost, late;
};
/* The worker is not stopped for it, nor asked. */
void media_worker_stats(const struct media *media, unsigned worker,
			struct media_worker_stats *out);

/*
 * @name is the call's, for the log. *@out is owned by the caller:
 * bridge_free(); no handler runs after that. @handlers and @arg are borrowed
 * for its lifetime. 0 or -errno.
 */
CHECKED int bridge_new(struct bridge **out, struct media *media,
		       const char *name, const struct bridge_handlers *handlers,
		       void *arg);
struct bridge *bridge_free(struct bridge *bridge);
DEFINE_AUTO(struct bridge *, bridge_free)

/*
 * Make @side ready to be described. @offerer: we write the offer on this side
 * (controlling and actpass with ICE). @peer tells which local address to use
 * for an RTP side (routing decides); NULL: the configured one, or that of the
 * default route. 0, or -errno (-EADDRINUSE: no port left; -EADDRNOTAVAIL: no
 * address of our own; -EALREADY).
 */
CHECKED int bridge_open(struct bridge *bridge, enum media_side side,
			enum media_transport transport, bool offerer,
			const struct addr *peer);

/*
 * @side is as before bridge_open(): its peer hears nothing more, its ports
 * rest, its keys are wiped; what the other side gets goes on without a break.
 * For a callee that did not answer while another is tried, and for a party that
 * takes the running call up on another device. 0 (also when it is not open),
 * -ENOMEM.
 */
CHECKED int bridge_close(struct bridge *bridge, enum media_side side);

/* Whether bridge_open() was called for @side. */
bool bridge_is_open(const struct bridge *bridge, enum media_side side);

/*
 * Write @side's transport into @content: candidates, ufrag, pwd, fingerprint
 * and setup; or address, profile and crypto. As an answer when the remote offer
 * was given before. 0 or -errno.
 *
 * In an offer of an RTP side, @content->profile and @content->rtcp_mux are the
 * caller's wish: MEDIA_RTP_SAVP[F] asks for SDES (media/side_rtp.c), @osrtp
 * for the same where the peer can (RFC 8643), anything else is plain. In an
 * answer they are the offer's. An ICE side writes its default candidate into
 * @content->rtp too, for peers that want an address.
 */
CHECKED int bridge_local(struct bridge *bridge, enum media_side side,
			 struct media_content *content);

/*
 * From which IP the peer of an RTP side signals, unless it is that of
 * bridge_open(): behind a NAT its media is believed to come from there as well
 * (media/latch.h). @anywhere: from whoever sends first; encrypted media may in
 * any case. For bridge_remote() of from now on.
 */
void bridge_trust(struct bridge *bridge, enum media_side side,
		  const struct addr *signals_from, bool anywhere);

/*
 * What the peer's description says of transport; may come again (re-INVITE, ICE
 * restart: new ufrag and pwd). Starts ICE when both are known.
 *
 * A later @content of an ICE side may leave out what has not changed
 * (fingerprints, setup). A restart by the peer makes new local credentials at
 * once: the answer is the next bridge_local(). An RTP side on hold by an
 * unspecified address (0.0.0.0) keeps what it learned and sends nothing.
 * 0, -EINVAL (no usable transport: RFC 8839 lengths, missing fingerprint, no
 * acceptable crypto), -errno.
 */
CHECKED int bridge_remote(struct bridge *bridge, enum media_side side,
			  const struct media_content *content);

/* Trickle (RFC 8838). 0, -E2BIG past the limit, -EINVAL. */
CHECKED int bridge_candidate(struct bridge *bridge, enum media_side side,
			     const struct media_cand *cand);

/*
 * New local ufrag, pwd and candidates: an ICE restart, ours or the peer's.
 * Nothing happens when those of now were not yet written by bridge_local(). An
 * RTP side takes the addresses of now; the next bridge_local() says them.
 */
CHECKED int bridge_restart(struct bridge *bridge, enum media_side side);

/* How packets received on @from are written for the other side. */
CHECKED int bridge_map(struct bridge *bridge, enum media_side from,
		       const struct media_map *map);

/*
 * What may flow on @side, from our view: sendrecv at first. Only a side
 * that both sends and receives is watched for silence (a party that holds the
 * call may send nothing), once every open side is ready. RTCP and connectivity
 * checks go on regardless.
 */
CHECKED int bridge_direction(struct bridge *bridge, enum media_side side,
			     enum media_dir dir);

/*
 * Play a digit [0-9*#A-D] towards @side as RFC 4733; queued. 0, -EINVAL,
 * -ENOTSUP (by the map of now, the peer takes no telephone-event), -ENOMEM.
 */
CHECKED int bridge_digit(struct bridge *bridge, enum media_side side,
			 char digit, unsigned duration_ms);

/* Give @side back what it sends, for the echo number. The other stays closed.
 */
CHECKED int bridge_echo(struct bridge *bridge, enum media_side side);

/* Never waits for the worker. */
void bridge_stats(const struct bridge *bridge, enum media_side side,
		  struct media_side_stats *out);
