/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/sip_peer.h"

#include <errno.h>
#include <event2/util.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "tests/loopback.h"

static void open_socket(struct sip_peer *peer, int type)
{
	*peer = (struct sip_peer){ .cseq = 100, .conn = -1 };
	rand_token(peer->local_tag, 12);
	peer->fd = loopback_open(type, false, &peer->at);
}

void sip_peer_open(struct sip_peer *peer)
{
	open_socket(peer, SOCK_DGRAM);
}

void sip_peer_open_tcp(struct sip_peer *peer)
{
	open_socket(peer, SOCK_STREAM);
	peer->tcp = true;
	assert_int_equal(listen(peer->fd, 4), 0);
}

void sip_peer_open_tls(struct sip_peer *peer, const char *pem)
{
	sip_peer_open_tcp(peer);
	peer->tls = SSL_CTX_new(TLS_method());
	assert_non_null(peer->tls);
	if (!pem)
		return;
	assert_int_equal(SSL_CTX_use_certificate_chain_file(peer->tls, pem), 1);
	assert_int_equal(
		SSL_CTX_use_PrivateKey_file(peer->tls, pem, SSL_FILETYPE_PEM),
		1);
}

void sip_peer_hang_up(struct sip_peer *peer)
{
	SSL_free(peer->ssl);
	peer->ssl = NULL;
	if (peer->conn >= 0)
		close(peer->conn);
	peer->conn = -1;
}

static void take_connection(struct sip_peer *peer, int fd, bool called)
{
	sip_peer_hang_up(peer);
	peer->conn = fd;
	peer->nstream = 0;
	evutil_make_socket_nonblocking(fd);
	if (!peer->tls)
		return;
	peer->ssl = SSL_new(peer->tls);
	SSL_set_fd(peer->ssl, fd);
	if (called)
		SSL_set_accept_state(peer->ssl);
	else
		SSL_set_connect_state(peer->ssl);
}

void sip_peer_connect(struct sip_peer *peer)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &peer->target.sa, addr_len(&peer->target)),
			 0);
	take_connection(peer, fd, false);
	for (uint64_t end = clock_ms() + SIP_PEER_WAIT_MS;
	     peer->ssl && SSL_do_handshake(peer->ssl) != 1;)
		if (clock_ms() > end)
			fail_msg("no TLS handshake");
		else if (peer->turn)
			peer->turn(peer->arg);
}

void sip_peer_close(struct sip_peer *peer)
{
	close(peer->fd);
	sip_peer_hang_up(peer);
	SSL_CTX_free(peer->tls);
	peer->tls = NULL;
	peer->fd = -1;
}

void sip_peer_dialog(struct sip_peer *peer, const char *remote_uri)
{
	rand_uuid(peer->call_id);
	rand_token(peer->local_tag, 12);
	peer->remote_tag[0] = '\0';
	assert_int_equal(text_set(peer->remote_uri, sizeof(peer->remote_uri),
				  remote_uri),
			 0);
}

void sip_peer_send(struct sip_peer *peer, const char *text, size_t n)
{
	if (peer->ssl) {
		assert_int_equal(SSL_write(peer->ssl, text, (int)n), n);
		return;
	}
	if (peer->tcp) {
		assert_int_equal(send(peer->conn, text, n, MSG_NOSIGNAL),
				 (ssize_t)n);
		return;
	}
	assert_int_equal(sendto(peer->fd, text, n, 0, &peer->target.sa,
				addr_len(&peer->target)),
			 (ssize_t)n);
}

static const char *transport_param(const struct sip_peer *peer)
{
	return peer->tls ? ";transport=tls" : peer->tcp ? ";transport=tcp" : "";
}

static void next_branch(struct sip_peer *peer)
{
	assert_int_equal(text_format(peer->branch, sizeof(peer->branch),
				     "z9hG4bK%s%u", peer->local_tag,
				     ++peer->branches),
			 0);
}

static const char *content_type(const char *headers, const char *body)
{
	if (!body || strcasestr(headers, "Content-Type:"))
		return "";
	return "Content-Type: application/sdp\r\n";
}

