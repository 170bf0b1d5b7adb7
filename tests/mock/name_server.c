/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/mock/name_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/addr.h"
#include "tests/test.h"

static uint8_t *put_name(uint8_t *p, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	*p++ = 0;
	return p;
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put_string(uint8_t *p, const char *text)
{
	*p++ = (uint8_t)strlen(text);
	memcpy(p, text, strlen(text));
	return p + strlen(text);
}

static uint8_t *put_record(uint8_t *p, const struct name_record *r)
{
	uint8_t data[256], *end = data;
	struct addr ip;

	if (r->type == NS_A) {
		assert_int_equal(addr_parse(&ip, slice_of(r->text), 0), 0);
		memcpy(data, &ip.in4.sin_addr, 4);
		end += 4;
	} else if (r->type == NS_NAPTR) {
		end = put16(end, r->priority);
		end = put16(end, r->port);
		end = put_string(end, "s");
		end = put_string(end, r->text);
		end = put_string(end, "");
		end = put_name(end, r->target);
	} else {
		end = put16(end, r->priority);
		end = put16(end, r->weight);
		end = put16(end, r->port);
		end = put_name(end, r->target);
	}
	p = put16(p, 0xc00c); /* the question's name */
	p = put16(p, r->type);
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, NS_TTL_S);
	p = put16(p, (unsigned)(end - data));
	memcpy(p, data, (size_t)(end - data));
	return p + (end - data);
}

/* The question's name with dots; returns what follows it. */
static const uint8_t *read_name(const uint8_t *p, char out[256])
{
	size_t n = 0;

	while (*p) {
		if (n)
			out[n++] = '.';
		memcpy(out + n, p + 1, *p);
		n += *p;
		p += *p + 1;
	}
	out[n] = '\0';
	return p + 1;
}

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	const struct name_server *ns = arg;
	uint8_t q[512], a[2048];
	char name[256];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n =
		recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len);
	const uint8_t *after = read_name(q + 12, name);
	unsigned type = (unsigned)(after[0] << 8 | after[1]), count = 0;
	size_t head = (size_t)(after + 4 - q);
	uint8_t *p = a + head;

	(void)what;
	assert_true(n > 12);
	memcpy(a, q, head);
	for (size_t i = 0; i < ns->nzone; i++) {
		if (ns->zone[i].type != type ||
		    strcasecmp(ns->zone[i].name, name))
			continue;
		p = put_record(p, &ns->zone[i]);
		count++;
	}
	put16(a + 2, count ? 0x8180 : 0x8183); /* else NXDOMAIN */
	put16(a + 6, count);
	put16(a + 8, 0);
	put16(a + 10, 0);
	sendto(fd, a, (size_t)(p - a), 0, (struct sockaddr *)&from, len);
}

void name_server_open(struct name_server *ns, struct event_base *base,
		      const struct name_record *zone, size_t nzone)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	ns->zone = zone;
	ns->nzone = nzone;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(ns->fd, (struct sockaddr *)&sin, len), 0);
	getsockname(ns->fd, (struct sockaddr *)&sin, &len);
	ns->event =
		event_new(base, ns->fd, EV_READ | EV_PERSIST, on_question, ns);
	event_add(ns->event, NULL);
	snprintf(ns->servers, sizeof(ns->servers), "127.0.0.1:%u",
		 ntohs(sin.sin_port));
}

void name_server_close(struct name_server *ns)
{
	event_free(ns->event);
	close(ns->fd);
}
