/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The INVITE we send (RFC 3261, 13.2.1): what is in it, and to whom. */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_AGENT_MAGIC_T    struct sip_agent
#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/url.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/trunk_int.h"

enum {
	ADDRESS_CAP = SIP_NAME_ADDR_CAP + SIP_TAG_LEN + 8,
	NUMBER_CAP = 12,
	AGAIN_MAX = 5, /* that one call is sent anew */
	MIN_SE_MAX_S = 24 * 3600,
};

struct invite_text {
	char from[ADDRESS_CAP];
	char to[SIP_NAME_ADDR_CAP];
	char uri[SIP_URI_TEXT_CAP];
	struct sip_calling_text calling;
	char *diverted; /* whole lines; owned, or NULL */
	char hops[NUMBER_CAP];
};

/* Whoever gets it can see that it goes round. */
static int write_diverted(struct invite_text *t,
			  const struct sip_dialog_start *start)
{
	const struct sip_parties *parties = &start->parties;
	char by[SIP_URI_TEXT_CAP], user[SIP_USER_TEXT_CAP];
	int r;

	if (!parties->diverted)
		return 0;
	r = sip_user_format(user, parties->diverted);
	if (!r)
		r = text_format(by, sizeof(by), "sip:%s@%s", user,
				sip_trunk_domain(start->trunk));
	return r ? r
		 : sip_onward_format(
			   &t->diverted,
			   &(struct sip_diverted){ .by_uri = by,
						   .to_uri = t->uri,
						   .why = parties->why_diverted,
						   .hidden = parties->anonymous,
						   .onward = parties->onward });
}

/* As every hop before it (RFC 3261, 16.6, 3); "" as of a call that begins. */
static int write_hops(struct invite_text *t, const struct sip_parties *parties)
{
	int hops = sip_onward_hops(parties->onward);

	t->hops[0] = '\0';
	return hops < 0 ? 0 : text_format(t->hops, sizeof(t->hops), "%d", hops);
}

static int write_addresses(struct invite_text *t,
			   const struct sip_dialog_start *start)
{
	const struct sip_parties *parties = &start->parties;
	const char *hostport = sip_trunk_hostport(start->trunk);
	const struct sip_calling calling = {
		.mode = sip_trunk_identity(start->trunk),
		.user = parties->from,
		.display = parties->display,
		.domain = sip_trunk_domain(start->trunk),
		.anonymous = parties->anonymous,
	};
	char tag[SIP_TAG_LEN + 1], user[SIP_USER_TEXT_CAP];
	int r = sip_user_format(user, parties->to);

	/* sofia unescapes them, and some peers read parameters there. */
	if (strpbrk(parties->to, ";?"))
		return -EINVAL;
	rand_token(tag, SIP_TAG_LEN);
	if (!r)
		r = text_format(t->uri, sizeof(t->uri), "sip:%s@%s", user,
				hostport);
	if (!r && start->uri)
		r = text_set(t->uri, sizeof(t->uri), start->uri);
	if (!r)
		r = text_format(t->to, sizeof(t->to), "<%s>", t->uri);
	if (!r)
		r = write_diverted(t, start);
	if (!r)
		r = write_hops(t, parties);
	if (!r)
		r = sip_calling_format(&t->calling, &calling);
	return r ? r
		 : text_format(t->from, sizeof(t->from), "%s;tag=%s",
			       t->calling.from, tag);
}

static int create_leg(struct sip_dialog *d, const struct invite_text *t)
{
	char call_id[RAND_UUID_CAP];

	rand_uuid(call_id);
	d->leg = nta_leg_tcreate(
		d->agent->nta, dialog_recv, d, SIPTAG_CALL_ID_STR(call_id),
		SIPTAG_FROM_STR(t->from), SIPTAG_TO_STR(t->to), TAG_END());
	if (!d->leg)
		return -ENOMEM;
	return dialog_set_text(&d->call_id, call_id);
}

/* ---- sending ---- */

/* Also each time it is sent anew: RFC 4028, 7.1. */
static int add_session(struct sip_dialog *d, struct msg_s *msg)
{
	char expires[NUMBER_CAP] = "", min_se[NUMBER_CAP] = "";
	unsigned wish = d->policy.session_expires_s;
	int r = 0;

	if (wish && wish < d->min_se_s)
		wish = d->min_se_s;
	if (wish)
		r = text_format(expires, sizeof(expires), "%u", wish);
	if (!r && wish && d->min_se_s > SIP_MIN_SE_S)
		r = text_format(min_se, sizeof(min_se), "%u", d->min_se_s);
	if (r)
		return r;
	r = sip_add_tl(msg, sip_object(msg),
		       TAG_IF(*expires, SIPTAG_SESSION_EXPIRES_STR(expires)),
		       TAG_IF(*min_se, SIPTAG_MIN_SE_STR(min_se)), TAG_END());
	return r < 0 ? -ENOMEM : 0;
}

