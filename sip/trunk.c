/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A trunk's life: its configuration, its addresses, who may speak for it. */
#include "sip/trunk_life.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/dialog_int.h"

/* ---- state ---- */

const char *sip_trunk_state_name(enum sip_trunk_state state)
{
	static const char *const names[] = {
		[SIP_TRUNK_UNKNOWN] = "unknown",
		[SIP_TRUNK_UP] = "up",
		[SIP_TRUNK_DEGRADED] = "degraded",
		[SIP_TRUNK_DOWN] = "down",
	};

	static_assert(sizeof(names) / sizeof(*names) == SIP_TRUNK_NSTATES, "");
	return names[state];
}

static bool is_registered(const struct sip_trunk *t)
{
	return !t->do_register || clock_ms() < t->reg.until_ms;
}

static bool is_ailing(const struct sip_trunk *t)
{
	return t->health.bad || sip_hops_aside(&t->hops) ||
	       (t->do_register && t->reg.state == TRUNK_DEAD);
}

/* It takes calls when it answers, and holds our registration if we have one. */
static enum sip_trunk_state judge(const struct sip_trunk *t)
{
	if (t->health.state == TRUNK_ALIVE && is_registered(t))
		return is_ailing(t) ? SIP_TRUNK_DEGRADED : SIP_TRUNK_UP;
	if (t->health.state == TRUNK_DEAD ||
	    (t->do_register && t->reg.state == TRUNK_DEAD))
		return SIP_TRUNK_DOWN;
	return SIP_TRUNK_UNKNOWN;
}

void trunk_judge(struct sip_trunk *t, const char *why)
{
	enum sip_trunk_state state = judge(t);
	size_t aside = sip_hops_aside(&t->hops);
	char servers[SIP_TRUNK_WHY_CAP];

	if (state == t->state)
		return;
	/* It may be an answer of another server that tells. */
	if (state == SIP_TRUNK_DEGRADED && aside &&
	    !text_format(servers, sizeof(servers), "%zu of %zu servers failed",
			 aside, t->hops.n))
		why = servers;
	log_info("trunk=%s %s -> %s why=%s%s", t->name,
		 sip_trunk_state_name(t->state), sip_trunk_state_name(state),
		 log_text(slice_of(why)).s,
		 state == SIP_TRUNK_DOWN
			 ? ": calls go by another one or end in words"
			 : "");
	t->state = state;
	t->stats.state_since_ms = clock_ms();
	if (t->handlers && t->handlers->changed)
		t->handlers->changed(t, state, why, t->arg);
}

void trunk_note_error(struct sip_trunk *t, const char *why)
{
	text_clean(t->stats.last_error, sizeof(t->stats.last_error),
		   slice_of(why));
	t->stats.last_error_ms = clock_ms();
}

/* ---- addresses ---- */

static void resolve(struct sip_trunk *t);

static void on_resolve_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	resolve(arg);
}

static void on_resolved(const struct sip_hop *hops, size_t n, unsigned ttl_s,
			void *arg)
{
	struct sip_trunk *t = arg;
	bool first = !t->hops.n;

	t->query = sip_query_free(t->query);
	trunk_timer_set(t, &t->resolve_timer, on_resolve_timer, ttl_s * 1000);
	if (!n) {
		/* What was found before still stands (its server may too). */
		log_warn("trunk=%s what=\"no address\" proxy=%s: %s", t->name,
			 t->hostport,
			 t->hops.n ? "those of before stand"
				   : "it is down until there is one");
		trunk_note_error(t, "no address");
		if (!t->hops.n) {
			t->health.state = TRUNK_DEAD;
			trunk_judge(t, "no address");
		}
		return;
	}
	sip_hops_set(&t->hops, hops, n);
	if (first) {
		trunk_qualify_start(t);
		trunk_register_start(t);
	}
}

static void resolve(struct sip_trunk *t)
{
	if (sip_resolve(&t->query, t->agent->resolver, &t->uri, on_resolved,
			t)) {
		t->query = NULL;
		trunk_timer_set(t, &t->resolve_timer, on_resolve_timer,
				SIP_TTL_MIN_S * 1000);
	}
}

/* A literal is known at once, so that calls can start at once. */
static void find_addresses(struct sip_trunk *t)
{
	struct sip_hop hop;

	if (sip_resolve_literal(&hop, &t->uri)) {
		resolve(t);
		return;
	}
	sip_hops_set(&t->hops, &hop, 1);
	trunk_qualify_start(t);
	trunk_register_start(t);
}

/* ---- life ---- */

