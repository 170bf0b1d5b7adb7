/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static char text[4096];

static const char *sip(const char *message)
{
	snprintf(text, sizeof(text), "%s", message);
	mask_sip(text, strlen(text));
	assert_int_equal(strlen(text), strlen(message));
	return text;
}

static const char *xml(const char *stanza)
{
	snprintf(text, sizeof(text), "%s", stanza);
	mask_xml(text, strlen(text));
	assert_int_equal(strlen(text), strlen(stanza));
	return text;
}

static void answers_to_challenges_are_covered_with_their_folds(void **state)
{
	(void)state;
	assert_string_equal(sip("REGISTER sip:a SIP/2.0\r\n"
				"Authorization: Digest username=\"u\",\r\n"
				" response=\"ab\"\r\n"
				"proxy-authorization:Digest x=1\r\n"
				"WWW-Authenticate: Digest nonce=\"n\"\r\n\r\n"),
			    "REGISTER sip:a SIP/2.0\r\n"
			    "Authorization: Digest xxxxxxxxxxxxx\r\n"
			    "xxxxxxxxxxxxxx\r\n"
			    "proxy-authorization:Digest xxx\r\n"
			    "WWW-Authenticate: Digest nonce=\"n\"\r\n\r\n");
}

static void the_proof_of_the_other_side_has_no_scheme(void **state)
{
	(void)state;
	assert_string_equal(sip("BYE sip:a SIP/2.0\r\n"
				"Authorization: t0ken\r\n\r\n"),
			    "BYE sip:a SIP/2.0\r\n"
			    "Authorization: xxxxx\r\n\r\n");
	assert_string_equal(
		sip("SIP/2.0 200 OK\r\n"
		    "Authentication-Info: rspauth=\"ab\", qop=auth\r\n"
		    "Proxy-Authentication-Info: rspauth=\"c\"\r\n\r\n"),
		"SIP/2.0 200 OK\r\n"
		"Authentication-Info: xxxxxxxxxxxxxxxxxxxxxx\r\n"
		"Proxy-Authentication-Info: xxxxxxxxxxx\r\n\r\n");
}

static void a_scheme_may_end_in_a_tab_or_nothing_behind_it(void **state)
{
	(void)state;
	assert_string_equal(
		sip("BYE sip:a SIP/2.0\r\n"
		    "Authorization:\tDigest\tresponse=\"ab\", x=1\r\n"
		    "Proxy-Authorization: Digest\r\n cnonce=2\r\n\r\n"),
		"BYE sip:a SIP/2.0\r\n"
		"Authorization:\tDigest\txxxxxxxxxxxxxxxxxx\r\n"
		"Proxy-Authorization: Digest\r\n xxxxxxxx\r\n\r\n");
}

static void signatures_subjects_and_passwords_in_uris_are_covered(void **state)
{
	(void)state;
	assert_string_equal(
		sip("INVITE sip:bob:secret@h:5060 SIP/2.0\r\n"
		    "y: eyJ.eyJ.sig;info=<https://c>\r\ns: Hello you\r\n"
		    "User-to-User: 56a390\r\n"
		    "f: <sips:al:pw@h>;tag=1\r\nRoute: <sip:h:5060;lr>,"
		    "<sip:i@j:1>\r\nSubject:\r\n\r\n"),
		"INVITE sip:bob:xxxxxx@h:5060 SIP/2.0\r\n"
		"y: xxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\ns: xxxxxxxxx\r\n"
		"User-to-User: xxxxxx\r\n"
		"f: <sips:al:xx@h>;tag=1\r\nRoute: <sip:h:5060;lr>,"
		"<sip:i@j:1>\r\nSubject:\r\n\r\n");
}

