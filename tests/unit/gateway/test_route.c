/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/route.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <string.h>

#include "db/account.h"
#include "gateway/base/clock.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/trunks.h"
#include "sip/trunk.h"
#include "tests/test.h"
#include "xmpp/jid.h"

static const char text[] =
	"xmpp { domain = \"tel.example.org\" secret = \"s\" }\n"
	"limits { calls_per_account = 2 calls_per_minute = 5\n"
	"  minutes_per_day = 10 echo_calls = 2 }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\"\n"
	"  allow = { \"192.0.2.0/24\" } rewrite_out = { \"+=>00\" }\n"
	"  rewrite_out_caller = { \"+=>\" } rewrite_in = { \"0=>+1\" }\n"
	"  rewrite_in_caller = { \"00=>+\", \"0=>+49\" }\n"
	"  short_codes = { \"411\", \"*98\" } refuse = { \"anonymous\",\n"
	"  \"TN-Validation-Failed\" } }\n"
	"trunk \"pbx\" { proxy = \"sip:198.51.100.1\""
	" allow = { \"198.51.100.1\" } calls = 2 trust_identity = false }\n"
	"trunk \"backup\" { proxy = \"sip:203.0.113.9\" calls_per_minute = 2"
	" allow = { \"203.0.113.9\" } deny_prefixes = { \"+47\" }"
	" token = \"X-Trunk: backup\" }\n"
	"trunk \"beside\" { proxy = \"sip:203.0.113.9\""
	" allow = { \"203.0.113.9\" } called_prefix = \"77*\" }\n"
	"route \"abroad\" { prefixes = { \"+4\" }"
	" trunks = { \"pbx\", \"backup\", \"carrier\" } }\n"
	"number \"+15557654321\" { owner = \"alice@example.org\""
	" trunk = \"carrier\" display = \"Alice\" withhold = true }\n"
	"number \"+15550000001\" { owner = \"bob@example.org\""
	" trunk = \"pbx\" }\n";

/* ---- what routing asks of others ---- */

enum { NTRUNKS = 4 };

static struct gateway gateway;
static struct sip_trunk *trunks[NTRUNKS];
static struct config *config;
static const char *down;        /* the trunk that is, or NULL */
static struct usage_row stored; /* the last */

bool sip_trunk_allows(const struct sip_trunk *trunk, const struct addr *source)
{
	const struct config_trunk *of = (const struct config_trunk *)trunk;

	return addr_net_has(&of->allow[0], source);
}

const char *sip_trunk_name(const struct sip_trunk *trunk)
{
	return ((const struct config_trunk *)trunk)->name;
}

enum sip_trunk_state sip_trunk_state(const struct sip_trunk *trunk)
{
	return down && !strcmp(down, sip_trunk_name(trunk)) ? SIP_TRUNK_DOWN
							    : SIP_TRUNK_UP;
}

bool trunks_is_drained(const struct gateway *of, const char *name)
{
	(void)of;
	(void)name;
	return false;
}

struct sip_trunk *trunks_find(const struct gateway *of, const char *name)
{
	for (size_t i = 0; i < of->ntrunks; i++) {
		if (!strcmp(sip_trunk_name(of->trunks[i]), name))
			return of->trunks[i];
	}
	return NULL;
}

static const struct account_number added = { .number = "+15559999999",
					     .trunk = "pbx",
					     .owners = { "carol@example.org" },
					     .nowners = 1 };

unsigned leg_xmpp_calls_of(const struct gateway *of, const char *account)
{
	const struct call *call;
	unsigned n = 0;

	LIST_FOREACH(call, &of->calls, link)
	n += jid_same_bare(call->account, account);
	return n;
}

const struct account_number *account_find_number(
	const struct account_store *store, const char *number)
{
	(void)store;
	return strcmp(number, added.number) ? NULL : &added;
}

void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	(void)store;
	if (!strcmp(owner, added.owners[0]))
		fn(&added, arg);
}

const struct account *account_find(const struct account_store *store,
				   const char *jid)
{
	static const struct account disabled = { .jid = "eve@example.org" };

	(void)store;
	return strcmp(jid, disabled.jid) ? NULL : &disabled;
}

