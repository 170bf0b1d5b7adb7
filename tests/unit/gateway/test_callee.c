/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who rings for a number: what the hunt calls, in its order.
 */
#include "gateway/call/callee.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/setting.h"
#include "gateway/call/missed.h"
#include "gateway/call/policy.h"
#include "gateway/call/trunk_hunt.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_echo.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/route.h"
#include "tests/test.h"
#define OWN_ACCOUNT_FIND
#include "tests/unit/gateway/no_accounts.h"

static const char text[] =
	"xmpp { domain = \"tel.example.org\" secret = \"s\" }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\" }\n"
	"number \"+15550000001\" {\n"
	" owner = { \"alice@x.org\", \"bob@x.org\", \"carol@x.org\" } }\n"
	"number \"+15550000002\" { ring = \"order\" ring_s = 7\n"
	" owner = { \"alice@x.org\", \"bob@x.org\", \"carol@x.org\" } }\n"
	"number \"+15550000003\" { owner = \"dora@x.org\"\n"
	" second_call = \"forward\" forward = \"+15550000002\" }\n";

/* ---- legs: what is called ---- */

static char called[500];

static void note(const char *what)
{
	size_t n = strlen(called);

	snprintf(called + n, sizeof(called) - n, "%s%s", n ? " " : "", what);
}

static void expect(const char *what)
{
	assert_string_equal(called, what);
	called[0] = '\0';
}

static struct leg *fake_free(struct leg *leg)
{
	free(leg);
	return NULL;
}

static const struct leg_ops fake_ops = { .name = "fake", .free = fake_free };

static int new_leg(struct leg **out)
{
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	(*out)->ops = &fake_ops;
	return 0;
}

int leg_xmpp_new_callee(struct leg **out, struct gateway *gateway,
			const struct leg_xmpp_callees *callees)
{
	(void)gateway;
	for (size_t i = 0; i < callees->naccounts; i++) {
		char who[64];

		snprintf(who, sizeof(who), "%.*s%s",
			 (int)strcspn(callees->accounts[i], "@"),
			 callees->accounts[i],
			 i + 1 < callees->naccounts ? "+" : "");
		note(who);
	}
	if (callees->nick)
		note(callees->nick);
	return new_leg(out);
}

static int call_trunk(struct leg **out, struct gateway *gateway, void *arg)
{
	(void)gateway;
	note(arg);
	return new_leg(out);
}

static char trunk_number[ROUTE_USER_CAP];

int trunk_hunt_add(struct hunt *to, const struct route *route,
		   enum account_early early)
{
	(void)early;
	snprintf(trunk_number, sizeof(trunk_number), "%s", route->to);
	return hunt_add(to, &(struct hunt_target){ .name = "carrier",
						   .trunk = "carrier",
						   .new_leg = call_trunk,
						   .arg = trunk_number });
}

int leg_echo_new(struct leg **out)
{
	note("echo");
	return new_leg(out);
}

/* ---- accounts and their calls ---- */

static struct account accounts[2]; /* set by an administrator */
static const char *busy[2];
static unsigned busy_calls;

const struct account *account_find(const struct account_store *store,
				   const char *jid)
{
	(void)store;
	for (size_t i = 0; i < 2; i++)
		if (accounts[i].jid && !strcmp(accounts[i].jid, jid))
			return &accounts[i];
	return NULL;
}

unsigned leg_xmpp_calls_of(const struct gateway *gateway, const char *account)
{
	(void)gateway;
	for (size_t i = 0; i < 2; i++)
		if (busy[i] && !strcmp(busy[i], account))
			return busy_calls;
	return 0;
}

static const char *targets; /* who rings with dora@x.org; NULL: nobody */

const char *setting_get(const struct setting_store *store,
			enum setting_kind kind, const char *subject,
			const char *name)
{
	(void)store;
	(void)kind;
	return targets && !strcmp(subject, "dora@x.org") &&
			       !strcmp(name, SETTING_TARGETS)
		       ? targets
		       : "";
}

static const char *deaf; /* who does not hear +15551 */

bool blocks_has(const struct gateway *gateway, const char *account,
		const char *party)
{
	(void)gateway;
	assert_string_equal(party, "+15551");
	return deaf && !strcmp(deaf, account);
}

void missed_tell(struct gateway *gateway, const struct missed_call *missed)
{
	(void)gateway;
	assert_int_equal(missed->cause, CAUSE_BUSY);
	note("missed");
	note(missed->account);
}

enum limit limits_at_once(struct gateway *gateway, enum quota_kind kind,
			  const char *name)
{
	(void)kind;
	return leg_xmpp_calls_of(gateway, name) >= 3 ? LIMIT_CALLS : LIMIT_NONE;
}

enum limit limits_check(struct gateway *gateway, enum quota_kind kind,
			const char *name, const char *to, unsigned flags)
{
	(void)to;
	(void)flags;
	return limits_at_once(gateway, kind, name);
}

const char *limit_name(enum limit limit)
{
	(void)limit;
	return "calls";
}

