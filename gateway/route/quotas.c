/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/quotas.h"

#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "gateway/route/subjects.h"

/* What was set for an account or a trunk. */
struct given {
	struct subject subject; /* first: it is found by it */
	bool is_set;            /* false: kept for a name that is to come */
	struct config_quota quota;
	bool withhold;
};

struct quotas {
	struct subjects given;
};

static struct given *find(const struct gateway *gateway, enum quota_kind kind,
			  const char *name)
{
	return (struct given *)subjects_find(&gateway->quotas->given, kind,
					     name);
}

static void free_quota(struct config_quota *quota)
{
	config_texts_fini(&quota->destinations.allow);
	config_texts_fini(&quota->destinations.deny);
	*quota = (struct config_quota){ 0 };
}

/* Made when there is none yet; NULL without memory. */
static struct given *take(struct gateway *gateway, enum quota_kind kind,
			  const char *name)
{
	return (struct given *)subjects_take(&gateway->quotas->given, kind,
					     name, sizeof(struct given));
}

static void drop(struct gateway *gateway, struct given *given)
{
	if (!given)
		return;
	free_quota(&given->quota);
	subjects_drop(&gateway->quotas->given, &given->subject);
}

/* ---- what holds ---- */

static struct config_quota configured(const struct gateway *gateway,
				      enum quota_kind kind, const char *name)
{
	struct config_quota none = { 0 };
	const struct config_trunk *trunk;

	if (kind == QUOTA_ACCOUNT)
		return gateway->config->limits.account;
	trunk = config_find_trunk(gateway->config, name);
	return trunk ? trunk->quota : none;
}

static void take_given(struct config_quota *out,
		       const struct config_quota *given)
{
	if (given->calls)
		out->calls = given->calls;
	if (given->calls_per_minute)
		out->calls_per_minute = given->calls_per_minute;
	if (given->minutes_per_day)
		out->minutes_per_day = given->minutes_per_day;
	if (given->destinations.allow.n)
		out->destinations.allow = given->destinations.allow;
	if (given->destinations.deny.n)
		out->destinations.deny = given->destinations.deny;
}

void quotas_of(struct config_quota *out, const struct gateway *gateway,
	       enum quota_kind kind, const char *name)
{
	const struct given *given = find(gateway, kind, name);
	const struct account *account =
		kind == QUOTA_ACCOUNT && gateway->accounts
			? account_find(gateway->accounts, name)
			: NULL;

	*out = configured(gateway, kind, name);
	if (account && account->calls)
		out->calls = account->calls;
	if (given && given->is_set)
		take_given(out, &given->quota);
}

const struct config_quota *quotas_given(const struct gateway *gateway,
					enum quota_kind kind, const char *name,
					bool *withhold)
{
	const struct given *given = find(gateway, kind, name);
	bool is_set = given && given->is_set;

	*withhold = is_set && given->withhold;
	return is_set ? &given->quota : NULL;
}

bool quotas_withhold(const struct gateway *gateway, const char *account)
{
	bool withhold;

	quotas_given(gateway, QUOTA_ACCOUNT, account, &withhold);
	return withhold;
}

/* ---- changes ---- */

static int read_quota(struct config_quota *out, const struct quota_row *row)
{
	*out = (struct config_quota){
		.calls = row->calls,
		.calls_per_minute = row->calls_per_minute,
		.minutes_per_day = row->minutes_per_day,
	};
	int r = config_texts_parse(&out->destinations.allow, row->allow,
				   config_is_prefix);
	if (!r)
		r = config_texts_parse(&out->destinations.deny, row->deny,
				       config_is_prefix);
	if (r)
		free_quota(out);
	return r;
}

/* @quota is taken. */
static void apply(struct given *given, const struct config_quota *quota,
		  bool withhold)
{
	free_quota(&given->quota);
	given->quota = *quota;
	given->withhold = withhold;
	given->is_set = true;
}

/* Owned by the caller; NULL without memory. */
static char *join(const struct config_texts *texts)
{
	size_t n = 1;
	char *text, *at;

	for (size_t i = 0; i < texts->n; i++)
		n += strlen(texts->v[i]) + 1;
	text = at = calloc(1, n);
	for (size_t i = 0; text && i < texts->n; i++) {
		at = stpcpy(at, texts->v[i]);
		*at++ = ' ';
	}
	return text;
}

