/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/identity.h"

#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

#include "gateway/base/text.h"

/* The first header of that name, whatever its case (sofia keeps those it does
 * not know as text). */
static const char *find_header(const sip_t *sip, const char *name)
{
	const sip_unknown_t *un;

	for (un = sip->sip_unknown; un; un = un->un_next)
		if (un->un_name && !strcasecmp(un->un_name, name))
			return un->un_value;
	return NULL;
}

/* The first of a list of name-addrs. */
static bool read_header(struct sip_identity *out, const sip_t *sip,
			const char *name)
{
	const char *value = find_header(sip, name);
	struct sip_uri uri;

	if (!value || sip_name_addr_parse(&uri, out->display, slice_of(value)))
		return false;
	return !text_set(out->user, sizeof(out->user), uri.user) &&
	       out->user[0];
}

void sip_url_user(char out[static SIP_USER_CAP], const void *url)
{
	char *text = url_as_string(NULL, url);
	struct sip_uri uri;

	out[0] = '\0';
	if (text && !sip_uri_parse(&uri, slice_of(text)) &&
	    text_set(out, SIP_USER_CAP, uri.user))
		out[0] = '\0';
	su_free(NULL, text);
}

static void read_from(struct sip_identity *out, const sip_t *sip)
{
	const url_t *url = sip->sip_from->a_url;
	const char *display = sip->sip_from->a_display;
	char value[SIP_DISPLAY_CAP * 2 + 16], clean[SIP_DISPLAY_CAP];
	struct sip_uri dummy;

	sip_url_user(out->user, url);
	out->display[0] = '\0';
	out->anonymous = url->url_host &&
			 !strcasecmp(url->url_host, "anonymous.invalid");
	/* sofia leaves the quotes on. */
	if (!display ||
	    text_format(value, sizeof(value), "%s <sip:x>", display) ||
	    sip_name_addr_parse(&dummy, clean, slice_of(value)))
		return;
	memcpy(out->display, clean, sizeof(clean));
}

static bool has_privacy(const sip_t *sip)
{
	const sip_privacy_t *priv = sip->sip_privacy;

	for (size_t i = 0; priv && priv->priv_values && priv->priv_values[i];
	     i++) {
		const char *v = priv->priv_values[i];

		if (!strcasecmp(v, "id") || !strcasecmp(v, "user") ||
		    !strcasecmp(v, "header"))
			return true;
	}
	return false;
}

void sip_identity_read(struct sip_identity *out, const struct sip_s *sip)
{
	bool anonymous;

	*out = (struct sip_identity){ .anonymous = false };
	read_from(out, sip);
	anonymous = out->anonymous || has_privacy(sip) ||
		    !strcasecmp(out->user, "anonymous");
	struct sip_identity from = *out;

	if (!read_header(out, sip, "P-Asserted-Identity") &&
	    !read_header(out, sip, "Remote-Party-ID"))
		*out = from;
	else if (!out->display[0])
		memcpy(out->display, from.display, sizeof(out->display));
	out->anonymous = anonymous;
}