int quota_load_all(struct db *db, quota_fn fn, void *arg)
{
	(void)db;
	fn(&(struct quota_row){ .kind = QUOTA_ACCOUNT,
				.name = "frank@example.org",
				.calls_per_minute = 1,
				.allow = "+1 +44",
				.deny = "+1555",
				.withhold = true },
	   arg);
	return 0;
}

int usage_load_all(struct db *db, usage_fn fn, void *arg)
{
	(void)db;
	(void)fn;
	(void)arg;
	return 0;
}

int quota_put(struct db *db, const struct quota_row *row, db_done_fn done,
	      void *arg)
{
	(void)db;
	(void)row;
	(void)done;
	(void)arg;
	return 0;
}

int quota_drop(struct db *db, enum quota_kind kind, const char *name,
	       db_done_fn done, void *arg)
{
	(void)db;
	(void)kind;
	(void)name;
	(void)done;
	(void)arg;
	return 0;
}

int usage_put(struct db *db, const struct usage_row *row, db_done_fn done,
	      void *arg)
{
	(void)db;
	(void)done;
	(void)arg;
	stored = *row;
	return 0;
}

/* ---- */

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static int set_up(void **state)
{
	(void)state;
	if (config_parse(&config, "test", slice_of(text), on_mistake, NULL))
		return -1;
	for (size_t i = 0; i < NTRUNKS; i++)
		trunks[i] = (struct sip_trunk *)&config->trunks[i];
	gateway = (struct gateway){ .config = config,
				    .accounts = (struct account_store *)&added,
				    .trunks = trunks,
				    .ntrunks = NTRUNKS };
	LIST_INIT(&gateway.calls);
	down = NULL;
	return limits_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	limits_free(&gateway);
	config = config_free(config);
	return 0;
}

/* What a trunk sends: for @user, from @from, with more headers. */
struct brought {
	const char *source, *user, *to, *from, *headers;
};

static int bring(struct route *route, struct origin *origin,
		 const struct brought *b)
{
	struct sip_identity identity;
	struct sip_invite invite = {
		.request_user = b->user ? b->user : "",
		.called_user = "",
		.to_user = b->to ? b->to : "",
		.identity = &identity,
	};
	char message[2048];
	int n = snprintf(message, sizeof(message),
			 "INVITE sip:1@x SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
			 "From: %s;tag=1\r\nTo: <sip:1@x>\r\nCall-ID: 1\r\n"
			 "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
			 b->from ? b->from : "<sip:+15551112222@x>",
			 b->headers ? b->headers : "");
	msg_t *msg = msg_make(sip_default_mclass(), 0, message, n);

	assert_int_equal(
		addr_parse(&invite.source.addr,
			   slice_of(b->source ? b->source : "192.0.2.7"), 5060),
		0);
	invite.message = sip_object(msg);
	sip_identity_read(&identity, invite.message);
	int r = route_from_trunk(route, origin, &gateway, &invite);
	msg_destroy(msg);
	return r;
}

static int call(struct route *route, const char *account, const char *local)
{
	return route_from_account(route, &gateway, account, local);
}

static void an_account_calls_from_its_own_number(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "+15551234567"),
			 0);
	assert_int_equal(route.kind, ROUTE_TRUNK);
	assert_string_equal(route.from, "+15557654321");
	assert_string_equal(route.to, "+15551234567");
	assert_string_equal(route.trunk_config->name, "carrier");
	assert_ptr_equal(route.trunk, trunks[0]);
}

static void a_number_added_at_run_time_counts_as_well(void **state)
{
	(void)state;
	struct origin origin;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "carol@example.org",
					    "+15551234567"),
			 0);
	assert_string_equal(route.from, "+15559999999");
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15559999999", NULL,
					 NULL, NULL }),
		0);
	assert_string_equal(route.owner, "carol@example.org");
}

