/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/addr.h"
#include "tests/test.h"

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static void text_and_back_is_the_same(void **state)
{
	(void)state;
	static const char *const texts[] = { "192.0.2.1:5060",
					     "[2001:db8::1]:65535",
					     "0.0.0.0:0" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr a = parsed(texts[i]);
		assert_string_equal(addr_text(&a).s, texts[i]);
	}
}

static void a_mapped_address_is_its_v4_address(void **state)
{
	(void)state;
	struct addr mapped = parsed("[::ffff:127.0.0.1]:5");
	struct addr plain = parsed("127.0.0.1:5");

	assert_true(addr_equal(&mapped, &plain));
	assert_int_equal(addr_classify(&mapped), ADDR_LOOPBACK);
}

static void malformed_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",          "192.0.2.1",  "::1:5", "192.0.2.1:65536",
		"a:1",       "192.0.2.1:", "[::1]", "1.2.3.4:-1",
		"1.2.3.4 :5"
	};
	struct addr a;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_not_equal(addr_parse_port(&a, slice_of(texts[i])),
				     0);
}

static void classes_are_those_of_the_registries(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum addr_class expected;
	} rows[] = {
		{ "0.0.0.0:1", ADDR_UNSPECIFIED },
		{ "[::]:1", ADDR_UNSPECIFIED },
		{ "224.0.0.1:1", ADDR_MULTICAST },
		{ "255.255.255.255:1", ADDR_MULTICAST },
		{ "[ff02::1]:1", ADDR_MULTICAST },
		{ "169.254.1.1:1", ADDR_LINK_LOCAL },
		{ "[fe80::1]:1", ADDR_LINK_LOCAL },
		{ "172.16.0.1:1", ADDR_PRIVATE },
		{ "172.31.255.255:1", ADDR_PRIVATE },
		{ "172.32.0.1:1", ADDR_PUBLIC },
		{ "100.64.0.1:1", ADDR_PRIVATE },
		{ "[fd00::1]:1", ADDR_PRIVATE },
		{ "8.8.8.8:1", ADDR_PUBLIC },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a = parsed(rows[i].text);
		assert_int_equal(addr_classify(&a), rows[i].expected);
	}
}

static bool in_net(const char *net_text, const char *ip)
{
	struct addr_net net;
	struct addr a;

	assert_int_equal(addr_net_parse(&net, slice_of(net_text)), 0);
	assert_int_equal(addr_parse(&a, slice_of(ip), 9), 0);
	return addr_net_has(&net, &a);
}

static void networks_hold_their_addresses(void **state)
{
	(void)state;
	assert_true(in_net("192.0.2.0/24", "192.0.2.255"));
	assert_false(in_net("192.0.2.0/24", "192.0.3.0"));
	assert_true(in_net("192.0.2.128/25", "192.0.2.130"));
	assert_false(in_net("192.0.2.128/25", "192.0.2.127"));
	assert_true(in_net("192.0.2.7", "192.0.2.7"));
	assert_true(in_net("0.0.0.0/0", "198.51.100.1"));
	assert_false(in_net("0.0.0.0/0", "2001:db8::1"));
	assert_true(in_net("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(in_net("2001:db8::/33", "2001:db8:8000::1"));
}

static void malformed_networks_are_refused(void **state)
{
	(void)state;
	struct addr_net net;

	assert_int_not_equal(addr_net_parse(&net, slice_of("1.2.3.4/33")), 0);
	assert_int_not_equal(addr_net_parse(&net, slice_of("1.2.3.4/")), 0);
	assert_int_not_equal(addr_net_parse(&net, slice_of("host/8")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_back_is_the_same),
		cmocka_unit_test(a_mapped_address_is_its_v4_address),
		cmocka_unit_test(malformed_addresses_are_refused),
		cmocka_unit_test(classes_are_those_of_the_registries),
		cmocka_unit_test(networks_hold_their_addresses),
		cmocka_unit_test(malformed_networks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