static void a_body_is_covered_unless_it_is_known_to_tell_nothing(void **state)
{
	(void)state;
	assert_string_equal(
		sip("NOTIFY sip:a SIP/2.0\r\nc: application/kpml-response+xml"
		    "\r\n\r\n<k digits='4'/>"),
		"NOTIFY sip:a SIP/2.0\r\nc: application/kpml-response+xml"
		"\r\n\r\nxxxxxxxxxxxxxxx");
	assert_string_equal(sip("INVITE sip:a SIP/2.0\r\n"
				"Content-Type: APPLICATION/SDP; x=y\r\n\r\n"
				"v=0\r\nk=clear:k\r\n"),
			    "INVITE sip:a SIP/2.0\r\n"
			    "Content-Type: APPLICATION/SDP; x=y\r\n\r\n"
			    "v=0\r\nk=xxxxxxx\r\n");
	assert_string_equal(
		sip("INVITE sip:a SIP/2.0\r\n"
		    "c: multipart/mixed;boundary=b\r\n\r\n--b\r\n"
		    "Content-Type: application/sdp\r\n\r\nv=0\r\n"
		    "a=ice-pwd:secret\r\n--b\r\n\r\nwords\r\n--b--\r\n"),
		"INVITE sip:a SIP/2.0\r\n"
		"c: multipart/mixed;boundary=b\r\n\r\n--b\r\n"
		"Content-Type: application/sdp\r\n\r\nv=0\r\n"
		"a=ice-pwd:xxxxxx\r\n--b\r\n\r\nxxxxx\r\n--b--\r\n");
}

static void a_line_of_hyphens_in_a_part_does_not_end_it(void **state)
{
	(void)state;
	assert_string_equal(
		sip("INVITE sip:a SIP/2.0\r\n"
		    "c: multipart/mixed;boundary=b\r\n\r\nhello\r\n--b \r\n"
		    "\r\nwords\r\n--\r\nAl: "
		    "42\r\n--b\r\n\r\nmore\r\n--b--\r\n"),
		"INVITE sip:a SIP/2.0\r\n"
		"c: multipart/mixed;boundary=b\r\n\r\nhello\r\n--b \r\n"
		"\r\nxxxxx\r\nxx\r\nxxxxxx\r\n--b\r\n\r\nxxxx\r\n--b--\r\n");
}

static void files_and_links_beside_what_people_write_are_covered(void **state)
{
	(void)state;
	assert_string_equal(
		xml("<message><reference type='data' uri='http://a/b'>"
		    "<media-sharing><file><name>me.jpg</name></file><sources>"
		    "<url-data target='http://a'/></sources></media-sharing>"
		    "</reference><x><url>http://c</url><desc>me</desc></x>"
		    "</message>"),
		"<message><reference type='data' uri='xxxxxxxxxx'>"
		"<media-sharing><file><name>xxxxxx</name></file><sources>"
		"<url-data target='xxxxxxxx'/></sources></media-sharing>"
		"</reference><x><url>xxxxxxxx</url><desc>xx</desc></x>"
		"</message>");
	assert_string_equal(
		xml("<iq><query "
		    "xmlns='jabber:iq:register'><username>a</username>"
		    "<key>k1</key></query><slot><put url='http://u/t'><header "
		    "name='Authorization'>Basic x</header></put></slot></iq>"),
		"<iq><query xmlns='jabber:iq:register'><username>x</username>"
		"<key>xx</key></query><slot><put url='xxxxxxxxxx'><header "
		"name='Authorization'>xxxxxxx</header></put></slot></iq>");
	assert_string_equal(xml("<iq><query><name>Dino</name></query></iq>"),
			    "<iq><query><name>Dino</name></query></iq>");
}

static void keys_of_media_are_covered_and_their_suites_are_not(void **state)
{
	(void)state;
	assert_string_equal(
		sip("INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"
		    "m=audio 4000 RTP/SAVP 0\r\n"
		    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAA|2^20;"
		    "inline:BBB UNENCRYPTED_SRTCP\r\n"
		    "a=ice-ufrag:uf\r\na=ice-pwd:secret\r\nk=clear:k\r\n"
		    "a=fingerprint:sha-256 AA\r\n"),
		"INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"
		"m=audio 4000 RTP/SAVP 0\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxx;"
		"inline:xxx UNENCRYPTED_SRTCP\r\n"
		"a=ice-ufrag:uf\r\na=ice-pwd:xxxxxx\r\nk=xxxxxxx\r\n"
		"a=fingerprint:sha-256 AA\r\n");
}

static void proofs_of_a_configuration_are_covered(void **state)
{
	(void)state;
	snprintf(text, sizeof(text),
		 "INVITE sip:a SIP/2.0\r\nx-trunk:  secret\r\n"
		 "X-Trunks: not\r\n\r\nX-Trunk: body\r\n");
	mask_sip_header(text, strlen(text), "X-Trunk: secret");
	mask_sip_header(text, strlen(text), "");
	assert_string_equal(text, "INVITE sip:a SIP/2.0\r\nx-trunk:  xxxxxx\r\n"
				  "X-Trunks: not\r\n\r\nX-Trunk: body\r\n");
}

