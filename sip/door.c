/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/door.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>
#include <sofia-sip/su.h>
#include <sys/uio.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/dialog_int.h"
#include "sip/fence.h"
#include "sip/stranger.h"
#include "sip/tap.h"

enum {
	METHOD_CAP = 32,
	CALL_ID_CAP = 256,
};

static struct sip_agent *watched; /* su_vrecv() has no argument for it */

void sip_door_watch(struct sip_agent *agent)
{
	watched = agent;
}

/* ---- the raw text ---- */

static bool begins(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && !memcmp(s.p, text, n);
}

/* A header with what folds on to it, without its line end. */
static struct slice next_field(struct slice *text)
{
	struct slice field = *text;
	size_t n = 0;

	do {
		struct slice rest = { field.p + n, text->n - n };
		const char *end = memchr(rest.p, '\n', rest.n);

		n += end ? (size_t)(end - rest.p) + 1 : rest.n;
	} while (n < text->n && (field.p[n] == ' ' || field.p[n] == '\t'));
	text->p += n;
	text->n -= n;
	while (n && (field.p[n - 1] == '\n' || field.p[n - 1] == '\r'))
		n--;
	field.n = n;
	return field;
}

static bool is_named(struct slice field, const char *name, const char *compact)
{
	struct slice head = slice_trim(slice_cut(&field, ':'));

	return slice_is_nocase(head, name) ||
	       (compact && slice_is_nocase(head, compact));
}

static int take_field(struct sip_raw *raw, struct slice field)
{
	if (is_named(field, "Via", "v")) {
		if (raw->nvias == sizeof(raw->vias) / sizeof(raw->vias[0]))
			return -E2BIG;
		raw->vias[raw->nvias++] = field;
	} else if (is_named(field, "From", "f")) {
		raw->from = field;
	} else if (is_named(field, "To", "t")) {
		raw->to = field;
	} else if (is_named(field, "Call-ID", "i")) {
		raw->call_id = field;
	} else if (is_named(field, "CSeq", NULL)) {
		raw->cseq = field;
	}
	return 0;
}

int sip_raw_parse(struct sip_raw *out, struct slice datagram)
{
	struct slice line = next_field(&datagram), start = line;

	*out = (struct sip_raw){ .nvias = 0 };
	out->method = slice_cut(&start, ' ');
	if (!out->method.n || out->method.n >= METHOD_CAP || start.n < 8 ||
	    !begins((struct slice){ start.p + start.n - 8, 8 }, " SIP/2.0"))
		return -EINVAL;
	while (datagram.n) {
		struct slice field = next_field(&datagram);

		if (!field.n)
			break; /* the body */
		int r = take_field(out, field);
		if (r)
			return r;
	}
	return out->nvias && out->from.n && out->to.n && out->call_id.n &&
			       out->cseq.n
		       ? 0
		       : -EINVAL;
}

static bool has_param(struct slice field, const char *param)
{
	return memmem(field.p, field.n, param, strlen(param)) != NULL;
}

/* RFC 3581, 4: `rport` gets its value, and `received` goes with it. */
static void put_top_via(FILE *f, struct slice via, const struct addr *source)
{
	struct slice rest = via, top = slice_cut(&rest, ',');
	static const char name[] = ";rport";
	const char *at = memmem(top.p, top.n, name, strlen(name));
	size_t n = at ? (size_t)(at - top.p) + strlen(name) : top.n;
	bool empty = at && (n == top.n || top.p[n] != '=');

	fprintf(f, "%.*s", (int)n, top.p);
	if (empty)
		fprintf(f, "=%u", addr_port(source));
	fprintf(f, "%.*s;received=%s", (int)(top.n - n), top.p + n,
		addr_ip_text(source).s);
	if (rest.n)
		fprintf(f, ",%.*s", SLICE_ARG(rest));
	fputs("\r\n", f);
}

int sip_raw_refuse(char *out, size_t cap, const struct sip_raw *raw,
		   const struct addr *source)
{
	char tag[SIP_TAG_LEN + 1];
	FILE *f = fmemopen(out, cap, "w");

	if (!f)
		return -ENOMEM;
	setbuf(f, NULL); /* so that what does not fit is known at once */
	rand_token(tag, SIP_TAG_LEN);
	fputs("SIP/2.0 403 Forbidden\r\n", f);
	put_top_via(f, raw->vias[0], source);
	for (size_t i = 1; i < raw->nvias; i++)
		fprintf(f, "%.*s\r\n", SLICE_ARG(raw->vias[i]));
	fprintf(f, "%.*s\r\n%.*s", SLICE_ARG(raw->from), SLICE_ARG(raw->to));
	if (!has_param(raw->to, ";tag="))
		fprintf(f, ";tag=%s", tag);
	fprintf(f, "\r\n%.*s\r\n%.*s\r\nl: 0\r\n\r\n", SLICE_ARG(raw->call_id),
		SLICE_ARG(raw->cseq));
	long n = ftell(f);
	bool failed = ferror(f) || n < 0 || (size_t)n >= cap;
	fclose(f);
	return failed ? -EMSGSIZE : 0;
}