/* As the voice side of a text gateway, which writes its users so. */
static void one_call_may_hide_the_number(void **state)
{
	static const char *const dialled[] = { "*67+15551234567",
					       "#31#+15551234567" };
	struct route route;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(call(&route, "bob@example.org", dialled[i]),
				 0);
		assert_string_equal(route.to, "+15551234567");
		assert_true(route.withhold);
	}
	assert_int_equal(call(&route, "bob@example.org", "+15551234567"), 0);
	assert_false(route.withhold);
	/* who is called for help sees who calls */
	assert_int_equal(call(&route, "bob@example.org", "*67911"),
			 ROUTE_E_EMERGENCY);
	assert_int_equal(call(&route, "bob@example.org", "*67"),
			 ROUTE_E_COUNTRY);
}

static void a_number_may_be_said_to_live_here(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "+15551234567\\40Tel.example.org"),
			 0);
	assert_int_equal(route.kind, ROUTE_TRUNK);
	assert_string_equal(route.to, "+15551234567");
	assert_string_equal(route.trunk_config->name, "carrier");
}

static void a_trunk_is_known_by_its_host_too(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "reception\\40192.0.2.1"),
			 0);
	assert_string_equal(route.trunk_config->name, "carrier");
	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "reception\\40198.51.100.1"),
			 ROUTE_E_FORBIDDEN);
}

static void who_owns_no_number_calls_nobody(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "mallory@example.org",
					    "+15551234567"),
			 ROUTE_E_FORBIDDEN);
	assert_int_equal(route_from_account(&route, &gateway,
					    "mallory@example.org", "echo"),
			 0);
	assert_int_equal(route.kind, ROUTE_ECHO);
}

static void our_own_numbers_are_reached_without_a_trunk(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "+15550000001"),
			 0);
	assert_int_equal(route.kind, ROUTE_ACCOUNT);
	assert_string_equal(route.owner, "bob@example.org");
	assert_string_equal(route.from, "+15557654321");
}

static void what_is_no_number_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *local;
		int expected;
	} rows[] = {
		{ "", ROUTE_E_NUMBER },
		{ "15551234567", ROUTE_E_COUNTRY },
		{ "611", ROUTE_E_COUNTRY },
		{ "555-123-4567", ROUTE_E_COUNTRY },
		{ "(555)\\20123-4567", ROUTE_E_COUNTRY },
		{ "tel\\3a+15551234567", ROUTE_E_COUNTRY },
		{ "+1-555-123-4567", ROUTE_E_COUNTRY },
		{ "+1555123456x", ROUTE_E_NUMBER },
		{ "+", ROUTE_E_NUMBER },
		{ "+1234567890123456", ROUTE_E_NUMBER },
		{ "alice", ROUTE_E_NUMBER },
		{ "alice\\40nowhere", ROUTE_E_FORBIDDEN },
		{ "a;b\\40carrier", ROUTE_E_NUMBER },
		{ "a\r\nVia\\40carrier", ROUTE_E_NUMBER },
		{ "\\40carrier", ROUTE_E_NUMBER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route route;
		assert_int_equal(route_from_account(&route, &gateway,
						    "alice@example.org",
						    rows[i].local),
				 rows[i].expected);
		tear_down(NULL); /* the rate */
		set_up(NULL);
	}
}

static void a_trunk_finds_the_owner_as_it_writes_numbers(void **state)
{
	(void)state;
	static const struct brought rows[] = {
		{ .user = "+15557654321" },
		{ .user = "15557654321" },
		{ .user = "05557654321" }, /* rewrite_in */
		{ .user = "+1-555-765-4321" },
		{ .user = "opaque-contact", .to = "+15557654321" },
		{ .user = "", .to = "15557654321" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin origin;
		struct route route;

		assert_int_equal(bring(&route, &origin, &rows[i]), 0);
		assert_int_equal(route.kind, ROUTE_ACCOUNT);
		assert_string_equal(route.owner, "alice@example.org");
		assert_string_equal(route.to, "+15557654321");
		assert_string_equal(route.from, "+15551112222");
	}
}

static void nobodys_number_is_unknown(void **state)
{
	(void)state;
	struct origin origin;
	struct route route;

	assert_int_equal(bring(&route, &origin,
			       &(struct brought){ .user = "+15550009999",
						  .to = "+15550009999" }),
			 ROUTE_E_UNKNOWN);
}

static void trunks_at_one_address_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		struct brought b;
		const char *trunk;
		int expected;
	} rows[] = {
		{ { "203.0.113.9", "+15557654321", NULL, NULL,
		    "x-trunk:  backup \r\n" },
		  "backup",
		  0 },
		{ { "203.0.113.9", "77*+15557654321", NULL, NULL, NULL },
		  "beside",
		  0 },
		{ { "203.0.113.9", "77*+15557654321", NULL, NULL,
		    "X-Trunk: backup\r\n" },
		  "backup",
		  ROUTE_E_UNKNOWN },
		{ { "203.0.113.9", "+15557654321", NULL, NULL,
		    "X-Trunk: backuq\r\n" },
		  NULL,
		  ROUTE_E_STRANGER },
		{ { "203.0.113.9", "+15557654321", NULL, NULL, NULL },
		  NULL,
		  ROUTE_E_STRANGER },
		{ { "203.0.113.10", "+15557654321", NULL, NULL, NULL },
		  NULL,
		  ROUTE_E_STRANGER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin origin;
		struct route route;

		assert_int_equal(bring(&route, &origin, &rows[i].b),
				 rows[i].expected);
		if (rows[i].trunk)
			assert_string_equal(route.trunk_config->name,
					    rows[i].trunk);
	}
}

