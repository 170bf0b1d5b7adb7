/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Routing, with those it asks replaced. */
#pragma once

#include "gateway/route/route.h"

#include <event2/event.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <string.h>

#include "db/account.h"
#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/quotas.h"
#include "gateway/route/trunks.h"
#include "sip/trunk.h"
#include "tests/test.h"
#include "tests/unit/gateway/noon.h"
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

/* Who talks, each in a call that may have a trunk. */
enum { TALKING_MAX = 4, LINES_MAX = 8 };
static const char *talking[TALKING_MAX];
static unsigned ntalking;
static struct toll_line lines[LINES_MAX];
static unsigned nlines;

static inline void counts(enum toll_kind kind, const char *name)
{
	assert_int_equal(toll_take(&gateway, &lines[nlines++], kind, name), 0);
}

static inline void talks(const char *account, const char *trunk)
{
	talking[ntalking++] = account;
	if (*trunk)
		counts(TOLL_TRUNK, trunk);
}

static inline void nobody_talks(void)
{
	ntalking = 0;
	while (nlines)
		toll_drop(&lines[--nlines]);
}

unsigned leg_xmpp_calls_of(const struct gateway *of, const char *account)
{
	unsigned n = 0;

	(void)of;
	for (unsigned i = 0; i < ntalking; i++)
		n += jid_same_bare(talking[i], account);
	return n;
}

const struct account_number *account_first_carried(
	const struct account_store *store, const char *component)
{
	(void)store;
	(void)component;
	return NULL;
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

int quota_load_all(struct db *db, db_row_fn fn, void *arg)
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

int usage_load_all(struct db *db, db_row_fn fn, void *arg)
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

static inline void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static inline int set_up(void **state)
{
	(void)state;
	noon();
	if (config_parse(&config, "test", slice_of(text), on_mistake, NULL))
		return -1;
	for (size_t i = 0; i < NTRUNKS; i++)
		trunks[i] = (struct sip_trunk *)&config->trunks[i];
	gateway = (struct gateway){ .config = config,
				    .base = event_base_new(),
				    .accounts = (struct account_store *)&added,
				    .trunks = trunks,
				    .ntrunks = NTRUNKS };
	down = NULL;
	return quotas_new(&gateway) || toll_new(&gateway);
}

static inline int tear_down(void **state)
{
	(void)state;
	nobody_talks();
	toll_free(&gateway);
	quotas_free(&gateway);
	event_base_free(gateway.base);
	config = config_free(config);
	return 0;
}

/* What a trunk sends: for @user, from @from, with more headers. */
struct brought {
	const char *source, *user, *to, *from, *headers;
};

static inline int bring(struct route *route, struct origin *origin,
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

static inline int call(struct route *route, const char *account,
		       const char *local)
{
	return route_from_account(route, &gateway, account, local);
}

#define ROUTE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
