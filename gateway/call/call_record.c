/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a call leaves in the database: a row of the session table per leg while
 * it lives, and its record when it has ended.
 */
#include <stdlib.h>

#include "db/cdr.h"
#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare_row.h"
#include "gateway/gateway.h"
#include "gateway/rewriting.h"
#include "gateway/route/origin.h"
#include "gateway/watch/watch.h"
#include "media/resume.h"
#include "sip/sdp.h"

/* ---- session rows ---- */

/* Both sides have said yes: it is worth to be taken up. */
static bool call_is_answered(const struct call *call)
{
	return call->state >= CALL_STORING && call->state < CALL_CLOSED;
}

static void on_stored(int result, void *arg)
{
	struct call *call = arg;

	if (result)
		memset(call->stored, 0, sizeof(call->stored));
	if (result)
		log_warn("call=%s session=not-stored r=%d: a restart would "
			 "end this call",
			 call->name, result);
	if (call->storing && !--call->storing)
		call_raise(call,
			   &(struct call_event){ .type = CALL_EV_STORED });
}

/* Nobody waits for it. */
static void on_setup_stored(int result, void *arg)
{
	struct call *call = arg;

	if (result)
		memset(call->stored, 0, sizeof(call->stored));
	if (result)
		log_warn("call=%s session=not-stored r=%d: a restart would "
			 "forget this call, which is not answered yet",
			 call->name, result);
}

/* What changes in a call is most often one leg's. */
int call_record_put(struct call *call, const struct session_row *row)
{
	struct session_digest *last = &call->stored[row->side], digest;
	bool up = call_is_answered(call);
	int r = session_digest(&digest, row);

	if (r || session_digest_equal(&digest, last))
		return r;
	r = session_put(call->gateway->db, row,
			up ? on_stored : on_setup_stored, call);
	if (r)
		return r;
	*last = digest;
	call->storing += up;
	return 0;
}

/* What a row borrows. Holds secrets. */
struct row_parts {
	struct bridge_saved saved;
	char *local_sdp, *remote_sdp;
};

static void parts_fini(struct row_parts *parts)
{
	explicit_bzero(&parts->saved, sizeof(parts->saved));
	free(parts->local_sdp);
	free(parts->remote_sdp);
}

/* As SDP, less what is secret: passwords and keys have columns of their own.
 * *@out is owned by the caller; NULL: there is none. 0 or -ENOMEM. */
static int public_sdp(char **out, const struct media_desc *desc)
{
	static const struct sdp_origin origin = { 0 };
	AUTO(media_desc_freep) struct media_desc *copy = NULL;
	size_t n;
	int r = desc ? media_desc_copy(&copy, desc) : 0;

	if (r || !desc)
		return r;
	for (size_t i = 0; i < copy->ncontents; i++) {
		struct media_content *content = copy->contents[i];

		memset(content->pwd, 0, sizeof(content->pwd));
		content->ncryptos = 0;
	}
	r = sdp_format(out, &n, copy, &origin);
	return r < 0 ? r : 0;
}

static struct db_secret secret_of(const void *p, size_t n)
{
	struct db_secret secret = { .n = n };

	memcpy(secret.octets, p, n);
	return secret;
}

static void fill_saved(struct session_media *out,
		       const struct bridge_saved *saved)
{
	const struct dtls_keys *keys = &saved->keys;

	out->ready = true;
	out->ice = saved->transport == MEDIA_ICE;
	out->controlling = saved->offerer;
	out->worker = saved->worker;
	out->local = saved->local;
	out->remote = saved->remote;
	out->own_port = saved->own_port;
	out->generation = saved->generation;
	out->local_ufrag = saved->local_ufrag;
	out->remote_ufrag = saved->remote_ufrag;
	out->local_pwd = secret_of(saved->local_pwd, strlen(saved->local_pwd));
	out->remote_pwd =
		secret_of(saved->remote_pwd, strlen(saved->remote_pwd));
	out->setup = media_setup_name(saved->setup);
	out->srtp_profile =
		keys->profile ? srtp_profile_name(keys->profile) : "";
	out->tx_key = secret_of(keys->tx, keys->len);
	out->rx_key = secret_of(keys->rx, keys->len);
	out->srtp_tag = saved->crypto_tag;
	out->ice_ms = saved->ice_ms;
	out->dtls_ms = saved->dtls_ms;
}