static void callers_are_written_as_e164(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "<sip:0049301234567@x>", "+49301234567" },
		{ "<sip:030-1234567@x>", "+49301234567" },
		{ "<sip:+1(555)1112222@x>", "+15551112222" },
		{ "<sip:bob@x>", "bob\\40carrier" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin origin;
		struct route route;

		assert_int_equal(
			bring(&route, &origin,
			      &(struct brought){ .user = "+15557654321",
						 .from = rows[i][0] }),
			0);
		assert_string_equal(route.from, rows[i][1]);
	}
}

static void a_trunk_is_believed_or_not(void **state)
{
	(void)state;
	static const char headers[] =
		"P-Asserted-Identity: \"Bob\" <sip:+15553334444"
		";verstat=TN-Validation-Passed@x>\r\n"
		"Diversion: <sip:+15550001@x>;reason=no-answer\r\n";
	struct origin origin;
	struct route route;

	assert_int_equal(bring(&route, &origin,
			       &(struct brought){ .user = "+15557654321",
						  .headers = headers }),
			 0);
	assert_string_equal(route.from, "+15553334444");
	assert_string_equal(origin.display, "Bob");
	assert_string_equal(origin.verstat, "TN-Validation-Passed");
	assert_string_equal(origin.first_called, "+15550001");
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15550000001", NULL,
					 NULL, headers }),
		0);
	assert_string_equal(route.from, "+15551112222");
	assert_string_equal(origin.verstat, "");
	assert_string_equal(origin.first_called, "");
}

static void a_trunks_rules_refuse_callers(void **state)
{
	(void)state;
	struct origin origin;
	struct route route;

	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ .user = "+15557654321",
					 .headers = "Privacy: id\r\n" }),
		ROUTE_E_ANONYMOUS);
	assert_int_equal(bring(&route, &origin,
			       &(struct brought){
				       .user = "+15557654321",
				       .headers = "X-Twilio-VerStat: "
						  "TN-Validation-Failed\r\n" }),
			 ROUTE_E_VERDICT);
	/* another trunk has no such rule */
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15550000001", NULL,
					 NULL, "Privacy: id\r\n" }),
		0);
	assert_string_equal(route.from, "anonymous");
	assert_string_equal(origin.display, "");
}

static void a_source_belongs_to_the_trunk_that_allows_it(void **state)
{
	(void)state;
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of("192.0.2.77"), 5060), 0);
	assert_ptr_equal(route_trunk_of(&gateway, &a), trunks[0]);
	assert_int_equal(addr_parse(&a, slice_of("198.51.100.1"), 5060), 0);
	assert_ptr_equal(route_trunk_of(&gateway, &a), trunks[1]);
	assert_int_equal(addr_parse(&a, slice_of("203.0.113.1"), 5060), 0);
	assert_null(route_trunk_of(&gateway, &a));
}

