/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jingle_ice.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jingle_desc.h"

bool jingle_is_printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static bool is_word(const char *s)
{
	return jingle_is_printable(s) && !strchr(s, ' ');
}

static int attr_number(const struct stanza *st, const char *name, uint64_t max,
		       uint64_t *out)
{
	return text_number(slice_of(stanza_attr(st, name)), max, out);
}

/* "" when it is absent. */
static int copy_word(char *out, size_t cap, const struct stanza *st,
		     const char *name)
{
	const char *value = stanza_attr(st, name);

	if (value && !is_word(value))
		return -EINVAL;
	return text_set(out, cap, value) ? -EINVAL : 0;
}

static int parse_addr(struct addr *out, const char *ip, const char *port)
{
	uint64_t number;

	if (text_number(slice_of(port), UINT16_MAX, &number))
		return -EINVAL;
	return addr_parse(out, slice_of(ip), (uint16_t)number);
}

/* 0.0.0.0 is written by browsers that will not tell (RFC 8839, 5.1). */
static void parse_related(struct media_cand *out, const struct stanza *cand)
{
	const char *port = stanza_attr(cand, "rel-port");

	if (!port) /* Monal (2024) */
		port = stanza_attr(cand, "rel_port");
	if (parse_addr(&out->related, stanza_attr(cand, "rel-addr"), port) ||
	    addr_classify(&out->related) == ADDR_UNSPECIFIED)
		memset(&out->related, 0, sizeof(out->related));
}

enum { MAX_COMPONENT = 2 };

/* 0, or -EINVAL: not for us (TCP, a .local name) or malformed. */
static int parse_cand(struct media_cand *out, const struct stanza *cand)
{
	const char *protocol = stanza_attr(cand, "protocol");
	uint64_t component, priority, generation = 0;

	memset(out, 0, sizeof(*out));
	if (!protocol || strcasecmp(protocol, "udp") != 0 ||
	    attr_number(cand, "component", MAX_COMPONENT, &component) ||
	    !component ||
	    attr_number(cand, "priority", UINT32_MAX, &priority) ||
	    media_cand_type_parse(&out->type,
				  slice_of(stanza_attr(cand, "type"))) ||
	    copy_word(out->foundation, sizeof(out->foundation), cand,
		      "foundation") ||
	    !out->foundation[0] ||
	    parse_addr(&out->addr, stanza_attr(cand, "ip"),
		       stanza_attr(cand, "port")))
		return -EINVAL;
	if (attr_number(cand, "generation", UINT8_MAX, &generation))
		generation = 0;
	out->component = (uint8_t)component;
	out->priority = (uint32_t)priority;
	out->generation = (uint8_t)generation;
	parse_related(out, cand);
	return 0;
}

/* Line breaks around the text are an XML habit. */
static struct slice trimmed(const char *text)
{
	struct slice s = slice_of(text);

	while (s.n && strchr(" \t\r\n", s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	return s;
}

/* XEP-0320. The first setup stands for all. */
static int add_fingerprint(struct media_content *out,
			   const struct stanza *element)
{
	struct media_fingerprint f;

	if (out->setup == MEDIA_SETUP_NONE &&
	    media_setup_parse(&out->setup,
			      slice_of(stanza_attr(element, "setup"))))
		out->setup = MEDIA_SETUP_NONE;
	if (media_fingerprint_parse(&f, slice_of(stanza_attr(element, "hash")),
				    trimmed(stanza_text(element))))
		return 0;
	return media_content_add_fingerprint(out, &f);
}

static int parse_child(struct media_content *out, const struct stanza *child)
{
	struct media_cand cand;

	if (stanza_is(child, "fingerprint", JINGLE_NS_DTLS))
		return add_fingerprint(out, child);
	if (stanza_is(child, "gathering-complete", JINGLE_NS_ICE_UDP))
		out->end_of_candidates = true;
	else if (stanza_is(child, "ice-lite", JINGLE_NS_ICE_UDP))
		out->ice_lite = true;
	else if (stanza_is(child, "candidate", JINGLE_NS_ICE_UDP) &&
		 !parse_cand(&cand, child))
		return media_content_add_cand(out, &cand);
	return 0;
}

int jingle_ice_parse(struct media_content *out, const struct stanza *transport)
{
	const struct stanza *child;

	if (copy_word(out->ufrag, sizeof(out->ufrag), transport, "ufrag") ||
	    copy_word(out->pwd, sizeof(out->pwd), transport, "pwd"))
		return -EINVAL;
	STANZA_FOREACH(child, transport) {
		int r = parse_child(out, child);
		if (r && r != -E2BIG) /* full: the rest is left out */
			return r;
	}
	return 0;
}

struct stanza *jingle_ice_format(struct stanza *parent,
				 const struct media_content *content)
{
	struct stanza *transport =
		stanza_child(parent, "transport", JINGLE_NS_ICE_UDP);

	if (content->ufrag[0])
		stanza_set(transport, "ufrag", content->ufrag);
	if (content->pwd[0])
		stanza_set(transport, "pwd", content->pwd);
	return transport;
}

/*
 * All attributes, as Monal wants them, protocol in lower case and foundation a
 * number, as Siskin does; id and network are required by the schema alone.
 */
void jingle_ice_add_cand(struct stanza *transport,
			 const struct media_cand *cand)
{
	struct stanza *st = stanza_child(transport, "candidate", NULL);

	stanza_setf(st, "component", "%u", cand->component);
	stanza_set(st, "foundation", cand->foundation);
	stanza_setf(st, "generation", "%u", cand->generation);
	stanza_setf(st, "id", "c%s-%u-%" PRIu32 "-%u", cand->foundation,
		    cand->component, cand->priority, cand->generation);
	stanza_set(st, "ip", addr_ip_text(&cand->addr).s);
	stanza_set(st, "network", "0");
	stanza_setf(st, "port", "%u", addr_port(&cand->addr));
	stanza_setf(st, "priority", "%" PRIu32, cand->priority);
	stanza_set(st, "protocol", "udp");
	stanza_set(st, "type", media_cand_type_name(cand->type));
	if (!addr_is_set(&cand->related))
		return;
	stanza_set(st, "rel-addr", addr_ip_text(&cand->related).s);
	stanza_setf(st, "rel-port", "%u", addr_port(&cand->related));
}

void jingle_ice_add_cands(struct stanza *transport,
			  const struct media_content *content)
{
	for (size_t i = 0; i < content->ncands; i++)
		jingle_ice_add_cand(transport, &content->cands[i]);
}

void jingle_ice_add_fingerprints(struct stanza *transport,
				 const struct media_content *content)
{
	for (size_t i = 0; i < content->nfingerprints; i++) {
		const struct media_fingerprint *f = &content->fingerprints[i];
		struct stanza *st = stanza_child_text(
			transport, "fingerprint", JINGLE_NS_DTLS,
			media_fingerprint_text(f).s);
		stanza_set(st, "hash", f->hash);
		stanza_set(st, "setup", media_setup_name(content->setup));
	}
}
