/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/pcap.h"

#include <stdint.h>
#include <string.h>

#include "gateway/trace/ring.h"

#define MAGIC 0xa1b2c3d4u /* in the writer's order of octets */

enum {
	VERSION_MAJOR = 2,
	VERSION_MINOR = 4,
	SNAPLEN = 262144,
	US_PER_S = 1000000,
	TAGS_CAP = 256,
	TAG_HEAD_LEN = 4,
	PORT_TYPE_TCP = 2,
	PORT_TYPE_UDP = 3,
};

/* epan/exported_pdu.h of Wireshark. */
enum tag {
	TAG_END = 0,
	TAG_DISSECTOR = 12,
	TAG_SOURCE_4 = 20,
	TAG_DESTINATION_4 = 21,
	TAG_SOURCE_6 = 22,
	TAG_DESTINATION_6 = 23,
	TAG_PORT_TYPE = 24,
	TAG_SOURCE_PORT = 25,
	TAG_DESTINATION_PORT = 26,
};

struct tags {
	uint8_t p[TAGS_CAP];
	size_t n;
};

/* All tags together are shorter than TAGS_CAP. */
static void put_tag(struct tags *to, enum tag tag, const void *value, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;
	uint8_t *p = to->p + to->n;

	memset(p, 0, TAG_HEAD_LEN + padded);
	p[0] = (uint8_t)(tag >> 8);
	p[1] = (uint8_t)tag;
	p[2] = (uint8_t)(padded >> 8);
	p[3] = (uint8_t)padded;
	if (n)
		memcpy(p + TAG_HEAD_LEN, value, n);
	to->n += TAG_HEAD_LEN + padded;
}

static void put_tag_32(struct tags *to, enum tag tag, uint32_t v)
{
	const uint8_t octets[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
				   (uint8_t)(v >> 8), (uint8_t)v };

	put_tag(to, tag, octets, sizeof(octets));
}

static void put_address(struct tags *to, const struct addr *addr, bool source)
{
	if (!addr_is_set(addr))
		return;
	if (addr_is_v6(addr))
		put_tag(to, source ? TAG_SOURCE_6 : TAG_DESTINATION_6,
			&addr->in6.sin6_addr, sizeof(addr->in6.sin6_addr));
	else
		put_tag(to, source ? TAG_SOURCE_4 : TAG_DESTINATION_4,
			&addr->in4.sin_addr, sizeof(addr->in4.sin_addr));
	put_tag_32(to, source ? TAG_SOURCE_PORT : TAG_DESTINATION_PORT,
		   addr_port(addr));
}

static void put_tags(struct tags *to, const struct entry *entry)
{
	static const char *const dissectors[ENTRY_NKINDS] = {
		[ENTRY_SIP] = "sip",
		[ENTRY_XMPP] = "xmpp",
		[ENTRY_STATE] = "syslog",
		[ENTRY_MEDIA] = "syslog",
	};
	const char *name = dissectors[entry->kind];

	put_tag(to, TAG_DISSECTOR, name, strlen(name));
	if (entry->kind == ENTRY_SIP)
		put_tag_32(to, TAG_PORT_TYPE,
			   !strcmp(entry->transport, "udp") ? PORT_TYPE_UDP
							    : PORT_TYPE_TCP);
	put_address(to, entry->rx ? &entry->remote : &entry->local, true);
	put_address(to, entry->rx ? &entry->local : &entry->remote, false);
	put_tag(to, TAG_END, NULL, 0);
}

static void put_32(FILE *to, uint32_t v)
{
	fwrite(&v, sizeof(v), 1, to);
}

void pcap_put_head(FILE *to)
{
	const uint16_t version[] = { VERSION_MAJOR, VERSION_MINOR };

	put_32(to, MAGIC);
	fwrite(version, sizeof(version), 1, to);
	put_32(to, 0); /* times are UTC's */
	put_32(to, 0);
	put_32(to, SNAPLEN);
	put_32(to, PCAP_LINKTYPE_EXPORTED_PDU);
}

void pcap_put(FILE *to, const struct entry *entry)
{
	static const char info[] = "<14>"; /* user.info, RFC 3164 */
	bool said = entry->kind == ENTRY_STATE || entry->kind == ENTRY_MEDIA;
	size_t before = said ? sizeof(info) - 1 : 0;
	struct tags tags = { .n = 0 };

	put_tags(&tags, entry);
	uint32_t n = (uint32_t)(tags.n + before + entry->n);
	put_32(to, (uint32_t)(entry->at_us / US_PER_S));
	put_32(to, (uint32_t)(entry->at_us % US_PER_S));
	put_32(to, n);
	put_32(to, n);
	fwrite(tags.p, 1, tags.n, to);
	fwrite(info, 1, before, to);
	fwrite(entry->text, 1, entry->n, to);
}