static void callers_have_plain_addresses(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "+15551234567", "+15551234567" },
		{ "15551234567", "+15551234567" },
		{ "", "anonymous" },
		{ "alice", "alice\\40pbx" },
		{ "100", "100\\40pbx" },
		{ "a b", "anonymous" },
		{ "a\"b", "anonymous" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char local[256];
		assert_int_equal(route_caller_local(local, sizeof(local),
						    rows[i][0], "pbx"),
				 0);
		assert_string_equal(local, rows[i][1]);
	}
}

static void a_sip_user_who_called_can_be_called_back(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway, "bob@example.org",
					    "alice\\40pbx"),
			 0);
	assert_int_equal(route.kind, ROUTE_TRUNK);
	assert_string_equal(route.to, "alice");
	assert_string_equal(route.trunk_config->name, "pbx");
}

/* Of who is called callee.c asks: another owner may take the call. */
static void an_account_has_its_limit_of_calls(void **state)
{
	(void)state;
	static char account[] = "alice@example.org", trunk[] = "carrier";
	struct call calls[2] = { { .account = account, .trunk = trunk },
				 { .account = account, .trunk = trunk } };
	const struct brought b = { .user = "+15557654321" };
	struct origin origin;
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	assert_int_equal(bring(&route, &origin, &b), 0);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(bring(&route, &origin, &b), 0);
	assert_int_equal(
		limits_at_once(&gateway, QUOTA_ACCOUNT, "alice@example.org"),
		LIMIT_CALLS);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_BUSY);
}

static void the_limit_counts_an_account_however_it_is_written(void **state)
{
	(void)state;
	static char written[] = "Alice@Example.org", none[] = "";
	struct call calls[2] = { { .account = written, .trunk = none },
				 { .account = written, .trunk = none } };
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(call(&route, "alice@example.org", "echo"),
			 ROUTE_E_BUSY);
}

static void a_trunk_has_its_limit_of_calls(void **state)
{
	(void)state;
	static char account[] = "x@example.org", trunk[] = "pbx";
	struct call calls[2] = { { .account = account, .trunk = trunk },
				 { .account = account, .trunk = trunk } };
	struct origin origin;
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15550000001", NULL,
					 NULL, NULL }),
		ROUTE_E_TRUNK_BUSY);
	assert_int_equal(call(&route, "bob@example.org", "+15551234567"),
			 ROUTE_E_TRUNK_BUSY);
	/* where the route has others, they take it */
	assert_int_equal(call(&route, "bob@example.org", "+4930123456"), 0);
	assert_string_equal(route.trunk_config->name, "backup");
}

static void a_route_gives_the_order_of_trunks(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_int_equal(route.ntrunks, 3);
	assert_string_equal(route.trunks[0].config->name, "pbx");
	assert_string_equal(route.trunks[2].config->name, "carrier");
	down = "pbx";
	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_string_equal(route.trunk_config->name, "backup");
	assert_string_equal(route.trunks[2].config->name, "pbx");
	/* one denies the number */
	assert_int_equal(call(&route, "alice@example.org", "+4712345678"), 0);
	assert_int_equal(route.ntrunks, 2);
	/* one is called too often */
	limits_tried(&gateway, QUOTA_TRUNK, "backup");
	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_int_equal(route.ntrunks, 3);
	limits_tried(&gateway, QUOTA_TRUNK, "backup");
	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_int_equal(route.ntrunks, 2);
}

static void each_trunk_has_its_own_spelling(void **state)
{
	(void)state;
	struct route_dialled dialled;
	struct route route;

	assert_int_equal(call(&route, "alice@example.org", "+15551234567"), 0);
	assert_int_equal(route_dial(&dialled, &route, 0), 0);
	assert_string_equal(dialled.to, "0015551234567");
	assert_string_equal(dialled.from, "15557654321");
	assert_string_equal(route.display, "Alice");
	assert_true(route.withhold);
	assert_int_equal(call(&route, "alice@example.org", "411"), 0);
	assert_int_equal(route_dial(&dialled, &route, 0), 0);
	assert_string_equal(dialled.to, "411");
	assert_int_equal(call(&route, "bob@example.org", "411"),
			 ROUTE_E_COUNTRY);
}

