/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/body.h"

#include <ctype.h>
#include <stdlib.h>

#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/agent_int.h"
#include "sip/multipart.h"
#include "sip/odd.h"
#include "sip/sdp.h"
#include "sip/server.h"

void sip_body_type(char out[static SIP_TYPE_CAP], const struct sip_s *sip)
{
	const sip_content_type_t *c = sip->sip_content_type;

	out[0] = '\0';
	if (!c || !c->c_type || text_set(out, SIP_TYPE_CAP, c->c_type))
		return;
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

static bool is_optional(const struct sip_s *sip)
{
	const sip_content_disposition_t *cd = sip->sip_content_disposition;

	return cd && cd->cd_handling &&
	       !strcasecmp(cd->cd_handling, "optional");
}

bool sip_body_is_encoded(const struct sip_s *sip)
{
	const sip_content_encoding_t *ce = sip->sip_content_encoding;

	for (; ce; ce = (const sip_content_encoding_t *)ce->k_next)
		for (size_t i = 0; ce->k_items && ce->k_items[i]; i++)
			if (strcasecmp(ce->k_items[i], "identity"))
				return true;
	return false;
}

static struct slice octets(const struct sip_s *sip)
{
	const sip_payload_t *pl = sip->sip_payload;

	if (!pl || !pl->pl_data)
		return SLICE_NONE;
	return (struct slice){ pl->pl_data, pl->pl_len };
}

static int parse(struct media_desc **out, struct slice text)
{
	int r = sdp_parse(out, NULL, text);

	return r == SDP_E_SYNTAX ? 400 : r == SDP_E_CONTENT ? 488 : r;
}

int sip_body_parse(struct media_desc **out, const char *text)
{
	*out = NULL;
	return parse(out, slice_of(text));
}

/* The description in a body of several parts. */
static struct slice find_part(const struct sip_s *sip, struct slice body)
{
	const char *value =
		msg_params_find(sip->sip_content_type->c_params, "boundary=");
	struct slice boundary = slice_of(value);

	if (boundary.n >= 2 && *boundary.p == '"') {
		boundary.p++;
		boundary.n -= 2;
	}
	return sip_multipart_find(body, boundary, SIP_SDP_TYPE);
}

static bool is_multipart(const char *type)
{
	return !strncmp(type, "multipart/", strlen("multipart/"));
}

int sip_body_read(struct media_desc **out, char **text, const struct sip_s *sip)
{
	struct slice body = octets(sip);
	char type[SIP_TYPE_CAP];
	int r;

	*out = NULL;
	if (text)
		*text = NULL;
	if (!body.n)
		return 0;
	sip_body_type(type, sip);
	if (is_multipart(type) && !sip_body_is_encoded(sip))
		body = find_part(sip, body);
	else if (strcmp(type, SIP_SDP_TYPE) || sip_body_is_encoded(sip))
		body = SLICE_NONE;
	if (!body.n)
		return is_optional(sip) ? 0 : 415;
	r = parse(out, body);
	if (r || !text)
		return r;
	*text = text_dup(body);
	if (*text)
		return 0;
	*out = media_desc_free(*out);
	return -ENOMEM;
}

void sip_body_refuse(const struct sip_incoming *in, unsigned status)
{
	char name[SIP_TYPE_CAP];
	const char *warning = sip_server_warning(status);
	bool type = status == 415;

	sip_body_type(name, in->sip);
	if (type)
		sip_odd(in->agent->odds, &in->source.addr,
			nta_incoming_method_name(in->irq), "type", name,
			clock_ms());
	nta_incoming_treply(
		in->irq, (int)status,
		status == 400 ? "Bad Session Description" : NULL,
		TAG_IF(type, SIPTAG_ACCEPT_STR(SIP_BODY_ACCEPT)),
		TAG_IF(type, SIPTAG_ACCEPT_ENCODING_STR("identity")),
		TAG_IF(warning, SIPTAG_WARNING_STR(warning)), TAG_END());
	nta_incoming_destroy(in->irq);
}
