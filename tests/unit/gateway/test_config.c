/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/config/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/gateway/config_heard.h"

static void what_is_not_given_has_its_default(void **state)
{
	(void)state;
	AUTO(config_freep) struct config *c = read_well(LEAST);

	assert_string_equal(c->xmpp.host, "127.0.0.1");
	assert_int_equal(c->xmpp.port, 5347);
	assert_int_equal(c->sip.nlisten, 2);
	assert_int_equal(c->sip.listen[1].transport, CONFIG_TCP);
	assert_string_equal(addr_text(&c->sip.listen[1].addr).s,
			    "0.0.0.0:5060");
	assert_false(addr_is_set(&c->media.public_address.addr));
	assert_false(c->media.public_address.automatic);
	assert_int_equal(c->media.ice_port, 10000);
	assert_int_equal(c->media.port_min, 20000);
	assert_int_equal(c->media.port_max, 29999);
	assert_int_equal(c->limits.calls, 1000);
	assert_int_equal(c->limits.account.calls, 2);
	assert_int_equal(c->limits.ring_timeout_s, 60);
	assert_string_equal(c->db.path, "/var/lib/tandem/tandem.db");
	assert_string_equal(c->media.certificate, "/var/lib/tandem/tandem.pem");
	assert_string_equal(c->media.keep, "/run/tandem/calls");
	assert_int_equal(c->log.level, LOG_LEVEL_INFO);
	assert_string_equal(c->media.stun.host, "");
	assert_int_equal(c->ntrunks + c->nnumbers + c->nadmins, 0);
	assert_string_equal(c->region, "");
	assert_true(c->sandbox);
}

static const char everything[] =
	"# comment\n"
	"xmpp { host = \"::1\" port = 15347 domain = \"Tel.Example.org\"\n"
	"  secret = \"a\\\"b\\\\c\\${HOME}\" } // another\n"
	"sip { listen = { \"udp:[2001:db8::1]:5070\", \"tcp:192.0.2.1:5060\" }"
	" public_address = \"auto\" nameservers = \"192.0.2.53, ::1\"\n"
	"  trusted_certificates = \"/ca.pem\" client_certificates = true }\n"
	"media { address = \"::\" public_address = \"198.51.100.7\"\n"
	"  stun = \"[2001:db8::2]:3479\" ice_port = 9000 port_min = 30000\n"
	"  port_max = 30001 workers = 3 allow_loopback = true\n"
	"  priority = 20\n"
	"  certificate = \"/tmp/c.pem\" keep = \"\" }\n"
	"/* a\n comment */\n"
	"db { path = \"/tmp/t.db\" }\n"
	"limits { calls = 5 ring_timeout_s = 20 calls_per_account = 2\n"
	"  call_duration_s = 60 }\n"
	"log { file = \"/tmp/t.log\" level = \"debug\" }\n"
	"admins = { \"admin@example.org\", \"b@example.org\" }\n"
	"region = \"US\"\n"
	"sandbox = false\n"
	"trunk \"carrier\" { proxy = "
	"\"sip:sip.carrier.example;transport=tcp\"\n"
	"  username = \"u\" password = \"p\" realm = \"r\" register = true\n"
	"  expires_s = 120 from_domain = \"carrier.example\"\n"
	"  allow = { \"192.0.2.0/24\", \"2001:db8::/32\" }\n"
	"  early_media = \"answer\" srtp = \"require\" identity = \"rpid\"\n"
	"  trust_identity = false headers = { \"X-Token: a b\" }\n"
	"  refuse = { \"anonymous\", \"TN-Validation-Failed\" }\n"
	"  called_prefix = \"12#\" token = \"X-Trunk: 7\"\n"
	"  rewrite_out = { \"+1=>1\", \"911$=>0911\", \"=>9\" }\n"
	"  rewrite_in = { \"1=>+1\" } short_codes = { \"411\", \"*98\" }\n"
	"  calls = 3 calls_per_minute = 30 minutes_per_day = 600\n"
	"  allow_prefixes = { \"+1\", \"+44\" } deny_prefixes = {} }\n"
	"trunk \"pbx\" { proxy = \"sip:[2001:db8::5]:5080\" }\n"
	"trunk \"safe\" { proxy = \"sips:safe.example\" }\n"
	"number \"+15557654321\" { owner = \"Alice@Example.org\"\n"
	"  trunk = \"carrier\" display = \"Al\" withhold = true\n"
	"  texts = \"sgx.example.org\" }\n"
	"emergency { numbers = { \"110\" } trunk = \"pbx\" text = \"t\" }\n"
	"route \"abroad\" { prefixes = { \"+4\" } days = \"sat-mon, wed\"\n"
	"  hours = \"18:00-07:30\" trunks = { \"pbx\", \"carrier\" } }\n";

