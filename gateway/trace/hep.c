/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/hep.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/trace/ring.h"

enum {
	HEAD_LEN = 6, /* "HEP3" and the length; of a chunk as well */
	US_PER_S = 1000000,
};

enum chunk {
	CHUNK_FAMILY = 1,
	CHUNK_PROTOCOL = 2,
	CHUNK_SOURCE_4 = 3,
	CHUNK_DESTINATION_4 = 4,
	CHUNK_SOURCE_6 = 5,
	CHUNK_DESTINATION_6 = 6,
	CHUNK_SOURCE_PORT = 7,
	CHUNK_DESTINATION_PORT = 8,
	CHUNK_SECONDS = 9,
	CHUNK_MICROSECONDS = 10,
	CHUNK_PAYLOAD_TYPE = 11,
	CHUNK_AGENT = 12,
	CHUNK_PASSWORD = 14,
	CHUNK_PAYLOAD = 15,
	CHUNK_CORRELATION = 17,
};

struct hep {
	int fd;
	uint32_t id;
	char *password; /* owned */
	uint64_t lost;
	uint8_t packet[HEP_PACKET_MAX];
};

/* ---- chunks ---- */

struct packet {
	uint8_t *p;
	size_t n;
	bool failed;
};

static void put(struct packet *to, const void *p, size_t n)
{
	if (n > HEP_PACKET_MAX - to->n) {
		to->failed = true;
		return;
	}
	memcpy(to->p + to->n, p, n);
	to->n += n;
}

static void put_16(struct packet *to, uint16_t v)
{
	const uint8_t octets[] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(to, octets, sizeof(octets));
}

static void put_chunk(struct packet *to, enum chunk type, const void *p,
		      size_t n)
{
	if (n > UINT16_MAX - HEAD_LEN) {
		to->failed = true;
		return;
	}
	put_16(to, 0);
	put_16(to, (uint16_t)type);
	put_16(to, (uint16_t)(n + HEAD_LEN));
	put(to, p, n);
}

static void put_chunk_8(struct packet *to, enum chunk type, uint8_t v)
{
	put_chunk(to, type, &v, sizeof(v));
}

static void put_chunk_16(struct packet *to, enum chunk type, uint16_t v)
{
	const uint16_t net = htons(v);

	put_chunk(to, type, &net, sizeof(net));
}

static void put_chunk_32(struct packet *to, enum chunk type, uint32_t v)
{
	const uint32_t net = htonl(v);

	put_chunk(to, type, &net, sizeof(net));
}

/* One that is not known is the unspecified one. */
static void put_address(struct packet *to, const struct addr *addr, bool v6,
			bool source)
{
	static const uint8_t none[sizeof(struct in6_addr)];

	if (v6)
		put_chunk(to, source ? CHUNK_SOURCE_6 : CHUNK_DESTINATION_6,
			  addr_is_set(addr) ? (const void *)&addr->in6.sin6_addr
					    : none,
			  sizeof(struct in6_addr));
	else
		put_chunk(to, source ? CHUNK_SOURCE_4 : CHUNK_DESTINATION_4,
			  addr_is_set(addr) ? (const void *)&addr->in4.sin_addr
					    : none,
			  sizeof(struct in_addr));
	put_chunk_16(to, source ? CHUNK_SOURCE_PORT : CHUNK_DESTINATION_PORT,
		     addr_is_set(addr) ? addr_port(addr) : 0);
}

static void put_ends(struct packet *to, const struct entry *entry)
{
	const struct addr *source = entry->rx ? &entry->remote : &entry->local;
	const struct addr *destination =
		entry->rx ? &entry->local : &entry->remote;
	bool v6 = addr_is_set(&entry->remote) && addr_is_v6(&entry->remote);

	put_chunk_8(to, CHUNK_FAMILY, v6 ? AF_INET6 : AF_INET);
	put_chunk_8(to, CHUNK_PROTOCOL,
		    !strcmp(entry->transport, "udp") ? IPPROTO_UDP
						     : IPPROTO_TCP);
	put_address(to, source, v6, true);
	put_address(to, destination, v6, false);
}

