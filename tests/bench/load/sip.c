/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/sip.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "sip/sdp.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/load.h"

enum {
	MESSAGE_CAP = 8192,
	ROUNDS = 64, /* messages read in one turn */
	RCVBUF = 4 * 1024 * 1024,
	T1_MS = 500,
};

struct sip {
	struct load *load;
	struct loop_source source;
	struct addr target;
};

struct message {
	struct slice text, body;
	unsigned status;     /* 0: a request */
	struct slice method; /* of a request; of CSeq */
	struct call *call;   /* NULL: none */
};

static void send_text(struct sip *sip, const char *text, int n)
{
	if (n <= 0 || n >= MESSAGE_CAP)
		DIE("load: SIP message too long");
	/* What the kernel does not take is repeated. */
	(void)!sendto(sip->source.fd, text, (size_t)n, 0, &sip->target.sa,
		      addr_len(&sip->target));
}

/* Requests */

/* @branch names the transaction: "INVITE" for all that is the INVITE's. */
static void send_request(struct sip *sip, const struct call *call,
			 const char *method, const char *branch, unsigned cseq,
			 const char *sdp)
{
	char text[MESSAGE_CAP];
	unsigned n = call->number;
	bool same = strcmp(method, "ACK") != 0 && !strcmp(branch, "INVITE");
	char number[sizeof(call->called) + sizeof("sip:@127.0.0.1")];

	snprintf(number, sizeof(number), "sip:%s@127.0.0.1", call->called);
	const char *uri = strcmp(branch, "INVITE") != 0 && call->contact[0]
				  ? call->contact
				  : number;

	send_text(
		sip, text,
		snprintf(text, sizeof(text),
			 "%s %s SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%u-%s\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:" SIP_CALLER "%07u@127.0.0.1>;tag=f%u\r\n"
			 "To: <sip:%s@127.0.0.1>%s%s\r\n"
			 "Call-ID: %u@bench\r\n"
			 "CSeq: %u %s\r\n"
			 "Contact: <sip:127.0.0.1:%d>\r\n"
			 "%sContent-Length: %zu\r\n\r\n%s",
			 method, uri, SIP_PORT, n, branch, n, n, call->called,
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

/* The header's value, or empty. */
static struct slice header(const struct message *m, const char *name)
{
	struct slice rest = m->text;

	slice_cut(&rest, '\n');
	while (rest.n) {
		struct slice line = slice_cut(&rest, '\n');
		struct slice key = slice_cut(&line, ':');

		if (slice_is_nocase(slice_trim(key), name)) {
			if (line.n && line.p[line.n - 1] == '\r')
				line.n--;
			return slice_trim(line);
		}
	}
	return SLICE_NONE;
}

static void split(struct message *m, const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);
	size_t head = end ? (size_t)(end - p) + 4 : n;

	m->text = (struct slice){ p, head };
	m->body = (struct slice){ p + head, n - head };
}

static bool read_message(struct sip *sip, struct message *m, const char *p,
			 size_t n)
{
	uint64_t status = 0, number = 0;

	*m = (struct message){ 0 };
	split(m, p, n);
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
		fprintf(stderr, "load: %.*s\n", 40, m->text.p);
		load_failed(call, refused);
	}
}

static void on_request(struct sip *sip, const struct message *m)
{
	static const char *const copied[] = { "Via", "From", "To", "Call-ID",
					      "CSeq" };
	char text[MESSAGE_CAP];
	int n = snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n");

	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++) {
		struct slice value = header(m, copied[i]);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "%s: %.*s\r\n", copied[i], SLICE_ARG(value));
	}
	n += snprintf(text + n, sizeof(text) - (size_t)n,
		      "Content-Length: 0\r\n\r\n");
	send_text(sip, text, n);
	if (m->call && slice_is(m->method, "BYE"))
		load_failed(m->call, "the relay hung up");
}

static void on_readable(void *arg)
{
	struct sip *sip = arg;
	char text[MESSAGE_CAP];

	for (int i = 0; i < ROUNDS; i++) {
		struct message m;
		ssize_t n = recv(sip->source.fd, text, sizeof(text) - 1,
				 MSG_DONTWAIT);

		if (n <= 0)
			return;
		text[n] = '\0';
		if (!read_message(sip, &m, text, (size_t)n))
			continue;
		if (m.status)
			on_response(sip, &m);
		else if (!slice_is(m.method, "ACK"))
			on_request(sip, &m);
	}
}

void sip_tick(struct sip *sip)
{
	const struct load *load = sip->load;
	uint64_t now_us = clock_us();

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
	struct addr local;
	int size = RCVBUF;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!sip || addr_parse(&local, slice_of("127.0.0.1"), SIP_PORT) ||
	    addr_parse(&sip->target, slice_of("127.0.0.1"), SIP_TARGET_PORT) ||
	    fd < 0 || bind(fd, &local.sa, addr_len(&local)))
		DIE("load: port %d is taken", SIP_PORT);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	sip->load = load;
	sip->source = (struct loop_source){ fd, on_readable, sip };
	loop_add(&load->loop, &sip->source);
	return sip;
}

struct sip *sip_close(struct sip *sip)
{
	loop_remove(&sip->load->loop, &sip->source);
	close(sip->source.fd);
	free(sip);
	return NULL;
}
