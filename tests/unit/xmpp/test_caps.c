/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/caps.h"

#include "tests/fail_alloc.h"
#include "tests/test.h"

#define LIST(list) (list), sizeof(list) / sizeof(*(list))

/* Out of order: sorting is the hash's work. */
static const char *const features[] = {
	"http://jabber.org/protocol/muc",
	"http://jabber.org/protocol/disco#items",
	"http://jabber.org/protocol/caps",
	"http://jabber.org/protocol/disco#info",
};

static void the_simple_example_of_xep_0115_has_its_hash(void **state)
{
	(void)state;
	static const struct caps_identity identities[] = {
		{ "client", "pc", NULL, "Exodus 0.9.1" },
	};
	const struct caps_info info = { LIST(identities), LIST(features), NULL,
					0 };
	char hash[CAPS_HASH_CAP];

	assert_int_equal(caps_hash(hash, &info), 0);
	assert_string_equal(hash, "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

static const struct caps_identity psi[] = {
	{ "client", "pc", "en", "Psi 0.11" },
	{ "client", "pc", "el", "\xce\xa8 0.11" },
};
static const char *const ip[] = { "ipv6", "ipv4" };
static const char *const os[] = { "Mac" };
static const char *const os_version[] = { "10.5.1" };
static const char *const software[] = { "Psi" };
static const char *const version[] = { "0.11" };
static const struct caps_field fields[] = {
	{ "os", LIST(os) },
	{ "ip_version", LIST(ip) },
	{ "software_version", LIST(version) },
	{ "os_version", LIST(os_version) },
	{ "software", LIST(software) },
};
static const struct caps_form forms[] = {
	{ "urn:xmpp:dataforms:softwareinfo", LIST(fields) },
};
static const struct caps_info complex_info = { LIST(psi), LIST(features),
					       LIST(forms) };

static void the_complex_example_of_xep_0115_has_its_hash(void **state)
{
	(void)state;
	char hash[CAPS_HASH_CAP];

	assert_int_equal(caps_hash(hash, &complex_info), 0);
	assert_string_equal(hash, "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	char hash[CAPS_HASH_CAP];
	int r;

	FAIL_EACH_ALLOCATION(r, caps_hash(hash, &complex_info))
	assert_string_equal(hash, "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_simple_example_of_xep_0115_has_its_hash),
		cmocka_unit_test(the_complex_example_of_xep_0115_has_its_hash),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
