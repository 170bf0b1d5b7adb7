/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The session table: one row per leg of a live call, with all that a fresh
 * process needs to go on with it: the SIP dialog (RFC 3261, 12) or the Jingle
 * session (XEP-0166), and the media of that side.
 *
 * A row is committed before its 200 or session-accept leaves: hold the answer
 * until @done. Rows of ended calls go with the call's record (db/cdr.h).
 *
 * Strings are borrowed for the call; NULL and "" are the same, and are read
 * back as "".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "gateway/base/addr.h"

enum session_side { SESSION_SIDE_A, SESSION_SIDE_B }; /* caller's, callee's */
enum session_kind { SESSION_SIP = 1, SESSION_JINGLE = 2, SESSION_ECHO = 3 };
enum session_state {
	SESSION_SETUP = 1, /* nothing of it can be resumed: end it */
	SESSION_UP = 2,
};

/* RFC 3261, 12; RFC 4028. */
struct session_sip {
	bool uac; /* we sent the INVITE */
	const char *call_id;
	const char *local_tag, *remote_tag;
	const char *local_uri; /* with display name, without tag */
	const char *remote_uri;
	const char *remote_target; /* the peer's Contact */
	const char *contact;       /* ours */
	const char *route_set;     /* in the order of sending: "<a>, <b>" */
	const char *transport;     /* "udp", "tcp" */
	struct addr local, remote; /* sockets of the last request */
	uint32_t local_cseq, remote_cseq;
	uint32_t timer_interval_s; /* Session-Expires; 0: none */
	bool timer_ours;           /* we refresh */
	int64_t timer_next_ms;     /* of the next refresh, by clock_ms() */
	const char *sdp_id;        /* o= of ours: session id */
	uint64_t sdp_version;
	const char *self; /* our number, as the trunk writes it */
	/* In set-up: the INVITE whose final response is due, as text. */
	const char *invite;
};

/* By which messages (XEP-0353) what has no session yet is ended. */
enum session_jmi_end {
	SESSION_JMI_REJECT = 1, /* else it is retracted */
	SESSION_JMI_FINISH = 2, /* that as well: somebody was told to proceed */
};

/* XEP-0166, 0353. */
struct session_jingle {
	const char *sid, *jmi_id;
	const char *local_jid, *remote_jid; /* full JIDs */
	/* In set-up remote_jid is also that of an account, or of several that
	 * ring, with a space between. */
	uint32_t ends;  /* enum session_jmi_end */
	bool initiator; /* we are */
	const char *content_name, *content_creator;
};

/* One side's media; ICE fields are "" or 0 on a plain RTP side. */
struct session_media {
	bool ice;
	bool ready; /* all of it is known: the call can be taken up */
	uint32_t worker;
	struct addr local, remote; /* the port, the selected or locked peer */
	bool own_port;             /* local is not the shared one */
	bool rtcp_mux;
	uint8_t direction; /* enum media_dir, our view */
	const char *mid;
	const char *codec; /* "PCMU/8000" */
	const char *map;   /* payload map, the writer's own spelling */

	bool controlling;
	uint8_t generation;
	uint64_t tie_breaker;
	const char *local_ufrag, *remote_ufrag;
	struct db_secret local_pwd, remote_pwd;
	const char *local_cands, *remote_cands; /* one candidate a line */

	const char *setup; /* "active", "passive": what we were */
	const char *local_fingerprint, *remote_fingerprint; /* "sha-256 AB:…" */
	const char *srtp_profile;
	struct db_secret tx_key, rx_key; /* master key and salt */
	uint32_t tx_ssrc, rx_ssrc;
	uint64_t tx_index, rx_index; /* 48 bits: ROC and sequence */
	uint32_t tx_rtcp_index, rx_rtcp_index;
	uint16_t seq_offset;
	uint32_t ts_offset;
	uint32_t srtp_tag; /* RFC 4568; 0: none */
	uint64_t ice_ms, dtls_ms;
};

struct session_row {
	const char *call; /* the call's id, with @side the key */
	enum session_side side;
	enum session_kind kind;
	enum session_state state;
	int64_t started_ms, answered_ms; /* wall time */
	int64_t begun_ms;                /* started_ms by clock_ms() */
	const char *account;             /* bare JID */
	const char *number;              /* E.164 of the telephone's side */
	const char *caller, *callee;     /* as in the call's record */
	bool inbound;                    /* from the telephone network */
	int64_t ringing_ms;              /* wall time; 0: not */
	int64_t credit_ms;               /* the most time; 0: no limit */
	/* Its leg to a trunk: whose expense it is, from which number to which,
	 * since when (wall time; 0: since it was answered). "": there is none
	 */
	const char *payer, *paid_from, *paid_to, *paid_trunk;
	bool paid_diverted, paid_emergency;
	int64_t paid_since_ms;
	uint32_t transfers;
	/* What the trunk said of the caller (db/cdr.h). */
	const char *caller_name, *verstat, *attestation, *first_called,
		*diversion;
	bool offerer; /* the description in force was offered by us */
	/* Ours and the peer's description in force, as SDP without secrets. */
	const char *local_sdp, *remote_sdp;
	const char *trunk; /* the call's; of a SIP leg, its own */
	bool held;
	const char *node_id, *boot_id, *machine_boot; /* by session_put() */
	/* When it is read: the machine runs as long, so that what clock_ms()
	 * said then can be compared with what it says now. */
	bool same_boot;
	struct session_sip sip;
	struct session_jingle jingle;
	struct session_media media;
};

/* What a row says, to be compared; of none: all zero. Tells no secret. */
struct session_digest {
	uint8_t octets[32];
};
CHECKED int session_digest(struct session_digest *out,
			   const struct session_row *row); /* 0, -ENOMEM */
bool session_digest_equal(const struct session_digest *a,
			  const struct session_digest *b);

/*
 * Insert or replace the row of (call, side). @done may be NULL.
 * 0, -ENOBUFS (DB_QUEUE_MAX), -ENOMEM; then @done is not called.
 */
CHECKED int session_put(struct db *db, const struct session_row *row,
			db_done_fn done, void *arg);
/* What @call has cost is counted: its rows tell of no payer any more. As
 * session_put(). */
CHECKED int session_settle(struct db *db, const char *call, db_done_fn done,
			   void *arg);
/* Those of @call stay as they are, if they came from a damaged file
 * (db_drop_salvaged()). 0, -ENOBUFS, -ENOMEM. */
CHECKED int session_keep(struct db *db, const char *call);
/* The rows of all runs before this one, those that cannot be read as well. */
CHECKED int session_drop_earlier(struct db *db);

/*
 * Every struct session_row, by call and side; at the start, before the loop
 * runs. A secret that cannot be unsealed is logged, and empty. 0 or -errno.
 */
CHECKED int session_load_all(struct db *db, db_row_fn fn, void *arg);

/* A copy with its texts, owned by the caller: session_free(). NULL: no memory.
 */
struct session_row *session_copy(const struct session_row *row);
struct session_row *session_free(struct session_row *row);