void trunk_timer_set(struct sip_trunk *t, struct event **timer,
		     void (*fn)(int fd, short what, void *arg),
		     unsigned delay_ms)
{
	struct timeval tv = { delay_ms / 1000, delay_ms % 1000 * 1000 };

	if (!*timer)
		*timer = evtimer_new(t->agent->base, fn, t);
	if (!*timer || evtimer_add(*timer, &tv))
		log_error("trunk=%s what=\"out of memory\"", t->name);
}

static int copy_text(char **out, const char *text)
{
	*out = text_dup(slice_of(text));
	return *out ? 0 : -ENOMEM;
}

static int write_hostport(struct sip_trunk *t)
{
	char plain[SIP_HOST_CAP + 16];
	char full[SIP_HOST_CAP + 32];
	int r = sip_hostport_format(plain, t->uri.host, t->uri.port);

	if (!r && t->uri.has_transport && t->uri.transport != SIP_UDP)
		r = text_format(full, sizeof(full), "%s;transport=%s", plain,
				sip_transport_name(t->uri.transport));
	else if (!r)
		r = text_set(full, sizeof(full), plain);
	return r ? r : copy_text(&t->hostport, full);
}

static int write_domain(struct sip_trunk *t, const char *from_domain)
{
	char host[SIP_HOST_CAP + 16];
	struct sip_uri uri;
	char text[SIP_HOST_CAP + 8];
	int r = sip_hostport_format(host, t->uri.host, 0);

	if (!from_domain || !*from_domain)
		return r ? r : copy_text(&t->domain, host);
	/* It goes into headers: nothing but a host, perhaps with a port. */
	r = text_format(text, sizeof(text), "sip:%s", from_domain);
	if (r || sip_uri_parse(&uri, slice_of(text)) || uri.user[0] ||
	    strpbrk(from_domain, ";?"))
		return -EINVAL;
	return copy_text(&t->domain, from_domain);
}

static int copy_allow(struct sip_trunk *t, const struct sip_trunk_config *c)
{
	if (!c->nallow)
		return 0;
	t->allow = calloc(c->nallow, sizeof(*t->allow));
	if (!t->allow)
		return -ENOMEM;
	memcpy(t->allow, c->allow, c->nallow * sizeof(*t->allow));
	t->nallow = c->nallow;
	return 0;
}

static int join_headers(struct sip_trunk *t, const struct sip_trunk_config *c)
{
	size_t n = 0;
	FILE *f = open_memstream(&t->headers, &n);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < c->nheaders; i++)
		fprintf(f, "%s%s", i ? "\n" : "", c->headers[i]);
	return fclose(f) ? -ENOMEM : 0;
}

static int configure(struct sip_trunk *t, const struct sip_trunk_config *c)
{
	bool named = c->contact_user && *c->contact_user;
	int r = sip_uri_parse(&t->uri, slice_of(c->proxy));

	if (!r &&
	    (t->uri.tel || (t->uri.transport == SIP_TLS && !t->agent->tls)))
		r = -EPROTONOSUPPORT;
	if (!r)
		r = copy_text(&t->name, c->name);
	if (!r)
		r = copy_text(&t->username, c->username);
	if (!r)
		r = copy_text(&t->password, c->password);
	if (!r)
		r = copy_text(&t->realm, c->realm);
	if (!r)
		r = copy_text(&t->contact_user,
			      named ? c->contact_user : c->username);
	if (!r)
		r = write_hostport(t);
	if (!r)
		r = write_domain(t, c->from_domain);
	if (!r)
		r = copy_allow(t, c);
	if (!r)
		r = join_headers(t, c);
	t->identity = c->identity;
	t->do_register = c->do_register;
	t->expires_s = c->expires_s ? c->expires_s : TRUNK_EXPIRES_S;
	t->qualify_s = c->qualify_s ? c->qualify_s : TRUNK_QUALIFY_S;
	t->account = (struct sip_digest_account){ t->username, t->password,
						  t->realm };
	return r;
}

int sip_trunk_new(struct sip_trunk **out, struct sip_agent *agent,
		  const struct sip_trunk_config *config,
		  const struct sip_trunk_handlers *handlers, void *arg)
{
	struct sip_trunk *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->agent = agent;
	t->handlers = handlers;
	t->arg = arg;
	r = configure(t, config);
	if (r) {
		sip_trunk_free(t);
		return r;
	}
	find_addresses(t);
	*out = t;
	return 0;
}

