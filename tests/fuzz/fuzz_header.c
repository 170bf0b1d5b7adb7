/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Headers of a SIP peer's message, as sofia's parser gives them to ours: who
 * calls and whom it was for first, what of it goes on to another trunk, and
 * challenges. Nothing that is written of it ends a header, begins another or is
 * no token where one has to stand. The input is header lines; LF ends each.
 */
#include <assert.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "sip/agent.h"
#include "sip/digest.h"
#include "sip/identity.h"
#include "sip/onward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4096 };

static const char before[] =
	"INVITE sip:1@x SIP/2.0\r\n"
	"Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	"Call-ID: 1\r\nCSeq: 1 INVITE\r\nTo: <sip:1@x>\r\n";

/* ---- what is written ---- */

static void expect_no_control(const char *text)
{
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void expect_token(const char *text)
{
	expect_no_control(text);
	assert(!strpbrk(text, " \t\"<>@,;:=?()[]{}/\\"));
}

/* A line may be folded (RFC 3261, 7.3.1): as it came. */
static void expect_lines(const char *text)
{
	static const char *const names[] = { "Diversion: ", "History-Info: ",
					     "Identity: ", " ", "\t" };

	for (struct slice rest = slice_of(text); rest.n;) {
		struct slice line = slice_cut(&rest, '\n');
		bool known = false;

		assert(line.n && line.p[line.n - 1] == '\r');
		assert(!memchr(line.p, '\r', line.n - 1));
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			known |= line.n > strlen(names[i]) &&
				 !memcmp(line.p, names[i], strlen(names[i]));
		assert(known);
	}
}

/* ---- who calls ---- */

static void check_party(const struct sip_party *party)
{
	assert(strnlen(party->user, SIP_USER_CAP) < SIP_USER_CAP);
	assert(strnlen(party->display, SIP_DISPLAY_CAP) < SIP_DISPLAY_CAP);
	expect_no_control(party->user);
}

/* Said to another trunk, in each of the ways there are. */
static void say(const struct sip_party *party)
{
	static const enum sip_identity_mode modes[] = { SIP_IDENTITY_PAI,
							SIP_IDENTITY_RPID,
							SIP_IDENTITY_FROM };
	struct sip_calling_text text;
	char display[SIP_DISPLAY_CAP];
	struct sip_uri uri;

	for (unsigned i = 0; i < 2 * sizeof(modes) / sizeof(*modes); i++) {
		const struct sip_calling calling = { .mode = modes[i / 2],
						     .user = party->user,
						     .display = party->display,
						     .domain = "us.example",
						     .anonymous = i & 1 };

		assert(!sip_calling_format(&text, &calling));
		expect_no_control(text.from);
		expect_no_control(text.asserted);
		assert(!sip_name_addr_parse(&uri, display,
					    slice_of(text.from)));
		assert(!strcmp(uri.user,
			       calling.anonymous ? "anonymous" : party->user));
	}
}

static void check_identity(const struct sip_identity *identity)
{
	struct sip_party caller;

	check_party(&identity->from);
	check_party(&identity->asserted);
	check_party(&identity->first_called);
	expect_token(identity->verstat);
	expect_token(identity->diversion);
	assert(!identity->attestation ||
	       (identity->attestation >= 'A' && identity->attestation <= 'C'));
	for (int believe = 0; believe < 2; believe++) {
		sip_identity_caller(&caller, identity, believe);
		check_party(&caller);
		say(&caller);
	}
}

/* ---- what goes on ---- */

static void send_on(const sip_t *sip, const struct sip_identity *identity)
{
	const struct sip_invite invite = { .identity = identity,
					   .message = sip };
	AUTO(sip_onward_freep) struct sip_onward *onward = NULL, *copy = NULL;
	char *text = NULL;

	assert(!sip_onward_new(&onward, &invite));
	assert(!sip_onward_copy(&copy, onward));
	assert(!onward->identity || !identity->withheld);
	assert(sip_onward_hops(copy) == sip_onward_hops(onward));
	assert(sip_onward_hops(copy) >= -1 && sip_onward_hops(copy) < 255);
	const struct sip_diverted diverted = { .by_uri = "sip:+1@us",
					       .to_uri = "sip:+2@them",
					       .why = SIP_DIVERSION_NO_ANSWER,
					       .hidden = identity->withheld,
					       .onward = copy };
	assert(!sip_onward_format(&text, &diverted));
	expect_lines(text);
	free(text);
}

/* ---- challenges ---- */

static void answer(const struct msg_auth_s *challenges)
{
	static const struct sip_digest_account account = { .username = "u\"\\",
							   .password = "p",
							   .realm = "" };
	char text[SIP_CREDENTIALS_CAP];
	struct sip_challenge c;

	for (; challenges; challenges = challenges->au_next) {
		int r = sip_challenge_parse(
			&c, challenges->au_scheme,
			(const char *const *)challenges->au_params);

		if (r || !sip_challenge_is_for(&c, &account) ||
		    sip_credentials_format(text, &c, &account, "INVITE",
					   "sip:1@x", "c"))
			continue;
		expect_no_control(text);
		assert(!strncmp(text, "Digest username=\"u\\\"\\\\\", ", 25));
	}
}

/* ---- */

static void read_headers(const sip_t *sip)
{
	char user[SIP_USER_CAP];
	struct sip_identity identity;

	sip_identity_read(&identity, sip);
	check_identity(&identity);
	send_on(sip, &identity);
	sip_called_user(user, sip);
	expect_no_control(user);
	if (sip->sip_request) {
		sip_url_user(user, sip->sip_request->rq_url);
		expect_no_control(user);
	}
	answer(sip->sip_www_authenticate);
	answer(sip->sip_proxy_authenticate);
}

/* The input behind what each request has, its line ends as they are sent. */
static size_t write_message(char *out, const uint8_t *data, size_t size)
{
	size_t n = sizeof(before) - 1;

	memcpy(out, before, n);
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n')
			out[n++] = '\r';
		out[n++] = (char)data[i];
	}
	memcpy(out + n, "\r\n\r\n", 4);
	return n + 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[sizeof(before) + 2 * INPUT_MAX + 4];

	if (size > INPUT_MAX)
		return 0;
	msg_t *msg = msg_make(sip_default_mclass(), 0, text,
			      (issize_t)write_message(text, data, size));
	if (!msg)
		return 0;
	const sip_t *sip = sip_object(msg);
	/* without From it is refused before (sip/server_check.c) */
	if (sip && sip->sip_from)
		read_headers(sip);
	msg_destroy(msg);
	return 0;
}