/* 0 or -ENOMEM: a row without descriptions would end the call. */
static int fill_media(struct session_row *row, struct row_parts *parts,
		      const struct call *call, const struct leg *leg)
{
	const struct media_content *local = leg_local_audio(leg);
	int r = public_sdp(&parts->local_sdp, leg->local);

	if (!r)
		r = public_sdp(&parts->remote_sdp, leg->remote);
	row->offerer = leg->offerer;
	row->local_sdp = parts->local_sdp;
	row->remote_sdp = parts->remote_sdp;
	if (local) {
		row->media.mid = local->mid;
		row->media.direction = (uint8_t)local->dir;
		row->media.rtcp_mux = local->rtcp_mux;
	}
	if (!bridge_save(call->bridge, leg->side, &parts->saved))
		fill_saved(&row->media, &parts->saved);
	return r;
}

static void fill_call(struct session_row *row, const struct call *call)
{
	const struct origin *origin = call->origin;

	*row = (struct session_row){
		.call = call->name,
		.state = call_is_answered(call) ? SESSION_UP : SESSION_SETUP,
		.started_ms = call->started_ms,
		.begun_ms = call->begun_ms,
		.ringing_ms = call->rang_ms,
		.answered_ms = call->answered_ms,
		.account = call->account,
		.number = call->inbound ? call->from : call->to,
		.caller = call->from,
		.callee = call->to,
		.inbound = call->inbound,
		.trunk = call->trunk,
	};
	if (!origin)
		return;
	row->caller_name = origin->display;
	row->verstat = origin->verstat;
	row->attestation = origin->attestation;
	row->first_called = origin->first_called;
	row->diversion = origin->diversion;
}

static int store_leg(struct call *call, struct leg *leg)
{
	const struct call_fare *fare = &call->fares[leg->side];
	struct row_parts parts = { .local_sdp = NULL };
	struct session_row row;

	fill_call(&row, call);
	row.side = leg->side == MEDIA_SIDE_B ? SESSION_SIDE_B : SESSION_SIDE_A;
	row.held = call->held[leg->side];
	row.credit_ms = fare->credit_ms;
	if (fare->fare)
		fare_row_put(&row, fare->fare, fare->since_ms, fare->part);
	int r = fill_media(&row, &parts, call, leg);
	if (!r && leg->ops->store)
		r = leg->ops->store(leg, &row);
	explicit_bzero(&row, sizeof(row));
	parts_fini(&parts);
	return r;
}

static void store_both(struct call *call)
{
	for (int side = 0; side < 2; side++) {
		int r = store_leg(call, call->legs[side]);

		/* without its row the next process ends it */
		if (call_tries_again(call->name, r))
			r = store_leg(call, call->legs[side]);
		if (r < 0)
			log_warn("call=%s session=not-stored r=%d", call->name,
				 r);
	}
}

void call_record_store(struct call *call)
{
	call->storing = 0;
	store_both(call);
	if (!call->storing)
		call_raise(call,
			   &(struct call_event){ .type = CALL_EV_STORED });
}

void call_record_answered(struct call *call)
{
	const struct leg *callee = call->legs[MEDIA_SIDE_B];
	const char *account = callee->ops->account && call->inbound
				      ? callee->ops->account(callee)
				      : NULL;
	char *copy = account ? text_dup(slice_of(account)) : NULL;

	if (!copy)
		return;
	free(call->account);
	call->account = copy;
}

void call_record_refresh(struct call *call)
{
	if (call->state == CALL_UP)
		call_record_store(call);
	else if (call->state != CALL_NEW && call->state < CALL_STORING)
		store_both(call);
}

static void begin_again(struct gateway *gateway)
{
	struct call *call;

	LIST_FOREACH(call, &gateway->calls, link) {
		memset(call->stored, 0, sizeof(call->stored));
		call->unput = true;
	}
}

bool call_record_some(struct gateway *gateway, bool begin, int *r)
{
	unsigned n = 0;
	struct call *call;

	if (begin)
		begin_again(gateway);
	LIST_FOREACH(call, &gateway->calls, link) {
		if (!call->unput)
			continue;
		if (n++ == REWRITING_EACH_CALLS)
			return true;
		call->unput = false;
		call_record_refresh(call);
		int bad = session_keep(gateway->db, call->name);
		*r = bad ? bad : *r;
	}
	return false;
}

/* ---- the record of an ended call ---- */

void call_codec_text(char out[static CALL_CODEC_CAP], const struct leg *leg)
{
	const struct media_content *audio = leg_tx_audio(leg);
	const struct media_codec *codec =
		audio && audio->ncodecs ? &audio->codecs[0] : NULL;

	if (!codec || text_format(out, CALL_CODEC_CAP, "%s/%u", codec->name,
				  codec->clockrate))
		out[0] = '\0';
}

static void fill_stats(struct cdr_media *out, const struct call *call,
		       enum media_side side, char codec[static CALL_CODEC_CAP])
{
	struct media_side_stats stats;

