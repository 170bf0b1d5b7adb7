/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The whole of a running process: what main.c makes and everything in gateway/
 * is handed. One owner of each part; started and stopped as one.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/config/config.h"

struct account_store;
struct admin;
struct announcer;
struct bill;
struct blocks;
struct call;
struct contact_store;
struct db;
struct devices;
struct event;
struct event_base;
struct gone_trunks;
struct iq_table;
struct kept_stream;
struct lost_sessions;
struct media;
struct moves;
struct outbox;
struct public_address;
struct quotas;
struct recent;
struct reload;
struct rewriting;
struct routes;
struct setting_store;
struct sip_agent;
struct sip_trunk;
struct toll;
struct texts;
struct traces;
struct trunk_row;
struct unsent;
struct watch;
struct xmpp_legs;
struct xmpp_stream;

LIST_HEAD(call_list, call);
LIST_HEAD(cancelled_list, leg_sip);

struct gateway {
	const struct config *config;
	struct event_base *base;
	struct reload *reload; /* configurations; admin/reload.c */

	struct db *db;
	struct rewriting *rewriting; /* of what it lost; rewriting.c */
	struct account_store *accounts;
	struct contact_store *contacts;
	struct setting_store *settings;
	struct media *media;
	struct sip_agent *agent;
	/* Those of config->trunks, then those of @added. */
	struct sip_trunk **trunks;
	size_t ntrunks;
	struct gone_trunks *gone;      /* removed; route/trunks.c */
	struct config_trunks added;    /* of no file; route/added.c */
	struct trunk_row **added_rows; /* what they were made of */
	bool added_left_out;           /* of the table: not all are there */
	struct kept_stream *kept;      /* from run to run; kept_stream.c */
	struct xmpp_stream *stream;
	struct iq_table *iqs;
	struct xmpp_legs *legs;      /* by sid; leg_xmpp.c */
	struct recent *asked;        /* subscriptions; presence.c */
	struct announcer *announcer; /* announce.c */
	struct recent *refused;      /* who was refused; refused.c */
	struct recent *registering;  /* who tries; admin/registration.c */
	struct devices *devices;     /* of accounts; devices.c */
	struct recent *missed;       /* calls that were told of; missed.c */
	struct recent *digits_taken; /* messages; chat_digits.c */
	struct quotas *quotas; /* of accounts and trunks; route/quotas.c */
	struct toll *toll;     /* what they use of them; route/toll.c */
	struct blocks *blocks; /* who is not heard; blocks.c */
	struct routes *routes; /* added at run time; routes.c */
	struct public_address *public_address;
	struct unsent *unsent;      /* until the stream is up */
	struct lost_sessions *lost; /* of a run that died; recover.c */
	struct outbox *outbox;      /* what must reach the XMPP server */
	struct texts *texts;
	struct bill *bill;     /* NULL: not configured; gateway/bill */
	struct watch *watch;   /* metrics, status page; gateway/watch */
	struct traces *traces; /* gateway/trace */
	struct admin *admin;   /* commands; admin/admin.c */
	struct moves *moves;   /* admin/moves.h; NULL: no commands */

	struct call_list calls;
	struct cancelled_list cancelled; /* may come again: leg_sip_retry.c */
	unsigned ncalls;
	bool draining;       /* no new calls */
	bool retiring;       /* … and the end when the last has gone */
	uint64_t ended_ms;   /* gateway_end(); 0: it was not */
	uint64_t upgrade_ms; /* since when one is wanted; upgrade.c */
	uint64_t started_ms; /* clock_ms() */
	bool announced;      /* event=ready was said */
};

/*
 * Open the database, bind all ports, connect from the loop on. @config gets the
 * trunks that commands have added (config->added); it and
 * @base must outlive *@out: gateway_free(). 0 or -errno; what failed is logged.
 */
CHECKED int gateway_new(struct gateway **out, struct config *config,
			struct event_base *base);
/* Ends every call on both sides first. NULL is fine; returns NULL. */
struct gateway *gateway_free(struct gateway *gateway);

/*
 * Before the end of the process: no new calls, every call is ended on both
 * sides. What cannot be said at once (a CANCEL before a provisional response,
 * a BYE that is challenged or before its ACK: RFC 3261, 9.1, 15, 22.2) takes
 * turns of the loop, until gateway_is_drained().
 */
void gateway_drain(struct gateway *gateway);
bool gateway_is_drained(const struct gateway *gateway);

/*
 * Drain mode: new calls are refused and OPTIONS answered 503, so that trunks go
 * elsewhere; those of now last as long as they do. gateway_has_retired() once
 * the last has gone: the process may end. @on false: calls are taken again.
 */
void gateway_retire(struct gateway *gateway, bool on);
bool gateway_has_retired(const struct gateway *gateway);

/* The process ends now, and no service manager is to start it again. Who waits
 * for an answer at the socket is waited for, but for a while alone. */
void gateway_end(struct gateway *gateway);
bool gateway_has_ended(const struct gateway *gateway);

/* After each turn of the event loop. */
void gateway_pump(struct gateway *gateway);
