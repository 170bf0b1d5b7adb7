/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/sip.h"

#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "sip/field.h"
#include "sip/sdp.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/sip_wire.h"

enum { T1_MS = 500 };

struct sip {
	struct load *load;
	struct sip_wire *wire;
	enum sip_way way; /* of the calls */
};

struct message {
	enum sip_way way;
	struct slice text, body;
	unsigned status;     /* 0: a request */
	struct slice method; /* of a request; of CSeq */
	struct call *call;   /* NULL: none */
};

static void send_text(struct sip *sip, enum sip_way way, const char *text,
		      int n)
{
	if (n <= 0 || n >= SIP_MESSAGE_CAP)
		DIE("load: SIP message too long");
	sip_wire_send(sip->wire, way, (struct slice){ text, (size_t)n });
}

/* Requests */

/* @branch names the transaction: "INVITE" for all that is the INVITE's. */
static void send_request(struct sip *sip, const struct call *call,
			 const char *method, const char *branch, unsigned cseq,
			 const char *sdp)
{
	char text[SIP_MESSAGE_CAP];
	unsigned n = call->number;
	bool same = strcmp(method, "ACK") != 0 && !strcmp(branch, "INVITE");
	char number[sizeof(call->called) + sizeof("sip:@127.0.0.1")];

	snprintf(number, sizeof(number), "sip:%s@127.0.0.1", call->called);
	const char *uri = strcmp(branch, "INVITE") != 0 && call->contact[0]
				  ? call->contact
				  : number;

	send_text(
		sip, sip->way, text,
		snprintf(text, sizeof(text),
			 "%s %s SIP/2.0\r\n"
			 "Via: SIP/2.0/%s 127.0.0.1:%d;branch=z9hG4bK%u-%s\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:" SIP_CALLER "%07u@127.0.0.1>;tag=f%u\r\n"
			 "To: <sip:%s@127.0.0.1>%s%s\r\n"
			 "Call-ID: %u@bench\r\n"
			 "CSeq: %u %s\r\n"
			 "Contact: <sip:127.0.0.1:%d>\r\n"
			 "%sContent-Length: %zu\r\n\r\n%s",
			 method, uri, sip->way == SIP_WAY_TCP ? "TCP" : "UDP",
			 SIP_PORT, n, branch, n, n, call->called,
			 same || !call->tag[0] ? "" : ";tag=",
			 same ? "" : call->tag, n, cseq, method, SIP_PORT,
			 sdp[0] ? "Content-Type: application/sdp\r\n" : "",
			 strlen(sdp), sdp));
}

static void send_invite(struct sip *sip, struct call *call)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct sdp_origin origin = { call->number + 1, 1 };
	struct media_content *content;
	char *sdp;
	size_t n;

	if (media_desc_new(&desc) || media_desc_add(desc, &content))
		DIE("load: no memory");
	endpoint_describe(&call->ends[CALL_B], content);
	if (sdp_format(&sdp, &n, desc, &origin))
		DIE("load: no SDP");
	call->sent_us = clock_us();
	send_request(sip, call, "INVITE", "INVITE", 1, sdp);
	free(sdp);
}

void sip_invite(struct sip *sip, struct call *call)
{
	send_invite(sip, call);
}

void sip_end(struct sip *sip, struct call *call)
{
	if (call->answered)
		send_request(sip, call, "BYE", "BYE", 2, "");
	else if (call->stage != CALL_FAILED)
		send_request(sip, call, "CANCEL", "INVITE", 1, "");
}

/* Reading */

/* The field's value, or empty. */
static struct slice header(const struct message *m, const char *name)
{
	return sip_find_field(m->text, name, 0);
}

static void split(struct message *m, struct slice text)
{
	const char *end = memmem(text.p, text.n, "\r\n\r\n", 4);
	size_t head = end ? (size_t)(end - text.p) + 4 : text.n;

	m->text = (struct slice){ text.p, head };
	m->body = (struct slice){ text.p + head, text.n - head };
}

static bool read_message(struct sip *sip, struct message *m)
{
	uint64_t status = 0, number = 0;

	struct slice line = m->text;
	struct slice first = slice_cut(&line, ' ');
	struct slice cseq = header(m, "CSeq"), id = header(m, "Call-ID");
	if (slice_is(first, "SIP/2.0")) {
		if (text_number(slice_cut(&line, ' '), 699, &status))
			return false;
		m->status = (unsigned)status;
	}
	slice_cut(&cseq, ' ');
	m->method = slice_trim(cseq);
	if (!text_number(slice_cut(&id, '@'), LOAD_MAX_CALLS, &number) &&
	    slice_is(id, "bench"))
		m->call = load_find(sip->load, number);
	return true;
}