void sip_peer_request(struct sip_peer *peer, const char *method,
		      const char *headers, const char *body)
{
	char text[SIP_PEER_TEXT_CAP];
	bool ack = !strcmp(method, "ACK"), cancel = !strcmp(method, "CANCEL");
	int n;

	if (!ack && !cancel)
		peer->cseq++;
	if (!cancel && !peer->keep_branch)
		next_branch(peer);
	n = snprintf(text, sizeof(text),
		     "%s %s SIP/2.0\r\n"
		     "Via: SIP/2.0/%s %s;branch=%s;rport\r\n"
		     "Max-Forwards: 70\r\n"
		     "From: \"Peer\" <sip:+15550001111@127.0.0.1>;tag=%s\r\n"
		     "To: <sip:+15557654321@127.0.0.1>%s%s\r\n"
		     "Call-ID: %s\r\n"
		     "CSeq: %u %s\r\n"
		     "Contact: <sip:peer@%s%s>\r\n"
		     "%s%s"
		     "Content-Length: %zu\r\n\r\n%s",
		     method, peer->remote_uri,
		     peer->tls   ? "TLS"
		     : peer->tcp ? "TCP"
				 : "UDP",
		     addr_text(&peer->at).s, peer->branch, peer->local_tag,
		     peer->remote_tag[0] && !cancel ? ";tag=" : "",
		     cancel ? "" : peer->remote_tag, peer->call_id, peer->cseq,
		     method, addr_text(&peer->at).s, transport_param(peer),
		     headers, content_type(headers, body),
		     body ? strlen(body) : 0, body ? body : "");
	assert_in_range(n, 1, sizeof(text) - 1);
	sip_peer_send(peer, text, (size_t)n);
}

void sip_peer_request_ack(struct sip_peer *peer)
{
	peer->keep_branch = true;
	sip_peer_request(peer, "ACK", "", NULL);
	peer->keep_branch = false;
}

static void append(char *text, const char *fmt, ...) PRINTF(2, 3);
static void append(char *text, const char *fmt, ...)
{
	size_t at = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text + at, SIP_PEER_TEXT_CAP - at, fmt, ap);
	va_end(ap);
	assert_in_range(n, 0, SIP_PEER_TEXT_CAP - at - 1);
}

void sip_peer_respond(struct sip_peer *peer, const char *status,
		      const char *headers, const char *body)
{
	char text[SIP_PEER_TEXT_CAP] = "";
	struct addr saved = peer->target;
	struct slice to = sip_peer_header(peer, "To", 0);
	bool tagged = memmem(to.p, to.n, "tag=", 4) != NULL;
	bool trying = !strncmp(status, "100", 3);

	append(text, "SIP/2.0 %s\r\n", status);
	for (unsigned i = 0;; i++) {
		struct slice via = sip_peer_header(peer, "Via", i);

		if (!via.n)
			break;
		append(text, "Via: %.*s\r\n", SLICE_ARG(via));
	}
	append(text, "From: %.*s\r\n",
	       SLICE_ARG(sip_peer_header(peer, "From", 0)));
	append(text, "To: %.*s%s%s\r\n", SLICE_ARG(to),
	       tagged || trying ? "" : ";tag=",
	       tagged || trying ? "" : peer->local_tag);
	append(text, "Call-ID: %.*s\r\n",
	       SLICE_ARG(sip_peer_header(peer, "Call-ID", 0)));
	append(text, "CSeq: %.*s\r\n",
	       SLICE_ARG(sip_peer_header(peer, "CSeq", 0)));
	if (!strcasestr(headers, "Contact:"))
		append(text, "Contact: <sip:peer@%s%s>\r\n",
		       addr_text(&peer->at).s, transport_param(peer));
	append(text, "%s%sContent-Length: %zu\r\n\r\n%s", headers,
	       content_type(headers, body), body ? strlen(body) : 0,
	       body ? body : "");
	peer->target = peer->last_from;
	sip_peer_send(peer, text, strlen(text));
	peer->target = saved;
}

void sip_peer_respond_to(struct sip_peer *peer, const char *request,
			 const char *status, const char *headers,
			 const char *body)
{
	snprintf(peer->last, sizeof(peer->last), "%s", request);
	sip_peer_respond(peer, status, headers, body);
}

/* ---- what came ---- */

struct slice sip_peer_header(const struct sip_peer *peer, const char *name,
			     unsigned i)
{
	struct slice rest = slice_of(peer->last);

	slice_cut(&rest, '\n');
	while (rest.n) {
		struct slice line = slice_cut(&rest, '\n');
		struct slice value = line;

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n)
			break;
		value = line;
		if (slice_is_nocase(slice_trim(slice_cut(&value, ':')), name) &&
		    !i--)
			return slice_trim(value);
	}
	return SLICE_NONE;
}

bool sip_peer_header_has(const struct sip_peer *peer, const char *name,
			 const char *part)
{
	struct slice value = sip_peer_header(peer, name, 0);

	return value.n && memmem(value.p, value.n, part, strlen(part));
}

struct slice sip_peer_body(const struct sip_peer *peer)
{
	const char *body = strstr(peer->last, "\r\n\r\n");

	return body ? slice_of(body + 4) : SLICE_NONE;
}

/* The text between @before and one of ">; \r\n" in @value; "" none. */
static void take(char *out, size_t cap, struct slice value, const char *before)
{
	const char *at =
		value.n ? memmem(value.p, value.n, before, strlen(before))
			: NULL;
	size_t n = 0;

	if (!at)
		return;
	at += strlen(before);
	while (at + n < value.p + value.n && !strchr(">; \r\n", at[n]))
		n++;
	assert_int_equal(text_copy(out, cap, (struct slice){ at, n }), 0);
}

