/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Why a dialog ends: RFC 3326 both ways, BYE, and what the user is told. */
#include "sip/dialog_int.h"

#include <stdlib.h>

#define NTA_LEG_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/text.h"
#include "sip/uri.h"

enum {
	Q850_MAX = 127,
	STATUS_MAX = 699,
};

void dialog_set_end(struct sip_dialog *d, const struct sip_end *end,
		    const char *text)
{
	d->end = *end;
	text_clean(d->end_text, sizeof(d->end_text), slice_of(text));
	d->end.text = d->end_text;
}

void dialog_fail(struct sip_dialog *d, unsigned status, const char *text,
		 bool timeout)
{
	struct sip_end end = { .status = status, .timeout = timeout };

	dialog_set_end(d, &end, text);
	dialog_event(d, DIALOG_EV_FAILED);
}

/* The text parameter, unquoted. */
static void read_reason_text(struct sip_dialog *d, const char *quoted)
{
	struct slice s = slice_of(quoted);

	if (s.n >= 2 && s.p[0] == '"') {
		s.p++;
		s.n -= 2;
	}
	text_clean(d->end_text, sizeof(d->end_text), s);
}

void dialog_read_reason(struct sip_dialog *d, const struct sip_s *sip)
{
	const sip_reason_t *re;

	for (re = sip ? sip->sip_reason : NULL; re; re = re->re_next) {
		uint64_t cause = 0;

		if (!re->re_protocol)
			continue;
		if (re->re_cause &&
		    text_number(slice_of(re->re_cause), STATUS_MAX, &cause))
			cause = 0;
		if (!strcasecmp(re->re_protocol, "Q.850") && cause <= Q850_MAX)
			d->end.q850 = (unsigned)cause;
		else if (!strcasecmp(re->re_protocol, "SIP"))
			d->end.reason_sip = (unsigned)cause;
		if (re->re_text)
			read_reason_text(d, re->re_text);
	}
}

void dialog_report_end(struct sip_dialog *d)
{
	const struct sip_dialog_handlers *handlers = d->handlers;

	d->handlers = NULL;
	if (handlers && handlers->ended)
		handlers->ended(&d->end, d->arg);
}

const char *sip_hangup_reason(const struct sip_hangup *why,
			      char out[static SIP_REASON_TEXT_CAP])
{
	char text[SIP_REASON_CAP * 2] = "";

	if (!why->q850)
		return NULL;
	if (why->text && *why->text)
		sip_quoted_format(text, sizeof(text), why->text);
	return text_format(out, SIP_REASON_TEXT_CAP, "Q.850;cause=%u%s%s%s",
			   why->q850, *text ? ";text=\"" : "", text,
			   *text ? "\"" : "")
		       ? NULL
		       : out;
}

const char *dialog_format_reason(const struct sip_dialog *d,
				 char out[static SIP_REASON_TEXT_CAP])
{
	if (d->hangup.q850 || !d->end.timeout)
		return sip_hangup_reason(&d->hangup, out);
	return text_format(out, SIP_REASON_TEXT_CAP,
			   "SIP;cause=408;text=\"Timeout\"")
		       ? NULL
		       : out;
}

static void on_bye_response(struct sip_client *client, unsigned status,
			    const struct sip_s *response, bool local, void *arg)
{
	(void)client;
	(void)response;
	(void)local;
	if (status >= 200)
		dialog_event(arg, DIALOG_EV_DONE);
}

void dialog_act_bye(struct sip_dialog *d)
{
	char reason[SIP_REASON_TEXT_CAP];
	struct sip_client_spec spec;
	int r = dialog_request_spec(d, &spec, "BYE", on_bye_response);
	const char *value = dialog_format_reason(d, reason);

	if (!r && value &&
	    sip_add_tl(spec.message, sip_object(spec.message),
		       SIPTAG_REASON_STR(value), TAG_END()) < 0)
		r = -ENOMEM;
	if (!r)
		r = sip_client_start(&d->bye, d->agent, &spec);
	if (r)
		dialog_event(d, DIALOG_EV_DONE);
}

void dialog_act_report(struct sip_dialog *d)
{
	dialog_report_end(d);
}

void dialog_act_report_and_bye(struct sip_dialog *d)
{
	dialog_act_bye(d);
	dialog_report_end(d);
}

void dialog_act_bye_done(struct sip_dialog *d)
{
	dialog_due(d);
}