static void everything_given_is_understood(void **state)
{
	(void)state;
	AUTO(config_freep) struct config *c = read_well(everything);
	const struct config_trunk *trunk = config_find_trunk(c, "carrier");
	const struct config_number *number =
		config_find_number(c, "+15557654321");

	assert_string_equal(c->xmpp.domain, "tel.example.org");
	assert_string_equal(c->xmpp.secret, "a\"b\\c${HOME}");
	assert_string_equal(addr_text(&c->sip.listen[0].addr).s,
			    "[2001:db8::1]:5070");
	assert_true(c->sip.public_address.automatic);
	assert_string_equal(c->sip.nameservers, "192.0.2.53, ::1");
	assert_string_equal(c->sip.trusted, "/ca.pem");
	assert_true(c->sip.ask_clients);
	assert_int_equal(config_find_trunk(c, "safe")->proxy.transport,
			 CONFIG_TLS);
	assert_string_equal(c->media.stun.host, "2001:db8::2");
	assert_int_equal(c->media.stun.port, 3479);
	assert_int_equal(c->media.workers, 3);
	assert_int_equal(c->media.priority, 20);
	assert_true(c->media.allow_loopback);
	assert_int_equal(c->nadmins, 2);
	assert_string_equal(c->admins[1], "b@example.org");
	assert_string_equal(c->region, "US");
	assert_false(c->sandbox);
	assert_non_null(trunk);
	assert_string_equal(trunk->proxy.host, "sip.carrier.example");
	assert_int_equal(trunk->proxy.port, 0);
	assert_true(trunk->proxy.transport_is_set);
	assert_int_equal(trunk->proxy.transport, CONFIG_TCP);
	assert_true(trunk->registers);
	assert_int_equal(trunk->nallow, 2);
	assert_int_equal(trunk->allow[1].prefix, 32);
	assert_int_equal(trunk->early_media, CONFIG_EARLY_ANSWER);
	assert_string_equal(c->trunks[1].proxy.host, "2001:db8::5");
	assert_int_equal(c->trunks[1].proxy.port, 5080);
	assert_non_null(number);
	assert_int_equal(number->nowners, 1);
	assert_string_equal(number->owners[0], "alice@example.org");
	assert_string_equal(number->display, "Al");
	assert_true(number->withhold);
	assert_string_equal(number->texts, "sgx.example.org");
}

