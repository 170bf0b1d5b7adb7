/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whether clients and trunks elsewhere can reach us, as far as that can be told
 * from here. */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"
#include "media/host.h"
#include "media/mapped.h"
#include "xmpp/xmpp_lookup.h"

enum { STUN_WAIT_MS = 3000, STEP_MS = 100 };

struct asking {
	struct doctor *doctor;
	struct addr server;
	bool on_ice_port; /* it was asked from there */
	char text[128];   /* why the name does not resolve */
};

static bool has_public_address(struct addr *out)
{
	struct host_list hosts;

	if (host_list_read(&hosts, false))
		return false;
	for (size_t i = 0; i < hosts.n; i++) {
		if (addr_classify(&hosts.addrs[i]) == ADDR_PUBLIC) {
			*out = hosts.addrs[i];
			return true;
		}
	}
	return false;
}

static void on_lookup(const struct addr *addrs, size_t n, const char *why,
		      void *arg)
{
	struct asking *asking = arg;

	if (n)
		asking->server = addrs[0];
	else
		snprintf(asking->text, sizeof(asking->text), "%s", why);
	event_base_loopbreak(asking->doctor->base);
}

static int look_up(struct asking *asking, const struct config_endpoint *stun)
{
	struct xmpp_lookup *lookup;
	int r = xmpp_lookup_start(&lookup, asking->doctor->base, stun->host,
				  stun->port, on_lookup, asking);

	if (r)
		return r;
	event_base_dispatch(asking->doctor->base);
	xmpp_lookup_free(lookup);
	return addr_is_set(&asking->server) ? 0 : -ENOENT;
}

/*
 * What the NAT makes of the clients' port says most. Where that is taken,
 * check_ports() has told, and another will do.
 */
static bool take_ice_port(int fd, const struct doctor *doctor)
{
	struct addr at = doctor->config->media.address;

	addr_set_port(&at, (uint16_t)doctor->config->media.ice_port);
	return !doctor->running && !bind(fd, &at.sa, addr_len(&at));
}

/* How the server sees a socket of ours. 0, -ETIMEDOUT, -errno. */
static int ask(struct asking *asking, struct addr *seen)
{
	const struct addr *server = &asking->server;
	uint8_t p[STUN_INPUT_MAX];
	struct mapped mapped = { .sent = 0 };
	uint64_t end = clock_ms() + STUN_WAIT_MS;
	const struct timeval step = { 0, STEP_MS * 1000 };
	int fd = socket(server->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step));
	asking->on_ice_port = take_ice_port(fd, asking->doctor);
	int r = connect(fd, &server->sa, addr_len(server)) ? -errno : 0;
	mapped_start(&mapped, server, clock_ms());
	while (!r && !addr_is_set(&mapped.address) && clock_ms() < end) {
		size_t n;

		mapped_tick(&mapped, p, sizeof(p), &n, clock_ms());
		if (n && send(fd, p, n, 0) < 0)
			r = -errno;
		ssize_t got = recv(fd, p, sizeof(p), 0);
		if (got > 0)
			mapped_recv(&mapped, p, (size_t)got, clock_ms());
	}
	close(fd);
	*seen = mapped.address;
	return r ? r : addr_is_set(seen) ? 0 : -ETIMEDOUT;
}

/* Whether the NAT keeps the number, as it does for a port that is forwarded. */
static void judge_port(struct doctor *doctor, const struct addr *seen)
{
	unsigned port = doctor->config->media.ice_port;

	if (addr_port(seen) == port)
		finding_good(doctor, "media.ice_port",
			     "%u is %u outside, too, says STUN", port, port);
	else
		finding_odd(doctor, "media.ice_port",
			    "is it forwarded by the router, to the same "
			    "number? without that calls need the clients' "
			    "help (ICE), and some fail",
			    "%u is %u outside, says STUN", port,
			    addr_port(seen));
}

static void judge(struct doctor *doctor, const struct addr *seen)
{
	const struct addr *said = &doctor->config->media.public_address.addr;
	struct addr own;

	if (addr_is_set(said) && !addr_same_ip(said, seen))
		finding_bad(doctor, "public address",
			    "media.public_address must be the one that "
			    "clients reach, or \"auto\"",
			    "STUN sees %s, configured is %s",
			    addr_ip_text(seen).s, addr_ip_text(said).s);
	else if (!addr_is_set(said) &&
		 !doctor->config->media.public_address.automatic &&
		 !has_public_address(&own))
		finding_bad(doctor, "public address",
			    "behind NAT: media.public_address = \"auto\"",
			    "STUN sees %s, which no interface here has",
			    addr_ip_text(seen).s);
	else
		finding_good(doctor, "public address", "%s, says STUN",
			     addr_ip_text(seen).s);
}

static void ask_stun(struct doctor *doctor, const struct config_endpoint *stun)
{
	static const char mend[] =
		"does the STUN server run, and may UDP leave and come back "
		"here? media.stun in tandem.conf(5)";
	struct asking asking = { .doctor = doctor };
	struct addr seen;

	if (look_up(&asking, stun)) {
		finding_bad(doctor, "STUN", mend, "%s: %s", stun->host,
			    asking.text);
		return;
	}
	int r = ask(&asking, &seen);
	if (r)
		finding_bad(doctor, "STUN", mend, "%s: %s",
			    addr_text(&asking.server).s,
			    r == -ETIMEDOUT ? "no answer" : strerror(-r));
	else
		judge(doctor, &seen);
	if (!r && asking.on_ice_port)
		judge_port(doctor, &seen);
}

/* Without a server to ask, from what is configured and what interfaces say. */
static void check_interfaces(struct doctor *doctor)
{
	const struct config_public *public =
		&doctor->config->media.public_address;
	struct addr own;

	if (public->automatic)
		finding_good(doctor, "public address",
			     "\"auto\": the XMPP server is asked for its STUN "
			     "server (XEP-0215) once connected");
	else if (addr_is_set(&public->addr))
		finding_good(doctor, "public address",
			     "%s, as configured; media.stun would let it be "
			     "verified",
			     addr_ip_text(&public->addr).s);
	else if (has_public_address(&own))
		finding_good(doctor, "public address", "%s, of an interface",
			     addr_ip_text(&own).s);
	else
		finding_odd(doctor, "public address",
			    "fine when all clients and trunks are in this "
			    "network; else media.public_address = \"auto\"",
			    "no interface has a public address, and "
			    "media.public_address is not set");
}

void check_public(struct doctor *doctor)
{
	const struct config_endpoint *stun = &doctor->config->media.stun;

	if (*stun->host)
		ask_stun(doctor, stun);
	else
		check_interfaces(doctor);
}
