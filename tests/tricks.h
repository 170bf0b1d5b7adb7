/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts that would be more than a text where somebody forgot to escape, refuse
 * or clean them: in a SIP header, in XML, in a line of log. Each names what it
 * would add EVIL, so that its coming through is seen.
 */
#pragma once

#include <stddef.h>

static const char *const tricks[] = {
	/* ends of lines, all that somebody takes for one */
	"a\r\nX-EVIL: 1",
	"a\nX-EVIL: 1",
	"a\rX-EVIL: 1",
	"a\r\n\r\nEVIL",
	"a\r\n X-EVIL: 1",
	"a\n\tX-EVIL: 1",
	"\r\nX-EVIL: 1\r\n",
	"a\x0bX-EVIL: 1\x0c"
	"b",
	"a\xc2\x85X-EVIL: 1",     /* NEL */
	"a\xe2\x80\xa8X-EVIL: 1", /* LINE SEPARATOR */
	"a\xe2\x80\xa9X-EVIL: 1", /* PARAGRAPH SEPARATOR */
	/* the same in too many octets, and cut */
	"a\xc0\x8d\xc0\x8aX-EVIL: 1",
	"a\xe0\x80\x8d\xe0\x80\x8aX-EVIL: 1",
	"a\xf0\x80\x80\x8aX-EVIL: 1",
	"a\xed\xa0\x80X-EVIL: 1", /* half a surrogate */
	"a\xf4\x90\x80\x80X-EVIL: 1",
	"a\xef\xbf\xbe\xef\xbf\xbfX-EVIL: 1",
	"a\xc3",
	"a\xff\xfeX-EVIL: 1",
	/* escaped for those who unescape */
	"a%0d%0aX-EVIL: 1",
	"a%0D%0A%20X-EVIL: 1",
	"a%00X-EVIL",
	"a%250d%250aX-EVIL: 1",
	"a\\r\\nX-EVIL: 1",
	"a\\0d\\0aX-EVIL",
	"a&#13;&#10;X-EVIL: 1",
	"a&#x0;EVIL",
	/* ends of quotes and of addresses */
	"a\" <sip:EVIL@x>, \"b",
	"a\\",
	"a\\\" <sip:EVIL@x>",
	"\"><sip:EVIL@x",
	"a>;tag=EVIL",
	"a;tag=EVIL;lr",
	"a?X-EVIL=1",
	"a@EVIL.example",
	"a@EVIL.example;maddr=192.0.2.1",
	"a, <sip:EVIL@x>",
	"a<EVIL>",
	"(a)EVIL",
	/* ends of elements, of texts and of logs' fields */
	"</body><EVIL xmlns='x'/><body>",
	"]]><EVIL/>",
	"<!--EVIL--><?EVIL?>",
	"<!DOCTYPE EVIL [<!ENTITY a 'EVIL'>]>&a;",
	"'/><EVIL a='",
	"a\" EVIL=\"1",
	"a call=EVIL reason=EVIL",
	"a\x1b[31mEVIL",
	/* the other way round, and unseen */
	"\xe2\x80\xae"
	"LIVE",
	"\xe2\x81\xa6"
	"EVIL",
	"a\x7f\x01\x02\x1f"
	"EVIL",
	"%s%n%sEVIL",
	"$(EVIL)`EVIL`",
};

enum { NTRICKS = sizeof(tricks) / sizeof(tricks[0]) };