static void who_may_call_what_is_understood(void **state)
{
	(void)state;
	AUTO(config_freep) struct config *c = read_well(everything);
	const struct config_trunk *trunk = config_find_trunk(c, "carrier");
	const struct config_route *route = &c->routes[0];

	assert_int_equal(trunk->srtp, CONFIG_SRTP_REQUIRE);
	assert_int_equal(trunk->identity, CONFIG_IDENTITY_RPID);
	assert_false(trunk->trust_identity);
	assert_true(c->trunks[1].trust_identity);
	assert_string_equal(trunk->headers.v[0], "X-Token: a b");
	assert_int_equal(trunk->refuse.n, 2);
	assert_int_equal(trunk->rewrite_out.n, 3);
	assert_true(trunk->rewrite_out.v[1].whole);
	assert_string_equal(trunk->rewrite_out.v[1].prefix, "911");
	assert_string_equal(trunk->rewrite_out.v[2].prefix, "");
	assert_string_equal(trunk->short_codes.v[1], "*98");
	assert_int_equal(trunk->quota.minutes_per_day, 600);
	assert_int_equal(trunk->quota.destinations.allow.n, 2);
	assert_int_equal(c->limits.account.destinations.deny.n, 7);
	assert_int_equal(c->emergency.numbers.n, 1);
	assert_string_equal(c->emergency.trunk, "pbx");
	assert_string_equal(route->name, "abroad");
	assert_int_equal(route->days, 0x40 | 0x20 | 0x01 | 0x04);
	assert_int_equal(route->from_min, 18 * 60);
	assert_int_equal(route->until_min, 7 * 60 + 30);
	assert_string_equal(route->trunks.v[1], "carrier");
}

static char *print(const struct config *config)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	config_print(config, to);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void what_is_printed_is_read_as_the_same(void **state)
{
	(void)state;
	static const char *const texts[] = { LEAST, everything };

	for (size_t i = 0; i < 2; i++) {
		AUTO(config_freep) struct config *a = read_well(texts[i]);
		char *first = print(a);
		AUTO(config_freep) struct config *b = read_well(first);
		char *second = print(b);

		assert_string_equal(first, second);
		assert_string_equal(a->xmpp.secret, b->xmpp.secret);
		free(first);
		free(second);
	}
}

