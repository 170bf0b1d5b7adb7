/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* MESSAGE outside dialogs (RFC 3428, 7): texts that come. */
#include "sip/message.h"

#include <stdlib.h>

#define NTA_INCOMING_MAGIC_T struct sip_message
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/body.h"
#include "sip/identity.h"
#include "sip/odd.h"
#include "sip/server.h"
#include "sip/text_body.h"

enum {
	RETRY_MIN_S = 30,
	RETRY_MAX_S = 59,
	KEY_CAP = 512,
	LANG_CAP = 36,
	SUBJECT_CAP = 256,
};

struct sip_message {
	TAILQ_ENTRY(sip_message) link; /* of agent->messages */
	struct sip_agent *agent;
	nta_incoming_t *irq;
};

void sip_message_answer(struct sip_message *message, unsigned status)
{
	if (status == 503 || status == 480) {
		sip_server_end_for_now(message->irq, status, RETRY_MIN_S,
				       RETRY_MAX_S);
	} else {
		nta_incoming_treply(message->irq, (int)status, NULL, TAG_END());
		nta_incoming_destroy(message->irq);
	}
	TAILQ_REMOVE(&message->agent->messages, message, link);
	free(message);
}

void sip_messages_free(struct sip_agent *agent)
{
	while (!TAILQ_EMPTY(&agent->messages))
		sip_message_answer(TAILQ_FIRST(&agent->messages), 503);
}

/* RFC 3261, 17.2.3: who sends a request again, after we have forgotten its
 * transaction too, sends the same of these. */
static int read_key(char out[static KEY_CAP], const sip_t *sip)
{
	const char *tag = sip->sip_from->a_tag;

	return text_format(out, KEY_CAP, "%u %s %s", sip->sip_cseq->cs_seq,
			   tag ? tag : "", sip->sip_call_id->i_id);
}

static void read_lang(char out[static LANG_CAP], const sip_t *sip)
{
	const sip_content_language_t *lang = sip->sip_content_language;
	const char *first = lang && lang->k_items ? lang->k_items[0] : NULL;

	if (text_set(out, LANG_CAP, first))
		out[0] = '\0';
}

static void read_subject(char out[static SUBJECT_CAP], const sip_t *sip,
			 const struct sip_text *text)
{
	const sip_subject_t *subject = sip->sip_subject;
	char words[SUBJECT_CAP];

	if (text->enveloped && text->cpim.subject.n) {
		sip_cpim_unescape(words, sizeof(words), text->cpim.subject);
		text_clean(out, SUBJECT_CAP, slice_of(words));
	} else {
		text_clean(out, SUBJECT_CAP,
			   slice_of(subject ? subject->g_string : NULL));
	}
}

static void refuse(const struct sip_incoming *in, unsigned status)
{
	char type[SIP_TYPE_CAP];

	sip_body_type(type, in->sip);
	sip_odd(in->agent->odds, &in->source.addr, "MESSAGE", "type", type,
		clock_ms());
	nta_incoming_treply(
		in->irq, (int)status, NULL,
		TAG_IF(status == 415, SIPTAG_ACCEPT_STR(SIP_TEXT_ACCEPT)),
		TAG_IF(status == 415, SIPTAG_ACCEPT_ENCODING_STR("identity")),
		TAG_END());
	nta_incoming_destroy(in->irq);
}

/* When who wrote it says that it was written; 0: they do not. */
static int64_t read_date(const sip_t *sip, const struct sip_text *text)
{
	/* Of sofia's, in seconds since 1900. */
	enum { UNIX_EPOCH_H = 613608, S_PER_H = 3600 };
	const sip_date_t *date = sip->sip_date;

	if (text->enveloped && text->cpim.date.n)
		return sip_cpim_time(&text->cpim);
	return date ? ((int64_t)date->d_time -
		       (int64_t)UNIX_EPOCH_H * S_PER_H) *
			       MS_PER_S
		    : 0;
}

static void offer(const struct sip_incoming *in, const struct sip_text *text)
{
	char request_user[SIP_USER_CAP], to_user[SIP_USER_CAP],
		called_user[SIP_USER_CAP], key[KEY_CAP], lang[LANG_CAP],
		subject[SUBJECT_CAP];
	struct sip_identity identity;
	struct sip_message *message = calloc(1, sizeof(*message));

	if (!message || read_key(key, in->sip)) {
		sip_server_end(in, message ? 400 : 503);
		free(message);
		return;
	}
	message->agent = in->agent;
	message->irq = in->irq;
	TAILQ_INSERT_TAIL(&in->agent->messages, message, link);
	sip_url_user(request_user, in->sip->sip_request->rq_url);
	sip_url_user(to_user, in->sip->sip_to->a_url);
	sip_called_user(called_user, in->sip);
	sip_identity_read(&identity, in->sip);
	read_lang(lang, in->sip);
	read_subject(subject, in->sip, text);
	const struct sip_message_in what = {
		.source = in->source,
		.request_user = request_user,
		.called_user = called_user,
		.to_user = to_user,
		.identity = &identity,
		.message = in->sip,
		.key = key,
		.lang = lang,
		.subject = subject,
		.date_ms = read_date(in->sip, text),
		.text = { text->text, text->n },
		.is_report = text->is_report,
		.cpim = text->enveloped ? &text->cpim : NULL
	};
	in->agent->handlers->message(message, &what, in->agent->arg);
}

void sip_server_message(const struct sip_incoming *in)
{
	struct sip_text text;
	int r;

	if (!in->agent->handlers->message) {
		sip_server_refuse_method(in);
		return;
	}
	r = sip_text_read(&text, in->sip);
	if (!r)
		offer(in, &text);
	else if (r > 0)
		refuse(in, (unsigned)r);
	else
		sip_server_end(in, 503);
	sip_text_fini(&text);
}