void sip_trunk_retire(struct sip_trunk *t, bool leave)
{
	t->handlers = NULL;
	if (!leave)
		t->reg.until_ms = 0;
	sip_trunk_leave(t);
	trunk_qualify_stop(t);
	t->query = sip_query_free(t->query);
	if (t->resolve_timer)
		evtimer_del(t->resolve_timer);
}

struct sip_trunk *sip_trunk_free(struct sip_trunk *t)
{
	if (!t)
		return NULL;
	t->handlers = NULL;
	trunk_register_stop(t);
	trunk_qualify_stop(t);
	sip_dialogs_forget(t->agent, t);
	sip_clients_forget(t->agent, &t->hops, &t->account);
	sip_query_free(t->query);
	if (t->resolve_timer)
		event_free(t->resolve_timer);
	free(t->name);
	free(t->username);
	text_wipe(t->password);
	free(t->realm);
	free(t->contact_user);
	free(t->hostport);
	free(t->domain);
	free(t->headers);
	free(t->allow);
	free(t);
	return NULL;
}

/* ---- what others ask ---- */

const char *sip_trunk_name(const struct sip_trunk *trunk)
{
	return trunk->name;
}

enum sip_trunk_state sip_trunk_state(const struct sip_trunk *trunk)
{
	return trunk->state;
}

bool sip_trunk_takes_calls(const struct sip_trunk *trunk)
{
	return trunk->state == SIP_TRUNK_UP ||
	       trunk->state == SIP_TRUNK_DEGRADED;
}

bool sip_trunk_is_at(const struct sip_trunk *trunk, const struct addr *addr)
{
	for (size_t i = 0; i < trunk->hops.n; i++)
		if (addr_same_ip(&trunk->hops.hop[i].addr, addr))
			return true;
	return false;
}

bool sip_trunk_allows(const struct sip_trunk *trunk, const struct addr *source)
{
	if (!trunk->nallow)
		return sip_trunk_is_at(trunk, source);
	for (size_t i = 0; i < trunk->nallow; i++)
		if (addr_net_has(&trunk->allow[i], source))
			return true;
	return false;
}

/* The registrar first: it is where the carrier looks for us. */
static const struct sip_hop *preferred(const struct sip_trunk *t)
{
	return t->do_register && t->reg.until_ms ? &t->reg.hop : NULL;
}

void sip_trunk_route(struct sip_trunk *t, struct sip_client_spec *spec)
{
	spec->hops = &t->hops;
	spec->first = preferred(t);
	spec->account = sip_trunk_account(t);
	spec->tls_name = t->uri.host;
}

void sip_trunk_route_call(struct sip_trunk *trunk, struct sip_client_spec *spec)
{
	sip_trunk_route(trunk, spec);
	spec->one_family = true; /* its SDP names an address of one */
	spec->stats = &trunk->stats;
}

bool sip_trunk_hop(const struct sip_trunk *trunk, struct sip_hop *out)
{
	struct sip_walk_wish wish = { .now_ms = clock_ms(),
				      .first = preferred(trunk) };
	struct sip_walk walk;

	if (!sip_walk_start(&walk, &trunk->hops, &wish))
		return false;
	*out = *sip_walk_hop(&walk);
	return true;
}

enum sip_registration sip_trunk_registration(const struct sip_trunk *trunk)
{
	if (!trunk->do_register)
		return SIP_REGISTRATION_NONE;
	return is_registered(trunk) ? SIP_REGISTRATION_UP
				    : SIP_REGISTRATION_DOWN;
}

const struct sip_trunk_stats *sip_trunk_stats(const struct sip_trunk *trunk)
{
	return &trunk->stats;
}

const struct sip_digest_account *sip_trunk_account(
	const struct sip_trunk *trunk)
{
	return trunk->username[0] ? &trunk->account : NULL;
}

const char *sip_trunk_tls_name(const struct sip_trunk *trunk)
{
	return trunk->uri.host;
}

const char *sip_trunk_hostport(const struct sip_trunk *trunk)
{
	return trunk->hostport;
}

const char *sip_trunk_domain(const struct sip_trunk *trunk)
{
	return trunk->domain;
}

const char *sip_trunk_user(const struct sip_trunk *trunk)
{
	return trunk->contact_user;
}

enum sip_identity_mode sip_trunk_identity(const struct sip_trunk *trunk)
{
	return trunk->identity;
}

const char *sip_trunk_headers(const struct sip_trunk *trunk)
{
	return trunk->headers;
}

struct addr sip_trunk_address(const struct sip_trunk *trunk)
{
	struct sip_hop hop;

	return sip_trunk_hop(trunk, &hop) ? hop.addr : (struct addr){ 0 };
}
