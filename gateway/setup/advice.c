/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/setup/advice.h"

#include <string.h>
#include <unistd.h>

#include "gateway/base/addr.h"
#include "gateway/config/config.h"
#include "gateway/setup/question.h"

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void tell_servers(const struct answers *answers, FILE *to)
{
	const char *domain = answers->text[ASK_DOMAIN];
	const char *secret = answers->text[ASK_SECRET];
	char host[ANSWER_CAP];
	unsigned port = answers_server(answers, host);

	fprintf(to,
		"\nThe XMPP server needs the component. Prosody, at the end of "
		"prosody.cfg.lua:\n\n"
		"    Component \"%s\"\n"
		"        component_secret = \"%s\"\n\n"
		"or ejabberd, in the listen section of ejabberd.yml:\n\n"
		"    -\n"
		"      port: %u\n"
		"      ip: \"127.0.0.1\"\n"
		"      module: ejabberd_service\n"
		"      hosts:\n"
		"        %s:\n"
		"          password: \"%s\"\n",
		domain, secret, port, domain, secret);
	if (!strcmp(answers->text[ASK_PUBLIC], "auto"))
		fprintf(to,
			"\nProsody also, in its global section, so that it "
			"tells of its STUN server and takes\nus back when our "
			"address changes:\n\n"
			"    component_conflict_resolve = \"kick_old\"\n"
			"    external_service_access = { \"%s\", and the "
			"domain of your users }\n",
			domain);
}

static void tell_port(FILE *to, unsigned from, unsigned until,
		      const char *protocol, const char *what)
{
	if (from == until)
		fprintf(to, "    ufw allow %u/%s", from, protocol);
	else
		fprintf(to, "    ufw allow %u:%u/%s", from, until, protocol);
	fprintf(to, "    # %s\n", what);
}

static void tell_firewall(const struct config *config, FILE *to)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	const struct config_media *media = &config->media;
	unsigned workers = media->workers   ? media->workers
			   : processors > 0 ? (unsigned)processors
					    : 1;

	fputs("\nA firewall must let in:\n\n", to);
	for (size_t i = 0; i < config->sip.nlisten; i++)
		tell_port(to, addr_port(&config->sip.listen[i].addr),
			  addr_port(&config->sip.listen[i].addr),
			  config->sip.listen[i].transport == CONFIG_UDP ? "udp"
									: "tcp",
			  "SIP");
	tell_port(to, media->ice_port, media->ice_port + workers - 1, "udp",
		  "the clients' media");
	tell_port(to, media->port_min, media->port_max, "udp",
		  "the trunks' media");
	fputc('\n', to);
}

void advice_tell(const struct answers *answers, const char *path, FILE *to)
{
	struct config *config = NULL;

	if (config_load(&config, path, on_mistake, NULL))
		return;
	tell_servers(answers, to);
	tell_firewall(config, to);
	config_free(config);
}

void advice_farewell(const struct answers *answers, FILE *to)
{
	fprintf(to,
		"Next:  systemctl start tandem     (tandem doctor tries all of "
		"it at any time)\n"
		"Then call echo@%s from your XMPP client: it plays back what "
		"it "
		"hears.\n",
		answers->text[ASK_DOMAIN]);
}