static void keep(char *out, size_t cap, struct slice s)
{
	if (text_copy(out, cap, s))
		DIE("load: SIP header too long");
}

/* What follows needs to know it: the tag and the address of the other side. */
static void learn(struct call *call, const struct message *m)
{
	struct slice to = header(m, "To"), contact = header(m, "Contact");
	const char *tag = memmem(to.p ? to.p : "", to.n, ";tag=", 5);

	if (tag) {
		struct slice rest = { tag + 5,
				      to.n - (size_t)(tag + 5 - to.p) };
		keep(call->tag, sizeof(call->tag), slice_cut(&rest, ';'));
	}
	if (contact.n) {
		slice_cut(&contact, '<');
		keep(call->contact, sizeof(call->contact),
		     slice_cut(&contact, '>'));
	}
}

static void on_answer(struct sip *sip, struct call *call,
		      const struct message *m)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	const struct media_content *content = NULL;

	learn(call, m);
	send_request(sip, call, "ACK", "ACK", 1, "");
	if (call->answered || call->stage != CALL_SETTING_UP)
		return; /* repeated */
	if (!sdp_parse(&desc, NULL, m->body))
		content = media_desc_first(desc, MEDIA_AUDIO);
	if (!content) {
		load_failed(call, "no SDP in the 200");
		return;
	}
	endpoint_send_to(&call->ends[CALL_B], &content->rtp);
	load_answered(call);
}

static void on_response(struct sip *sip, const struct message *m)
{
	struct call *call = m->call;
	static const char *const refused = "refused by SIP";

	if (!call || !slice_is(m->method, "INVITE"))
		return;
	call->provisional = true;
	if (m->status < 200)
		return;
	if (m->status < 300) {
		on_answer(sip, call, m);
		return;
	}
	learn(call, m);
	send_request(sip, call, "ACK", "INVITE", 1, "");
	if (call->stage != CALL_OVER) {
		struct slice text = m->text;

		fprintf(stderr, "load: %.*s\n",
			SLICE_ARG(sip_first_line(&text)));
		load_failed(call, refused);
	}
}

static void on_request(struct sip *sip, const struct message *m)
{
	static const char *const copied[] = { "Via", "From", "To", "Call-ID",
					      "CSeq" };
	char text[SIP_MESSAGE_CAP];
	int n = snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n");

	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++) {
		struct slice value = header(m, copied[i]);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "%s: %.*s\r\n", copied[i], SLICE_ARG(value));
	}
	n += snprintf(text + n, sizeof(text) - (size_t)n,
		      "Content-Length: 0\r\n\r\n");
	send_text(sip, m->way, text, n);
	if (m->call && slice_is(m->method, "BYE"))
		load_failed(m->call, "the relay hung up");
}

static void on_message(void *arg, enum sip_way way, struct slice text)
{
	struct sip *sip = arg;
	struct message m = { .way = way };

	split(&m, text);
	if (!read_message(sip, &m))
		return;
	if (m.status)
		on_response(sip, &m);
	else if (!slice_is(m.method, "ACK"))
		on_request(sip, &m);
}

void sip_tick(struct sip *sip)
{
	const struct load *load = sip->load;
	uint64_t now_us = clock_us();

	if (sip->way == SIP_WAY_TCP)
		return;
	for (unsigned i = 0; i < load->ncalls; i++) {
		struct call *call = load->calls[i];
		if (call->stage == CALL_SETTING_UP && !call->provisional &&
		    now_us - call->sent_us >= T1_MS * 1000u)
			send_invite(sip, call);
	}
}

struct sip *sip_open(struct load *load)
{
	struct sip *sip = calloc(1, sizeof(*sip));

	if (!sip)
		DIE("load: no memory");
	sip->load = load;
	sip->way = load->options.tcp ? SIP_WAY_TCP : SIP_WAY_UDP;
	sip->wire = sip_wire_open(&load->loop, on_message, sip);
	return sip;
}

struct sip *sip_close(struct sip *sip)
{
	sip_wire_close(sip->wire);
	free(sip);
	return NULL;
}
