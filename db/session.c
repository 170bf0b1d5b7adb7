/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db/row.h"

#define COLUMN(type, name, field) ROW_COLUMN(type, name, session_row, field)

static const struct row_column columns[] = {
	COLUMN(TEXT, "call", call),
	COLUMN(UINT, "side", side),
	COLUMN(UINT, "kind", kind),
	COLUMN(UINT, "state", state),
	COLUMN(INT, "started_ms", started_ms),
	COLUMN(INT, "answered_ms", answered_ms),
	COLUMN(TEXT, "account", account),
	COLUMN(TEXT, "number", number),
	COLUMN(TEXT, "trunk", trunk),
	COLUMN(UINT, "held", held),
	COLUMN(TEXT, "node_id", node_id),
	COLUMN(TEXT, "boot_id", boot_id),
	COLUMN(UINT, "sip_uac", sip.uac),
	COLUMN(TEXT, "sip_call_id", sip.call_id),
	COLUMN(TEXT, "sip_local_tag", sip.local_tag),
	COLUMN(TEXT, "sip_remote_tag", sip.remote_tag),
	COLUMN(TEXT, "sip_local_uri", sip.local_uri),
	COLUMN(TEXT, "sip_remote_uri", sip.remote_uri),
	COLUMN(TEXT, "sip_remote_target", sip.remote_target),
	COLUMN(TEXT, "sip_contact", sip.contact),
	COLUMN(TEXT, "sip_route_set", sip.route_set),
	COLUMN(TEXT, "sip_transport", sip.transport),
	COLUMN(ADDR, "sip_local", sip.local),
	COLUMN(ADDR, "sip_remote", sip.remote),
	COLUMN(UINT, "sip_local_cseq", sip.local_cseq),
	COLUMN(UINT, "sip_remote_cseq", sip.remote_cseq),
	COLUMN(UINT, "sip_timer_s", sip.timer_interval_s),
	COLUMN(UINT, "sip_timer_ours", sip.timer_ours),
	COLUMN(INT, "sip_timer_next_ms", sip.timer_next_ms),
	COLUMN(TEXT, "sip_sdp_id", sip.sdp_id),
	COLUMN(UINT, "sip_sdp_version", sip.sdp_version),
	COLUMN(TEXT, "sip_local_sdp", local_sdp),
	COLUMN(TEXT, "sip_remote_sdp", remote_sdp),
	COLUMN(TEXT, "jingle_sid", jingle.sid),
	COLUMN(TEXT, "jingle_jmi_id", jingle.jmi_id),
	COLUMN(TEXT, "jingle_local_jid", jingle.local_jid),
	COLUMN(TEXT, "jingle_remote_jid", jingle.remote_jid),
	COLUMN(UINT, "jingle_initiator", jingle.initiator),
	COLUMN(TEXT, "jingle_content", jingle.content_name),
	COLUMN(TEXT, "jingle_creator", jingle.content_creator),
	COLUMN(UINT, "media_ice", media.ice),
	COLUMN(UINT, "media_worker", media.worker),
	COLUMN(ADDR, "media_local", media.local),
	COLUMN(ADDR, "media_remote", media.remote),
	COLUMN(UINT, "media_rtcp_mux", media.rtcp_mux),
	COLUMN(UINT, "media_direction", media.direction),
	COLUMN(TEXT, "media_mid", media.mid),
	COLUMN(TEXT, "media_codec", media.codec),
	COLUMN(TEXT, "media_map", media.map),
	COLUMN(UINT, "ice_controlling", media.controlling),
	COLUMN(UINT, "ice_tie_breaker", media.tie_breaker),
	COLUMN(TEXT, "ice_local_ufrag", media.local_ufrag),
	COLUMN(TEXT, "ice_remote_ufrag", media.remote_ufrag),
	COLUMN(SECRET, "ice_local_pwd_sealed", media.local_pwd),
	COLUMN(SECRET, "ice_remote_pwd_sealed", media.remote_pwd),
	COLUMN(TEXT, "ice_local_cands", media.local_cands),
	COLUMN(TEXT, "ice_remote_cands", media.remote_cands),
	COLUMN(TEXT, "dtls_setup", media.setup),
	COLUMN(TEXT, "dtls_local_fingerprint", media.local_fingerprint),
	COLUMN(TEXT, "dtls_remote_fingerprint", media.remote_fingerprint),
	COLUMN(TEXT, "srtp_profile", media.srtp_profile),
	COLUMN(SECRET, "srtp_tx_key_sealed", media.tx_key),
	COLUMN(SECRET, "srtp_rx_key_sealed", media.rx_key),
	COLUMN(UINT, "rtp_tx_ssrc", media.tx_ssrc),
	COLUMN(UINT, "rtp_rx_ssrc", media.rx_ssrc),
	COLUMN(UINT, "srtp_tx_index", media.tx_index),
	COLUMN(UINT, "srtp_rx_index", media.rx_index),
	COLUMN(UINT, "srtcp_tx_index", media.tx_rtcp_index),
	COLUMN(UINT, "srtcp_rx_index", media.rx_rtcp_index),
	COLUMN(UINT, "rtp_seq_offset", media.seq_offset),
	COLUMN(UINT, "rtp_ts_offset", media.ts_offset),
	COLUMN(TEXT, "caller", caller),
	COLUMN(TEXT, "callee", callee),
	COLUMN(UINT, "inbound", inbound),
	COLUMN(INT, "ringing_ms", ringing_ms),
	COLUMN(INT, "credit_ms", credit_ms),
	COLUMN(TEXT, "payer", payer),
	COLUMN(TEXT, "paid_from", paid_from),
	COLUMN(TEXT, "paid_to", paid_to),
	COLUMN(TEXT, "paid_trunk", paid_trunk),
	COLUMN(UINT, "paid_diverted", paid_diverted),
	COLUMN(UINT, "paid_emergency", paid_emergency),
	COLUMN(INT, "paid_since_ms", paid_since_ms),
	COLUMN(UINT, "transfers", transfers),
	COLUMN(TEXT, "caller_name", caller_name),
	COLUMN(TEXT, "verstat", verstat),
	COLUMN(TEXT, "attestation", attestation),
	COLUMN(TEXT, "first_called", first_called),
	COLUMN(TEXT, "diversion", diversion),
	COLUMN(UINT, "offerer", offerer),
	COLUMN(TEXT, "sip_self", sip.self),
	COLUMN(UINT, "media_ready", media.ready),
	COLUMN(UINT, "media_own_port", media.own_port),
	COLUMN(UINT, "ice_generation", media.generation),
	COLUMN(UINT, "ice_ms", media.ice_ms),
	COLUMN(UINT, "dtls_ms", media.dtls_ms),
	COLUMN(UINT, "srtp_tag", media.srtp_tag),
	COLUMN(INT, "begun_ms", begun_ms),
	COLUMN(TEXT, "machine_boot", machine_boot),
	COLUMN(TEXT, "sip_invite", sip.invite),
	COLUMN(UINT, "jingle_ends", jingle.ends),
};

