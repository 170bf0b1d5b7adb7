/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/setup/question.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/addr.h"
#include "gateway/base/text.h"
#include "gateway/config/config.h"
#include "gateway/config/config_table.h"

const struct question questions[NQUESTIONS] = {
	[ASK_DOMAIN] = { .key = "domain",
			 .is_needed = true,
			 .text = "The domain of telephone numbers, a component "
				 "of your XMPP server (tel.example.org)" },
	[ASK_SERVER] = { .key = "server",
			 .text = "Where that server takes components",
			 .initial = "127.0.0.1:5347" },
	[ASK_SECRET] = { .key = "secret",
			 .text = "The secret it has for the component; empty: "
				 "a "
				 "new one is made",
			 .is_secret = true },
	[ASK_ADMIN] = { .key = "admin",
			.text = "Your XMPP address, to administer from; empty: "
				"nobody's" },
	[ASK_PUBLIC] = { .key = "public_address",
			 .text = "The address that clients elsewhere reach, "
				 "auto to find it, or none",
			 .initial = "auto" },
	[ASK_TRUNK] = { .key = "trunk",
			.text = "Your SIP carrier or PBX "
				"(sip:sip.carrier.example), or empty" },
	[ASK_USERNAME] = { .key = "username",
			   .text = "The user name it gave you, or empty: it "
				   "knows you by your address",
			   .has_parent = true,
			   .parent = ASK_TRUNK },
	[ASK_PASSWORD] = { .key = "password",
			   .is_needed = true,
			   .text = "And the password",
			   .is_secret = true,
			   .has_parent = true,
			   .parent = ASK_USERNAME },
	[ASK_NUMBER] = { .key = "number",
			 .text = "A number of yours there (+15557654321), or "
				 "empty",
			 .has_parent = true,
			 .parent = ASK_TRUNK },
	[ASK_OWNER] = { .key = "owner",
			.is_needed = true,
			.text = "Whose it is (alice@example.org)",
			.has_parent = true,
			.parent = ASK_NUMBER },
};

const char *answers_text(const struct answers *answers, enum question_id id)
{
	const struct question *question = &questions[id];

	if (question->has_parent && !*answers_text(answers, question->parent))
		return "";
	return answers->text[id];
}

unsigned answers_server(const struct answers *answers,
			char host[static ANSWER_CAP])
{
	struct slice text = slice_of(answers_text(answers, ASK_SERVER));
	struct slice port = text, name = slice_cut(&port, ':');
	struct addr addr;
	uint64_t number = COMPONENT_PORT;

	if (!addr_parse_port(&addr, text)) {
		memcpy(host, addr_ip_text(&addr).s,
		       sizeof(addr_ip_text(&addr).s));
		return addr_port(&addr);
	}
	if (!port.n || memchr(port.p, ':', port.n) ||
	    text_number(port, UINT16_MAX, &number))
		name = text; /* no port, or an IPv6 address alone */
	if (text_copy(host, ANSWER_CAP, name))
		host[0] = '\0';
	return (unsigned)number;
}

static void write_secret(const struct answers *answers, enum question_id id,
			 const char *key, const char *directory, FILE *to)
{
	char name[ANSWER_CAP];

	if (!*answers_text(answers, id))
		return;
	if (!directory) {
		config_put_key(to, "\t", key, answers_text(answers, id));
	} else if (!text_format(name, sizeof(name), "%s/%s", directory,
				questions[id].key)) {
		char file_key[32];

		snprintf(file_key, sizeof(file_key), "%s_file", key);
		config_put_key(to, "\t", file_key, name);
	}
}

static void write_trunk(const struct answers *answers, const char *directory,
			FILE *to)
{
	if (!*answers_text(answers, ASK_TRUNK))
		return;
	fputs("\ntrunk \"carrier\" {\n", to);
	config_put_key(to, "\t", "proxy", answers_text(answers, ASK_TRUNK));
	if (*answers_text(answers, ASK_USERNAME)) {
		config_put_key(to, "\t", "username",
			       answers_text(answers, ASK_USERNAME));
		write_secret(answers, ASK_PASSWORD, "password", directory, to);
		fputs("\tregister = true\n", to);
	}
	fputs("}\n", to);
}