static void prefixes_and_rates_are_limited(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(call(&route, "alice@example.org", "+88212345678"),
			 ROUTE_E_DESTINATION);
	assert_int_equal(call(&route, "alice@example.org", "+19005550100"),
			 ROUTE_E_DESTINATION);
	for (int i = 2; i < 5; i++)
		assert_int_equal(call(&route, "alice@example.org", "+15551"),
				 0);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_RATE);
	assert_int_equal(call(&route, "bob@example.org", "+15551"), 0);
}

static void no_user_of_a_trunk_is_a_number_in_disguise(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"0088212345678\\40carrier", "+88212345678\\40carrier",
		"011-882-12345\\40carrier", "*21*0088212345678#\\40carrier",
		"*72\\40carrier",
	};
	struct route route;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(call(&route, "alice@example.org", rows[i]),
				 ROUTE_E_NUMBER);
		tear_down(NULL);
		set_up(NULL);
	}
	assert_int_equal(call(&route, "alice@example.org", "201\\40carrier"),
			 0);
	assert_int_equal(call(&route, "alice@example.org", "*98\\40carrier"),
			 0);
}

static void minutes_of_the_day_are_limited(void **state)
{
	(void)state;
	static char account[] = "alice@example.org", trunk[] = "carrier";
	struct call talking = { .account = account,
				.trunk = trunk,
				.answered_ms = clock_wall_ms() - 6 * 60000 };
	struct route route;

	limits_used(&gateway, "Alice@example.org", "carrier", 5 * 60);
	assert_int_equal(call(&route, "alice@example.org", "+15551"), 0);
	assert_int_equal(stored.seconds, 5 * 60);
	assert_string_equal(stored.name, "carrier");
	LIST_INSERT_HEAD(&gateway.calls, &talking, link);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_MINUTES);
	assert_int_equal(
		limits_left_ms(&gateway, "bob@example.org", "+1", "pbx"),
		10 * 60000);
	assert_int_equal(
		limits_left_ms(&gateway, "alice@example.org", "+1", "carrier"),
		1);
	assert_true(limits_left_ms(&gateway, "alice@example.org", "112",
				   "carrier") > 24 * 3600 * 1000);
	/* what costs nothing goes on */
	assert_int_equal(call(&route, "alice@example.org", "echo"), 0);
	assert_int_equal(call(&route, "alice@example.org", "+15550000001"), 0);
}

static void an_administrator_sets_one_accounts_limits(void **state)
{
	(void)state;
	struct quota_row row = { .kind = QUOTA_ACCOUNT,
				 .name = "bob@example.org",
				 .allow = "+44 +4",
				 .deny = "" };
	struct route route;

	assert_int_equal(limits_set(&gateway, &row), 0);
	assert_int_equal(call(&route, "bob@example.org", "+15551"),
			 ROUTE_E_DESTINATION);
	assert_int_equal(call(&route, "bob@example.org", "+442012345678"), 0);
	row.deny = "+44 x";
	assert_int_equal(limits_set(&gateway, &row), -EINVAL);
	assert_int_equal(call(&route, "bob@example.org", "+442012345678"), 0);
	assert_int_equal(
		limits_unset(&gateway, QUOTA_ACCOUNT, "bob@example.org"), 0);
	assert_int_equal(call(&route, "bob@example.org", "+15551"), 0);
	assert_true(limits_withhold(&gateway, "frank@example.org"));
	assert_false(limits_withhold(&gateway, "bob@example.org"));
}

