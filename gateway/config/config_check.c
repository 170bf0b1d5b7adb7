/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What must fit together once all keys are read, and the secrets in files.
 */
#include "gateway/config/config_table.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/text.h"
#include "media/bridge.h"

struct check {
	struct config *config;
	const struct config_lines *lines;
	struct config_mistakes *m;
	size_t nread; /* mistakes of reading; the rest are ours */
};

/*
 * A mistake of @line, unless reading has found one there: what follows from a
 * value that was refused is no news.
 */
static void complain(struct check *c, unsigned line, const char *fmt, ...)
	PRINTF(3, 4);
static void complain(struct check *c, unsigned line, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	for (size_t i = 0; i < c->nread; i++) {
		if (c->m->rows[i].line == line)
			return;
	}
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		c->m->failed = -ENOMEM;
	else
		config_mistakes_add(c->m, line, "%s", text);
	va_end(ap);
	free(text);
}

/* The line of @key, or the file's last when it is not given. */
static unsigned line_of(const struct check *c, enum config_key_id key)
{
	return c->lines->key[key] ? c->lines->key[key] : c->lines->end;
}

/*
 * The first line of a file that others cannot read. 0, -ENOMEM, or
 * CONFIG_E_INVALID with @why told.
 */
static int read_secret_fd(int fd, char **out, const char **why)
{
	char text[CONFIG_SECRET_MAX + 2];
	struct stat st;

	*why = "a file that can be read";
	if (fstat(fd, &st))
		return CONFIG_E_INVALID;
	*why = "a plain file";
	if (!S_ISREG(st.st_mode))
		return CONFIG_E_INVALID;
	*why = "a file that not everybody can read: chmod o-rwx";
	if (st.st_mode & S_IRWXO)
		return CONFIG_E_INVALID;
	*why = "one line of 1 to 1024 characters";
	ssize_t n = read(fd, text, sizeof(text));
	if (n <= 0)
		return CONFIG_E_INVALID;

	struct slice rest = { text, (size_t)n };
	struct slice line = slice_cut(&rest, '\n');
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	bool fits = line.n && line.n <= CONFIG_SECRET_MAX && !rest.n;
	for (size_t i = 0; i < line.n; i++)
		fits = fits && (unsigned char)line.p[i] >= 0x20;
	char *secret = fits ? text_dup(line) : NULL;
	explicit_bzero(text, sizeof(text));
	if (!secret)
		return fits ? -ENOMEM : CONFIG_E_INVALID;
	free(*out);
	*out = secret;
	return 0;
}