static void note_dialog(struct sip_peer *peer)
{
	bool response = !strncmp(peer->last, "SIP/2.0 ", 8);
	struct slice contact = sip_peer_header(peer, "Contact", 0);

	if (!response && !strncmp(peer->last, "INVITE ", 7)) {
		assert_int_equal(text_copy(peer->call_id, sizeof(peer->call_id),
					   sip_peer_header(peer, "Call-ID", 0)),
				 0);
	}
	take(peer->remote_tag, sizeof(peer->remote_tag),
	     sip_peer_header(peer, response ? "To" : "From", 0), "tag=");
	if (contact.n && memmem(contact.p, contact.n, "<sip:", 5))
		take(peer->remote_uri, sizeof(peer->remote_uri), contact, "<");
}

/* A whole message from the stream, when there is one. */
static bool take_message(struct sip_peer *peer)
{
	struct slice length;
	char *end;
	size_t n;

	peer->stream[peer->nstream] = '\0';
	end = strstr(peer->stream, "\r\n\r\n");
	if (!end)
		return false;
	n = (size_t)(end + 4 - peer->stream);
	memcpy(peer->last, peer->stream, n);
	peer->last[n] = '\0';
	length = sip_peer_header(peer, "Content-Length", 0);
	if (!length.n)
		length = sip_peer_header(peer, "l", 0);
	n += strtoul(length.p, NULL, 10);
	if (n > peer->nstream)
		return false;
	memcpy(peer->last, peer->stream, n);
	peer->last[n] = '\0';
	peer->nstream -= n;
	memmove(peer->stream, peer->stream + n, peer->nstream);
	return true;
}

int sip_peer_read(struct sip_peer *peer, char *out, int n)
{
	int r;

	if (!peer->ssl) {
		r = (int)recv(peer->conn, out, (size_t)n, MSG_DONTWAIT);
		return r > 0 ? r : r < 0 && errno == EAGAIN ? 0 : -1;
	}
	r = SSL_read(peer->ssl, out, n);
	if (r > 0)
		return r;
	return SSL_get_error(peer->ssl, r) == SSL_ERROR_WANT_READ ? 0 : -1;
}

const char *sip_peer_asked_name(const struct sip_peer *peer)
{
	const char *name =
		SSL_get_servername(peer->ssl, TLSEXT_NAMETYPE_host_name);

	return name ? name : "";
}

static bool receive_tcp(struct sip_peer *peer)
{
	int fd = accept4(peer->fd, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		take_connection(peer, fd, true);
	if (peer->conn >= 0)
		n = sip_peer_read(
			peer, peer->stream + peer->nstream,
			(int)(sizeof(peer->stream) - peer->nstream - 1));
	if (n > 0)
		peer->nstream += (size_t)n;
	if (!peer->nstream || !take_message(peer))
		return false;
	note_dialog(peer);
	return true;
}

static bool receive_udp(struct sip_peer *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	ssize_t n = recvfrom(peer->fd, peer->last, sizeof(peer->last) - 1, 0,
			     (struct sockaddr *)&ss, &len);

	if (n < 0)
		return false;
	peer->last[n] = '\0';
	assert_int_equal(addr_from(&peer->last_from, (struct sockaddr *)&ss),
			 0);
	if (getenv("SIP_PEER_TRACE"))
		fprintf(stderr, "---- %s\n%s\n", addr_text(&peer->last_from).s,
			peer->last);
	note_dialog(peer);
	return true;
}

static bool receive(struct sip_peer *peer)
{
	return peer->tcp ? receive_tcp(peer) : receive_udp(peer);
}

bool sip_peer_next(struct sip_peer *peer, unsigned wait_ms)
{
	uint64_t end = clock_ms() + wait_ms;
	struct pollfd pfd = { .fd = peer->fd, .events = POLLIN };

	for (;;) {
		if (receive(peer))
			return true;
		if (clock_ms() >= end)
			return false;
		if (peer->turn)
			peer->turn(peer->arg);
		else
			poll(&pfd, 1, 10);
	}
}

bool sip_peer_wait(struct sip_peer *peer, const char *start, unsigned wait_ms)
{
	uint64_t end = clock_ms() + wait_ms;

	while (clock_ms() < end)
		if (sip_peer_next(peer, (unsigned)(end - clock_ms())) &&
		    !strncmp(peer->last, start, strlen(start)))
			return true;
	return false;
}

void sip_peer_expect(struct sip_peer *peer, const char *start)
{
	if (!sip_peer_wait(peer, start, SIP_PEER_WAIT_MS))
		fail_msg("\"%s\" has not come; last: %.60s", start, peer->last);
}

const char *sip_peer_sdp(unsigned port, const char *direction)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "v=0\r\no=- 7 %u IN IP4 127.0.0.1\r\ns=-\r\n"
		 "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0 8 101\r\n"
		 "a=rtpmap:101 telephone-event/8000\r\na=%s\r\n",
		 port, port, direction);
	return text;
}
