/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/trunk_host.h"

#include <string.h>

#include "sip/uri.h"
#include "tests/unit/gateway/config_rig.h"
#include "tests/unit/gateway/no_accounts.h"

#define ALICE "alice@example.org"
#define BOB   "bob@example.org"
#define CAROL "carol@example.org"
#define DORA  "dora@example.org"

static const char text[] =
	"xmpp { domain = \"tel.example.org\" secret = \"s\" }\n"
	"trunk \"line1\" { proxy = \"sip:carrier.example\" }\n"
	"trunk \"line2\" { proxy = \"sip:carrier.example\" }\n"
	"trunk \"office\" { proxy = \"sip:pbx.example:5080\" }\n"
	"trunk \"lab\" { proxy = \"sip:PBX.example:5090\""
	" from_domain = \"lab.example\" }\n"
	"trunk \"hall\" { proxy = \"sip:pbx.example;transport=tcp\" }\n"
	"trunk \"pbx.example\" { proxy = \"sip:192.0.2.9\" }\n"
	"trunk \"gate\" { proxy = \"sip:gate.example\" }\n"
	"trunk \"gate-tcp\" { proxy = \"sip:gate.example;transport=tcp\" }\n"
	"trunk \"gate-tls\" { proxy = \"sips:gate.example\" }\n"
	"number \"+15550000001\" { owner = \"" ALICE "\" trunk = \"line1\" }\n"
	"number \"+15550000002\" { owner = \"" BOB "\" trunk = \"line2\" }\n"
	"number \"+15550000003\" { owner = \"" CAROL "\" trunk = \"lab\" }\n";

static int set_up(void **state)
{
	(void)state;
	configure(text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config = config_free(config);
	return 0;
}

/* @name NULL: none. */
static void expect(const char *account, const char *address, const char *name)
{
	const struct config_trunk *trunk;
	struct sip_uri uri;

	assert_int_equal(sip_uri_parse(&uri, slice_of(address)), 0);
	trunk = trunk_host_find(&gateway, account, &uri);
	if (name)
		assert_non_null(trunk);
	else
		assert_null(trunk);
	if (trunk)
		assert_string_equal(trunk->name, name);
}

static void of_two_lines_of_a_carrier_ones_own_is_meant(void **state)
{
	(void)state;
	expect(ALICE, "sip:x@carrier.example", "line1");
	expect(BOB, "sip:x@Carrier.Example", "line2");
	expect(DORA, "sip:x@carrier.example", "line1");
	expect(BOB, "sip:x@carrier.example:5060", "line2");
	expect(BOB, "sip:x@carrier.example:5070", NULL);
}

static void a_port_is_that_servers(void **state)
{
	(void)state;
	expect(DORA, "sip:x@pbx.example:5080", "office");
	expect(DORA, "sip:x@pbx.example:5090", "lab");
	expect(CAROL, "sip:x@pbx.example:5080", "office");
	expect(DORA, "sip:x@pbx.example:5060", "hall");
}

static void a_transport_decides_between_equals(void **state)
{
	(void)state;
	expect(DORA, "sip:x@gate.example", "gate");
	expect(DORA, "sip:x@gate.example;transport=tcp", "gate-tcp");
	expect(DORA, "sip:x@gate.example;transport=tls", "gate-tls");
	expect(DORA, "sip:x@gate.example:5061;transport=tls", "gate-tls");
}

static void a_trunks_own_name_goes_before_hosts(void **state)
{
	(void)state;
	expect(CAROL, "sip:x@pbx.example", "pbx.example");
	expect(DORA, "sip:x@LAB", "lab");
	expect(DORA, "sip:x@lab:5090", NULL);
}

static void a_domain_of_callers_is_at_every_port(void **state)
{
	(void)state;
	expect(DORA, "sip:x@lab.example", "lab");
	expect(DORA, "sip:x@lab.example:7000", "lab");
	expect(DORA, "sip:x@nobody.example", NULL);
}

#define HOST_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(of_two_lines_of_a_carrier_ones_own_is_meant),
		HOST_TEST(a_port_is_that_servers),
		HOST_TEST(a_transport_decides_between_equals),
		HOST_TEST(a_trunks_own_name_goes_before_hosts),
		HOST_TEST(a_domain_of_callers_is_at_every_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