static int transmit(struct sip_dialog *d)
{
	struct sip_client_spec spec;
	struct sip_uri contact;
	struct msg_s *msg;
	int r = dialog_contact_uri(d, &contact);

	if (!r)
		r = dialog_request_spec(d, &spec, "INVITE",
					dialog_invite_response);
	if (r)
		return r;
	msg_destroy(spec.message);
	msg = msg_copy(d->wanted->message);
	if (!msg)
		return -ENOMEM;
	spec.message = msg;
	spec.uri = d->wanted->uris[d->wanted->at];
	spec.contact_user = contact.user;
	sip_trunk_route_call(d->trunk, &spec);
	r = add_session(d, msg);
	if (r) {
		msg_destroy(msg);
		return r;
	}
	d->invite = sip_client_free(d->invite);
	return sip_client_start(&d->invite, d->agent, &spec);
}

static int add_headers(struct sip_dialog *d, struct msg_s *msg,
		       const struct invite_text *t,
		       const struct sip_dialog_start *start)
{
	const char *asserted = t->calling.asserted;
	const char *more = sip_trunk_headers(start->trunk);
	/* RFC 3262, 5: an offer in a 18x would want its answer in PRACK. */
	struct sip_policy policy = d->policy;

	policy.prack = policy.prack && d->offered_sdp;
	return sip_add_tl(
		       msg, sip_object(msg),
		       SIPTAG_ALLOW_STR(sip_policy_allow(&policy)),
		       SIPTAG_SUPPORTED_STR(sip_policy_supported(&policy)),
		       TAG_IF(*asserted, SIPTAG_HEADER_STR(asserted)),
		       TAG_IF(t->diverted, SIPTAG_HEADER_STR(t->diverted)),
		       TAG_IF(*t->hops, SIPTAG_MAX_FORWARDS_STR(t->hops)),
		       TAG_IF(*more, SIPTAG_HEADER_STR(more)),
		       TAG_IF(start->parties.anonymous,
			      SIPTAG_PRIVACY_STR("id")),
		       TAG_IF(start->replaces,
			      SIPTAG_REPLACES_STR(start->replaces)),
		       TAG_IF(start->replaces, SIPTAG_REQUIRE_STR("replaces")),
		       TAG_IF(d->offered_sdp,
			      SIPTAG_CONTENT_TYPE_STR(SIP_SDP_TYPE)),
		       TAG_IF(d->offered_sdp,
			      SIPTAG_PAYLOAD_STR(d->offered_sdp)),
		       TAG_END()) < 0
		       ? -ENOMEM
		       : 0;
}

static int send_invite(struct sip_dialog *d, const struct invite_text *t,
		       const struct sip_dialog_start *start)
{
	int r;

	d->wanted = calloc(1, sizeof(*d->wanted));
	if (!d->wanted)
		return -ENOMEM;
	d->wanted->message = sip_client_message(d->agent);
	if (!d->wanted->message)
		return -ENOMEM;
	r = dialog_set_text(&d->wanted->uris[0], t->uri);
	d->wanted->nuris = !r;
	if (!r)
		r = add_headers(d, d->wanted->message, t, start);
	return r ? r : transmit(d);
}

void dialog_invite_forget(struct sip_dialog *d)
{
	if (!d->wanted)
		return;
	if (d->wanted->message)
		msg_destroy(d->wanted->message);
	for (size_t i = 0; i < d->wanted->nuris; i++)
		free(d->wanted->uris[i]);
	free(d->wanted);
	d->wanted = NULL;
}

/* ---- anew ---- */

/* RFC 4028, 7.4: the interval was too small for the peer, or a proxy. */
static bool take_min_se(struct sip_dialog *d, const struct sip_s *response)
{
	const sip_min_se_t *min = response->sip_min_se;

	if (!min || min->min_delta <= d->min_se_s ||
	    min->min_delta > MIN_SE_MAX_S)
		return false;
	d->min_se_s = (unsigned)min->min_delta;
	return true;
}

/* Only what the trunk itself answers at: a redirection takes no call (and no
 * credentials) elsewhere. */
static bool is_of_trunk(const struct sip_dialog *d, const struct sip_uri *uri)
{
	const char *ours = sip_trunk_hostport(d->trunk);
	char hostport[SIP_HOST_CAP + 16];
	struct sip_hop hop;
	size_t n;

	if (uri->tel || uri->sips || !*uri->user)
		return false;
	if (!sip_resolve_literal(&hop, uri))
		return sip_trunk_is_at(d->trunk, &hop.addr);
	if (sip_hostport_format(hostport, uri->host, uri->port))
		return false;
	n = strlen(hostport);
	/* Its port or transport may be left out. */
	return !strncasecmp(hostport, ours, n) && strchr(":;", ours[n]);
}

