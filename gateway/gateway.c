/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/gateway.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "db/account.h"
#include "db/contact.h"
#include "db/db.h"
#include "db/setting.h"
#include "gateway/admin/admin.h"
#include "gateway/admin/registration.h"
#include "gateway/admin/reload.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call.h"
#include "gateway/call/chat_digits.h"
#include "gateway/call/missed.h"
#include "gateway/call/place.h"
#include "gateway/call/recover.h"
#include "gateway/component.h"
#include "gateway/kept_stream.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/outbox.h"
#include "gateway/public.h"
#include "gateway/rewriting.h"
#include "gateway/route/added.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/phone.h"
#include "gateway/route/quotas.h"
#include "gateway/route/refused.h"
#include "gateway/route/route.h"
#include "gateway/route/routes.h"
#include "gateway/route/toll.h"
#include "gateway/route/trunks.h"
#include "gateway/service/announce.h"
#include "gateway/service/devices.h"
#include "gateway/service/presence.h"
#include "gateway/text/texts.h"
#include "gateway/trace/trace.h"
#include "gateway/unsent.h"
#include "gateway/upgrade.h"
#include "gateway/watch/watch.h"
#include "media/bridge.h"
#include "sip/agent.h"
#include "sip/policy.h"
#include "sip/trunk.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* ---- XMPP ---- */

static void tell_stream_up(struct gateway *gateway);

static void on_up(void *arg)
{
	struct gateway *gateway = arg;

	tell_stream_up(gateway);
	if (gateway->announced) {
		log_info("event=xmpp-up domain=%s",
			 gateway->config->xmpp.domain);
		return;
	}
	gateway->announced = true;
	log_info("event=ready domain=%s", gateway->config->xmpp.domain);
	sd_notify(0, "READY=1");
}

static void on_down(const char *why, void *arg)
{
	struct gateway *gateway = arg;

	outbox_stream_down(gateway);
	log_warn("event=xmpp-down domain=%s why=%s: calls in progress go on, "
		 "connecting again",
		 gateway->config->xmpp.domain, log_text(slice_of(why)).s);
}

static void on_whole(bool whole, int fd, void *arg)
{
	kept_stream_whole(arg, whole, fd);
}

static void on_stanza(const struct stanza *stanza, void *arg)
{
	component_receive(arg, stanza);
}

static const struct xmpp_stream_handlers stream_handlers = {
	.up = on_up,
	.down = on_down,
	.whole = on_whole,
	.stanza = on_stanza,
};

/* ---- SIP ---- */

static enum sip_trust on_source(const struct sip_source *source, void *arg)
{
	return route_trunk_of(arg, &source->addr) ? SIP_TRUSTED : SIP_STRANGER;
}

static void on_invite(struct sip_dialog *dialog,
		      const struct sip_invite *invite, void *arg)
{
	place_invite(arg, dialog, invite);
}

/* RFC 3261, 11.2: what an INVITE would get now. */
static unsigned on_options(const struct sip_invite *request, void *arg)
{
	return place_options(arg, request);
}

static void on_policy(const struct sip_invite *request, struct sip_policy *out,
		      void *arg)
{
	struct gateway *gateway = arg;
	const struct sip_trunk *trunk = route_trunk_for(gateway, request);

	trunks_policy(out, trunk ? config_find_trunk(gateway->config,
						     sip_trunk_name(trunk))
				 : NULL);
}

static void on_waiting(const struct sip_invite *request,
		       const struct sip_waiting *waiting, void *arg)
{
	texts_waiting(arg, request, waiting);
}

static void on_message(struct sip_message *message,
		       const struct sip_message_in *what, void *arg)
{
	texts_from_trunk(arg, message, what);
}

static const struct sip_agent_handlers agent_handlers = {
	.source = on_source,
	.invite = on_invite,
	.options = on_options,
	.message = on_message,
	.policy = on_policy,
	.waiting = on_waiting,
};

/* ---- start ---- */

static void add_services(struct media_config *media,
			 const struct config_sip *sip)
{
	for (size_t i = 0; i < sip->nlisten; i++) {
		if (sip->listen[i].transport == CONFIG_UDP &&
		    media->nservices < MEDIA_MAX_SERVICES)
			media->services[media->nservices++] =
				addr_port(&sip->listen[i].addr);
	}
}