static void half_of_all_calls_may_ring_at_a_time(void **state)
{
	static const unsigned rows[][2] = { { 1, 1 },       { 150, 150 },
					    { 200, 200 },   { 300, 200 },
					    { 1000, 500 },  { 1001, 500 },
					    { 3200, 1600 }, { 100000, 50000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config sized = { .limits.calls = rows[i][0] };
		assert_int_equal(limits_half_open(&sized), rows[i][1]);
	}
}

static void echo_is_for_a_few_strangers_at_a_time(void **state)
{
	(void)state;
	static char one[] = "mallory@example.net", two[] = "eve@example.net";
	static char none[] = "", echo[] = "echo", bob[] = "+15550000001";
	struct call calls[3] = {
		{ .account = one, .trunk = none, .to = echo },
		{ .account = two, .trunk = none, .to = echo },
		{ .account = two, .trunk = none, .to = bob },
	};
	struct route route;

	/* a call from account to account is none to the echo */
	LIST_INSERT_HEAD(&gateway.calls, &calls[2], link);
	assert_int_equal(call(&route, "eve@example.net", "echo"), 0);

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	assert_int_equal(call(&route, "mallory@example.net", "echo"),
			 ROUTE_E_BUSY);
	assert_int_equal(call(&route, "trudy@example.net", "echo"), 0);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(call(&route, "trudy@example.net", "echo"),
			 ROUTE_E_BUSY);
	/* who has a number has its own limit */
	assert_int_equal(call(&route, "alice@example.org", "echo"), 0);
}

static void emergency_numbers_are_refused_in_so_many_words(void **state)
{
	(void)state;
	static const char *const rows[] = { "112", "911", "+112",
					    "911\\40carrier" };
	struct route route;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(call(&route, "alice@example.org", rows[i]),
				 ROUTE_E_EMERGENCY);
}

static void emergency_calls_go_by_their_trunk_and_are_never_limited(
	void **state)
{
	(void)state;
	static char name[] = "pbx", account[] = "alice@example.org";
	struct call calls[2] = { { .account = account, .trunk = name },
				 { .account = account, .trunk = name } };
	char *before = config->emergency.trunk;
	struct route_dialled dialled;
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	config->emergency.trunk = name;
	assert_int_equal(call(&route, "alice@example.org", "112"), 0);
	assert_string_equal(route.trunk_config->name, "pbx");
	assert_int_equal(route_dial(&dialled, &route, 0), 0);
	assert_string_equal(dialled.to, "112");
	assert_false(route.withhold);
	assert_int_equal(call(&route, "mallory@example.org", "112"),
			 ROUTE_E_EMERGENCY);
	config->emergency.trunk = before;
}

static void who_is_disabled_calls_nobody(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(call(&route, "eve@example.org", "+15551"),
			 ROUTE_E_FORBIDDEN);
}

#define ROUTE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTE_TEST(an_account_calls_from_its_own_number),
		ROUTE_TEST(a_number_added_at_run_time_counts_as_well),
		ROUTE_TEST(one_call_may_hide_the_number),
		ROUTE_TEST(a_number_may_be_said_to_live_here),
		ROUTE_TEST(a_trunk_is_known_by_its_host_too),
		ROUTE_TEST(who_owns_no_number_calls_nobody),
		ROUTE_TEST(our_own_numbers_are_reached_without_a_trunk),
		ROUTE_TEST(what_is_no_number_is_refused),
		ROUTE_TEST(a_trunk_finds_the_owner_as_it_writes_numbers),
		ROUTE_TEST(nobodys_number_is_unknown),
		ROUTE_TEST(trunks_at_one_address_are_told_apart),
		ROUTE_TEST(callers_are_written_as_e164),
		ROUTE_TEST(a_trunk_is_believed_or_not),
		ROUTE_TEST(a_trunks_rules_refuse_callers),
		ROUTE_TEST(a_source_belongs_to_the_trunk_that_allows_it),
		ROUTE_TEST(callers_have_plain_addresses),
		ROUTE_TEST(a_sip_user_who_called_can_be_called_back),
		ROUTE_TEST(an_account_has_its_limit_of_calls),
		ROUTE_TEST(the_limit_counts_an_account_however_it_is_written),
		ROUTE_TEST(a_trunk_has_its_limit_of_calls),
		ROUTE_TEST(half_of_all_calls_may_ring_at_a_time),
		ROUTE_TEST(a_route_gives_the_order_of_trunks),
		ROUTE_TEST(each_trunk_has_its_own_spelling),
		ROUTE_TEST(prefixes_and_rates_are_limited),
		ROUTE_TEST(no_user_of_a_trunk_is_a_number_in_disguise),
		ROUTE_TEST(minutes_of_the_day_are_limited),
		ROUTE_TEST(an_administrator_sets_one_accounts_limits),
		ROUTE_TEST(echo_is_for_a_few_strangers_at_a_time),
		ROUTE_TEST(emergency_numbers_are_refused_in_so_many_words),
		ROUTE_TEST(
			emergency_calls_go_by_their_trunk_and_are_never_limited),
		ROUTE_TEST(who_is_disabled_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
