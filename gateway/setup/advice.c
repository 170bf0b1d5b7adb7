/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/setup/advice.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/base/addr.h"
#include "gateway/config/config.h"
#include "gateway/setup/question.h"
#include "media/bridge.h"

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* As Lua and YAML read it. */
static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static bool is_this_machine(const char *host)
{
	struct addr addr;

	return !strcmp(host, "localhost") ||
	       (!addr_parse(&addr, slice_of(host), 0) &&
		addr_classify(&addr) == ADDR_LOOPBACK);
}

static void tell_prosody(const struct answers *answers, FILE *to)
{
	const char *domain = answers->text[ASK_DOMAIN];

	fprintf(to,
		"\nThe XMPP server needs the component. Prosody, at the end of "
		"prosody.cfg.lua:\n\n"
		"    Component \"%s\"\n"
		"        component_secret = ",
		domain);
	put_quoted(to, answers->text[ASK_SECRET]);
	fputs("\n", to);
}

static void tell_ejabberd(const struct answers *answers, unsigned port,
			  bool local, FILE *to)
{
	fprintf(to,
		"\nor ejabberd, in the listen section of ejabberd.yml:\n\n"
		"    -\n"
		"      port: %u\n"
		"      ip: \"%s\"\n"
		"      module: ejabberd_service\n"
		"      hosts:\n"
		"        %s:\n"
		"          password: ",
		port, local ? "127.0.0.1" : "::", answers->text[ASK_DOMAIN]);
	put_quoted(to, answers->text[ASK_SECRET]);
	fputs("\n", to);
}

/* What Prosody needs in its global section, where it differs from what it has.
 */
static void tell_global(const struct answers *answers, unsigned port,
			bool local, FILE *to)
{
	bool automatic = !strcmp(answers->text[ASK_PUBLIC], "auto");

	if (local && port == COMPONENT_PORT && !automatic)
		return;
	fputs("\nProsody also, in its global section:\n\n", to);
	if (!local)
		fputs("    component_interfaces = { \"*\" }    -- for this "
		      "machine alone: a firewall\n",
		      to);
	if (port != COMPONENT_PORT)
		fprintf(to, "    component_ports = { %u }\n", port);
	if (automatic)
		fprintf(to,
			"    -- it takes us back when our address changes, and "
			"tells of its STUN server\n"
			"    component_conflict_resolve = \"kick_old\"\n"
			"    external_service_access = { \"%s\", and the "
			"domain of your users }\n",
			answers->text[ASK_DOMAIN]);
}

static void tell_servers(const struct answers *answers, FILE *to)
{
	char host[ANSWER_CAP];
	unsigned port = answers_server(answers, host);
	bool local = is_this_machine(host);

	tell_prosody(answers, to);
	tell_ejabberd(answers, port, local, to);
	tell_global(answers, port, local, to);
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
	const struct config_media *media = &config->media;
	unsigned workers = media_worker_count(media->workers);

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

int advice_tell(const struct answers *answers, const char *path, FILE *to)
{
	struct config *config = NULL;

	if (config_load(&config, path, on_mistake, NULL))
		return -1;
	tell_servers(answers, to);
	tell_firewall(config, to);
	config_free(config);
	return 0;
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
