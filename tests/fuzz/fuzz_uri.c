/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SIP and tel URIs and name-addr values of a peer (RFC 3261, 19.1, 20.10; RFC
 * 3966): what is read can be written again without an octet that ends a header,
 * and is read as the same; and any text at all can be a user or a name.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_no_control(const char *text)
{
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* Control characters that a body may have are blanks in a header. */
static void blank(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = ' ';
}

static void write_and_read(const struct sip_uri *uri, const char *display)
{
	char hostport[SIP_HOST_CAP + 16], text[SIP_NAME_ADDR_CAP];
	char name[SIP_DISPLAY_CAP], again_name[SIP_DISPLAY_CAP];
	/* of quotes alone the last ones are cut off */
	bool whole = strlen(display) < SIP_DISPLAY_CAP - 2;
	struct sip_uri again;

	assert(!sip_hostport_format(hostport, uri->tel ? "h" : uri->host,
				    uri->port));
	assert(!sip_name_addr_format(text, display, uri->user, hostport));
	expect_no_control(text);
	assert(!sip_name_addr_parse(&again, again_name, slice_of(text)));
	assert(!strcmp(again.user, uri->user) && again.port == uri->port);
	assert(uri->tel || !strcmp(again.host, uri->host));
	memcpy(name, display, sizeof(name));
	blank(name);
	assert(!whole || !strcmp(name, again_name));
}

static void check_uri(const struct sip_uri *uri)
{
	expect_no_control(uri->user);
	expect_no_control(uri->host);
	assert(uri->tel == !uri->host[0]);
	assert(uri->transport < SIP_NTRANSPORTS);
	assert(!uri->sips || uri->transport == SIP_TLS);
	assert(sip_transport_find(slice_of(
		       sip_transport_name(uri->transport))) == uri->transport);
}

/* Other people's text, as a name and as a user. */
static void check_text(const char *text)
{
	char user[SIP_USER_TEXT_CAP], line[SIP_URI_TEXT_CAP], quoted[64];
	struct sip_uri uri;

	for (size_t cap = sizeof(quoted); cap; cap /= 4) {
		sip_quoted_format(quoted, cap, text);
		assert(strlen(quoted) < cap);
		expect_no_control(quoted);
	}
	if (sip_user_format(user, text))
		return;
	expect_no_control(user);
	assert(!strpbrk(user, " <>\"@:;?"));
	if (!*text || strlen(text) >= SIP_USER_CAP)
		return;
	assert(!text_format(line, sizeof(line), "sip:%s@h", user));
	assert(!sip_uri_parse(&uri, slice_of(line)));
	assert(!strcmp(uri.user, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice value = { (const char *)data, size };
	char display[SIP_DISPLAY_CAP] = "";
	struct sip_uri uri;
	char *text = text_dup(value);

	if (!text)
		return 0;
	if (!sip_uri_parse(&uri, value)) {
		check_uri(&uri);
		write_and_read(&uri, display);
	}
	if (!sip_name_addr_parse(&uri, display, value)) {
		check_uri(&uri);
		write_and_read(&uri, display);
	}
	check_text(text);
	free(text);
	return 0;
}
