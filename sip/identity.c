/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/identity.h"

#include <ctype.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

#include "gateway/base/text.h"

enum { NUMBER_CAP = 8, DIVERSIONS_MAX = 1000 };

/* RFC 3323, 4.1.1.3 */
#define ANONYMOUS_USER "anonymous"

/* ---- headers ---- */

/* The next of that name behind @un, whatever its case (sofia keeps those it
 * does not know as text). */
static const sip_unknown_t *next_header(const sip_unknown_t *un,
					const char *name)
{
	while (un && (!un->un_name || strcasecmp(un->un_name, name) != 0))
		un = un->un_next;
	return un;
}

const char *sip_header_text(const struct sip_s *sip, const char *name)
{
	const sip_unknown_t *un = next_header(sip->sip_unknown, name);

	return un && un->un_value ? un->un_value : "";
}

/*
 * Cut a value off the list @s: at a comma outside of quotes and of angle
 * brackets (RFC 3261, 7.3.1).
 */
static struct slice next_value(struct slice *s)
{
	struct slice value = *s;
	bool quoted = false, bracketed = false;
	size_t i = 0;

	for (; i < s->n; i++) {
		char c = s->p[i];

		if (quoted && c == '\\' && i + 1 < s->n)
			i++;
		else if (c == '"' && !bracketed)
			quoted = !quoted;
		else if (!quoted && (c == '<' || c == '>'))
			bracketed = c == '<';
		else if (c == ',' && !quoted && !bracketed)
			break;
	}
	value.n = i;
	s->p += i < s->n ? i + 1 : i;
	s->n -= i < s->n ? i + 1 : i;
	return slice_trim(value);
}

/* What stands behind the display name, so that no name can pretend to be a
 * parameter. */
static struct slice behind_display(struct slice value)
{
	if (!value.n || *value.p != '"')
		return value;
	for (size_t i = 1; i < value.n; i++) {
		if (value.p[i] == '\\')
			i++;
		else if (value.p[i] == '"')
			return (struct slice){ value.p + i + 1,
					       value.n - i - 1 };
	}
	return SLICE_NONE;
}

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || strchr("-.!%*_+`'~", c);
}

/*
 * The token after ";name=", wherever it stands: of the user (3GPP), the URI
 * (Bandwidth) or the header. Quotes around it are left out.
 */
static bool find_param(char *out, size_t cap, struct slice value,
		       const char *name)
{
	struct slice rest = behind_display(value);
	size_t len = strlen(name), n = 0;

	while (rest.n) {
		slice_cut(&rest, ';');
		rest = slice_trim(rest);
		if (rest.n <= len || strncasecmp(rest.p, name, len) != 0 ||
		    rest.p[len] != '=')
			continue;
		struct slice is = { rest.p + len + 1, rest.n - len - 1 };

		if (is.n && *is.p == '"') {
			is.p++;
			is.n--;
		}
		while (n < is.n && is.p[n] && is_token_char(is.p[n]))
			n++;
		is.n = n;
		return n && !text_copy(out, cap, is);
	}
	return false;
}

/* Whose a URI is can be read of one by a transport that we have not. */
static bool is_read(int r)
{
	return !r || r == -EPROTONOSUPPORT;
}

static bool read_party(struct sip_party *out, struct slice value)
{
	struct sip_party party;
	struct sip_uri uri;

	if (!is_read(sip_name_addr_parse(&uri, party.display, value)) ||
	    !uri.user[0] || text_set(party.user, sizeof(party.user), uri.user))
		return false;
	*out = party;
	return true;
}

static bool is_number(const char *user)
{
	user += *user == '+';
	return *user && !user[strspn(user, "0123456789")];
}

/* ---- who calls ---- */

void sip_url_user(char out[static SIP_USER_CAP], const void *url)
{
	char *text = url_as_string(NULL, url);
	struct sip_uri uri;

	out[0] = '\0';
	if (text && is_read(sip_uri_parse(&uri, slice_of(text))) &&
	    text_set(out, SIP_USER_CAP, uri.user))
		out[0] = '\0';
	su_free(NULL, text);
}

/* Carriers have words of their own for RFC 3323's. */
static bool is_withheld(const char *user)
{
	static const char *const users[] = { ANONYMOUS_USER, "restricted",
					     "private", "withheld" };

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++)
		if (!strcasecmp(user, users[i]))
			return true;
	return false;
}

