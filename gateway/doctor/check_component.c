/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The XMPP server: is it there, does it know the domain, is the secret right.
 */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"
#include "xmpp/xmpp_stream.h"

enum { WAIT_S = 10, WHY_CAP = 128 };

struct attempt {
	struct doctor *doctor;
	bool up;
	char why[WHY_CAP];
};

/* By the stream error's condition or the system's word. */
static const struct {
	const char *why, *mend;
} mends[] = {
	{ "not-authorized", "the secret differs: Prosody's component_secret, "
			    "ejabberd's password of the component" },
	{ "host-unknown", "the server has no component of that domain: "
			  "Prosody's Component \"domain\", ejabberd's hosts" },
	{ "conflict", "another component holds the domain: another Tandem?" },
	{ "Connection refused",
	  "does the server run and listen for components (Prosody's "
	  "component_ports, ejabberd's ejabberd_service)? xmpp.host and port" },
};

static const char *mend_of(const char *why)
{
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
		if (strstr(why, mends[i].why))
			return mends[i].mend;
	}
	return "xmpp.host and xmpp.port: where the server takes components "
	       "(XEP-0114); a firewall between?";
}

static void on_up(void *arg)
{
	struct attempt *attempt = arg;

	attempt->up = true;
	event_base_loopbreak(attempt->doctor->base);
}

static void on_down(const char *why, void *arg)
{
	struct attempt *attempt = arg;

	snprintf(attempt->why, sizeof(attempt->why), "%s", why);
	event_base_loopbreak(attempt->doctor->base);
}

static void on_stanza(const struct stanza *stanza, void *arg)
{
	(void)stanza; /* what comes in that moment is for a Tandem that runs */
	(void)arg;
}

static const struct xmpp_stream_handlers handlers = {
	.up = on_up,
	.down = on_down,
	.refused = on_down,
	.stanza = on_stanza,
};

static void tell(struct doctor *doctor, const struct attempt *attempt)
{
	const struct config_xmpp *xmpp = &doctor->config->xmpp;
	const char *why = *attempt->why ? attempt->why : "no answer";

	if (attempt->up)
		finding_good(doctor, "component", "%s at %s:%u took the secret",
			     xmpp->domain, xmpp->host, xmpp->port);
	else
		finding_bad(doctor, "component", mend_of(why),
			    "%s at %s:%u: %s", xmpp->domain, xmpp->host,
			    xmpp->port, why);
}

/* A second stream would throw the first out (Prosody's kick_old). */
void check_component(struct doctor *doctor)
{
	const struct config_xmpp *xmpp = &doctor->config->xmpp;
	const struct xmpp_stream_config config = { .host = xmpp->host,
						   .port = xmpp->port,
						   .domain = xmpp->domain,
						   .secret = xmpp->secret };
	const struct timeval most = { WAIT_S, 0 };
	struct attempt attempt = { .doctor = doctor };
	struct xmpp_stream *stream;

	if (doctor->running)
		return;
	if (xmpp_stream_new(&stream, &config, doctor->base, &handlers,
			    &attempt)) {
		finding_bad(doctor, "component", mend_of(""), "%s: no stream",
			    xmpp->host);
		return;
	}
	event_base_loopexit(doctor->base, &most);
	event_base_dispatch(doctor->base);
	tell(doctor, &attempt);
	xmpp_stream_free(stream);
}
