/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a tandem.conf(5) that is not well is told. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/gateway/config_heard.h"

static const struct {
	const char *text, *heard;
} mistakes[] = {
	{ "xmpp { domain = \"d.example\" secret = \"s\"\n port = 0 }",
	  "t.conf:2: xmpp.port = \"0\": expected a number from 1 to "
	  "65535\n" },
	{ LEAST "media { port_max = 65536 }\n",
	  "t.conf:2: media.port_max = \"65536\": expected a number "
	  "from 1 to 65535\n" },
	{ LEAST "\nsip { listen = { \"udp:0.0.0.0:5060\",\n"
		"\"sctp:0.0.0.0:5061\" } }",
	  "t.conf:4: sip.listen = \"sctp:0.0.0.0:5061\": expected "
	  "\"udp:IP:port\", \"tcp:IP:port\" or \"tls:IP:port\", IPv6 "
	  "in brackets\n" },
	{ LEAST "sip { listen = { \"tls:0.0.0.0:5061\" } }",
	  "t.conf:2: sip.listen has tls:0.0.0.0:5061: expected "
	  "sip.certificate\n" },
	{ LEAST "sip {\nprivate_key = \"/dev/zero\" }",
	  "t.conf:3: sip.private_key is given alone: expected "
	  "sip.certificate\n"
	  "t.conf:3: sip.private_key = \"/dev/zero\": expected a file "
	  "that not everybody can read: chmod o-rwx\n" },
	{ LEAST "sip { nameservers = \"192.0.2.53, ns\" }",
	  "t.conf:2: sip.nameservers = \"192.0.2.53, ns\": expected IP "
	  "addresses with commas between, or \"\"\n" },
	{ LEAST "trunk \"t\" { proxy = \"sips:h;transport=udp\" }",
	  "t.conf:2: trunk \"t\".proxy = \"sips:h;transport=udp\": "
	  "expected \"sip:host\", \"sip:host:port\", or either with "
	  "\";transport=udp\", \";transport=tcp\" or "
	  "\";transport=tls\"\n" },
	{ LEAST "sip { listen = {} }",
	  "t.conf:2: sip.listen is empty: expected at least one "
	  "\"udp:IP:port\" or \"tcp:IP:port\"\n" },
	{ LEAST "sip { listen = { \"udp:1.2.3.4:5060\","
		" \"udp:1.2.3.4:5060\" } }",
	  "t.conf:2: sip.listen has 1.2.3.4:5060 twice: expected it "
	  "once\n" },
	{ LEAST "media { allow_loopback = yes }",
	  "t.conf:2: media.allow_loopback = \"yes\": expected true or "
	  "false\n" },
	{ LEAST "media { public_address = \"0.0.0.0\" }",
	  "t.conf:2: media.public_address = \"0.0.0.0\": expected an "
	  "IP address that others reach, \"auto\" or \"\"\n" },
	{ LEAST "media { ice_port = 20000 workers = 1 }",
	  "t.conf:2: media.ice_port = 20000 to 20000: expected none of "
	  "port_min 20000 to port_max 29999\n" },
	{ LEAST "media { ice_port = 65535 workers = 2 }",
	  "t.conf:2: media.ice_port = 65535: expected room for one "
	  "port "
	  "per worker (2)\n" },
	{ LEAST "media { workers = 65 }",
	  "t.conf:2: media.workers = \"65\": expected a number from 0 "
	  "to 64\n" },
	{ LEAST "media { port_min = 20001\n port_max = 20002 }",
	  "t.conf:3: media.port_min = 20001 and port_max = 20002: "
	  "expected room for an even port and the next\n" },
	{ LEAST "sip { listen = { \"udp:0.0.0.0:20004\" } }",
	  "t.conf:2: sip.listen port 20004: expected one outside of "
	  "media.port_min to port_max\n" },
	{ LEAST "limits { calls = 1\n calls = 2 }",
	  "t.conf:3: limits.calls is given twice: expected it once\n" },
	{ LEAST "limits { calls = -1 }",
	  "t.conf:2: limits.calls = \"-1\": expected a number from 1 "
	  "to "
	  "100000\n" },
	{ LEAST "log { level = \"loud\" }",
	  "t.conf:2: log.level = \"loud\": expected \"error\", \"warn\""
	  ", \"info\" or \"debug\"\n" },
	{ LEAST "admins = { \"admin\" }",
	  "t.conf:2: admins = \"admin\": expected a bare JID such as "
	  "admin@example.org\n" },
	{ LEAST "region = \"usa\"",
	  "t.conf:2: region = \"usa\": expected a country that has "
	  "telephones, such as US or GB\n" },
	{ LEAST "admins = { \"a@b/phone\" }",
	  "t.conf:2: admins = \"a@b/phone\": expected a bare JID such "
	  "as admin@example.org\n" },
	{ "xmpp {\nsecret = \"s\"\n}\n",
	  "t.conf:3: xmpp.domain is missing: expected the component's "
	  "domain, such as tel.example.org\n" },
	{ "xmpp {\ndomain = \"d\"\n}\n",
	  "t.conf:3: xmpp.secret is missing: expected secret or "
	  "secret_file\n" },
	{ "xmpp { domain = \"a b\"\n secret = \"s\" }",
	  "t.conf:1: xmpp.domain = \"a b\": expected a domain name "
	  "such "
	  "as tel.example.org\n" },
	{ LEAST "trunk \"a b\" { proxy = \"sip:h\" }",
	  "t.conf:2: trunk \"a b\": expected a name of 1 to 32 "
	  "letters, "
	  "digits, '.', '_' or '-'\n" },
	{ LEAST "trunk \"t\" { proxy = \"tel:h\" }",
	  "t.conf:2: trunk \"t\".proxy = \"tel:h\": expected "
	  "\"sip:host\", \"sip:host:port\", or either with "
	  "\";transport=udp\", \";transport=tcp\" or "
	  "\";transport=tls\"\n" },
	{ LEAST "trunk \"t\" {\n}",
	  "t.conf:3: trunk \"t\" has no proxy: expected proxy = "
	  "\"sip:host\"\n" },
	{ LEAST "trunk \"t\" { proxy = \"sip:h\" register = true }",
	  "t.conf:2: trunk \"t\" registers without a username: "
	  "expected "
	  "username\n" },
	{ LEAST "trunk \"t\" { proxy = \"sip:h\" allow = \"10/8\" }",
	  "t.conf:2: trunk \"t\".allow = \"10/8\": expected a network "
	  "such as 192.0.2.0/24 or 2001:db8::/32\n" },
	{ LEAST "trunk \"t\" { proxy = \"sip:h\"\n"
		" rewrite_out = { \"+1\" } }",
	  "t.conf:3: trunk \"t\".rewrite_out = \"+1\": expected "
	  "\"PREFIX=>INSTEAD\" or \"NUMBER$=>INSTEAD\"\n" },
	{ LEAST "trunk \"t\" { proxy = \"sip:h\"\n"
		" headers = { \"From: <sip:x@y>\" } }",
	  "t.conf:3: trunk \"t\".headers = \"From: <sip:x@y>\": "
	  "expected a header that is not SIP's own: \"X-Name: "
	  "value\"\n" },
	{ LEAST "limits { deny_prefixes = { \"+x\" } }",
	  "t.conf:2: limits.deny_prefixes = \"+x\": expected how a "
	  "number begins, such as +44\n" },
	{ LEAST "emergency { trunk = \"t\" }",
	  "t.conf:2: emergency.trunk = \"t\": expected the name of a "
	  "trunk in this file\n" },
	{ LEAST "registration { numbers = { \"+1\" } domain = \"d\"\n"
		" trunk = \"t\" }",
	  "t.conf:2: registration.numbers: \"+1\": expected a number such "
	  "as +15557654321 that no section names\n"
	  "t.conf:3: registration.trunk = \"t\": expected the name of a "
	  "trunk in this file\n" },
	{ LEAST "registration { numbers = { \"+15557654321\" } }",
	  "t.conf:2: registration.numbers without registration.domain: "
	  "expected the domain whose accounts may register\n"
	  "t.conf:2: registration.trunk = \"\": expected the name of a "
	  "trunk in this file\n" },
	{ LEAST "trunk \"t\" { proxy = \"sip:h\" }\n"
		"number \"+15557654321\" { owner = \"a@b\" texts = "
		"\"TEL.example.org\" }",
	  "t.conf:3: number \"+15557654321\".texts = \"tel.example.org\": "
	  "expected another "
	  "component than this one\n" },
	{ LEAST "route \"r\" {\n trunks = { \"t\" } }",
	  "t.conf:3: route \"r\".trunks has \"t\": expected the name "
	  "of a trunk in this file\n" },
	{ LEAST "route \"r\" {\n}",
	  "t.conf:3: route \"r\" has no trunks: expected trunks = { "
	  "\"the name of a trunk\" }\n" },
	{ LEAST "route \"r\" {\n days = \"noday\" }",
	  "t.conf:3: route \"r\".days = \"noday\": expected days of "
	  "the week, such as \"mon-fri, sun\"\n" },
	{ LEAST "number \"15551\" { owner = \"a@b\" trunk = \"t\" }\n"
		"trunk \"t\" { proxy = \"sip:h\" }",
	  "t.conf:2: number \"15551\": expected E.164: '+' and 2 to 15 "
	  "digits\n" },
	{ LEAST "number \"+15551\" {\n owner = \"a@b\"\n"
		" trunk = \"t\" }",
	  "t.conf:4: number \"+15551\".trunk = \"t\": expected the "
	  "name "
	  "of a trunk in this file\n" },
	{ LEAST "number \"+15551\" { owner = \"a@b\" }",
	  "t.conf:2: number \"+15551\" has no trunk: expected trunk = "
	  "\"the name of a trunk\"\n" },
};