static void take_secret(struct check *c, unsigned line, const char *name,
			const char *path, char **secret)
{
	const char *why = "a file that can be read";

	if (!*path)
		return;
	if (**secret) {
		complain(c, line,
			 "%s is given next to the secret itself: "
			 "expected one of them",
			 name);
		return;
	}
	/* A fifo must not hold up the start. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error = errno;
	int r = fd < 0 ? CONFIG_E_INVALID : read_secret_fd(fd, secret, &why);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		c->m->failed = r;
	else if (r)
		complain(c, line, "%s = %s%s%s: expected %s", name,
			 log_text(slice_of(path)).s, fd < 0 ? ": " : "",
			 fd < 0 ? strerror(error) : "", why);
}

static void check_xmpp(struct check *c)
{
	struct config_xmpp *xmpp = &c->config->xmpp;

	if (!*xmpp->domain)
		complain(c, line_of(c, CONFIG_KEY_XMPP_DOMAIN),
			 "xmpp.domain is missing: expected the "
			 "component's domain, such as "
			 "tel.example.org");
	if (!*xmpp->secret && !*xmpp->secret_file)
		complain(c, line_of(c, CONFIG_KEY_XMPP_SECRET),
			 "xmpp.secret is missing: expected secret "
			 "or secret_file");
	take_secret(c, line_of(c, CONFIG_KEY_XMPP_SECRET_FILE),
		    "xmpp.secret_file", xmpp->secret_file, &xmpp->secret);
}

static bool same_listen(const struct config_listen *a,
			const struct config_listen *b)
{
	return a->transport == b->transport && addr_equal(&a->addr, &b->addr);
}

/* The key of a certificate is a secret as well. */
static void check_key_file(struct check *c)
{
	const struct config_sip *sip = &c->config->sip;
	bool own = *sip->private_key;
	const char *path = own ? sip->private_key : sip->certificate;
	unsigned line = line_of(c, own ? CONFIG_KEY_SIP_PRIVATE_KEY
				       : CONFIG_KEY_SIP_CERTIFICATE);
	struct stat st;

	if (!*path)
		return;
	if (stat(path, &st))
		complain(c, line, "sip.%s = %s: %s",
			 own ? "private_key" : "certificate",
			 log_text(slice_of(path)).s, strerror(errno));
	else if (st.st_mode & S_IRWXO)
		complain(c, line,
			 "sip.%s = %s: expected a file that not everybody can "
			 "read: chmod o-rwx",
			 own ? "private_key" : "certificate",
			 log_text(slice_of(path)).s);
}

static void check_tls(struct check *c)
{
	const struct config_sip *sip = &c->config->sip;

	for (size_t i = 0; i < sip->nlisten; i++) {
		if (sip->listen[i].transport != CONFIG_TLS || *sip->certificate)
			continue;
		complain(c, line_of(c, CONFIG_KEY_SIP_LISTEN),
			 "sip.listen has tls:%s: expected sip.certificate",
			 addr_text(&sip->listen[i].addr).s);
	}
	if (*sip->private_key && !*sip->certificate)
		complain(c, line_of(c, CONFIG_KEY_SIP_PRIVATE_KEY),
			 "sip.private_key is given alone: expected "
			 "sip.certificate");
	check_key_file(c);
}

static void check_sip(struct check *c)
{
	const struct config_sip *sip = &c->config->sip;
	unsigned line = line_of(c, CONFIG_KEY_SIP_LISTEN);

	if (!sip->nlisten)
		complain(c, line,
			 "sip.listen is empty: expected at least "
			 "one \"udp:IP:port\" or \"tcp:IP:port\"");
	for (size_t i = 0; i < sip->nlisten; i++) {
		for (size_t j = 0; j < i; j++) {
			if (same_listen(&sip->listen[i], &sip->listen[j]))
				complain(c, line,
					 "sip.listen has %s twice: expected "
					 "it once",
					 addr_text(&sip->listen[i].addr).s);
		}
	}
}

/* One even port and the next: RTP and RTCP (RFC 3550, 11). */
static void check_pairs(struct check *c)
{
	const struct config_media *media = &c->config->media;
	unsigned first = (media->port_min + 1u) & ~1u;

	if (first + 1 > media->port_max)
		complain(c, line_of(c, CONFIG_KEY_MEDIA_PORT_MAX),
			 "media.port_min = %u and port_max = %u: expected room "
			 "for an even port and the next",
			 media->port_min, media->port_max);
}

static void check_ice_ports(struct check *c)
{
	const struct config_media *media = &c->config->media;
	unsigned line = line_of(c, CONFIG_KEY_MEDIA_ICE_PORT);
	unsigned workers = media_worker_count(media->workers);
	unsigned last = media->ice_port + workers - 1;

	if (last > UINT16_MAX)
		complain(c, line,
			 "media.ice_port = %u: expected room for "
			 "one port per worker (%u)",
			 media->ice_port, workers);
	if (media->ice_port <= media->port_max && last >= media->port_min)
		complain(c, line,
			 "media.ice_port = %u to %u: expected none "
			 "of port_min %u to port_max %u",
			 media->ice_port, last, media->port_min,
			 media->port_max);
}

static void check_listen_ports(struct check *c)
{
	const struct config_media *media = &c->config->media;
	const struct config_sip *sip = &c->config->sip;
	unsigned workers = media_worker_count(media->workers);
	unsigned last = media->ice_port + workers - 1;

	for (size_t i = 0; i < sip->nlisten; i++) {
		unsigned port = addr_port(&sip->listen[i].addr);
		bool rtp = port >= media->port_min && port <= media->port_max;
		bool ice = port >= media->ice_port && port <= last;

		if (sip->listen[i].transport == CONFIG_UDP && (rtp || ice))
			complain(c, line_of(c, CONFIG_KEY_SIP_LISTEN),
				 "sip.listen port %u: expected one outside of "
				 "media.%s",
				 port,
				 rtp ? "port_min to port_max" : "ice_port");
	}
}

static void check_paths(struct check *c)
{
	if (!*c->config->db.path)
		complain(c, line_of(c, CONFIG_KEY_DB_PATH),
			 "db.path is empty: expected the path of a "
			 "file");
	if (!*c->config->media.certificate)
		complain(c, line_of(c, CONFIG_KEY_MEDIA_CERTIFICATE),
			 "media.certificate is empty: expected the "
			 "path of a file");
}

static void check_trunk(struct check *c, struct config_trunk *trunk)
{
	const char *mistake;

	take_secret(c, trunk->line, "password_file", trunk->password_file,
		    &trunk->password);
	for (size_t i = 0; (mistake = config_trunk_mistake(trunk, i)); i++)
		complain(c, trunk->line, "trunk \"%.64s\" %s", trunk->name,
			 mistake);
}

static void set_only_trunk(struct check *c, struct config_number *number)
{
	if (c->config->ntrunks != 1) {
		complain(c, number->line,
			 "number \"%.64s\" has no trunk: expected "
			 "trunk = \"the name of a trunk\"",
			 number->number);
		return;
	}
	free(number->trunk);
	number->trunk = text_dup(slice_of(c->config->trunks[0].name));
	if (!number->trunk)
		c->m->failed = -ENOMEM;
}

static void check_number(struct check *c, struct config_number *number)
{
	if (!number->nowners)
		complain(c, number->line,
			 "number \"%.64s\" has no owner: expected "
			 "owner = \"a bare JID\"",
			 number->number);
	if (number->nowners > ACCOUNT_MAX_OWNERS)
		complain(c, number->line,
			 "number \"%.64s\" has %zu owners: expected at most "
			 "%d",
			 number->number, number->nowners, ACCOUNT_MAX_OWNERS);
	if (number->second_call == ACCOUNT_SECOND_FORWARD && !*number->forward)
		complain(c, number->line,
			 "number \"%.64s\" forwards to nobody: expected "
			 "forward = \"a JID, number or sip:user@host\"",
			 number->number);
	if (*number->texts && !strcmp(number->texts, c->config->xmpp.domain))
		complain(c, number->line,
			 "number \"%.64s\".texts = \"%s\": expected another "
			 "component than this one",
			 number->number, number->texts);
	if (!*number->trunk)
		set_only_trunk(c, number);
	else if (!config_find_trunk(c->config, number->trunk))
		complain(c, number->trunk_line,
			 "number \"%.64s\".trunk = \"%s\": expected "
			 "the name of a trunk in this file",
			 number->number, number->trunk);
}

static void check_route(struct check *c, const struct config_route *route)
{
	if (!config_is_trunk_name(route->name))
		complain(c, route->line,
			 "route \"%.64s\": expected a name of 1 to %d letters, "
			 "digits, '.', '_' or '-'",
			 route->name, CONFIG_TRUNK_NAME_MAX);
	if (!route->trunks.n)
		complain(c, route->line,
			 "route \"%.64s\" has no trunks: expected trunks = { "
			 "\"the name of a trunk\" }",
			 route->name);
	for (size_t i = 0; i < route->trunks.n; i++) {
		if (!config_find_trunk(c->config, route->trunks.v[i]))
			complain(c, route->line,
				 "route \"%.64s\".trunks has \"%s\": expected "
				 "the name of a trunk in this file",
				 route->name, route->trunks.v[i]);
	}
}

static void check_emergency(struct check *c)
{
	const struct config_emergency *emergency = &c->config->emergency;

	if (*emergency->trunk &&
	    !config_find_trunk(c->config, emergency->trunk))
		complain(c, line_of(c, CONFIG_KEY_EMERGENCY_TRUNK),
			 "emergency.trunk = \"%s\": expected the name of a "
			 "trunk in this file",
			 emergency->trunk);
}

/* Who can be called by others must know whom to answer. */
static void check_watch(struct check *c)
{
	struct config_watch *watch = &c->config->watch;

	take_secret(c, line_of(c, CONFIG_KEY_WATCH_TOKEN_FILE),
		    "watch.token_file", watch->token_file, &watch->token);
	if (addr_is_set(&watch->listen) && !*watch->token &&
	    addr_classify(&watch->listen) != ADDR_LOOPBACK)
		complain(
			c, line_of(c, CONFIG_KEY_WATCH_LISTEN),
			"watch.listen = %s without a token: expected token or "
			"token_file, or an address of this machine alone, such "
			"as 127.0.0.1:9464",
			addr_text(&watch->listen).s);
}

static void check_billing(struct check *c)
{
	struct config_billing *billing = &c->config->billing;

	take_secret(c, line_of(c, CONFIG_KEY_BILLING_TOKEN_FILE),
		    "billing.token_file", billing->token_file, &billing->token);
}

static void check_hep(struct check *c)
{
	struct config_hep *hep = &c->config->hep;

	take_secret(c, line_of(c, CONFIG_KEY_HEP_PASSWORD_FILE),
		    "hep.password_file", hep->password_file, &hep->password);
}

static void check_registration(struct check *c)
{
	const struct config_registration *registration =
		&c->config->registration;
	const struct config_texts *numbers = &registration->numbers;
	unsigned line = line_of(c, CONFIG_KEY_REGISTRATION_NUMBERS);

	for (size_t i = 0; i < numbers->n; i++) {
		if (!config_is_number(numbers->v[i]) ||
		    config_find_number(c->config, numbers->v[i]))
			complain(c, line,
				 "registration.numbers: \"%s\": expected a "
				 "number such as +15557654321 that no section "
				 "names",
				 numbers->v[i]);
	}
	if (numbers->n && !*registration->domain)
		complain(c, line,
			 "registration.numbers without registration.domain: "
			 "expected the domain whose accounts may register");
	if (numbers->n && !config_find_trunk(c->config, registration->trunk))
		complain(c, line_of(c, CONFIG_KEY_REGISTRATION_TRUNK),
			 "registration.trunk = \"%s\": expected the name of a "
			 "trunk in this file",
			 registration->trunk);
}

void config_check(struct config *config, const struct config_lines *lines,
		  struct config_mistakes *m)
{
	struct check c = { config, lines, m, m->n };

	check_xmpp(&c);
	check_sip(&c);
	check_tls(&c);
	check_pairs(&c);
	check_ice_ports(&c);
	check_listen_ports(&c);
	check_paths(&c);
	for (size_t i = 0; i < config->ntrunks; i++)
		check_trunk(&c, &config->trunks[i]);
	for (size_t i = 0; i < config->nnumbers && !m->failed; i++)
		check_number(&c, &config->numbers[i]);
	for (size_t i = 0; i < config->nroutes; i++)
		check_route(&c, &config->routes[i]);
	check_emergency(&c);
	check_watch(&c);
	check_billing(&c);
	check_hep(&c);
	check_registration(&c);
}
