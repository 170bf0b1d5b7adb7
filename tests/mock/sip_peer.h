/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A SIP peer made of a socket on loopback and text: the test says word for
 * word what it sends, and sees word for word what came. It keeps one dialog's
 * Call-ID, tags and CSeq, so that tests need not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/slice.h"

struct ssl_ctx_st;
struct ssl_st;

enum { SIP_PEER_TEXT_CAP = 16384, SIP_PEER_WAIT_MS = 3000 };

struct sip_peer {
	int fd;   /* UDP, or TCP's listening one */
	int conn; /* TCP; -1: none */
	bool tcp;
	struct ssl_ctx_st *tls; /* over TCP; NULL: in the clear */
	struct ssl_st *ssl;     /* of @conn */
	char stream[SIP_PEER_TEXT_CAP *
		    2]; /* TCP: what came and is no message */
	size_t nstream;
	struct addr at;     /* its own address */
	struct addr target; /* where requests go: the agent's */
	/* One turn of whatever the peer talks to; NULL: another process. It
	 * should not block longer than some milliseconds. */
	void (*turn)(void *arg);
	void *arg;

	char call_id[64], local_tag[32], remote_tag[64], branch[64];
	char remote_uri[512]; /* of Contact, or the first Request-URI */
	unsigned cseq;
	unsigned branches;
	bool keep_branch;

	char last[SIP_PEER_TEXT_CAP]; /* the last message that came */
	struct addr last_from;
};

void sip_peer_open(struct sip_peer *peer); /* UDP */
/* TCP: it listens; sip_peer_connect() opens a connection of its own. The last
 * connection, whoever opened it, is the one that is used. */
void sip_peer_open_tcp(struct sip_peer *peer);
void sip_peer_connect(struct sip_peer *peer);
/* The same with TLS: @pem has its certificate and key; NULL: it has none. What
 * the other side shows is not looked at. */
void sip_peer_open_tls(struct sip_peer *peer, const char *pem);
/* Octets of the connection: how many, 0 none now, -1 it is closed. */
int sip_peer_read(struct sip_peer *peer, char *out, int n);
/* The name that the other side asked for (SNI); "" none. */
const char *sip_peer_asked_name(const struct sip_peer *peer);
/* Close the connection. */
void sip_peer_hang_up(struct sip_peer *peer);
void sip_peer_close(struct sip_peer *peer);

/* A new dialog: Call-ID and tags; requests to @remote_uri. */
void sip_peer_dialog(struct sip_peer *peer, const char *remote_uri);

/* Octets as they stand. */
void sip_peer_send(struct sip_peer *peer, const char *text, size_t n);

/*
 * A request in the peer's dialog with the next CSeq (ACK: the last INVITE's;
 * CANCEL: its branch too). @headers are whole lines with \r\n, or ""; @body
 * NULL or SDP unless @headers have a Content-Type.
 */
void sip_peer_request(struct sip_peer *peer, const char *method,
		      const char *headers, const char *body);
/* The ACK of a final response that is no 2xx: in the INVITE's branch. */
void sip_peer_request_ack(struct sip_peer *peer);
/* A response to the request in @peer->last: "180 Ringing". */
void sip_peer_respond(struct sip_peer *peer, const char *status,
		      const char *headers, const char *body);

/* The same to @request, which was @peer->last once, whatever came since. */
void sip_peer_respond_to(struct sip_peer *peer, const char *request,
			 const char *status, const char *headers,
			 const char *body);

/*
 * Wait for a message that starts with @start ("INVITE ", "SIP/2.0 200"); what
 * comes before it is passed over. It is in @peer->last, whose tags and Contact
 * are noted. False when it has not come in @wait_ms.
 */
bool sip_peer_wait(struct sip_peer *peer, const char *start, unsigned wait_ms);
/* As sip_peer_wait() with SIP_PEER_WAIT_MS, but the test fails. */
void sip_peer_expect(struct sip_peer *peer, const char *start);
/* Whatever comes next, within @wait_ms. */
bool sip_peer_next(struct sip_peer *peer, unsigned wait_ms);

/* The @i-th header of that name in @peer->last, without blanks; n is 0: none.
 */
struct slice sip_peer_header(const struct sip_peer *peer, const char *name,
			     unsigned i);
bool sip_peer_header_has(const struct sip_peer *peer, const char *name,
			 const char *part);
struct slice sip_peer_body(const struct sip_peer *peer);

/* An offer or answer of one G.711 audio content at 127.0.0.1:@port. */
const char *sip_peer_sdp(unsigned port, const char *direction);