static int put(struct gateway *gateway, const struct given *given)
{
	const struct config_quota *quota = &given->quota;
	char *allow = join(&quota->destinations.allow);
	char *deny = join(&quota->destinations.deny);
	const struct quota_row row = {
		.kind = (enum quota_kind)given->subject.kind,
		.name = given->subject.name,
		.calls = quota->calls,
		.calls_per_minute = quota->calls_per_minute,
		.minutes_per_day = quota->minutes_per_day,
		.allow = allow,
		.deny = deny,
		.withhold = given->withhold,
	};
	int r = allow && deny ? quota_put(gateway->db, &row, NULL, NULL)
			      : -ENOMEM;

	free(allow);
	free(deny);
	return r;
}

int quotas_put_all(struct gateway *gateway)
{
	struct subject *one = subjects_first(&gateway->quotas->given);
	int r = 0;

	for (; one; one = subjects_next(one)) {
		const struct given *given = (const struct given *)one;
		int bad = given->is_set ? put(gateway, given) : 0;

		r = bad ? bad : r;
	}
	return r;
}

int quotas_set(struct gateway *gateway, const struct quota_row *row)
{
	struct config_quota quota;
	struct given *given;
	int r = read_quota(&quota, row);

	if (r)
		return r;
	given = take(gateway, row->kind, row->name);
	r = given ? quota_put(gateway->db, row, NULL, NULL) : -ENOMEM;
	if (r)
		free_quota(&quota);
	else
		apply(given, &quota, row->withhold);
	return r;
}

void quotas_forget(struct gateway *gateway, enum quota_kind kind,
		   const char *name)
{
	drop(gateway, find(gateway, kind, name));
}

int quotas_unset(struct gateway *gateway, enum quota_kind kind,
		 const char *name)
{
	char buffer[JID_CAP];
	int r = quota_drop(gateway->db, kind, subjects_key(buffer, kind, name),
			   NULL, NULL);

	if (!r)
		quotas_forget(gateway, kind, name);
	return r;
}

int quotas_prepare(struct gateway *gateway, const char *to)
{
	return take(gateway, QUOTA_ACCOUNT, to) ? 0 : -ENOMEM;
}

void quotas_move(struct gateway *gateway, const char *from, const char *to)
{
	struct given *old = find(gateway, QUOTA_ACCOUNT, from);
	struct given *new = find(gateway, QUOTA_ACCOUNT, to);

	if (old && old->is_set && new) {
		apply(new, &old->quota, old->withhold);
		old->quota = (struct config_quota){ 0 };
	}
	if (new && !new->is_set)
		drop(gateway, new);
	drop(gateway, old);
}

/* ---- life ---- */

struct load {
	struct gateway *gateway;
	int result;
};

static void on_quota(const void *data, void *arg)
{
	const struct quota_row *row = data;
	struct load *load = arg;
	struct config_quota quota;
	struct given *given;
	int r = read_quota(&quota, row);

	if (r == -EINVAL) {
		log_error("quota=unreadable name=%s: the configured limits "
			  "hold",
			  log_text(slice_of(row->name)).s);
		return;
	}
	given = r ? NULL : take(load->gateway, row->kind, row->name);
	if (given)
		apply(given, &quota, row->withhold);
	else
		load->result = r ? r : -ENOMEM;
	if (!r && !given)
		free_quota(&quota);
}

int quotas_new(struct gateway *gateway)
{
	struct load load = { gateway, 0 };

	gateway->quotas = calloc(1, sizeof(*gateway->quotas));
	if (!gateway->quotas)
		return -ENOMEM;
	subjects_init(&gateway->quotas->given);
	int r = quota_load_all(gateway->db, on_quota, &load);
	return r ? r : load.result;
}

void quotas_free(struct gateway *gateway)
{
	struct subject *first;

	if (!gateway->quotas)
		return;
	while ((first = subjects_first(&gateway->quotas->given)))
		drop(gateway, (struct given *)first);
	free(gateway->quotas);
	gateway->quotas = NULL;
}