static bool is_known(const struct dialog_invite *wanted, const char *uri)
{
	for (size_t i = 0; i < wanted->nuris; i++)
		if (!strcmp(wanted->uris[i], uri))
			return true;
	return false;
}

/* @uri behind those of the @n with a q that is no lower, of which @q tells. */
static void put_target(struct dialog_invite *wanted, char *uri, unsigned q,
		       unsigned qs[static DIALOG_TARGETS_MAX], size_t n)
{
	size_t at = n;

	for (; at && qs[at - 1] < q; at--)
		qs[at] = qs[at - 1];
	qs[at] = q;
	at += wanted->at + 1;
	memmove(&wanted->uris[at + 1], &wanted->uris[at],
		(wanted->nuris - at) * sizeof(wanted->uris[0]));
	wanted->uris[at] = uri;
	wanted->nuris++;
}

/* A contact that may be called, as text without headers; else NULL. */
static char *read_contact(const struct sip_dialog *d, const sip_contact_t *m)
{
	struct sip_uri uri;
	url_t url = *m->m_url;
	char *text, *copy;

	url.url_headers = NULL;
	text = url_as_string(NULL, &url);
	copy = text && !sip_uri_parse(&uri, slice_of(text)) &&
			       is_of_trunk(d, &uri) &&
			       !is_known(d->wanted, text)
		       ? text_dup(slice_of(text))
		       : NULL;
	su_free(NULL, text);
	return copy;
}

/* Those that a redirection names are tried next, the highest q first. */
static void take_contacts(struct sip_dialog *d, const struct sip_s *response)
{
	unsigned qs[DIALOG_TARGETS_MAX];
	size_t n = 0;

	for (const sip_contact_t *m = response->sip_contact;
	     m && d->wanted->nuris < DIALOG_TARGETS_MAX; m = m->m_next) {
		char *uri = read_contact(d, m);

		if (uri)
			put_target(d->wanted, uri, sip_q_value(m->m_q), qs,
				   n++);
	}
}

/* Whether there is one more to call after @status: 6xx speaks for all (RFC
 * 3261, 8.1.3.4 and 21.6). */
static bool take_next(struct sip_dialog *d, int status)
{
	struct dialog_invite *wanted = d->wanted;

	if (status >= 600 || wanted->at + 1 >= wanted->nuris)
		return false;
	wanted->at++;
	return true;
}

bool dialog_invite_again(struct sip_dialog *d, const struct sip_s *response)
{
	int status = response->sip_status->st_status;
	bool moved = status == 300 || status == 301 || status == 302;

	if (!d->wanted || !d->trunk || d->hung_up ||
	    d->wanted->again >= AGAIN_MAX)
		return false;
	if (moved && d->policy.follow)
		take_contacts(d, response);
	if (status == 422 ? !take_min_se(d, response) : !take_next(d, status))
		return false;
	d->wanted->again++;
	d->early_answered = false; /* whoever rang does so no more */
	log_info("dialog=%s what=\"INVITE sent anew\" status=%d uri=%s",
		 d->call_id, status,
		 log_text(slice_of(d->wanted->uris[d->wanted->at])).s);
	return !transmit(d);
}

/* ---- the start ---- */

static int start_dialog(struct sip_dialog *d,
			const struct sip_dialog_start *start)
{
	const char *trunk_user = sip_trunk_user(start->trunk);
	const char *user = *trunk_user                ? trunk_user
			   : start->parties.anonymous ? ""
						      : start->parties.from;
	struct invite_text t = { .diverted = NULL };
	int r = dialog_set_text(&d->trunk_name, sip_trunk_name(start->trunk));

	if (!r)
		r = dialog_set_contact(d, user);
	if (!r)
		r = write_addresses(&t, start);
	if (!r && start->offer)
		r = dialog_format(d, start->offer, &d->offered_sdp,
				  &d->offered_version);
	if (!r)
		r = create_leg(d, &t);
	if (!r)
		r = send_invite(d, &t, start);
	free(t.diverted);
	return r;
}

int sip_dialog_start(struct sip_dialog **out, struct sip_agent *agent,
		     const struct sip_dialog_start *start,
		     const struct sip_dialog_handlers *handlers, void *arg)
{
	struct sip_dialog *d = NULL;
	struct sip_hop hop;
	int r;

	if (!sip_trunk_hop(start->trunk, &hop))
		return SIP_E_UNREACHABLE;
	r = dialog_new(&d, agent, true);
	if (r)
		return r;
	d->trunk = start->trunk;
	d->policy = start->policy;
	d->peer = d->hop = hop;
	r = start_dialog(d, start);
	if (r) {
		sip_dialog_free(d);
		return r;
	}
	d->handlers = handlers;
	d->arg = arg;
	dialog_event(d, DIALOG_EV_INVITE);
	*out = d;
	return 0;
}
