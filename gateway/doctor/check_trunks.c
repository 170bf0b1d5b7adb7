/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Each trunk: resolved, asked by OPTIONS, registered where it wants that. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"
#include "gateway/doctor/handshake.h"
#include "gateway/route/trunks.h"
#include "sip/agent.h"
#include "sip/trunk.h"

enum { WAIT_MS = 15000, LEAVE_MS = 2000, WHY_CAP = 192 };

struct patient {
	const struct config_trunk *config;
	struct sip_trunk *trunk;
	enum sip_trunk_state state;
	char why[WHY_CAP];
};

/* By a piece of the reason. */
static const struct {
	const char *why, *mend;
} mends[] = {
	{ "401", "username, password and realm: are they the carrier's for "
		 "this trunk?" },
	{ "403", "the carrier refuses us: credentials, or our address is not "
		 "the one it knows" },
	{ "404", "the carrier does not know the username, or its domain: "
		 "from_domain" },
	{ "407", "username, password and realm: are they the carrier's?" },
	{ "no answer",
	  "proxy: the right host, port and transport? may SIP leave here, and "
	  "come back (firewall, NAT)? some carriers do not answer OPTIONS to "
	  "strangers" },
	{ "no address", "proxy: no address in the DNS (SRV, A, AAAA): `dig SRV "
			"_sip._udp.NAME`" },
	{ "certificate is not for",
	  "proxy: the host as the carrier's certificate names it" },
	{ "certificate", "sip.trusted_certificates: must have the issuer of "
			 "the carrier's certificate" },
};

static const char *mend_of(const char *why)
{
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
		if (strcasestr(why, mends[i].why))
			return mends[i].mend;
	}
	return "what the carrier says of that; tandem.conf(5), trunk";
}

static void on_changed(struct sip_trunk *trunk, enum sip_trunk_state state,
		       const char *why, void *arg)
{
	struct patient *patient = arg;

	(void)trunk;
	patient->state = state;
	snprintf(patient->why, sizeof(patient->why), "%s", why ? why : "");
}

static const struct sip_trunk_handlers trunk_handlers = {
	.changed = on_changed,
};

/* Nobody calls a doctor. */
static enum sip_trust on_source(const struct sip_source *source, void *arg)
{
	(void)source;
	(void)arg;
	return SIP_STRANGER;
}

static const struct sip_agent_handlers agent_handlers = {
	.source = on_source,
};

static struct sip_tls_files tls_files(const struct doctor *doctor)
{
	const struct config_sip *sip = &doctor->config->sip;

	return (struct sip_tls_files){ sip->certificate, sip->private_key,
				       sip->trusted, false };
}

/* Of any port: a Tandem may run. */
static int open_agent(struct sip_agent **out, struct doctor *doctor)
{
	const struct config_sip *sip = &doctor->config->sip;
	static const enum sip_transport transports[] = {
		[CONFIG_UDP] = SIP_UDP,
		[CONFIG_TCP] = SIP_TCP,
		[CONFIG_TLS] = SIP_TLS,
	};
	const struct sip_tls_files tls = tls_files(doctor);
	struct sip_listen *listens = calloc(sip->nlisten, sizeof(*listens));

	if (!listens)
		return -ENOMEM;
	for (size_t i = 0; i < sip->nlisten; i++) {
		listens[i].transport = transports[sip->listen[i].transport];
		listens[i].addr = sip->listen[i].addr;
		addr_set_port(&listens[i].addr, 0);
	}
	const struct sip_agent_config config = {
		.listens = listens,
		.nlistens = sip->nlisten,
		.public_address = sip->public_address.addr,
		.tls = &tls,
		.nameservers = *sip->nameservers ? sip->nameservers : NULL,
		.max_half_open = 1,
		.max_half_open_each = 1,
		.max_requests_each = 1,
	};
	int r = sip_agent_new(out, &config, doctor->base, &agent_handlers,
			      doctor);
	free(listens);
	return r;
}