static int open_media(struct gateway *gateway)
{
	const struct config_media *config = &gateway->config->media;
	struct media_config media = {
		.address = config->address,
		.public_address = config->public_address.addr,
		.public_auto = config->public_address.automatic,
		.ice_port = config->ice_port,
		.port_min = config->port_min,
		.port_max = config->port_max,
		.workers = config->workers,
		.priority = config->priority,
		.dscp = config->dscp,
		.allow_loopback = config->allow_loopback,
		.certificate = config->certificate,
		.keep = *config->keep ? config->keep : NULL,
	};
	add_services(&media, &gateway->config->sip);
	upgrade_take_sockets();
	int r = media_new(&gateway->media, &media, gateway->base);

	if (r)
		log_error("media=not-started r=%d (%s): are the ports from %u "
			  "and %u-%u free, and can %s be written?",
			  r, strerror(-r), config->ice_port, config->port_min,
			  config->port_max, config->certificate);
	return r;
}

static const enum sip_transport transports[] = {
	[CONFIG_UDP] = SIP_UDP, [CONFIG_TCP] = SIP_TCP, [CONFIG_TLS] = SIP_TLS
};

/* As a server with a certificate, as a client for a trunk that wants it. */
static bool speaks_tls(const struct config *config)
{
	const struct config_trunk *trunk;

	for (size_t i = 0; (trunk = config_trunk_at(config, i)); i++) {
		if (trunk->proxy.transport == CONFIG_TLS)
			return true;
	}
	return *config->sip.certificate;
}

static int open_agent(struct gateway *gateway)
{
	const struct config_sip *config = &gateway->config->sip;
	const struct sip_tls_files tls = {
		.certificate = config->certificate,
		.private_key = config->private_key,
		.trusted = config->trusted,
		.ask_clients = config->ask_clients,
	};
	struct sip_listen *listens = calloc(config->nlisten, sizeof(*listens));

	if (!listens)
		return -ENOMEM;
	for (size_t i = 0; i < config->nlisten; i++) {
		listens[i].transport = transports[config->listen[i].transport];
		listens[i].addr = config->listen[i].addr;
	}
	const struct sip_agent_config agent = {
		.listens = listens,
		.nlistens = config->nlisten,
		.public_address = config->public_address.addr,
		.tls = speaks_tls(gateway->config) ? &tls : NULL,
		.nameservers =
			*config->nameservers ? config->nameservers : NULL,
		.max_half_open = limits_half_open(gateway->config),
		.max_half_open_each = limits_half_open_each(gateway->config),
		.max_requests_each = limits_requests_each(gateway->config),
	};
	int r = sip_agent_new(&gateway->agent, &agent, gateway->base,
			      &agent_handlers, gateway);
	free(listens);
	if (r)
		log_error("sip=not-listening r=%d (%s): is another program on "
			  "the addresses of sip.listen?",
			  r, strerror(-r));
	return r;
}

static int open_stream(struct gateway *gateway)
{
	const struct config_xmpp *config = &gateway->config->xmpp;
	struct xmpp_stream_config stream = { .host = config->host,
					     .port = config->port,
					     .domain = config->domain,
					     .secret = config->secret };

	kept_stream_resume(gateway, &stream);
	int r = xmpp_stream_new(&gateway->stream, &stream, gateway->base,
				&stream_handlers, gateway);

	if (!r)
		kept_stream_resumed(gateway);
	if (!r)
		r = iq_table_new(&gateway->iqs, gateway->base, gateway->stream);
	return r;
}

static int open_db(struct gateway *gateway)
{
	const struct db_config config = { .path = gateway->config->db.path };
	int r = db_open(&gateway->db, &config, gateway->base);

	if (r < 0)
		log_error("db=not-opened path=%s r=%d (%s)", config.path, r,
			  strerror(-r));
	if (!r)
		r = account_store_new(&gateway->accounts, gateway->db);
	if (!r)
		r = contact_store_new(&gateway->contacts, gateway->db);
	if (!r)
		r = setting_store_new(&gateway->settings, gateway->db);
	return r > 0 ? -EBUSY : r;
}

static void close_db(struct gateway *gateway)
{
	gateway->settings = setting_store_free(gateway->settings);
	gateway->contacts = contact_store_free(gateway->contacts);
	gateway->accounts = account_store_free(gateway->accounts);
	gateway->db = db_close(gateway->db);
}

static void close_media(struct gateway *gateway)
{
	gateway->media = media_free(gateway->media);
}

static void close_agent(struct gateway *gateway)
{
	gateway->agent = sip_agent_free(gateway->agent);
}

static void close_stream(struct gateway *gateway)
{
	gateway->iqs = iq_table_free(gateway->iqs);
	if (gateway->stream)
		kept_stream_whole(gateway, false, -1);
	gateway->stream = xmpp_stream_free(gateway->stream);
}

/*
 * In the order of their start; stopped in the reverse, also those that have not
 * started. Each time the stream comes up they are told in this order too.
 */
