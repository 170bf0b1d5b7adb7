/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/added.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "db/setting.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/trunks.h"
#include "gateway/watch/watch.h"

/* added_rows[i] is what added.v[i] was made of. */

static size_t find(const struct gateway *gateway, const char *name)
{
	size_t i = 0;

	while (i < gateway->added.n &&
	       strcmp(gateway->added_rows[i]->name, name) != 0)
		i++;
	return i;
}

const struct trunk_row *added_find(const struct gateway *gateway,
				   const char *name)
{
	size_t i = find(gateway, name);

	return i < gateway->added.n ? gateway->added_rows[i] : NULL;
}

static bool is_the_files(const struct gateway *gateway, const char *name)
{
	for (size_t i = 0; i < gateway->config->ntrunks; i++) {
		if (!strcmp(gateway->config->trunks[i].name, name))
			return true;
	}
	return false;
}

/* ---- what was asked for, as a configuration ---- */

struct making {
	struct config_trunk *trunk;
	char *why; /* of ADDED_WHY_CAP */
};

static int complain(const struct making *making, const char *fmt, ...)
	PRINTF(2, 3);
static int complain(const struct making *making, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(making->why, ADDED_WHY_CAP, fmt, ap);
	va_end(ap);
	return ADDED_E_INVALID;
}

static int set(const struct making *making, const char *name, const char *value)
{
	const char *expected = "";
	int r = config_trunk_set(making->trunk, name, value, &expected);

	if (r == CONFIG_E_UNKNOWN)
		return complain(making,
				"%.32s is no key of a trunk that a command "
				"sets",
				name);
	return r == CONFIG_E_INVALID
		       ? complain(making, "%s: %s, please", name, expected)
		       : r;
}

static int set_slice(const struct making *making, const char *name,
		     struct slice value)
{
	char *copy = text_dup(value);
	int r = copy ? set(making, name, copy) : -ENOMEM;

	text_wipe(copy);
	return r;
}

static int set_allowed(const struct making *making, const char *text)
{
	struct slice rest = slice_of(text);
	int r = 0;

	while (rest.n && !r) {
		struct slice one = slice_cut(&rest, ' ');

		if (one.n)
			r = set_slice(making, "allow", one);
	}
	return r;
}

static struct slice unquoted(struct slice text)
{
	if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
		return (struct slice){ text.p + 1, text.n - 2 };
	return text;
}

/* Columns of their own, the password's sealed; the lines are told again. */
static bool is_column(const char *name)
{
	static const char *const columns[] = { "proxy", "username", "password",
					       "register" };
	size_t i = 0, n = sizeof(columns) / sizeof(columns[0]);

	while (i < n && strcmp(name, columns[i]) != 0)
		i++;
	return i < n;
}

/* "key = value", in quotes or not; empty and # lines are nothing. */
static int set_line(const struct making *making, struct slice line)
{
	struct slice value = slice_trim(line);
	char name[CONFIG_TRUNK_NAME_MAX + 1];

	if (!value.n || value.p[0] == '#')
		return 0;
	bool whole = memchr(value.p, '=', value.n) != NULL;
	struct slice key = slice_trim(slice_cut(&value, '='));
	if (!whole || text_copy(name, sizeof(name), key))
		return complain(making, "lines such as srtp = require, please");
	if (is_column(name))
		return complain(making, "%s has a field of its own", name);
	return set_slice(making, name, unquoted(slice_trim(value)));
}

static int set_lines(const struct making *making, const char *text)
{
	struct slice rest = slice_of(text);
	int r = 0;

	while (rest.n && !r)
		r = set_line(making, slice_cut(&rest, '\n'));
	return r;
}