static void open_patient(struct patient *patient, struct sip_agent *agent,
			 bool running)
{
	char proxy[TRUNKS_PROXY_CAP];
	struct sip_trunk_config config;
	int r = trunks_describe(&config, proxy, patient->config);

	/* Some carriers keep one contact alone: not in place of the one that
	 * works. */
	if (running)
		config.do_register = false;
	if (!r)
		r = sip_trunk_new(&patient->trunk, agent, &config,
				  &trunk_handlers, patient);
	if (r)
		snprintf(patient->why, sizeof(patient->why), "%s",
			 strerror(-r));
}

static void turn(struct doctor *doctor, struct sip_agent *agent)
{
	enum { STEP_US = 20000 };
	const struct timeval step = { 0, STEP_US };

	event_base_loopexit(doctor->base, &step);
	event_base_loop(doctor->base, EVLOOP_ONCE);
	sip_agent_pump(agent);
}

static bool is_settled(const struct patient *patients, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (patients[i].trunk && patients[i].state == SIP_TRUNK_UNKNOWN)
			return false;
	}
	return true;
}

static void tell(struct doctor *doctor, const struct patient *patient)
{
	const struct config_trunk *config = patient->config;
	char subject[CONFIG_TRUNK_NAME_MAX + sizeof("trunk ")];
	const char *why = *patient->why ? patient->why : "no answer";

	snprintf(subject, sizeof(subject), "trunk %s", config->name);
	if (patient->state == SIP_TRUNK_UP)
		finding_good(doctor, subject, "%s answers%s",
			     config->proxy.host,
			     config->registers && !doctor->running
				     ? ", and has registered us"
				     : "");
	else if (patient->state == SIP_TRUNK_DEGRADED)
		finding_odd(doctor, subject, mend_of(why),
			    "%s answers in part: %s", config->proxy.host, why);
	else
		finding_bad(doctor, subject, mend_of(why), "%s: %s",
			    config->proxy.host, why);
}

/* That a trunk is not heard may be a handshake's fault, of which the agent
 * knows but the log. */
static void look_at_tls(struct doctor *doctor, struct patient *patient)
{
	const struct config_uri *proxy = &patient->config->proxy;
	const struct sip_tls_files files = tls_files(doctor);
	char why[HANDSHAKE_WHY_CAP];

	if (patient->state == SIP_TRUNK_UP || !patient->trunk ||
	    !proxy->transport_is_set || proxy->transport != CONFIG_TLS)
		return;
	struct addr at = sip_trunk_address(patient->trunk);
	if (addr_is_set(&at) && handshake_try(why, &files, &at, proxy->host))
		snprintf(patient->why, sizeof(patient->why), "TLS: %s", why);
}

static void examine(struct doctor *doctor, struct sip_agent *agent,
		    struct patient *patients, size_t n)
{
	uint64_t end = clock_ms() + WAIT_MS;

	for (size_t i = 0; i < n; i++) {
		patients[i].config = &doctor->config->trunks[i];
		open_patient(&patients[i], agent, doctor->running);
	}
	while (!is_settled(patients, n) && clock_ms() < end)
		turn(doctor, agent);
	for (size_t i = 0; i < n; i++) {
		look_at_tls(doctor, &patients[i]);
		tell(doctor, &patients[i]);
		if (patients[i].trunk)
			sip_trunk_leave(patients[i].trunk);
	}
	end = clock_ms() + LEAVE_MS;
	while (sip_agent_is_busy(agent) && clock_ms() < end)
		turn(doctor, agent);
	for (size_t i = 0; i < n; i++)
		sip_trunk_free(patients[i].trunk);
}

void check_trunks(struct doctor *doctor)
{
	size_t n = doctor->config->ntrunks;
	struct patient *patients = n ? calloc(n, sizeof(*patients)) : NULL;
	struct sip_agent *agent;

	if (!n)
		finding_odd(doctor, "trunks",
			    "a `trunk` section in tandem.conf brings "
			    "telephones; without one only echo@ answers",
			    "none");
	if (!patients)
		return;
	int r = open_agent(&agent, doctor);
	if (r) {
		finding_bad(doctor, "SIP", "sip.listen and sip.certificate",
			    "does not start: %s", strerror(-r));
	} else {
		examine(doctor, agent, patients, n);
		sip_agent_free(agent);
	}
	free(patients);
}