static void write_number(const struct answers *answers, FILE *to)
{
	if (!*answers_text(answers, ASK_NUMBER))
		return;
	fputs("\nnumber ", to);
	config_put_quoted(to, answers_text(answers, ASK_NUMBER));
	fputs(" {\n", to);
	config_put_key(to, "\t", "owner", answers_text(answers, ASK_OWNER));
	config_put_key(to, "\t", "trunk", "carrier");
	fputs("}\n", to);
}

/* By its form: a literal of it is an address here, or the trunk's. */
static bool speaks_ipv6(const struct answers *answers)
{
	return strchr(answers_text(answers, ASK_PUBLIC), ':') ||
	       strchr(answers_text(answers, ASK_TRUNK), '[');
}

/* The listeners that are shipped are IPv4's; media is on both. */
static void write_public(const struct answers *answers, FILE *to)
{
	const char *public = answers_text(answers, ASK_PUBLIC);
	bool is_told = *public && strcmp(public, "none") != 0;

	if (!is_told && !speaks_ipv6(answers))
		return;
	fputs("\nsip {\n", to);
	if (speaks_ipv6(answers))
		fputs("\tlisten = { \"udp:0.0.0.0:5060\", "
		      "\"tcp:0.0.0.0:5060\", \"udp:[::]:5060\", "
		      "\"tcp:[::]:5060\" }\n",
		      to);
	if (is_told)
		config_put_key(to, "\t", "public_address", public);
	fputs("}\n", to);
	if (!is_told)
		return;
	fputs("\nmedia {\n", to);
	config_put_key(to, "\t", "public_address", public);
	fputs("}\n", to);
}

void answers_write(const struct answers *answers, const char *directory,
		   FILE *to)
{
	char host[ANSWER_CAP];
	unsigned port = answers_server(answers, host);

	fputs("# tandem.conf(5) has all keys, `tandem doctor` tries what "
	      "stands "
	      "here.\n",
	      to);
	if (*answers_text(answers, ASK_ADMIN)) {
		fputs("admins = { ", to);
		config_put_quoted(to, answers_text(answers, ASK_ADMIN));
		fputs(" }\n", to);
	}
	fputs("\nxmpp {\n", to);
	config_put_key(to, "\t", "host", host);
	fprintf(to, "\tport = %u\n", port);
	config_put_key(to, "\t", "domain", answers_text(answers, ASK_DOMAIN));
	write_secret(answers, ASK_SECRET, "secret", directory, to);
	fputs("}\n", to);
	write_public(answers, to);
	write_trunk(answers, directory, to);
	write_number(answers, to);
}

struct teller {
	FILE *to;
	bool told;
};

static void on_mistake(const char *line, void *arg)
{
	struct teller *teller = arg;
	const char *colon = strstr(line, ": ");

	if (!teller->told)
		fprintf(teller->to, "  %s\n", colon ? colon + 2 : line);
	teller->told = true;
}

/* For what is required and still to come. */
static void stand_in(struct answers *answers)
{
	static const char *const texts[NQUESTIONS] = {
		[ASK_DOMAIN] = "later.example",
		[ASK_SERVER] = "127.0.0.1",
		[ASK_SECRET] = "later",
		[ASK_PASSWORD] = "later",
		[ASK_OWNER] = "later@later.example",
	};

	for (size_t i = 0; i < NQUESTIONS; i++) {
		if (texts[i] && !*answers->text[i])
			memcpy(answers->text[i], texts[i],
			       strlen(texts[i]) + 1);
	}
}

/* They stand in files of one line. */
static bool are_lines(const struct answers *answers, FILE *to)
{
	for (size_t i = 0; i < NQUESTIONS; i++) {
		for (const char *c = answers->text[i]; *c; c++) {
			if ((unsigned char)*c >= ' ')
				continue;
			fprintf(to, "  %s: expected one line of text\n",
				questions[i].key);
			return false;
		}
	}
	return true;
}

bool answers_are_right(const struct answers *answers, FILE *to)
{
	if (!are_lines(answers, to))
		return false;

	struct teller teller = { .to = to };
	struct answers tried = *answers;
	struct config *config = NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);

	if (!file)
		return false;
	stand_in(&tried);
	answers_write(&tried, NULL, file);
	bool whole = !fclose(file);
	bool right =
		whole && !config_parse(&config, "", (struct slice){ text, n },
				       on_mistake, &teller);
	config_free(config);
	explicit_bzero(&tried, sizeof(tried));
	if (text)
		explicit_bzero(text, n);
	free(text);
	return right;
}