/* ---- the door ---- */

/* Of a call of ours: carriers send a BYE from where they like. */
static bool is_of_a_dialog(const struct sip_agent *agent,
			   const struct sip_raw *raw)
{
	struct slice value = raw->call_id;
	char text[CALL_ID_CAP];

	slice_cut(&value, ':');
	return !text_copy(text, sizeof(text), slice_trim(value)) &&
	       nta_leg_by_call_id(agent->nta, text);
}

static_assert(sizeof(su_iovec_t) == sizeof(struct iovec) &&
		      offsetof(su_iovec_t, siv_len) ==
			      offsetof(struct iovec, iov_len),
	      "as sofia itself takes it");

/* The answer in @reply, of at most @cap; "" none. */
static void answer(struct sip_agent *agent, const struct sip_raw *raw,
		   const struct sip_source *source, char *reply, size_t cap)
{
	char method[METHOD_CAP];

	if (text_copy(method, sizeof(method), raw->method) ||
	    !sip_stranger_seen(agent->strangers, source, method, clock_ms()) ||
	    !strcmp(method, "ACK") ||
	    sip_raw_refuse(reply, cap, raw, &source->addr))
		reply[0] = '\0';
}

/* Whether what a stranger sent may pass; or else the answer to it. */
static bool may_pass(struct sip_agent *agent, const struct sip_source *source,
		     struct slice octets, char *reply, size_t cap)
{
	struct sip_raw raw;

	reply[0] = '\0';
	if (begins(octets, "SIP/2.0 "))
		return true;
	if (sip_raw_parse(&raw, octets)) {
		sip_stranger_seen(agent->strangers, source, "none", clock_ms());
		return false;
	}
	if (is_of_a_dialog(agent, &raw))
		return true;
	answer(agent, &raw, source, reply, cap);
	return false;
}

/* Whether sofia shall not see it. No answer is longer than what was sent, as
 * who sent it may be forged. */
static bool turned_away(int fd, struct slice datagram,
			const struct sockaddr *sa)
{
	struct sip_source source = { .transport = SIP_UDP };
	char reply[SIP_DOOR_REPLY_CAP];
	size_t cap = datagram.n < sizeof(reply) ? datagram.n : sizeof(reply);

	if (!cap || addr_from(&source.addr, sa) ||
	    watched->handlers->source(&source, watched->arg) == SIP_TRUSTED ||
	    may_pass(watched, &source, datagram, reply, cap))
		return false;
	if (*reply)
		sendto(fd, reply, strlen(reply), MSG_DONTWAIT, &source.addr.sa,
		       addr_len(&source.addr));
	return true;
}

static bool is_blank(struct slice octets)
{
	return !slice_trim(octets).n;
}

bool sip_door_stream(struct sip_agent *agent, const struct sip_source *source,
		     struct slice octets, char reply[static SIP_DOOR_REPLY_CAP])
{
	while (octets.n && strchr("\r\n", *octets.p) && *octets.p) {
		octets.p++; /* keepalives */
		octets.n--;
	}
	reply[0] = '\0';
	/* The name of its trunk may have been looked up since it connected. */
	return is_blank(octets) ||
	       agent->handlers->source(source, agent->arg) == SIP_TRUSTED ||
	       may_pass(agent, source, octets, reply, SIP_DOOR_REPLY_CAP);
}

/* A piece of the stream @fd; false: it was a stranger's, and that is its end.
 */
static bool take_stream(int fd, const su_iovec_t *iov, size_t niov, size_t n)
{
	struct slice first = { iov[0].siv_base,
			       n < iov[0].siv_len ? n : iov[0].siv_len };

	if (!sip_fence_pass(fd, first))
		return false;
	for (size_t i = 0; n && i < niov; i++) {
		size_t part = n < iov[i].siv_len ? n : iov[i].siv_len;

		sip_fence_received(fd, iov[i].siv_base, part);
		n -= part;
	}
	return true;
}

/* sofia's, for every datagram and every piece of a stream; those have no @su.
 */
issize_t su_vrecv(su_socket_t fd, su_iovec_t iov[], isize_t niov, int flags,
		  su_sockaddr_t *su, socklen_t *len)
{
	struct msghdr msg = { .msg_name = su,
			      .msg_namelen = su && len ? *len : 0,
			      .msg_iov = (struct iovec *)iov,
			      .msg_iovlen = niov };
	issize_t n = recvmsg(fd, &msg, flags);

	if (su && len)
		*len = msg.msg_namelen;
	if (n <= 0 || !watched)
		return n;
	size_t head = (size_t)n < iov[0].siv_len ? (size_t)n : iov[0].siv_len;
	if (su ? !turned_away(fd, (struct slice){ iov[0].siv_base, head },
			      &su->su_sa)
	       : take_stream(fd, iov, niov, (size_t)n)) {
		if (sip_tap_is_set)
			sip_tap_octets(fd, true, msg.msg_iov, niov, (size_t)n,
				       su ? &su->su_sa : NULL);
		return n;
	}
	errno = EAGAIN;
	return -1;
}
