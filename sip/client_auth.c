/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* 401 and 407 (RFC 3261, 22; RFC 8760): at most two answers for each hop, only
 * with the account that the request was started with. */
#include "sip/client_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"

enum { CNONCE_LEN = 22 };

/* ---- accounts ---- */

struct client_account {
	struct sip_digest_account account;
	char *username, *password, *realm;
};

static struct client_account *free_account(struct client_account *a)
{
	if (!a)
		return NULL;
	free(a->username);
	text_wipe(a->password);
	free(a->realm);
	free(a);
	return NULL;
}

int client_keep_account(struct sip_client *client)
{
	const struct sip_digest_account *from = client->account;
	struct client_account *a;

	if (!from)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->username = text_dup(slice_of(from->username));
	a->password = text_dup(slice_of(from->password));
	a->realm = text_dup(slice_of(from->realm));
	if (!a->username || !a->password || !a->realm) {
		free_account(a);
		return -ENOMEM;
	}
	a->account = (struct sip_digest_account){ a->username, a->password,
						  a->realm };
	client->own_account = a;
	client->account = &a->account;
	return 0;
}

void client_auth_forget(struct sip_client *client)
{
	for (int i = 0; i < CLIENT_NAUTHS; i++) {
		free(client->auth[i]);
		client->auth[i] = NULL;
	}
	client->answers = 0;
}

void client_auth_fini(struct sip_client *client)
{
	client_auth_forget(client);
	client->own_account = free_account(client->own_account);
}

/* ---- challenges ---- */

/* The Request-URI as it was sent: digest covers it. */
static int answer_one(struct sip_client *client, const msg_auth_t *au,
		      int which)
{
	char out[SIP_CREDENTIALS_CAP], cnonce[CNONCE_LEN + 1];
	struct sip_challenge c;
	msg_t *msg = nta_outgoing_getrequest(client->orq);
	sip_t *sip = sip_object(msg);
	char *uri = NULL;
	int r = sip_challenge_parse(&c, au->au_scheme, au->au_params);

	if (!r && !sip_challenge_is_for(&c, client->account))
		r = SIP_E_NO_CHALLENGE;
	if (!r)
		uri = url_as_string(msg_home(msg), sip->sip_request->rq_url);
	if (!r && !uri)
		r = -ENOMEM;
	rand_token(cnonce, CNONCE_LEN);
	if (!r)
		r = sip_credentials_format(out, &c, client->account,
					   client->method, uri, cnonce);
	msg_destroy(msg);
	if (r)
		return r;
	free(client->auth[which]);
	client->auth[which] = text_dup(slice_of(out));
	return client->auth[which] ? 0 : -ENOMEM;
}

/* The first of several that we can answer (RFC 8760, 2.4: topmost first). */
static bool answer_any(struct sip_client *client, const msg_auth_t *au,
		       int which)
{
	for (; au; au = au->au_next)
		if (!answer_one(client, au, which))
			return true;
	return false;
}

bool client_answer(struct sip_client *client, unsigned status,
		   const struct sip_s *sip)
{
	bool answered = false;

	if (status != 401 && status != 407)
		return false;
	if (!client->account || client->cancel ||
	    client->answers >= SIP_CLIENT_ANSWERS_MAX)
		return false;
	if (sip->sip_www_authenticate)
		answered = answer_any(client, sip->sip_www_authenticate,
				      CLIENT_AUTH_WWW);
	if (sip->sip_proxy_authenticate)
		answered = answer_any(client, sip->sip_proxy_authenticate,
				      CLIENT_AUTH_PROXY) ||
			   answered;
	if (!answered)
		return false;
	client->answers++;
	nta_outgoing_destroy(client->orq);
	client->orq = NULL;
	client->provisional = false;
	return !client_transmit(client, false);
}