static void what_people_write_and_dial_is_covered(void **state)
{
	(void)state;
	assert_string_equal(sip("MESSAGE sip:a SIP/2.0\r\nl: 5\r\n\r\nHel\nlo"),
			    "MESSAGE sip:a SIP/2.0\r\nl: 5\r\n\r\nxxx\nxx");
	assert_string_equal(
		sip("SIP/2.0 200 OK\r\nCSeq: 7 INFO\r\n\r\nSignal=5\r\n"),
		"SIP/2.0 200 OK\r\nCSeq: 7 INFO\r\n\r\nxxxxxxxx\r\n");
	assert_string_equal(
		sip("NOTIFY sip:a SIP/2.0\r\nCSeq: 7 NOTIFY\r\n\r\nSIP/2.0 "
		    "200"),
		"NOTIFY sip:a SIP/2.0\r\nCSeq: 7 NOTIFY\r\n\r\nSIP/2.0 200");
}

static void links_in_what_people_write_are_covered(void **state)
{
	(void)state;
	assert_string_equal(
		xml("<message id='m'><html><body xmlns='n'>"
		    "<a href='h'>l</a><img src='p' alt='q'/></body></html>"
		    "<x id='o'/></message>"),
		"<message id='m'><html><body xmlns='n'>"
		"<a href='x'>x</a><img src='x' alt='x'/></body></html>"
		"<x id='o'/></message>");
}

static void whatever_comes_is_survived(void **state)
{
	static const char *const odd[] = { "",      "\r\n", ":",   "A",
					   "A\r\n", " B",   "\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		sip(odd[i]);
		xml(odd[i]);
	}
	assert_string_equal(xml("<a b='<' c"), "<a b='<' c");
	assert_string_equal(xml("</a></b><body>x"), "</a></b><body>x");
	assert_string_equal(xml("<body>secret"), "<body>xxxxxx");
}

/* Octets are changed, cut and doubled; the sanitizers look on. */
static void mutated_messages_are_survived(void **state)
{
	static const char *const seeds[] = {
		("INVITE sip:+15551@h SIP/2.0\r\nAuthorization: Digest a,\r\n "
		 "b\r\ni: c\r\nCSeq: 1 INVITE\r\n\r\na=crypto:1 S "
		 "inline:K|1;inline:L\r\nk=x\r\na=ice-pwd:p\r\n"),
		("OPTIONS sip:u:p@h SIP/2.0\r\nc: multipart/a;b=c\r\n\r\n--c"
		 "\r\nc: application/sdp\r\n\r\nk=x\r\n--c\r\n\r\nw\r\n--c--"),
		"<iq to='a' from=\"b\"><x pwd='p'/><dtmf code='5'/><body>t"
		"<b>u</b></body><value/></iq>",
	};
	enum { ROUNDS = 20000, CAP = 512 };
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char *octets = malloc(CAP); /* its end is watched */
		size_t n = strlen(seeds[i % 3]);

		memcpy(octets, seeds[i % 3], n);
		for (int k = 0; k < 4; k++) {
			random = random * 1103515245U + 12345U;
			size_t at = (random >> 8) % n;

			if (k == 3)
				n = at + 1;
			else
				octets[at] = "\r\n:;<>'\"/= \0ax"[random % 14];
		}
		octets = realloc(octets, n);
		mask_sip(octets, n);
		mask_xml(octets, n);
		free(octets);
	}
}

static void jingle_keys_and_digits_are_covered(void **state)
{
	(void)state;
	assert_string_equal(xml("<iq to='a'><crypto crypto-suite='S' "
				"key-params='inline:K'/><transport pwd='p1' "
				"ufrag='u'/><dtmf code='5' duration='100'/>"
				"<error code='404'/></iq>"),
			    "<iq to='a'><crypto crypto-suite='S' "
			    "key-params='xxxxxxxx'/><transport pwd='xx' "
			    "ufrag='u'/><dtmf code='x' duration='100'/>"
			    "<error code='404'/></iq>");
}