static const struct part {
	int (*start)(struct gateway *gateway);
	void (*stop)(struct gateway *gateway);
	/* NULL: does not care */
	void (*stream_up)(struct gateway *gateway);
} parts[] = {
	{ watch_new, watch_free, watch_stream_up },
	{ reload_new, reload_free, NULL },
	{ open_db, close_db, NULL },
	{ bill_new, bill_free, NULL },
	{ presence_new, presence_free, NULL },
	{ unsent_new, unsent_free, unsent_stream_up },
	{ announce_new, announce_free, announce_stream_up },
	{ leg_xmpp_index_new, leg_xmpp_index_free, leg_xmpp_stream_up },
	{ refused_new, refused_free, NULL },
	{ registration_new, registration_free, NULL },
	{ missed_new, missed_free, NULL },
	{ chat_digits_new, chat_digits_free, NULL },
	{ quotas_new, quotas_free, NULL },
	{ toll_new, toll_free, NULL },
	{ blocks_new, blocks_free, NULL },
	{ kept_stream_new, kept_stream_free, NULL },
	{ open_media, close_media, NULL },
	{ added_new, added_free, NULL },
	{ open_agent, close_agent, NULL },
	{ trunks_new, trunks_free, NULL },
	{ routes_new, routes_free, NULL },
	{ open_stream, close_stream, NULL },
	{ devices_new, devices_free, NULL },
	{ public_new, public_free, public_stream_up },
	{ outbox_new, outbox_free, outbox_stream_up },
	{ texts_new, texts_free, NULL },
	{ traces_new, traces_free, NULL },
	{ admin_new, admin_free, NULL },
	{ rewriting_new, rewriting_free, NULL },
	/* Last: who fails to start ends no call that another process may take
	 * up. */
	{ recover_new, recover_free, recover_stream_up },
};
enum { NPARTS = sizeof(parts) / sizeof(parts[0]) };

static void tell_stream_up(struct gateway *gateway)
{
	for (size_t i = 0; i < NPARTS; i++) {
		if (parts[i].stream_up)
			parts[i].stream_up(gateway);
	}
}

int gateway_new(struct gateway **out, struct config *config,
		struct event_base *base)
{
	struct gateway *gateway = calloc(1, sizeof(*gateway));

	if (!gateway)
		return -ENOMEM;
	gateway->config = config;
	config->added = &gateway->added;
	gateway->base = base;
	gateway->started_ms = clock_ms();
	LIST_INIT(&gateway->calls);
	LIST_INIT(&gateway->cancelled);
	phone_warm();
	for (size_t i = 0; i < NPARTS; i++) {
		int r = parts[i].start(gateway);
		if (r) {
			gateway_free(gateway);
			return r;
		}
	}
	*out = gateway;
	return 0;
}

struct gateway *gateway_free(struct gateway *gateway)
{
	if (!gateway)
		return NULL;
	gateway->draining = true;
	call_end_all(gateway, CAUSE_SHUTDOWN);
	for (size_t i = NPARTS; i-- > 0;)
		parts[i].stop(gateway);
	free(gateway);
	return NULL;
}

void gateway_drain(struct gateway *gateway)
{
	gateway->draining = true;
	log_info("event=draining calls=%u", gateway->ncalls);
	call_end_all(gateway, CAUSE_SHUTDOWN);
	admin_leave(gateway);
	announce_leave(gateway); /* behind the ends of all calls */
	trunks_leave(gateway);
	gateway_pump(gateway);
}

void gateway_retire(struct gateway *gateway, bool on)
{
	gateway->retiring = gateway->draining = on;
	log_info("event=retiring on=%d calls=%u", on, gateway->ncalls);
}

bool gateway_has_retired(const struct gateway *gateway)
{
	return gateway->retiring && !gateway->ncalls && admin_is_idle(gateway);
}

void gateway_end(struct gateway *gateway)
{
	log_info("event=ending calls=%u", gateway->ncalls);
	gateway->ended_ms = clock_ms();
	admin_leave(gateway);
}

bool gateway_has_ended(const struct gateway *gateway)
{
	enum { WAIT_MS = 10000 };

	return gateway->ended_ms && (admin_is_idle(gateway) ||
				     clock_ms() - gateway->ended_ms >= WAIT_MS);
}

bool gateway_is_drained(const struct gateway *gateway)
{
	return !gateway->ncalls && !sip_agent_is_busy(gateway->agent) &&
	       announce_is_over(gateway) &&
	       xmpp_stream_is_flushed(gateway->stream);
}

void gateway_pump(struct gateway *gateway)
{
	sip_agent_pump(gateway->agent);
}
