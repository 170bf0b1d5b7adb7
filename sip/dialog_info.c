/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* DTMF that we send in INFO, for peers that take it in no other way. */
#include "sip/dialog_int.h"

#include "gateway/base/log.h"
#include "sip/info.h"

static void on_info_response(struct sip_client *client, unsigned status,
			     const struct sip_s *response, bool local,
			     void *arg)
{
	struct sip_dialog *d = arg;

	(void)response;
	(void)local;
	if (status >= 300)
		log_info("event=sip_info what=refused status=%u", status);
	if (status >= 200)
		sip_client_free(client);
	/* RFC 3261, 12.2.1.2: the peer has no such dialog. */
	if (status == 481)
		dialog_fail(d, status, "No such call there", false);
}

int sip_dialog_digit(struct sip_dialog *d, char digit, unsigned duration_ms)
{
	struct sip_client *client;
	char body[SIP_INFO_CAP];
	int r = sip_info_format(body, digit, duration_ms);

	if (d->state != DIALOG_UP || d->hung_up)
		return SIP_E_STATE;
	if (r)
		return r;
	return dialog_send(d, &client, "INFO", SIP_INFO_TYPE, body,
			   on_info_response);
}
