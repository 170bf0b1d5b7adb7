/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/registration.h"

#include <stdio.h>
#include <string.h>

#include "gateway/admin/audit.h"
#include "gateway/admin/people.h"
#include "gateway/route/quotas.h"
#include "gateway/route/toll.h"
#include "gateway/service/service.h"
#include "tests/unit/gateway/config_rig.h"
#include "tests/unit/gateway/no_accounts.h"
#include "tests/unit/gateway/no_calls.h"
#include "xmpp/stanza.h"

#define DOMAIN "tel.example.org"
#define ALICE  "alice@example.org"
#define NUMBER "+15557654331"

static const char text[] =
	"xmpp { domain = \"" DOMAIN "\" secret = \"s\" }\n"
	"limits { calls_per_minute = 3 }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\" }\n"
	"registration { domain = \"example.org\" numbers = { \"" NUMBER "\" }\n"
	"  trunk = \"carrier\" }\n";

/* ---- what it asks of others ---- */

void quotas_of(struct config_quota *out, const struct gateway *of,
	       enum quota_kind kind, const char *name)
{
	(void)kind;
	(void)name;
	*out = of->config->limits.account;
}

const struct config_quota *quotas_given(const struct gateway *of,
					enum quota_kind kind, const char *name,
					bool *withhold)
{
	(void)of;
	(void)kind;
	(void)name;
	*withhold = false;
	return NULL;
}

int account_own(struct account_store *store, const char *number,
		const char *trunk, const char *owner)
{
	(void)store;
	(void)number;
	(void)trunk;
	(void)owner;
	return 0;
}

int account_drop(struct account_store *store, const char *jid)
{
	(void)store;
	(void)jid;
	return 0;
}

void people_forget(struct gateway *of, const char *jid)
{
	(void)of;
	(void)jid;
}

void audit_add(struct gateway *of, const struct actor *actor, const char *node,
	       const char *object, const char *before, const char *after)
{
	(void)of;
	(void)actor;
	(void)node;
	(void)object;
	(void)before;
	(void)after;
}

/* ---- */

static int set_up(void **state)
{
	(void)state;
	configure(text);
	return registration_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	registration_free(&gateway);
	config = config_free(config);
	return 0;
}

/* What @account is told who wants the number; NULL: that it is his. */
static const char *take(const char *account)
{
	static char condition[64];
	AUTO(stanza_freep) struct stanza *iq = NULL, *reply = NULL;
	struct service_query query = { .gateway = &gateway,
				       .set = true,
				       .account = account };

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", "set");
	stanza_set(iq, "id", "i1");
	stanza_set(iq, "from", account);
	stanza_set(iq, "to", DOMAIN);
	struct stanza *asked = stanza_child(iq, "query", NS_REGISTER);
	stanza_child_text(asked, "phone", NULL, NUMBER);
	assert_true(stanza_ok(iq));
	query.iq = iq;
	query.payload = asked;
	assert_int_equal(registration_answer(&reply, &query), 0);
	if (!strcmp(stanza_attr(reply, "type"), "result"))
		return NULL;
	snprintf(condition, sizeof(condition), "%s",
		 stanza_error_condition(reply));
	return condition;
}

static void nobody_tries_more_often_than_he_may_call(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_null(take(ALICE));
	assert_string_equal(take(ALICE), "resource-constraint");
	assert_null(take("bob@example.org"));
}

/* One who has many names at his server. */
static void made_up_names_shut_nobody_out(void **state)
{
	char name[64];

	(void)state;
	for (int i = 0; i < 3 * REGISTRATION_MAX; i++) {
		snprintf(name, sizeof(name), "u%d@example.org", i);
		assert_null(take(name));
	}
	assert_null(take(ALICE));
}

#define REGISTRATION_TEST(f) \
	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REGISTRATION_TEST(nobody_tries_more_often_than_he_may_call),
		REGISTRATION_TEST(made_up_names_shut_nobody_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