static void read_from(struct sip_identity *out, const sip_t *sip)
{
	const url_t *url = sip->sip_from->a_url;
	const char *display = sip->sip_from->a_display;
	char value[SIP_DISPLAY_CAP * 2 + 16], clean[SIP_DISPLAY_CAP];
	struct sip_uri dummy;

	sip_url_user(out->from.user, url);
	out->withheld = is_withheld(out->from.user) ||
			(url->url_host &&
			 !strcasecmp(url->url_host, SIP_ANONYMOUS_HOST));
	/* sofia leaves the quotes on. */
	if (!display ||
	    text_format(value, sizeof(value), "%s <sip:x>", display) ||
	    sip_name_addr_parse(&dummy, clean, slice_of(value)))
		return;
	memcpy(out->from.display, clean, sizeof(clean));
}

/* draft-ietf-sip-privacy-04: Remote-Party-ID may be of either side. */
static bool is_called(struct slice value)
{
	char party[SIP_DIVERSION_CAP];

	return find_param(party, sizeof(party), value, "party") &&
	       !strcasecmp(party, "called");
}

/*
 * The first value, or the first that is a telephone number: carriers give a
 * SIP and a tel URI (RFC 3325, 9.1), in either order.
 */
static bool read_asserted(struct sip_identity *out, const sip_t *sip,
			  const char *name)
{
	const sip_unknown_t *un = next_header(sip->sip_unknown, name);
	struct sip_party party;
	bool found = false;

	for (; un; un = next_header(un->un_next, name)) {
		struct slice list = slice_of(un->un_value);

		while (list.n) {
			struct slice value = next_value(&list);

			if (is_called(value))
				continue;
			find_param(out->verstat, sizeof(out->verstat), value,
				   "verstat");
			if (!read_party(&party, value) ||
			    (found && (is_number(out->asserted.user) ||
				       !is_number(party.user))))
				continue;
			out->asserted = party;
			found = true;
		}
	}
	return found;
}

static bool has_privacy(const sip_t *sip)
{
	static const char *const values[] = { "id", "user", "header", "full" };
	const sip_privacy_t *priv = sip->sip_privacy;

	for (size_t i = 0; priv && priv->priv_values && priv->priv_values[i];
	     i++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(*values); k++) {
			if (!strcasecmp(priv->priv_values[i], values[k]))
				return true;
		}
	}
	return false;
}

/* draft-ietf-sip-privacy-04: what Remote-Party-ID says of itself, where it is
 * of who calls. */
static bool has_rpid_privacy(const sip_t *sip)
{
	static const char name[] = "Remote-Party-ID";
	const sip_unknown_t *un = next_header(sip->sip_unknown, name);
	char privacy[SIP_DIVERSION_CAP];

	for (; un; un = next_header(un->un_next, name)) {
		struct slice list = slice_of(un->un_value);

		while (list.n) {
			struct slice value = next_value(&list);

			if (!is_called(value) &&
			    find_param(privacy, sizeof(privacy), value,
				       "privacy") &&
			    strcasecmp(privacy, "off") != 0)
				return true;
		}
	}
	return false;
}

/* ---- what was verified ---- */

static char attestation_of(struct slice text)
{
	text = slice_trim(text);
	char c = text.n == 1 ? (char)toupper((unsigned char)*text.p) : '\0';

	return c >= 'A' && c <= 'C' ? c : '\0';
}

/* "TN-Validation-Passed-B" (Telnyx) says it as well. */
static char attestation_in(const char *verstat)
{
	size_t n = strlen(verstat);

	return n > 2 && verstat[n - 2] == '-'
		       ? attestation_of(slice_of(verstat + n - 1))
		       : '\0';
}

static void read_verdict(struct sip_identity *out, const sip_t *sip)
{
	static const char *const attestations[] = { "P-Attestation-Indicator",
						    "P-Attestation",
						    "X-Attestation-Indicator",
						    "X-Attestation" };
	static const char *const verdicts[] = { "X-Twilio-VerStat",
						"X-VerStat" };

	for (size_t i = 0;
	     !out->verstat[0] && i < sizeof(verdicts) / sizeof(*verdicts);
	     i++) {
		struct slice s =
			slice_trim(slice_of(sip_header_text(sip, verdicts[i])));
		size_t n = 0;

		while (n < s.n && is_token_char(s.p[n]))
			n++;
		if (n != s.n ||
		    text_copy(out->verstat, sizeof(out->verstat), s))
			out->verstat[0] = '\0';
	}
	for (size_t i = 0; !out->attestation &&
			   i < sizeof(attestations) / sizeof(*attestations);
	     i++)
		out->attestation = attestation_of(
			slice_of(sip_header_text(sip, attestations[i])));
	if (!out->attestation)
		out->attestation = attestation_in(out->verstat);
}

/* ---- who was called first ---- */

