-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Sessions, accounts, numbers, trunks and call records. Columns that end in
-- _sealed are AES-256-GCM under the key next to the file (db/seal.h).
--
-- No table is WITHOUT ROWID: quick_check of SQLite 3.40 (Debian 12) finds NULLs
-- in healthy ones whose key is not in front.

CREATE TABLE boot (
	boot_id    TEXT PRIMARY KEY,
	node_id    TEXT NOT NULL,
	started_ms INTEGER NOT NULL
);

CREATE TABLE session (
	call                TEXT NOT NULL,
	side                INTEGER NOT NULL CHECK (side IN (0, 1)),
	kind                INTEGER NOT NULL,
	state               INTEGER NOT NULL,
	started_ms          INTEGER NOT NULL,
	answered_ms         INTEGER NOT NULL,
	account             TEXT NOT NULL,
	number              TEXT NOT NULL,
	trunk               TEXT NOT NULL,
	held                INTEGER NOT NULL,
	node_id             TEXT NOT NULL,
	boot_id             TEXT NOT NULL,

	sip_uac             INTEGER NOT NULL,
	sip_call_id         TEXT NOT NULL,
	sip_local_tag       TEXT NOT NULL,
	sip_remote_tag      TEXT NOT NULL,
	sip_local_uri       TEXT NOT NULL,
	sip_remote_uri      TEXT NOT NULL,
	sip_remote_target   TEXT NOT NULL,
	sip_contact         TEXT NOT NULL,
	sip_route_set       TEXT NOT NULL,
	sip_transport       TEXT NOT NULL,
	sip_local           TEXT NOT NULL,
	sip_remote          TEXT NOT NULL,
	sip_local_cseq      INTEGER NOT NULL,
	sip_remote_cseq     INTEGER NOT NULL,
	sip_timer_s         INTEGER NOT NULL,
	sip_timer_ours      INTEGER NOT NULL,
	sip_timer_next_ms   INTEGER NOT NULL,
	sip_sdp_id          TEXT NOT NULL,
	sip_sdp_version     INTEGER NOT NULL,
	sip_local_sdp       TEXT NOT NULL,
	sip_remote_sdp      TEXT NOT NULL,

	jingle_sid          TEXT NOT NULL,
	jingle_jmi_id       TEXT NOT NULL,
	jingle_local_jid    TEXT NOT NULL,
	jingle_remote_jid   TEXT NOT NULL,
	jingle_initiator    INTEGER NOT NULL,
	jingle_content      TEXT NOT NULL,
	jingle_creator      TEXT NOT NULL,

	media_ice           INTEGER NOT NULL,
	media_worker        INTEGER NOT NULL,
	media_local         TEXT NOT NULL,
	media_remote        TEXT NOT NULL,
	media_rtcp_mux      INTEGER NOT NULL,
	media_direction     INTEGER NOT NULL,
	media_mid           TEXT NOT NULL,
	media_codec         TEXT NOT NULL,
	media_map           TEXT NOT NULL,
	ice_controlling     INTEGER NOT NULL,
	ice_tie_breaker     INTEGER NOT NULL,
	ice_local_ufrag     TEXT NOT NULL,
	ice_remote_ufrag    TEXT NOT NULL,
	ice_local_pwd_sealed  BLOB NOT NULL,
	ice_remote_pwd_sealed BLOB NOT NULL,
	ice_local_cands     TEXT NOT NULL,
	ice_remote_cands    TEXT NOT NULL,
	dtls_setup          TEXT NOT NULL,
	dtls_local_fingerprint  TEXT NOT NULL,
	dtls_remote_fingerprint TEXT NOT NULL,
	srtp_profile        TEXT NOT NULL,
	srtp_tx_key_sealed  BLOB NOT NULL,
	srtp_rx_key_sealed  BLOB NOT NULL,
	rtp_tx_ssrc         INTEGER NOT NULL,
	rtp_rx_ssrc         INTEGER NOT NULL,
	srtp_tx_index       INTEGER NOT NULL,
	srtp_rx_index       INTEGER NOT NULL,
	srtcp_tx_index      INTEGER NOT NULL,
	srtcp_rx_index      INTEGER NOT NULL,
	rtp_seq_offset      INTEGER NOT NULL,
	rtp_ts_offset       INTEGER NOT NULL,

	PRIMARY KEY (call, side)
);

CREATE TABLE account (
	jid        TEXT PRIMARY KEY,
	enabled    INTEGER NOT NULL,
	calls      INTEGER NOT NULL,
	created_ms INTEGER NOT NULL
);

CREATE TABLE number (
	number TEXT PRIMARY KEY,
	trunk  TEXT NOT NULL
);

CREATE TABLE owner (
	number   TEXT NOT NULL,
	position INTEGER NOT NULL,
	jid      TEXT NOT NULL,
	PRIMARY KEY (number, jid)
);

CREATE TABLE trunk (
	name            TEXT PRIMARY KEY,
	proxy           TEXT NOT NULL,
	username        TEXT NOT NULL,
	password_sealed BLOB NOT NULL,
	realm           TEXT NOT NULL,
	from_domain     TEXT NOT NULL,
	allow           TEXT NOT NULL,
	early_media     TEXT NOT NULL,
	registers       INTEGER NOT NULL,
	expires_s       INTEGER NOT NULL,
	enabled         INTEGER NOT NULL,
	created_ms      INTEGER NOT NULL
);

CREATE TABLE cdr (
	call              TEXT PRIMARY KEY,
	direction         INTEGER NOT NULL,
	caller            TEXT NOT NULL,
	callee            TEXT NOT NULL,
	account           TEXT NOT NULL,
	trunk             TEXT NOT NULL,
	started_ms        INTEGER NOT NULL,
	ringing_ms        INTEGER NOT NULL,
	answered_ms       INTEGER NOT NULL,
	ended_ms          INTEGER NOT NULL,
	cause             TEXT NOT NULL,
	sip_status        INTEGER NOT NULL,
	q850              INTEGER NOT NULL,
	ended_by          INTEGER NOT NULL,
	node_id           TEXT NOT NULL,
	boot_id           TEXT NOT NULL,
	caller_rx_packets INTEGER NOT NULL,
	caller_rx_octets  INTEGER NOT NULL,
	caller_tx_packets INTEGER NOT NULL,
	caller_tx_octets  INTEGER NOT NULL,
	caller_lost       INTEGER NOT NULL,
	caller_dropped    INTEGER NOT NULL,
	caller_jitter_us  INTEGER NOT NULL,
	caller_rtt_us     INTEGER NOT NULL,
	caller_ice_ms     INTEGER NOT NULL,
	caller_dtls_ms    INTEGER NOT NULL,
	caller_codec      TEXT NOT NULL,
	caller_srtp       TEXT NOT NULL,
	callee_rx_packets INTEGER NOT NULL,
	callee_rx_octets  INTEGER NOT NULL,
	callee_tx_packets INTEGER NOT NULL,
	callee_tx_octets  INTEGER NOT NULL,
	callee_lost       INTEGER NOT NULL,
	callee_dropped    INTEGER NOT NULL,
	callee_jitter_us  INTEGER NOT NULL,
	callee_rtt_us     INTEGER NOT NULL,
	callee_ice_ms     INTEGER NOT NULL,
	callee_dtls_ms    INTEGER NOT NULL,
	callee_codec      TEXT NOT NULL,
	callee_srtp       TEXT NOT NULL
);
CREATE INDEX cdr_by_start ON cdr (started_ms);
CREATE INDEX cdr_by_account ON cdr (account, started_ms);