static void each_mistake_tells_its_line_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		assert_string_equal(read_badly(mistakes[i].text).text,
				    mistakes[i].heard);
}

static void unknown_keys_are_mistakes_and_the_rest_is_still_read(void **state)
{
	(void)state;
	struct heard heard = read_badly("xmpp { domain = \"d\"\n"
					" colour = \"red\"\n"
					" secret = \"s\" }\n"
					"limits { cals = 1\n"
					" list = { 1, 2 } }\n"
					"media { workers = many }\n"
					"prot = 3\n");

	assert_int_equal(heard.n, 5);
	assert_non_null(strstr(
		heard.text, "t.conf:2: unknown key xmpp.colour: expected one "
			    "of host, port, domain, secret, secret_file\n"));
	assert_non_null(
		strstr(heard.text, "t.conf:4: unknown key limits.cals"));
	assert_non_null(
		strstr(heard.text, "t.conf:5: unknown key limits.list"));
	assert_non_null(strstr(heard.text, "t.conf:6: media.workers"));
	assert_non_null(strstr(heard.text, "t.conf:7: unknown key prot"));
}

static void all_mistakes_come_in_the_order_of_the_file(void **state)
{
	(void)state;
	struct heard heard =
		read_badly("xmpp { port = x\n domain = \"d\"\n"
			   " secret = \"s\" }\n"
			   "number \"+1555\" { owner = \"a\"\n"
			   " trunk = \"none\" }\n"
			   "sip { listen = { \"x\" } }\n"
			   "media { port_min = 9\n port_max = 9 }\n");
	unsigned last = 0;

	assert_int_equal(heard.n, 5);
	for (char *p = heard.text; p && *p; p = strchr(p, '\n') + 1) {
		unsigned line =
			(unsigned)strtoul(p + strlen("t.conf:"), NULL, 10);
		assert_true(line >= last);
		last = line;
	}
}