/* sofia-sip does not survive a listener that is added while it runs. */
static int check_listeners(const struct making *making,
			   const struct config *config)
{
	const struct config_uri *proxy = &making->trunk->proxy;
	enum config_transport wants = proxy->transport;
	struct addr literal;
	bool is_ip = !addr_parse(&literal, slice_of(proxy->host), 0);

	if (proxy->transport_is_set && wants == CONFIG_TLS)
		return 0; /* sip/trunk.c knows whether it is spoken */
	for (size_t i = 0; i < config->sip.nlisten; i++) {
		const struct config_listen *listen = &config->sip.listen[i];

		if (proxy->transport_is_set && listen->transport != wants)
			continue;
		if (!is_ip || addr_is_v6(&literal) == addr_is_v6(&listen->addr))
			return 0;
	}
	return complain(making,
			"sip.listen of tandem.conf has no listener that "
			"reaches %.128s; with one, and after a restart, it can "
			"be added",
			proxy->host);
}

static int check(const struct making *making, const struct gateway *gateway)
{
	const char *mistake = config_trunk_mistake(making->trunk, 0);

	if (!config_is_trunk_name(making->trunk->name))
		return complain(making,
				"its name: 1 to %d letters, digits, "
				"'.', '_' or '-', please",
				CONFIG_TRUNK_NAME_MAX);
	if (mistake)
		return complain(making, "it %s", mistake);
	return check_listeners(making, gateway->config);
}

static int set_all(const struct making *making, const struct trunk_row *row)
{
	char password[DB_SECRET_MAX + 1];
	int r = set(making, "proxy", row->proxy);

	if (!r)
		r = set(making, "username", row->username);
	if (!r)
		r = text_copy(
			password, sizeof(password),
			(struct slice){ (const char *)row->password.octets,
					row->password.n });
	if (!r)
		r = set(making, "password", password);
	explicit_bzero(password, sizeof(password));
	if (!r)
		r = set_allowed(making, row->allow);
	if (!r)
		r = set(making, "register", row->registers ? "true" : "false");
	return r ? r : set_lines(making, row->more);
}

/* *@out is owned by the caller. 0, ADDED_E_INVALID, -errno. */
static int make(struct config_trunk **out, const struct gateway *gateway,
		const struct trunk_row *row, char why[static ADDED_WHY_CAP])
{
	struct making making = { .why = why };
	int r = config_trunk_new(&making.trunk, row->name);

	why[0] = '\0';
	if (!r)
		r = set_all(&making, row);
	if (!r)
		r = check(&making, gateway);
	if (r)
		config_trunk_free(making.trunk);
	else
		*out = making.trunk;
	return r;
}

bool added_is_at(const struct gateway *gateway, const char *name,
		 const char *proxy)
{
	AUTO(config_trunk_freep) struct config_trunk *there = NULL;
	const char *expected;
	size_t i = find(gateway, name);
	int r = config_trunk_new(&there, name);

	if (!r)
		r = config_trunk_set(there, "proxy", proxy, &expected);
	return r == CONFIG_E_INVALID ||
	       (!r && i < gateway->added.n &&
		!strcasecmp(there->proxy.host,
			    gateway->added.v[i]->proxy.host));
}

/* ---- the list ---- */