/* RFC 5806, 4: one diversion may stand for several. */
static unsigned counted(struct slice value)
{
	char text[NUMBER_CAP];
	uint64_t n;

	if (!find_param(text, sizeof(text), value, "counter") ||
	    text_number(slice_of(text), DIVERSIONS_MAX, &n) || !n)
		return 1;
	return (unsigned)n;
}

/* RFC 5806, 5: the latest diversion stands on top. */
static void read_diversion(struct sip_identity *out, const sip_t *sip)
{
	const sip_unknown_t *un = next_header(sip->sip_unknown, "Diversion");
	char privacy[SIP_DIVERSION_CAP];

	for (; un; un = next_header(un->un_next, "Diversion")) {
		struct slice list = slice_of(un->un_value);

		while (list.n) {
			struct slice value = next_value(&list);
			bool hidden = find_param(privacy, sizeof(privacy),
						 value, "privacy") &&
				      strcasecmp(privacy, "off") != 0;

			out->diversions += counted(value);

			if (hidden || !read_party(&out->first_called, value))
				continue;
			if (!find_param(out->diversion, sizeof(out->diversion),
					value, "reason"))
				out->diversion[0] = '\0';
		}
	}
}

/*
 * RFC 7044, 5: the oldest entry stands on top; one entry alone is where the
 * call goes. RFC 7044, 10.1.2: ?Privacy=history (escaped) hides an entry.
 */
static void read_history(struct sip_identity *out, const sip_t *sip)
{
	const sip_unknown_t *un = next_header(sip->sip_unknown, "History-Info");
	struct sip_party first;
	unsigned n = 0;
	bool found = false;

	for (; un; un = next_header(un->un_next, "History-Info")) {
		struct slice list = slice_of(un->un_value);

		while (list.n) {
			struct slice value = next_value(&list);
			bool hidden = memmem(value.p, value.n, "Privacy=", 8);

			if (!n++ && !hidden)
				found = read_party(&first, value);
		}
	}
	if (found && n > 1 && !out->first_called.user[0])
		out->first_called = first;
	if (n > out->diversions + 1)
		out->diversions = n - 1;
}

void sip_identity_read(struct sip_identity *out, const struct sip_s *sip)
{
	*out = (struct sip_identity){ .withheld = false };
	read_from(out, sip);
	if (!read_asserted(out, sip, "P-Asserted-Identity"))
		read_asserted(out, sip, "Remote-Party-ID");
	out->withheld |= has_privacy(sip) || has_rpid_privacy(sip);
	out->is_signed = next_header(sip->sip_unknown, "Identity") ||
			 next_header(sip->sip_unknown, "y");
	read_verdict(out, sip);
	read_diversion(out, sip);
	read_history(out, sip);
}

void sip_identity_caller(struct sip_party *out,
			 const struct sip_identity *identity, bool believe)
{
	bool asserted = believe && identity->asserted.user[0];

	*out = asserted ? identity->asserted : identity->from;
	if (!out->display[0])
		memcpy(out->display, identity->from.display,
		       sizeof(out->display));
}

/* ---- in requests of ours ---- */

static int format_asserted(struct sip_calling_text *out,
			   const struct sip_calling *calling,
			   const char *name_addr)
{
	if (calling->mode == SIP_IDENTITY_RPID)
		return text_format(out->asserted, sizeof(out->asserted),
				   "Remote-Party-ID: %s;party=calling;"
				   "screen=yes;privacy=%s",
				   name_addr,
				   calling->anonymous ? "full" : "off");
	/* The trunk has to know whose call it is, also when nobody else may. */
	if (calling->mode == SIP_IDENTITY_PAI || calling->anonymous)
		return text_format(out->asserted, sizeof(out->asserted),
				   "P-Asserted-Identity: %s", name_addr);
	return 0;
}

int sip_calling_format(struct sip_calling_text *out,
		       const struct sip_calling *calling)
{
	char name_addr[SIP_NAME_ADDR_CAP];
	int r = sip_name_addr_format(name_addr, calling->display, calling->user,
				     calling->domain);

	out->asserted[0] = '\0';
	if (!r)
		r = format_asserted(out, calling, name_addr);
	if (!r && calling->anonymous)
		return sip_name_addr_format(out->from, "Anonymous",
					    ANONYMOUS_USER, SIP_ANONYMOUS_HOST);
	return r ? r : text_set(out->from, sizeof(out->from), name_addr);
}

void sip_called_user(char out[static SIP_USER_CAP], const struct sip_s *sip)
{
	const char *value = sip_header_text(sip, "P-Called-Party-ID");
	char display[SIP_DISPLAY_CAP];
	struct sip_uri uri;

	if (!is_read(sip_name_addr_parse(&uri, display, slice_of(value))) ||
	    text_set(out, SIP_USER_CAP, uri.user))
		out[0] = '\0';
}
