/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which of an INVITE's names is the called one. */
#include "gateway/call/called.h"

#include "gateway/config/config.h"
#include "sip/agent.h"
#include "tests/test.h"

static char username[] = "12345", prefix[] = "777*", contact[] = "c0ntact";
static const struct config_trunk trunk = { .username = username,
					   .contact_user = contact,
					   .called_prefix = prefix };

static void the_right_name_is_found(void **state)
{
	static const struct {
		const char *request, *called, *to, *found;
	} rows[] = {
		{ "+15557654321", "", "+15550001111", "+15557654321" },
		{ "15557654321", "+15550002222", "x", "15557654321" },
		{ "777*+15557654321", "", "x", "777*+15557654321" },
		{ "c0ntact", "", "+15557654321", "+15557654321" },
		/* our Contact: a token, the trunk's name for us, nothing */
		{ "k3jf92hsla", "+15557654321", "x", "+15557654321" },
		{ "k3jf92hsla", "", "+15557654321", "+15557654321" },
		{ "12345", "", "+15557654321", "+15557654321" },
		{ "", "", "15557654321", "15557654321" },
		/* a number of somebody else's is not made ours by To */
		{ "+15550009999", "", "+15557654321", "+15550009999" },
		{ "frob", "", "", "frob" },
		{ "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sip_invite invite = {
			.request_user = rows[i].request,
			.called_user = rows[i].called,
			.to_user = rows[i].to,
		};

		assert_string_equal(called_user(&trunk, &invite),
				    rows[i].found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_name_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