	call_codec_text(codec, call->legs[side]);
	bridge_stats(call->bridge, side, &stats);
	*out = (struct cdr_media){
		.rx_packets = stats.rx_packets,
		.rx_octets = stats.rx_octets,
		.tx_packets = stats.tx_packets,
		.tx_octets = stats.tx_octets,
		.lost = stats.lost,
		.dropped = stats.dropped,
		.jitter_us = stats.jitter_us,
		.rtt_us = stats.rtt_us,
		.ice_ms = (uint32_t)stats.ice_ms,
		.dtls_ms = (uint32_t)stats.dtls_ms,
		.codec = codec,
		.srtp_profile = stats.srtp ? srtp_profile_name(stats.srtp) : "",
	};
}

static enum cdr_direction direction_of(const struct call *call)
{
	if (call->inbound)
		return CDR_INBOUND;
	return *call->trunk ? CDR_OUTBOUND : CDR_LOCAL;
}

static enum cdr_end end_of(const struct call *call)
{
	if (call->by_us)
		return CDR_END_GATEWAY;
	return call->ended_by == MEDIA_SIDE_A ? CDR_END_CALLER : CDR_END_CALLEE;
}

static void log_end(const struct call *call, const struct cdr *cdr)
{
	int64_t talked =
		call->answered_ms ? call->ended_ms - call->answered_ms : 0;
	const struct cdr_media *a = &cdr->caller_media;
	const struct cdr_media *b = &cdr->callee_media;

	log_info("call=%s event=ended cause=%s by=%s talked_ms=%lld text=%s",
		 call->name, cdr->cause, cdr_end_name(cdr->ended_by),
		 (long long)talked, log_text(slice_of(call->end_text)).s);
	log_info("call=%s event=media a_rx=%llu a_tx=%llu a_lost=%llu "
		 "a_dropped=%llu a_ice_ms=%u a_dtls_ms=%u b_rx=%llu b_tx=%llu "
		 "b_lost=%llu b_dropped=%llu b_ice_ms=%u b_dtls_ms=%u codec=%s",
		 call->name, (unsigned long long)a->rx_packets,
		 (unsigned long long)a->tx_packets, (unsigned long long)a->lost,
		 (unsigned long long)a->dropped, a->ice_ms, a->dtls_ms,
		 (unsigned long long)b->rx_packets,
		 (unsigned long long)b->tx_packets, (unsigned long long)b->lost,
		 (unsigned long long)b->dropped, b->ice_ms, b->dtls_ms,
		 a->codec);
}

static void fill_origin(struct cdr *cdr, const struct origin *origin)
{
	if (!origin)
		return;
	cdr->caller_name = origin->display;
	cdr->verstat = origin->verstat;
	cdr->attestation = origin->attestation;
	cdr->first_called = origin->first_called;
	cdr->diversion = origin->diversion;
}

/* Nobody sets it back: this call's record would be a riddle beside others. */
static void tell_clock_set(const struct call *call)
{
	enum { NOTABLE_MS = 2000 };
	int64_t by_ms = clock_wall_ms() - call->ended_ms;

	if (by_ms > NOTABLE_MS || by_ms < -NOTABLE_MS)
		log_warn("call=%s event=clock-set by_ms=%lld: its record has "
			 "the time that it took, from the clock of its "
			 "beginning on",
			 call->name, (long long)by_ms);
}

void call_record_end(struct call *call)
{
	struct db *db = call->gateway->db;
	char codec_a[CALL_CODEC_CAP], codec_b[CALL_CODEC_CAP];
	struct cdr cdr = {
		.call = call->name,
		.direction = direction_of(call),
		.caller = call->from,
		.callee = call->to,
		.account = call->account,
		.trunk = call->trunk,
		.started_ms = call->started_ms,
		.ringing_ms = call->rang_ms,
		.answered_ms = call->answered_ms,
		.ended_ms = call->ended_ms,
		.cause = cause_name(call->cause),
		.end_text = call->end_text,
		.push = bill_pushes(call->gateway),
		.sip_status = (uint16_t)cause_sip_status(call->cause),
		.q850 = (uint16_t)cause_q850(call->cause),
		.ended_by = end_of(call),
	};

	fill_stats(&cdr.caller_media, call, MEDIA_SIDE_A, codec_a);
	fill_stats(&cdr.callee_media, call, MEDIA_SIDE_B, codec_b);
	fill_origin(&cdr, call->origin);
	log_end(call, &cdr);
	tell_clock_set(call);
	watch_call_ended(call, &cdr);
	call_fares_settle(call);
	db_forget(db, call);
	int r = cdr_put(db, &cdr, NULL, NULL);
	if (r)
		log_error("call=%s cdr=lost r=%d: the database takes no more",
			  call->name, r);
	bill_record_written(call->gateway);
}