/* ---- payload ---- */

/* Owned by the caller; NULL without memory. */
static char *log_text_of(const struct entry *entry)
{
	json_t *json =
		json_pack("{s:s, s:s, s:s}", "call", entry->call, "event",
			  entry->kind == ENTRY_MEDIA ? "media" : "state",
			  "text", entry->text);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

static int put_payload(struct packet *to, const struct entry *entry)
{
	static const uint8_t types[ENTRY_NKINDS] = {
		[ENTRY_SIP] = HEP_PAYLOAD_SIP,
		[ENTRY_XMPP] = HEP_PAYLOAD_XMPP,
		[ENTRY_STATE] = HEP_PAYLOAD_LOG,
		[ENTRY_MEDIA] = HEP_PAYLOAD_LOG,
	};
	uint8_t type = types[entry->kind];
	char *text = type == HEP_PAYLOAD_LOG ? log_text_of(entry) : NULL;

	if (type == HEP_PAYLOAD_LOG && !text)
		return -ENOMEM;
	put_chunk_8(to, CHUNK_PAYLOAD_TYPE, type);
	if (text)
		put_chunk(to, CHUNK_PAYLOAD, text, strlen(text));
	else
		put_chunk(to, CHUNK_PAYLOAD, entry->text, entry->n);
	free(text);
	return 0;
}

int hep_encode(uint8_t *out, const struct entry *entry, uint32_t id,
	       const char *password)
{
	struct packet packet = { .p = out };
	const char *correlation = *entry->call ? entry->call : entry->name;

	put(&packet, "HEP3", 4);
	put_16(&packet, 0); /* below */
	put_ends(&packet, entry);
	put_chunk_32(&packet, CHUNK_SECONDS,
		     (uint32_t)(entry->at_us / US_PER_S));
	put_chunk_32(&packet, CHUNK_MICROSECONDS,
		     (uint32_t)(entry->at_us % US_PER_S));
	put_chunk_32(&packet, CHUNK_AGENT, id);
	if (*password)
		put_chunk(&packet, CHUNK_PASSWORD, password, strlen(password));
	if (*correlation)
		put_chunk(&packet, CHUNK_CORRELATION, correlation,
			  strlen(correlation));
	int r = put_payload(&packet, entry);
	if (r)
		return r;
	if (packet.failed)
		return -EMSGSIZE;
	const uint16_t n = htons((uint16_t)packet.n);
	memcpy(out + 4, &n, sizeof(n));
	return (int)packet.n;
}

/* ---- to the server ---- */

int hep_new(struct hep **out, const struct gateway *gateway)
{
	const struct config_hep *config = &gateway->config->hep;
	struct hep *hep = calloc(1, sizeof(*hep));
	int r = 0;

	if (!hep)
		return -ENOMEM;
	hep->id = config->id;
	hep->password = text_dup(slice_of(config->password));
	hep->fd = socket(config->server.sa.sa_family,
			 SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!hep->password)
		r = -ENOMEM;
	else if (hep->fd < 0 || connect(hep->fd, &config->server.sa,
					addr_len(&config->server)))
		r = -errno;
	if (r) {
		hep_free(hep);
		return r;
	}
	*out = hep;
	return 0;
}

struct hep *hep_free(struct hep *hep)
{
	if (!hep)
		return NULL;
	if (hep->lost)
		log_warn("hep=lost packets=%llu",
			 (unsigned long long)hep->lost);
	if (hep->fd >= 0)
		close(hep->fd);
	explicit_bzero(hep->packet, sizeof(hep->packet));
	text_wipe(hep->password);
	free(hep);
	return NULL;
}

void hep_send(struct hep *hep, const struct entry *entry)
{
	int n = hep_encode(hep->packet, entry, hep->id, hep->password);

	/* A server that is not there refuses every second datagram. */
	if (n < 0 || send(hep->fd, hep->packet, (size_t)n,
			  MSG_DONTWAIT | MSG_NOSIGNAL) != n)
		hep->lost++;
}
