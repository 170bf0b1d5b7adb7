/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The ports we want for ourselves: SIP's, ICE's, those of the trunks' media. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/addr.h"
#include "gateway/base/rand.h"
#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"
#include "media/bridge.h"

static const char free_it[] =
	"another program has it (`ss -lnup`, `ss -lntp`): end it, or choose "
	"another in tandem.conf";

/* 0 or -errno. */
static int try_to_bind(int type, const struct addr *at)
{
	static const int on = 1;
	int r = 0, fd = socket(at->sa.sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &at->sa, addr_len(at)))
		r = -errno;
	close(fd);
	return r;
}

static void check_listens(struct doctor *doctor)
{
	static const struct {
		const char *name;
		int type;
	} transports[] = { [CONFIG_UDP] = { "udp", SOCK_DGRAM },
			   [CONFIG_TCP] = { "tcp", SOCK_STREAM },
			   [CONFIG_TLS] = { "tls", SOCK_STREAM } };
	const struct config_sip *sip = &doctor->config->sip;

	for (size_t i = 0; i < sip->nlisten; i++) {
		const struct config_listen *listen = &sip->listen[i];
		const char *name = transports[listen->transport].name;
		int r = try_to_bind(transports[listen->transport].type,
				    &listen->addr);

		if (r)
			finding_bad(doctor, "sip.listen",
				    r == -EADDRNOTAVAIL
					    ? "no interface has that address "
					      "(`ip address`); 0.0.0.0 is all"
					    : free_it,
				    "%s:%s: %s", name,
				    addr_text(&listen->addr).s, strerror(-r));
		else
			finding_good(doctor, "sip.listen", "%s:%s is free",
				     name, addr_text(&listen->addr).s);
	}
}

static struct addr media_at(const struct doctor *doctor, unsigned port)
{
	struct addr at = doctor->config->media.address;

	addr_set_port(&at, (uint16_t)port);
	return at;
}

static void check_ice(struct doctor *doctor)
{
	const struct config_media *media = &doctor->config->media;
	unsigned n = media_worker_count(media->workers);

	for (unsigned i = 0; i < n; i++) {
		struct addr at = media_at(doctor, media->ice_port + i);
		int r = try_to_bind(SOCK_DGRAM, &at);

		if (r) {
			finding_bad(doctor, "media.ice_port", free_it,
				    "udp:%s: %s", addr_text(&at).s,
				    strerror(-r));
			return;
		}
	}
	finding_good(doctor, "media.ice_port",
		     "%u to %u are free, one for each of %u workers",
		     media->ice_port, media->ice_port + n - 1, n);
}

/* A sample: ten thousand binds would take longer than they are worth. */
static void check_range(struct doctor *doctor)
{
	enum { SAMPLES = 50 };
	const struct config_media *media = &doctor->config->media;
	unsigned width = media->port_max - media->port_min + 1u, taken = 0;

	for (unsigned i = 0; i < SAMPLES; i++) {
		struct addr at =
			media_at(doctor, media->port_min + rand_u32() % width);

		taken += try_to_bind(SOCK_DGRAM, &at) != 0;
	}
	if (width / 2 < doctor->config->limits.calls)
		finding_odd(doctor, "media ports",
			    "a call takes two: widen media.port_min to "
			    "port_max, or lower limits.calls",
			    "%u ports for limits.calls = %u", width,
			    doctor->config->limits.calls);
	if (taken)
		finding_odd(doctor, "media ports",
			    "choose a range that no other program uses "
			    "(`ss -lnu`), outside of net.ipv4."
			    "ip_local_port_range",
			    "%u of %d tried in %u-%u are taken", taken, SAMPLES,
			    media->port_min, media->port_max);
	else
		finding_good(doctor, "media ports", "%u-%u are free",
			     media->port_min, media->port_max);
}

void check_ports(struct doctor *doctor)
{
	if (doctor->running)
		return;
	check_listens(doctor);
	check_ice(doctor);
	check_range(doctor);
}
