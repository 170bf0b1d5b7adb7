/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SIP URIs and name-addr values (RFC 3261, 19.1 and 20.10), read from peers and
 * configuration and written from other people's text. What is written holds no
 * octet that could end a header or a quoted string.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "sip/agent.h"

enum {
	SIP_USER_CAP = 256,
	SIP_HOST_CAP = 256,
	SIP_DISPLAY_CAP = 256,
	SIP_PORT = 5060,
	SIPS_PORT = 5061,
	/* What is written: the user percent-encoded, quotes and brackets. */
	SIP_USER_TEXT_CAP = SIP_USER_CAP * 3,
	SIP_URI_TEXT_CAP = SIP_USER_TEXT_CAP + SIP_HOST_CAP + 64,
	SIP_NAME_ADDR_CAP = SIP_URI_TEXT_CAP + 2 * SIP_DISPLAY_CAP + 8,
};

struct sip_uri {
	bool tel; /* RFC 3966: only the user is set */
	bool sips;
	char user[SIP_USER_CAP]; /* unescaped; "" none */
	char host[SIP_HOST_CAP]; /* without brackets */
	uint16_t port;           /* 0: none given */
	bool has_transport;
	/* When none is given SIP_UDP, or SIP_TLS of sips: */
	enum sip_transport transport;
};

/* "udp", "tcp", "tls": the URI parameter (RFC 3261, 19.1.1). */
const char *sip_transport_name(enum sip_transport transport);
/* SIP_NTRANSPORTS: no such. */
enum sip_transport sip_transport_find(struct slice name);
uint16_t sip_transport_port(enum sip_transport transport);

/*
 * A sip:, sips: or tel: URI without angle brackets; headers and passwords are
 * dropped. 0, -EINVAL, or -EPROTONOSUPPORT (another scheme or transport).
 */
CHECKED int sip_uri_parse(struct sip_uri *out, struct slice text);

/*
 * `"display" <uri>;params`, `display <uri>` or a bare URI. *@display is the
 * unquoted display name as octets of @value's peer, cleaned, cut at its cap.
 */
CHECKED int sip_name_addr_parse(struct sip_uri *out,
				char display[static SIP_DISPLAY_CAP],
				struct slice value);

/*
 * The user part with all but unreserved and user-unreserved characters
 * percent-encoded. -EINVAL when @user has a control character (R6, R7);
 * -EMSGSIZE.
 */
CHECKED int sip_user_format(char out[static SIP_USER_TEXT_CAP],
			    const char *user);

/* "host" or "[ipv6]", with ":port" when @port is not 0. */
CHECKED int sip_hostport_format(char out[static SIP_HOST_CAP + 16],
				const char *host, uint16_t port);

/*
 * `"display" <sip:user@hostport>`; @display and @user may be "" or NULL.
 * Control characters and invalid UTF-8 in @display are replaced, quotes and
 * backslashes escaped. 0, -EINVAL (user), -EMSGSIZE.
 */
CHECKED int sip_name_addr_format(char out[static SIP_NAME_ADDR_CAP],
				 const char *display, const char *user,
				 const char *hostport);

/*
 * The inside of a quoted string made of @text: cleaned, escaped, cut at @cap.
 */
void sip_quoted_format(char *out, size_t cap, const char *text);