static struct config *config;

int route_forward(struct route *out, struct gateway *gateway,
		  const char *account, const char *local)
{
	(void)gateway;
	(void)account;
	memset(out, 0, sizeof(*out));
	out->kind =
		config_find_number(config, local) ? ROUTE_ACCOUNT : ROUTE_TRUNK;
	out->trunk_config = &config->trunks[0];
	if (!strcmp(local, "+112"))
		return ROUTE_E_EMERGENCY;
	snprintf(out->to, sizeof(out->to), "%s", local);
	return 0;
}

/* ---- */

static struct gateway gateway;
static struct hunt *hunt;
static enum cause why;

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static int set_up(void **state)
{
	(void)state;
	called[0] = '\0';
	memset(accounts, 0, sizeof(accounts));
	busy[0] = busy[1] = NULL;
	busy_calls = 1;
	deaf = targets = NULL;
	if (config_parse(&config, "test", slice_of(text), on_mistake, NULL))
		return -1;
	gateway =
		(struct gateway){ .config = config, .base = event_base_new() };
	return hunt_new(&hunt, &gateway);
}

static int tear_down(void **state)
{
	(void)state;
	hunt = hunt_free(hunt);
	config = config_free(config);
	event_base_free(gateway.base);
	return 0;
}

static int add(const char *number, const char *name)
{
	struct number found;

	assert_true(number_find(&found, &gateway, number));
	return callee_add_number(
		hunt, &gateway, &found,
		&(struct callee_caller){ .jid = "+15551@tel.example.org/sip",
					 .name = name,
					 .number = number },
		&why);
}

/* All that the hunt calls when nobody answers. */
static void call_all(void)
{
	struct leg *leg;

	while (!hunt_next(hunt, &leg)) {
		char ring[16];
		unsigned ms = hunt_now(hunt)->ring_ms;

		snprintf(ring, sizeof(ring), "%us", ms / 1000);
		if (ms)
			note(ring);
		leg->ops->free(leg);
	}
}

/* A caller called @name (NULL: not known) to @number, heard by nobody. */
static void rings(const char *number, const char *name, const char *whom)
{
	hunt = hunt_free(hunt);
	assert_int_equal(hunt_new(&hunt, &gateway), 0);
	assert_int_equal(add(number, name), 0);
	call_all();
	expect(whom);
}

static struct account refuses_a_second_call(const char *jid)
{
	return (struct account){ .jid = jid,
				 .enabled = true,
				 .forward = "",
				 .second_call = ACCOUNT_SECOND_BUSY };
}

static void owners_ring_at_once(void **state)
{
	(void)state;
	rings("+15550000001", NULL,
	      "alice+ bob+ carol +15551 (to +15550000001)");
}

static void owners_ring_one_after_the_other(void **state)
{
	(void)state;
	rings("+15550000002", "Zoe",
	      "alice Zoe (to +15550000002) 7s bob Zoe (to +15550000002) 7s "
	      "carol Zoe (to +15550000002)");
}

static void with_one_number_the_name_alone_is_shown(void **state)
{
	(void)state;
	rings("+15550000003", "Zoe", "dora Zoe");
}

static void a_busy_account_is_left_out(void **state)
{
	(void)state;
	busy[0] = "bob@x.org";
	accounts[0] = refuses_a_second_call("bob@x.org");
	rings("+15550000001", NULL, "alice+ carol +15551 (to +15550000001)");
}

static void who_blocks_the_caller_does_not_ring_nor_forward(void **state)
{
	(void)state;
	deaf = "bob@x.org";
	assert_int_equal(add("+15550000001", NULL), 0);
	call_all();
	expect("alice+ carol +15551 (to +15550000001)");
	hunt_free(hunt);
	assert_int_equal(hunt_new(&hunt, &gateway), 0);
	deaf = busy[0] = "dora@x.org";
	assert_int_equal(add("+15550000003", NULL), CALLEE_E_NOBODY);
	assert_int_equal(why, CAUSE_UNREACHABLE);
	expect("");
}

static void in_order_busy_ends_and_next_goes_on(void **state)
{
	(void)state;
	busy[0] = "bob@x.org";
	accounts[0] = refuses_a_second_call("bob@x.org");
	rings("+15550000002", NULL, "alice +15551 (to +15550000002) 7s");
	accounts[0].second_call = ACCOUNT_SECOND_NEXT;
	rings("+15550000002", NULL,
	      "alice +15551 (to +15550000002) 7s carol +15551 (to "
	      "+15550000002)");
}

static void the_limit_of_calls_is_busy(void **state)
{
	(void)state;
	busy[0] = "alice@x.org";
	busy_calls = 2;
	rings("+15550000001", NULL,
	      "alice+ bob+ carol +15551 (to +15550000001)");
	busy_calls = 3;
	rings("+15550000001", NULL, "bob+ carol +15551 (to +15550000001)");
}

