/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* MESSAGE to a trunk (RFC 3428, 4): one request and its answer. */
#include "sip/message.h"

#include <ctype.h>
#include <stdlib.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/client.h"
#include "sip/cpim.h"
#include "sip/identity.h"
#include "sip/trunk_int.h"
#include "sip/uri.h"

#define TYPE "text/plain;charset=utf-8"

enum { TAG_LEN = 10, LANG_MAX = 35 };

struct sip_request {
	struct sip_client *client;
	struct nta_leg_s *leg;
	sip_message_fn fn;
	void *arg;
};

struct sip_request *sip_message_cancel(struct sip_request *request)
{
	if (!request)
		return NULL;
	request->client = sip_client_free(request->client);
	if (request->leg)
		nta_leg_destroy(request->leg);
	free(request);
	return NULL;
}

static void on_response(struct sip_client *client, unsigned status,
			const struct sip_s *response, bool local, void *arg)
{
	struct sip_request *request = arg;
	char phrase[128] = "";

	if (status < 200)
		return;
	if (response && response->sip_status)
		text_clean(phrase, sizeof(phrase),
			   slice_of(response->sip_status->st_phrase));
	sip_message_fn fn = request->fn;
	void *theirs = request->arg;
	bool too_long = sip_client_is_too_long(client);
	sip_message_cancel(request);
	if (too_long) /* and will be, each time (RFC 3261, 21.5.7) */
		fn(513, "Message Too Large", false, theirs);
	else
		fn(status, phrase, local, theirs);
}

/* A resend is the same request: its tag hangs on its Call-ID (RFC 3261, 19.3
 * asks for chance, of which that has enough). */
static void format_tag(char out[static TAG_LEN + 1], const char *call_id)
{
	struct slice head = slice_of(call_id);

	head.n = head.n < TAG_LEN ? head.n : TAG_LEN;
	if (text_copy(out, TAG_LEN + 1, head))
		out[0] = '\0';
}

/* What its headers say. */
struct message_text {
	char user[SIP_USER_TEXT_CAP], uri[SIP_URI_TEXT_CAP];
	struct sip_calling_text calling;
	char from[SIP_NAME_ADDR_CAP + TAG_LEN + sizeof(";tag=")];
	char to[SIP_URI_TEXT_CAP + 2];
};

static int format_text(struct message_text *t, const struct sip_message_out *m)
{
	const struct sip_calling calling = {
		.mode = sip_trunk_identity(m->trunk),
		.user = m->from_user,
		.domain = sip_trunk_domain(m->trunk),
	};
	char tag[TAG_LEN + 1];
	int r = sip_user_format(t->user, m->to_user);

	format_tag(tag, m->call_id);
	if (!r)
		r = text_format(t->uri, sizeof(t->uri), "sip:%s@%s", t->user,
				sip_trunk_hostport(m->trunk));
	if (!r)
		r = sip_calling_format(&t->calling, &calling);
	if (!r)
		r = text_format(t->from, sizeof(t->from), "%s;tag=%s",
				t->calling.from, tag);
	return r ? r : text_format(t->to, sizeof(t->to), "<%s>", t->uri);
}

/* A language tag (RFC 5646, 2.1). People write it, and sofia would put a line
 * end in it into the message as it stands. */
static bool is_lang(const char *text)
{
	if (!text || !*text || strlen(text) > LANG_MAX)
		return false;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	return true;
}

/* *@out is owned by the caller: free(). 0 or -errno. */
static int wrap(char **out, const struct sip_message_out *m,
		const struct message_text *t)
{
	const struct sip_envelope *e = m->envelope;

	return sip_cpim_format(
		out,
		&(struct sip_cpim){
			.from = slice_of(t->calling.from),
			.to = slice_of(t->to),
			.date = slice_of(e->date),
			.message_id = slice_of(e->id),
			.wants = e->wants,
			.type = slice_of(e->is_report ? SIP_IMDN_TYPE : TYPE),
			.language = slice_of(is_lang(m->lang) ? m->lang : NULL),
			.disposition =
				slice_of(e->is_report ? "notification" : NULL),
			.content = slice_of(m->text) });
}

static int add_all(struct msg_s *message, const struct sip_message_out *m,
		   const struct message_text *t, const char *type,
		   const char *body)
{
	const char *asserted = t->calling.asserted;
	bool lang = is_lang(m->lang);

	return sip_add_tl(message, sip_object(message),
			  SIPTAG_CSEQ_STR("1 MESSAGE"),
			  TAG_IF(*asserted, SIPTAG_HEADER_STR(asserted)),
			  SIPTAG_CONTENT_TYPE_STR(type),
			  TAG_IF(lang, SIPTAG_CONTENT_LANGUAGE_STR(m->lang)),
			  SIPTAG_PAYLOAD_STR(body), TAG_END()) < 0
		       ? -ENOMEM
		       : 0;
}

/* *@out is NULL on failure. 0 or -errno. */
static int make_message(struct msg_s **out, struct sip_agent *agent,
			const struct sip_message_out *m,
			const struct message_text *t)
{
	struct msg_s *message = sip_client_message(agent);
	char *wrapped = NULL;
	int r = message ? 0 : -ENOMEM;

	if (!r && m->envelope)
		r = wrap(&wrapped, m, t);
	if (!r)
		r = add_all(message, m, t, wrapped ? SIP_CPIM_TYPE : TYPE,
			    wrapped ? wrapped : m->text);
	free(wrapped);
	if (r && message)
		msg_destroy(message);
	*out = r ? NULL : message;
	return r;
}

static int send_text(struct sip_request *request, struct sip_agent *agent,
		     const struct sip_message_out *m)
{
	struct message_text t;
	struct sip_client_spec spec = { .method = "MESSAGE",
					.uri = t.uri,
					.fn = on_response,
					.arg = request };
	int r = format_text(&t, m);

	if (r)
		return r;
	request->leg = nta_leg_tcreate(
		agent->nta, NULL, NULL, SIPTAG_CALL_ID_STR(m->call_id),
		SIPTAG_FROM_STR(t.from), SIPTAG_TO_STR(t.to), TAG_END());
	if (!request->leg)
		return -ENOMEM;
	spec.leg = request->leg;
	r = make_message(&spec.message, agent, m, &t);
	if (r)
		return r;
	sip_trunk_route(m->trunk, &spec);
	return sip_client_start(&request->client, agent, &spec);
}

int sip_message_send(struct sip_request **out, struct sip_agent *agent,
		     const struct sip_message_out *message, sip_message_fn fn,
		     void *arg)
{
	struct sip_request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->fn = fn;
	request->arg = arg;
	int r = send_text(request, agent, message);
	if (r) {
		sip_message_cancel(request);
		return r;
	}
	*out = request;
	return 0;
}