static void broken_syntax_is_told_and_spoils_no_later_read(void **state)
{
	(void)state;
	static const struct {
		const char *text, *begins;
	} rows[] = {
		{ LEAST "log { level = \"info\n", "t.conf:2: " },
		{ LEAST "log { level = 'info\n", "t.conf:" },
		{ LEAST "/* no end", "t.conf:2: a comment is cut off" },
		{ "xmpp { domain = \"d\"\n", "t.conf:1: section xmpp is cut" },
		{ "xmpp { domain\n", "t.conf:" },
		{ "xmpp { domain = \n", "t.conf:1: " },
		{ LEAST "admins = { \"a@b\",\n",
		  "t.conf:2: admins is cut off" },
		{ LEAST "admins = { \"a@b\"\n", "t.conf:2: " },
		{ LEAST "}\n", "t.conf:2: unexpected closing brace" },
		{ LEAST "trunk { }\n", "t.conf:2: missing title" },
		{ LEAST "limits calls = 1\n", "t.conf:2: missing opening" },
		{ LEAST "nobody { x = 1 }\n", "t.conf:2: " },
		{ LEAST "trunk \"t\" { proxy = \"sip:h\" }\n"
			"trunk \"t\" { proxy = \"sip:h\" }\n",
		  "t.conf:3: found duplicate title 't'" },
		{ LEAST "log { level = \"a\\999\" }", "t.conf:2: " },
		{ LEAST "a|b = 3", "t.conf:2: " },
		{ LEAST "a=b|c = 3", "t.conf:2: " },
		{ LEAST "x\x02 = 3", "t.conf:2: octet 0x02: expected text" },
		{ LEAST "log += { x }", "t.conf:2: " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct heard heard = read_badly(rows[i].text);

		if (strncmp(heard.text, rows[i].begins,
			    strlen(rows[i].begins)) != 0)
			fail_msg("row %zu: %s", i, heard.text);
		assert_null(strchr(heard.text, '\001'));
		config_free(read_well(LEAST));
	}
}

static void a_secret_is_not_repeated_in_its_mistake(void **state)
{
	(void)state;
	struct heard heard = read_badly(
		"xmpp { domain = \"d\" secret = \"hush\\x01hush\" }");

	assert_null(strstr(heard.text, "hush"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_mistake_tells_its_line_and_what_was_expected),
		cmocka_unit_test(
			unknown_keys_are_mistakes_and_the_rest_is_still_read),
		cmocka_unit_test(all_mistakes_come_in_the_order_of_the_file),
		cmocka_unit_test(
			broken_syntax_is_told_and_spoils_no_later_read),
		cmocka_unit_test(a_secret_is_not_repeated_in_its_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