static void a_second_call_is_forwarded(void **state)
{
	(void)state;
	busy[0] = "dora@x.org";
	rings("+15550000003", NULL,
	      "alice +15551 (to +15550000003) 7s bob +15551 (to +15550000003) "
	      "7s carol +15551 (to +15550000003)");
	accounts[0] = (struct account){ .jid = "dora@x.org",
					.enabled = true,
					.forward = "+19990001111" };
	rings("+15550000003", NULL, "+19990001111");
	accounts[0].forward = "erin@y.org";
	rings("+15550000003", NULL, "erin");
}

/* As the address of a number, or of a user of a trunk, in whatever spelling. */
static void a_call_is_forwarded_to_a_telephone_by_its_address(void **state)
{
	static const char *const rows[][2] = {
		{ "+19990001111@tel.example.org", "+19990001111" },
		{ "+19990001111@TEL.example.org", "+19990001111" },
		{ "sip:+19990001111@192.0.2.1", "+19990001111" },
		{ "sip:+19990001111@tel.example.org", "+19990001111" },
		{ "sip:reception@pbx", "reception\\40pbx" },
		{ "reception\\40pbx@tel.example.org", "reception\\40pbx" },
	};

	(void)state;
	busy[0] = "dora@x.org";
	accounts[0] = (struct account){ .jid = "dora@x.org", .enabled = true };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		accounts[0].forward = rows[i][0];
		rings("+15550000003", NULL, rows[i][1]);
	}
}

static void nobody_is_forwarded_to_emergency(void **state)
{
	(void)state;
	busy[0] = "dora@x.org";
	accounts[0] = (struct account){ .jid = "dora@x.org",
					.enabled = true,
					.forward = "+112" };
	assert_int_equal(add("+15550000003", NULL), CALLEE_E_NOBODY);
	assert_int_equal(why, CAUSE_BUSY);
}

/* A telephone of ours would be called by ourselves. */
static void accounts_alone_ring_as_well(void **state)
{
	(void)state;
	targets = "erin@y.org +19990001111@tel.example.org bob@x.org";
	rings("+15550000003", NULL, "dora+ erin+ bob +15551 (to +15550000003)");
}

static void two_that_forward_to_each_other_end(void **state)
{
	(void)state;
	busy[0] = "dora@x.org";
	accounts[0] = (struct account){ .jid = "dora@x.org",
					.enabled = true,
					.forward = "+15550000003" };
	assert_int_equal(add("+15550000003", NULL), CALLEE_E_NOBODY);
	assert_int_equal(why, CAUSE_BUSY);
	expect("missed dora@x.org");
}

static void when_nobody_can_be_called_the_cause_is_told(void **state)
{
	(void)state;
	busy[0] = "dora@x.org";
	accounts[0] = refuses_a_second_call("dora@x.org");
	assert_int_equal(add("+15550000003", NULL), CALLEE_E_NOBODY);
	assert_int_equal(why, CAUSE_BUSY);
	expect("missed dora@x.org");
	busy[0] = NULL;
	accounts[0].enabled = false;
	assert_int_equal(add("+15550000003", NULL), CALLEE_E_NOBODY);
	assert_int_equal(why, CAUSE_UNREACHABLE);
}

static void policies_have_their_order(void **state)
{
	(void)state;
	struct policy policy;

	policy_of(&policy, &gateway, "nobody@x.org", NULL);
	assert_int_equal(policy.second_call, ACCOUNT_SECOND_RING);
	assert_true(policy.chat_digits);
	policy_of(&policy, &gateway, "dora@x.org", NULL);
	assert_int_equal(policy.second_call, ACCOUNT_SECOND_FORWARD);
	accounts[0] = (struct account){ .jid = "dora@x.org",
					.enabled = true,
					.forward = "",
					.chat_digits = ACCOUNT_OFF };
	policy_of(&policy, &gateway, "dora@x.org", NULL);
	assert_int_equal(policy.second_call, ACCOUNT_SECOND_FORWARD);
	assert_string_equal(policy.forward, "+15550000002");
	assert_false(policy.chat_digits);
}

#define CALLEE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLEE_TEST(owners_ring_at_once),
		CALLEE_TEST(owners_ring_one_after_the_other),
		CALLEE_TEST(with_one_number_the_name_alone_is_shown),
		CALLEE_TEST(a_busy_account_is_left_out),
		CALLEE_TEST(who_blocks_the_caller_does_not_ring_nor_forward),
		CALLEE_TEST(in_order_busy_ends_and_next_goes_on),
		CALLEE_TEST(the_limit_of_calls_is_busy),
		CALLEE_TEST(a_second_call_is_forwarded),
		CALLEE_TEST(a_call_is_forwarded_to_a_telephone_by_its_address),
		CALLEE_TEST(nobody_is_forwarded_to_emergency),
		CALLEE_TEST(accounts_alone_ring_as_well),
		CALLEE_TEST(two_that_forward_to_each_other_end),
		CALLEE_TEST(when_nobody_can_be_called_the_cause_is_told),
		CALLEE_TEST(policies_have_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
