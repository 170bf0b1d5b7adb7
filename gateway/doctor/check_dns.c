/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whether the DNS leads other XMPP servers to ours, as their users need it who
 * call: SRV (RFC 6120, 3.2.1) or an address of the domain. Waits for each
 * answer: nothing else goes on in the doctor.
 */
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/select.h>

#include "gateway/base/text.h"
#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"

enum { TIMEOUT_MS = 2000, TRIES = 2, NAME_CAP = 300 };

struct answer {
	int status;
	char where[NAME_CAP]; /* "xmpp.example.org:5269" */
};

static void on_srv(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct answer *answer = arg;
	struct ares_srv_reply *reply = NULL;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(p, n, &reply);
	answer->status = status;
	if (!status && reply &&
	    text_format(answer->where, sizeof(answer->where), "%s:%u",
			reply->host, reply->port))
		answer->status = ARES_EBADRESP;
	if (reply)
		ares_free_data(reply);
}

static void on_addresses(void *arg, int status, int timeouts,
			 struct ares_addrinfo *found)
{
	struct answer *answer = arg;

	(void)timeouts;
	answer->status = status;
	if (found)
		ares_freeaddrinfo(found);
}

static void wait_for_answers(ares_channel channel)
{
	for (;;) {
		fd_set readers, writers;
		struct timeval left;

		FD_ZERO(&readers);
		FD_ZERO(&writers);
		int n = ares_fds(channel, &readers, &writers);
		if (!n)
			return;
		select(n, &readers, &writers, NULL,
		       ares_timeout(channel, NULL, &left));
		ares_process(channel, &readers, &writers);
	}
}

static void tell(struct doctor *doctor, const struct answer *srv,
		 const struct answer *address)
{
	const char *domain = doctor->config->xmpp.domain;
	int why = srv->status;

	if (!why)
		finding_good(doctor, "DNS", "%s is at %s for other servers",
			     domain, srv->where);
	else if (!address->status)
		finding_good(doctor, "DNS",
			     "%s has an address, where other servers try port "
			     "5269",
			     domain);
	else if (why == ARES_ENOTFOUND || why == ARES_ENODATA)
		finding_odd(doctor, "DNS",
			    "fine when your server's own users alone call; "
			    "else an SRV record _xmpp-server._tcp of it, to "
			    "that server",
			    "%s has no SRV record and no address", domain);
	else
		finding_odd(doctor, "DNS",
			    "/etc/resolv.conf, or sip.nameservers: trunks are "
			    "found by it as well",
			    "%s: %s", domain, ares_strerror(why));
}

static void ask(struct doctor *doctor, ares_channel channel)
{
	const struct ares_addrinfo_hints any = { .ai_family = AF_UNSPEC };
	const char *domain = doctor->config->xmpp.domain;
	struct answer srv = { .status = ARES_ENOTFOUND }, address = srv;
	char name[NAME_CAP];

	if (text_format(name, sizeof(name), "_xmpp-server._tcp.%s", domain))
		return;
	ares_query(channel, name, C_IN, T_SRV, on_srv, &srv);
	ares_getaddrinfo(channel, domain, NULL, &any, on_addresses, &address);
	wait_for_answers(channel);
	tell(doctor, &srv, &address);
}

void check_dns(struct doctor *doctor)
{
	const char *servers = doctor->config->sip.nameservers;
	struct ares_options options = { .timeout = TIMEOUT_MS, .tries = TRIES };
	ares_channel channel;

	if (ares_library_init(ARES_LIB_INIT_ALL))
		return;
	if (!ares_init_options(&channel, &options,
			       ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES)) {
		if (!*servers || !ares_set_servers_ports_csv(channel, servers))
			ask(doctor, channel);
		ares_destroy(channel);
	}
	ares_library_cleanup();
}