/* What is no column. */
static void complete(void *data, const struct db *db)
{
	struct session_row *row = data;

	row->same_boot = *row->machine_boot &&
			 !strcmp(row->machine_boot, db_machine_boot(db));
}

static struct row_text sql;
static struct row_table table = { .columns = columns,
				  .n = sizeof(columns) / sizeof(columns[0]),
				  .size = sizeof(struct session_row),
				  /* a call without its keys is one yet */
				  .without_secrets = true,
				  .complete = complete };

static const struct row_table *session_table(void)
{
	row_sql(&table, &sql, "session", "ORDER BY call, side");
	return &table;
}

int session_digest(struct session_digest *out, const struct session_row *row)
{
	static_assert(sizeof(out->octets) == ROW_DIGEST_LEN, "one length");

	return row_digest(session_table(), row, out->octets);
}

bool session_digest_equal(const struct session_digest *a,
			  const struct session_digest *b)
{
	return !memcmp(a->octets, b->octets, sizeof(a->octets));
}

int session_put(struct db *db, const struct session_row *row, db_done_fn done,
		void *arg)
{
	struct session_row mine = *row;

	mine.node_id = db_node_id(db);
	mine.boot_id = db_boot_id(db);
	mine.machine_boot = db_machine_boot(db);
	int r = row_put(db, session_table(), &mine, done, arg);
	explicit_bzero(&mine, sizeof(mine));
	return r;
}

int session_settle(struct db *db, const char *call, db_done_fn done, void *arg)
{
	static const char settle[] =
		"UPDATE session SET payer = '' WHERE call = ?";
	const struct row_param params[] = { { .text = call } };

	return row_execute(db, settle, params, 1, done, arg);
}

int session_keep(struct db *db, const char *call)
{
	static const char keep[] =
		"UPDATE session SET salvaged = 0 WHERE call = ?";
	const struct row_param params[] = { { .text = call } };

	return row_execute(db, keep, params, 1, NULL, NULL);
}

int session_drop_earlier(struct db *db)
{
	static const char drop[] = "DELETE FROM session WHERE boot_id <> ?";
	const struct row_param params[] = { { .text = db_boot_id(db) } };

	return row_execute(db, drop, params, 1, NULL, NULL);
}

int session_load_all(struct db *db, db_row_fn fn, void *arg)
{
	return row_load_all(db, session_table(), fn, arg);
}

struct session_row *session_copy(const struct session_row *row)
{
	const struct row_table *t = session_table();
	char *copy = malloc(row_size(t, row));

	if (copy)
		row_copy(t, row, copy);
	return (struct session_row *)(void *)copy;
}

struct session_row *session_free(struct session_row *row)
{
	if (row)
		explicit_bzero(row, sizeof(*row)); /* keys */
	free(row);
	return NULL;
}
