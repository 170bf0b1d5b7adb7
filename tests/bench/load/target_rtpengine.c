/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * rtpengine in userspace: a telephone offers RTP, a WebRTC client answers with
 * ICE and DTLS-SRTP. It is told so over its NG protocol (ng.h).
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "sip/sdp.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/ng.h"

enum {
	PATH_CAP = 512,
	NG_PORT = 2223,
	START_MS = 10000,
	PING_MS = 100,
	RCVBUF = 4 * 1024 * 1024,
};

/* A cookie is the call's number and which of its requests it is. */
enum request { NG_PING, NG_OFFER, NG_ANSWER, NG_DELETE, NG_REQUESTS };

struct rtpengine {
	struct load *load;
	struct loop_source source;
	bool up;
};

static struct rtpengine *engine_of(const struct call *call)
{
	return call->load->target;
}

static void send_message(struct rtpengine *engine,
			 const struct ng_message *message)
{
	(void)!send(engine->source.fd, message->p, message->n, 0);
}

static void begin(struct ng_message *m, const struct call *call,
		  enum request request, const char *command)
{
	char id[32], tag[32];

	snprintf(id, sizeof(id), "%u@bench", call->number);
	snprintf(tag, sizeof(tag), "f%u", call->number);
	ng_begin(m, (unsigned long)call->number * NG_REQUESTS + request,
		 command);
	ng_text(m, "call-id", id);
	ng_text(m, "from-tag", tag);
}

static char *text_of(const struct media_desc *desc, const struct call *call)
{
	struct sdp_origin origin = { call->number + 1, 1 };
	char *sdp;
	size_t n;

	if (sdp_format(&sdp, &n, desc, &origin))
		DIE("load: no SDP");
	return sdp;
}

static void offer(struct call *call)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *content;
	struct ng_message m;

	if (media_desc_new(&desc) || media_desc_add(desc, &content))
		DIE("load: no memory");
	endpoint_describe(&call->ends[CALL_B], content);
	char *sdp = text_of(desc, call);
	begin(&m, call, NG_OFFER, "offer");
	ng_text(&m, "sdp", sdp);
	ng_text(&m, "ICE", "force");
	ng_text(&m, "transport-protocol", "UDP/TLS/RTP/SAVPF");
	ng_word(&m, "rtcp-mux", "require");
	ng_end(&m);
	send_message(engine_of(call), &m);
	free(sdp);
}

static struct media_content *audio_of(struct media_desc **desc,
				      struct call *call,
				      const struct ng_message *m)
{
	struct media_content *content = NULL;

	if (slice_is(ng_find(m, "result"), "ok") &&
	    !sdp_parse(desc, NULL, ng_find(m, "sdp")))
		content = media_desc_first(*desc, MEDIA_AUDIO);
	if (!content) {
		fprintf(stderr, "load: rtpengine says %.*s\n", (int)m->n, m->p);
		load_failed(call, "no SDP of rtpengine");
	}
	return content;
}

static void on_offered(struct call *call, const struct ng_message *m)
{
	AUTO(media_desc_freep) struct media_desc *theirs = NULL, *desc = NULL;
	const struct media_content *content = audio_of(&theirs, call, m);
	struct media_content *ours;
	struct ng_message answer;
	char tag[32];

	if (!content || call->ends[CALL_A].ice)
		return;
	if (media_desc_new(&desc) || media_desc_add(desc, &ours))
		DIE("load: no memory");
	call->proposed_us = call->proceeded_us = clock_us();
	if (!endpoint_answer(&call->ends[CALL_A], content, ours)) {
		load_failed(call, "its offer is not for us");
		return;
	}
	char *sdp = text_of(desc, call);
	snprintf(tag, sizeof(tag), "t%u", call->number);
	begin(&answer, call, NG_ANSWER, "answer");
	ng_text(&answer, "to-tag", tag);
	ng_text(&answer, "sdp", sdp);
	ng_text(&answer, "ICE", "remove");
	ng_text(&answer, "transport-protocol", "RTP/AVP");
	ng_word(&answer, "rtcp-mux", "demux");
	ng_end(&answer);
	send_message(engine_of(call), &answer);
	free(sdp);
}