static void one_trunk_is_the_trunk_of_every_number(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = read_well(
		LEAST "number \"+1555\" { owner = \"a@b\" }\n"
		      "trunk \"only\" { proxy = \"sip:192.0.2.1\" }\n");

	assert_string_equal(c->numbers[0].trunk, "only");
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void secrets_come_from_files_that_not_everybody_reads(void **state)
{
	(void)state;
	char dir[] = "/tmp/tandem-config-XXXXXX", secret[64], conf[64];
	char text[256];
	struct heard heard = { .n = 0 };
	struct config *c = NULL;

	assert_non_null(mkdtemp(dir));
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	snprintf(conf, sizeof(conf), "%s/tandem.conf", dir);
	snprintf(text, sizeof(text),
		 "xmpp { domain = \"d\" secret_file = \"%s\" }", secret);
	write_file(conf, text, 0644);
	write_file(secret, "open sesame\n", 0640);
	assert_int_equal(config_load(&c, conf, on_mistake, &heard), 0);
	assert_string_equal(c->xmpp.secret, "open sesame");
	char *printed = print(c);
	assert_null(strstr(printed, "sesame"));
	free(printed);
	c = config_free(c);

	static const struct {
		const char *text;
		mode_t mode;
		const char *says;
	} rows[] = {
		{ "s\n", 0644, "expected a file that not everybody can read" },
		{ "", 0600, "expected one line of 1 to 1024 characters" },
		{ "a\nb\n", 0600, "expected one line of 1 to 1024 characters" },
		{ "a\x01", 0600, "expected one line of 1 to 1024 characters" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		heard = (struct heard){ .n = 0 };
		write_file(secret, rows[i].text, rows[i].mode);
		assert_int_equal(config_load(&c, conf, on_mistake, &heard),
				 CONFIG_E_INVALID);
		assert_non_null(strstr(heard.text, rows[i].says));
	}
	assert_int_equal(unlink(secret), 0);
	heard = (struct heard){ .n = 0 };
	assert_int_equal(config_load(&c, conf, on_mistake, &heard),
			 CONFIG_E_INVALID);
	assert_non_null(strstr(heard.text, "No such file"));
	assert_int_equal(unlink(conf), 0);
	assert_int_equal(config_load(&c, conf, on_mistake, &heard),
			 CONFIG_E_INVALID);
	assert_int_equal(rmdir(dir), 0);
}

/* Run from the root of the tree, as `make` does. */
static void the_shipped_example_is_well(void **state)
{
	(void)state;
	static const char from[] = "secret_file = \"/etc/tandem/secret\"";
	static const char to[] = "secret = \"not in a file in this test \"";
	char text[8192] = "";
	FILE *file = fopen("deploy/tandem.conf", "r");

	assert_non_null(file);
	assert_in_range(fread(text, 1, sizeof(text) - 1, file), 1,
			sizeof(text) - 2);
	assert_int_equal(fclose(file), 0);
	char *at = strstr(text, from);
	assert_non_null(at);
	memmove(at + sizeof(to) - 1, at + sizeof(from) - 1,
		strlen(at + sizeof(from) - 1) + 1);
	memcpy(at, to, sizeof(to) - 1);
	AUTO(config_freep) struct config *config = read_well(text);
	assert_int_equal(config->ntrunks, 1);
	assert_int_equal(config->nnumbers, 1);
}

static void expect_number(const struct config_number *found, const char *number)
{
	assert_non_null(found);
	assert_string_equal(found->number, number);
}

static void numbers_are_found_by_what_they_have(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = read_well(
		LEAST "trunk \"a\" { proxy = \"sip:a\" }\n"
		      "trunk \"b\" { proxy = \"sip:b\" }\n"
		      "number \"+19\" { owner = { \"Carol@Example.org\", "
		      "\"al@x.org\" }"
		      " trunk = \"a\" texts = \"sgx.example.org\" }\n"
		      "number \"+12\" { owner = \"al@x.org\" trunk = \"b\" }\n"
		      "number \"+15\" { owner = { \"b@x.org\", \"B@x.org\" }"
		      " trunk = \"a\" }\n");
	const char *owner = "";

	expect_number(config_find_number(c, "+12"), "+12");
	assert_null(config_find_number(c, "+1"));
	assert_null(config_find_number(c, ""));
	expect_number(config_number_of(c, "AL@x.org/phone", 0), "+19");
	expect_number(config_number_of(c, "al@x.org", 1), "+12");
	assert_null(config_number_of(c, "al@x.org", 2));
	expect_number(config_number_of(c, "carol@example.org", 0), "+19");
	expect_number(config_number_of(c, "b@x.org", 0), "+15");
	assert_null(config_number_of(c, "b@x.org", 1));
	assert_null(config_number_of(c, "a@x.org", 0));
	assert_null(config_number_of(c, "@", 0));
	expect_number(config_number_by(c, CONFIG_BY_TRUNK, "a", 1), "+15");
	assert_null(config_number_by(c, CONFIG_BY_TRUNK, "b", 1));
	expect_number(
		config_number_by(c, CONFIG_BY_TEXTS, "sgx.example.org", 0),
		"+19");
	assert_null(config_number_by(c, CONFIG_BY_TEXTS, "", 0));
	owner = config_owner_after(c, owner);
	assert_string_equal(owner, "al@x.org");
	owner = config_owner_after(c, owner);
	assert_string_equal(owner, "b@x.org");
	owner = config_owner_after(c, owner);
	assert_string_equal(owner, "carol@example.org");
	assert_null(config_owner_after(c, owner));
}

static void the_only_trunk_is_every_numbers(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c =
		read_well(LEAST "trunk \"a\" { proxy = \"sip:a\" }\n"
				"number \"+12\" { owner = \"al@x.org\" }\n");

	expect_number(config_number_by(c, CONFIG_BY_TRUNK, "a", 0), "+12");
}

static void numbers_are_e164(void **state)
{
	(void)state;
	assert_true(config_is_number("+12"));
	assert_true(config_is_number("+123456789012345"));
	assert_false(config_is_number("+1234567890123456"));
	assert_false(config_is_number("+1"));
	assert_false(config_is_number("12345"));
	assert_false(config_is_number("+1555x"));
	assert_false(config_is_number("+1555 "));
	assert_false(config_is_number(""));
}

static void jids_are_plausible(void **state)
{
	(void)state;
	assert_true(config_is_bare_jid("alice@example.org"));
	assert_true(config_is_bare_jid("j\xc3\xbcrgen@b\xc3\xbc"
				       "cher.example"));
	assert_true(config_is_bare_jid("a@[2001:db8::1]"));
	static const char *const bad[] = {
		"",      "example.org", "@b",     "a@",   "a@b/c", "a b@c",
		"a@b@c", "a@-b",        "a@b..c", "a@b.", "a<b@c", "a@1.2.3.999"
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(config_is_bare_jid(bad[i]));
}

static void what_needs_a_restart_is_named(void **state)
{
	static const struct {
		const char *text, *what; /* NULL: none */
	} rows[] = {
		{ LEAST, NULL },
		{ LEAST "limits { calls = 7 }\n", NULL },
		{ LEAST "log { level = \"debug\" json = true }\n", NULL },
		{ LEAST "billing { authorise = false }\n", NULL },
		{ LEAST "log { file = \"/tmp/x\" }\n", "log.file" },
		{ LEAST "sandbox = false\n", "sandbox" },
		{ LEAST "billing { url = \"http://127.0.0.1/\" }\n",
		  "billing.url" },
		{ LEAST "media { ice_port = 9999 }\n", "media.ice_port" },
		{ LEAST "trunk \"a\" { proxy = \"sip:192.0.2.1\" }\n",
		  "which trunks there are" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *old = read_well(LEAST);
		struct config *new = read_well(rows[i].text);
		char what[CONFIG_WHAT_CAP] = "";

		assert_true(config_can_become(old, new, what) == !rows[i].what);
		if (rows[i].what)
			assert_string_equal(what, rows[i].what);
		config_free(old);
		config_free(new);
	}
}

static void days_and_times_are_written_as_they_are_read(void **state)
{
	static const struct {
		const char *said, *written;
	} rows[] = {
		{ "mon-sun", "mon-sun" },
		{ "MON , wed-thu", "mon,wed,thu" },
		{ "sat-mon", "mon,sat,sun" },
		{ "mon,tue,wed,fri-sun", "mon-wed,fri-sun" },
		{ "sun", "sun" },
		{ "mon,wed,fri,sun", "mon,wed,fri,sun" },
		{ "mon,tue,thu,fri,sun", "mon,tue,thu,fri,sun" },
	};
	uint16_t from, until;
	uint8_t days, again;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(config_parse_days(&days, rows[i].said));
		assert_string_equal(config_format_days(days).s,
				    rows[i].written);
		assert_true(config_parse_days(&again, rows[i].written));
		assert_int_equal(again, days);
	}
	for (unsigned all = 1; all < 1u << 7; all++) {
		assert_true(config_parse_days(
			&again, config_format_days((uint8_t)all).s));
		assert_int_equal(again, all);
	}
	assert_string_equal(config_format_days(0).s, "");
	assert_true(config_parse_hours(&from, &until, "08:05-24:00"));
	assert_string_equal(config_format_time(from).s, "08:05");
	assert_string_equal(config_format_time(until).s, "24:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(everything_given_is_understood),
		cmocka_unit_test(who_may_call_what_is_understood),
		cmocka_unit_test(what_is_printed_is_read_as_the_same),
		cmocka_unit_test(one_trunk_is_the_trunk_of_every_number),
		cmocka_unit_test(
			secrets_come_from_files_that_not_everybody_reads),
		cmocka_unit_test(the_shipped_example_is_well),
		cmocka_unit_test(numbers_are_found_by_what_they_have),
		cmocka_unit_test(the_only_trunk_is_every_numbers),
		cmocka_unit_test(numbers_are_e164),
		cmocka_unit_test(jids_are_plausible),
		cmocka_unit_test(days_and_times_are_written_as_they_are_read),
		cmocka_unit_test(what_needs_a_restart_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