/* Whatever a component calls its fields (XEP-0077). */
static void nothing_of_a_registration_is_told(void **state)
{
	(void)state;
	assert_string_equal(
		xml("<iq type='set'><query xmlns='jabber:iq:register'>"
		    "<nick>u1</nick><text>t0ken</text><x xmlns='jabber:x:data'>"
		    "<field var='pin' type='text-private'><value>1</value>"
		    "</field></x></query><error><text>No</text></error></iq>"),
		"<iq type='set'><query xmlns='jabber:iq:register'>"
		"<nick>xx</nick><text>xxxxx</text><x xmlns='jabber:x:data'>"
		"<field var='pin' type='text-private'><value>x</value>"
		"</field></x></query><error><text>No</text></error></iq>");
}

static void text_that_is_not_known_is_covered(void **state)
{
	(void)state;
	assert_string_equal(
		xml("<message><reactions id='r'><reaction>:)</reaction>"
		    "</reactions><x xmlns='jabber:x:encrypted'>hQ</x>"
		    "<status>out</status>tail</message>"),
		"<message><reactions id='r'><reaction>xx</reaction>"
		"</reactions><x xmlns='jabber:x:encrypted'>xx</x>"
		"<status>xxx</status>xxxx</message>");
	assert_string_equal(xml("<presence><show>dnd</show><priority>5"
				"</priority></presence>"),
			    "<presence><show>dnd</show><priority>5"
			    "</priority></presence>");
	assert_string_equal(xml("<iq><query><name>Dino<b/>more</name></query>"
				"</iq>"),
			    "<iq><query><name>Dino<b/>xxxx</name></query>"
			    "</iq>");
}

/* XEP-0292; a note may say the code of my-move. */
static void names_and_what_commands_answer_are_covered(void **state)
{
	(void)state;
	assert_string_equal(xml("<iq><vcard><fn><text>Al</text></fn><tel><uri>"
				"tel:+1</uri></tel></vcard></iq>"),
			    "<iq><vcard><fn><text>xx</text></fn><tel><uri>"
			    "xxxxxx</uri></tel></vcard></iq>");
	assert_string_equal(
		xml("<iq><command><note type='info'>my-take 12</note>"
		    "</command></iq>"),
		"<iq><command><note type='info'>xxxxxxxxxx</note>"
		"</command></iq>");
}

static void words_and_what_forms_hold_are_covered(void **state)
{
	(void)state;
	assert_string_equal(
		xml("<message><body>Hi &lt;you&gt;</body><html><p>Hi <b>a</b>"
		    "</p></html><subject>s</subject></message>"),
		"<message><body>xxxxxxxxxxxxxx</body><html><p>xxx<b>x</b>"
		"</p></html><subject>x</subject></message>");
	assert_string_equal(
		xml("<iq><x><field var='p'><value>pw</value></field></x>"
		    "<password>pw</password></iq>"),
		"<iq><x><field var='p'><value>xx</value></field></x>"
		"<password>xx</password></iq>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			answers_to_challenges_are_covered_with_their_folds),
		cmocka_unit_test(the_proof_of_the_other_side_has_no_scheme),
		cmocka_unit_test(
			a_scheme_may_end_in_a_tab_or_nothing_behind_it),
		cmocka_unit_test(
			signatures_subjects_and_passwords_in_uris_are_covered),
		cmocka_unit_test(
			a_body_is_covered_unless_it_is_known_to_tell_nothing),
		cmocka_unit_test(a_line_of_hyphens_in_a_part_does_not_end_it),
		cmocka_unit_test(
			files_and_links_beside_what_people_write_are_covered),
		cmocka_unit_test(
			keys_of_media_are_covered_and_their_suites_are_not),
		cmocka_unit_test(proofs_of_a_configuration_are_covered),
		cmocka_unit_test(what_people_write_and_dial_is_covered),
		cmocka_unit_test(links_in_what_people_write_are_covered),
		cmocka_unit_test(whatever_comes_is_survived),
		cmocka_unit_test(mutated_messages_are_survived),
		cmocka_unit_test(jingle_keys_and_digits_are_covered),
		cmocka_unit_test(nothing_of_a_registration_is_told),
		cmocka_unit_test(text_that_is_not_known_is_covered),
		cmocka_unit_test(names_and_what_commands_answer_are_covered),
		cmocka_unit_test(words_and_what_forms_hold_are_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