static void on_answered(struct call *call, const struct ng_message *m)
{
	AUTO(media_desc_freep) struct media_desc *theirs = NULL;
	const struct media_content *content = audio_of(&theirs, call, m);

	if (!content || call->answered)
		return;
	endpoint_send_to(&call->ends[CALL_B], &content->rtp);
	load_answered(call);
}

static void on_message(struct rtpengine *engine, const struct ng_message *m)
{
	unsigned long cookie = ng_cookie(m);
	struct call *call = load_find(engine->load, cookie / NG_REQUESTS);

	if (slice_is(ng_find(m, "result"), "pong"))
		engine->up = true;
	if (!call || call->stage != CALL_SETTING_UP)
		return;
	if (cookie % NG_REQUESTS == NG_OFFER)
		on_offered(call, m);
	if (cookie % NG_REQUESTS == NG_ANSWER)
		on_answered(call, m);
}

static void on_readable(void *arg)
{
	struct rtpengine *engine = arg;
	struct ng_message m;

	ssize_t n = recv(engine->source.fd, m.p, sizeof(m.p), MSG_DONTWAIT);
	if (n <= 0)
		return;
	m.n = (size_t)n;
	on_message(engine, &m);
}

static void open_socket(struct rtpengine *engine)
{
	struct addr local, remote;
	int size = RCVBUF;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (addr_parse(&local, slice_of("127.0.0.1"), 0) ||
	    addr_parse(&remote, slice_of("127.0.0.1"), NG_PORT) || fd < 0 ||
	    bind(fd, &local.sa, addr_len(&local)) ||
	    connect(fd, &remote.sa, addr_len(&remote)))
		DIE("load: no socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	engine->source = (struct loop_source){ fd, on_readable, engine };
	loop_add(&engine->load->loop, &engine->source);
}

static void wait_until_up(struct rtpengine *engine, const char *log)
{
	uint64_t end_ms = clock_ms() + START_MS;
	struct ng_message ping;

	while (!engine->up) {
		uint64_t next_ms = clock_ms() + PING_MS;

		if (clock_ms() > end_ms)
			DIE("load: rtpengine does not come; see %s", log);
		ng_begin(&ping, NG_PING, "ping");
		ng_end(&ping);
		send_message(engine, &ping);
		while (!engine->up && clock_ms() < next_ms)
			loop_turn(&engine->load->loop, clock_us() + 5000);
	}
}

static void start(struct load *load)
{
	struct rtpengine *engine = calloc(1, sizeof(*engine));
	char log[PATH_CAP], pid[PATH_CAP + 16];
	const char *const argv[] = { load->options.binary
					     ? load->options.binary
					     : "/usr/bin/rtpengine",
				     "--config-file=none",
				     "--table=-1",
				     "--interface=127.0.0.1",
				     "--listen-ng=127.0.0.1:2223",
				     "--num-threads=1",
				     "--port-min=10000",
				     "--port-max=31999",
				     "--foreground",
				     "--log-stderr",
				     "--log-level=4",
				     pid,
				     NULL };

	if (!engine)
		DIE("load: no memory");
	engine->load = load;
	load->target = engine;
	open_socket(engine);
	snprintf(log, sizeof(log), "%s/rtpengine.log", load->options.dir);
	snprintf(pid, sizeof(pid), "--pidfile=%s/rtpengine.pid",
		 load->options.dir);
	process_start(&load->process, argv, load->options.core, log, false);
	wait_until_up(engine, log);
}

static void stop(struct load *load)
{
	struct rtpengine *engine = load->target;

	process_stop(&load->process);
	loop_remove(&load->loop, &engine->source);
	close(engine->source.fd);
	free(engine);
}

static void hang_up(struct call *call)
{
	struct ng_message m;

	begin(&m, call, NG_DELETE, "delete");
	ng_end(&m);
	send_message(engine_of(call), &m);
}

const struct target_ops target_rtpengine = {
	.name = "rtpengine",
	.web = true,
	.start = start,
	.stop = stop,
	.call = offer,
	.hang_up = hang_up,
};