/* Room for one more. */
static int grow(struct gateway *gateway)
{
	size_t n = gateway->added.n + 1;
	struct trunk_row **rows =
		reallocarray(gateway->added_rows, n, sizeof(*rows));
	struct config_trunk **v;

	if (!rows)
		return -ENOMEM;
	gateway->added_rows = rows;
	v = reallocarray(gateway->added.v, n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	gateway->added.v = v;
	return 0;
}

static void set_at(struct gateway *gateway, size_t i, struct trunk_row *row,
		   struct config_trunk *config)
{
	if (i < gateway->added.n)
		trunk_row_free(gateway->added_rows[i]);
	else
		gateway->added.n++;
	gateway->added_rows[i] = row;
	gateway->added.v[i] = config;
}

static void remove_at(struct gateway *gateway, size_t i)
{
	size_t last = --gateway->added.n;

	trunk_row_free(gateway->added_rows[i]);
	gateway->added_rows[i] = gateway->added_rows[last];
	gateway->added.v[i] = gateway->added.v[last];
}

/* ---- start ---- */

static int take_row(struct gateway *gateway, const struct trunk_row *row)
{
	struct config_trunk *config;
	char why[ADDED_WHY_CAP];
	int r = is_the_files(gateway, row->name)
			? ADDED_E_FILE
			: make(&config, gateway, row, why);

	if (r == ADDED_E_FILE || r == ADDED_E_INVALID)
		log_error("trunk=%s not-opened: %s", row->name,
			  r == ADDED_E_FILE ? "tandem.conf has one of its name"
					    : why);
	if (r)
		return r;
	struct trunk_row *copy = trunk_row_copy(row);
	if (!copy || grow(gateway)) {
		trunk_row_free(copy);
		config_trunk_free(config);
		return -ENOMEM;
	}
	set_at(gateway, gateway->added.n, copy, config);
	return 0;
}

struct load {
	struct gateway *gateway;
	int result;
};

static void on_row(const void *row, void *arg)
{
	struct load *load = arg;
	int r = take_row(load->gateway, row);

	load->gateway->added_left_out |= r > 0;
	if (r < 0)
		load->result = r;
}

int added_new(struct gateway *gateway)
{
	struct load load = { gateway, 0 };
	int r = trunk_row_load_all(gateway->db, on_row, &load);

	return r ? r : load.result;
}

void added_free(struct gateway *gateway)
{
	while (gateway->added.n) {
		size_t i = --gateway->added.n;

		trunk_row_free(gateway->added_rows[i]);
		config_trunk_free(gateway->added.v[i]);
	}
	free(gateway->added_rows);
	free(gateway->added.v);
	gateway->added_rows = NULL;
	gateway->added.v = NULL;
}

/* ---- changes ---- */

/* The SIP trunk first: it is what may be refused. */
static int put(struct gateway *gateway, size_t i, struct trunk_row *row,
	       struct config_trunk *config, char why[static ADDED_WHY_CAP])
{
	int r = trunks_open(gateway, config);

	if (r == -EPROTONOSUPPORT) {
		snprintf(why, ADDED_WHY_CAP,
			 "TLS is not spoken: tandem.conf has no "
			 "sip.certificate; with one, and after a restart, it "
			 "can be added");
		return ADDED_E_INVALID;
	}
	if (r)
		return r;
	r = trunk_row_put(gateway->db, row, NULL, NULL);
	if (r) {
		trunks_open_undo(gateway);
		return r;
	}
	if (i < gateway->added.n)
		trunks_close(gateway, gateway->added.v[i], config);
	set_at(gateway, i, row, config);
	watch_trunk(gateway, row->name);
	return 0;
}

int added_put(struct gateway *gateway, const struct trunk_row *row,
	      char why[static ADDED_WHY_CAP])
{
	AUTO(config_trunk_freep) struct config_trunk *config = NULL;
	AUTO(trunk_row_freep) struct trunk_row *copy = NULL;
	size_t i = find(gateway, row->name);

	if (is_the_files(gateway, row->name))
		return ADDED_E_FILE;
	if (i == ADDED_MAX || !trunks_can_change(gateway))
		return ADDED_E_FULL;
	int r = make(&config, gateway, row, why);
	if (r)
		return r;
	copy = trunk_row_copy(row);
	r = copy ? grow(gateway) : -ENOMEM;
	if (!r)
		r = put(gateway, i, copy, config, why);
	if (r)
		return r;
	config = NULL;
	copy = NULL;
	return 0;
}

int added_drop(struct gateway *gateway, const char *name)
{
	size_t i = find(gateway, name);

	if (is_the_files(gateway, name))
		return ADDED_E_FILE;
	if (i == gateway->added.n)
		return ADDED_E_UNKNOWN;
	if (!trunks_can_change(gateway))
		return ADDED_E_FULL;
	int r = trunk_row_drop(gateway->db, name, NULL, NULL);
	if (!r)
		r = setting_drop(gateway->settings, SETTING_TRUNK, name);
	if (r)
		return r;
	trunks_close(gateway, gateway->added.v[i], NULL);
	remove_at(gateway, i);
	return 0;
}

int added_put_all(struct gateway *gateway)
{
	int r = 0;

	for (size_t i = 0; i < gateway->added.n; i++) {
		int one = trunk_row_put(gateway->db, gateway->added_rows[i],
					NULL, NULL);
		r = one ? one : r;
	}
	return r;
}
