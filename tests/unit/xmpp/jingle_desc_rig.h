/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* <jingle/> elements, written down and read. */
#pragma once

#include <stdio.h>

#include "tests/test.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/stanza_parse.h"

#define JINGLE(contents)       "<jingle xmlns='" JINGLE_NS "'>" contents "</jingle>"
#define CONTENT(attrs, inside) "<content " attrs ">" inside "</content>"
#define DESCRIPTION(inside)                                            \
	"<description xmlns='" JINGLE_NS_RTP "' media='audio'>" inside \
	"</description>"
#define TRANSPORT(attrs, inside)                                     \
	"<transport xmlns='" JINGLE_NS_ICE_UDP "' " attrs ">" inside \
	"</transport>"
#define PCMU   "<payload-type id='0'/>"
#define HEX_16 "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B"
#define FINGERPRINT(attrs)                                              \
	"<fingerprint xmlns='" JINGLE_NS_DTLS "' hash='sha-256' " attrs \
	">" HEX_16 ":" HEX_16 "</fingerprint>"
#define CAND(attrs) "<candidate component='1' " attrs "/>"
#define GOOD                                                      \
	"foundation='1' ip='192.0.2.1' port='5000' priority='1' " \
	"protocol='udp' type='host'"

static inline int parse(struct media_desc **out, const char *xml,
			bool initiator)
{
	AUTO(stanza_freep) struct stanza *st = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(xml)), 0);
	return jingle_desc_parse(out, st, initiator);
}

static inline struct media_desc *parsed(const char *xml)
{
	struct media_desc *desc = NULL;

	assert_int_equal(parse(&desc, xml, true), 0);
	return desc;
}
