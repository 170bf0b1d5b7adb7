/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/kept_stream.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/kept.h"
#include "xmpp/xmpp_stream.h"

#define PREFIX     "xmpp" /* of all streams' names */
#define TRIES_NAME "tries"

enum {
	/* Whom others kill quickly, before a disk has answered, has not died of
	 * what he read. */
	TRIES_MAX = 4,
	DIGEST_LEN = 8,
	NAME_CAP = sizeof(PREFIX "-") + 2 * DIGEST_LEN,
	WHERE_CAP = 2200, /* two names of up to 1023 octets and a port */
};

struct kept_stream {
	char name[NAME_CAP];
	int fd; /* of an earlier run; 0: none */
	_Atomic uint32_t *tries;
};

static int name_stream(char out[static NAME_CAP],
		       const struct config_xmpp *config)
{
	char where[WHERE_CAP];
	unsigned char digest[EVP_MAX_MD_SIZE];
	int r = text_format(where, sizeof(where), "%s %s %u", config->domain,
			    config->host, config->port);

	if (r)
		return r;
	if (!EVP_Digest(where, strlen(where), digest, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	memcpy(out, PREFIX "-", sizeof(PREFIX "-"));
	out += sizeof(PREFIX "-") - 1;
	for (size_t i = 0; i < DIGEST_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

/* Whoever reads the same again would die of it as they did. */
static void give_up(struct kept_stream *kept)
{
	log_error("event=xmpp-kept result=given-up tries=%u: processes have "
		  "died of what comes next in this stream; connecting anew, "
		  "what was on its way in it is lost",
		  (unsigned)*kept->tries);
	kept_drop(kept->name);
	close(kept->fd);
	kept->fd = 0;
}

int kept_stream_new(struct gateway *gateway)
{
	struct kept_stream *kept = calloc(1, sizeof(*kept));

	gateway->kept = kept;
	if (!kept)
		return -ENOMEM;
	int r = name_stream(kept->name, &gateway->config->xmpp);
	if (r)
		return r;
	if (kept_drop_others(PREFIX, kept->name))
		log_warn("event=xmpp-kept result=dropped: it was of another "
			 "server or domain");
	kept->fd = kept_take(kept->name);
	kept->tries = kept_page(TRIES_NAME);
	if (kept->fd && kept->tries && *kept->tries >= TRIES_MAX)
		give_up(kept);
	if (!kept->fd && kept->tries)
		*kept->tries = 0;
	return 0;
}

void kept_stream_free(struct gateway *gateway)
{
	struct kept_stream *kept = gateway->kept;

	if (!kept)
		return;
	if (kept->fd)
		close(kept->fd);
	kept_page_free(kept->tries);
	free(kept);
	gateway->kept = NULL;
}

void kept_stream_resume(const struct gateway *gateway,
			struct xmpp_stream_config *config)
{
	config->resumed_fd = gateway->kept->fd;
	config->tries = gateway->kept->tries;
}

void kept_stream_resumed(struct gateway *gateway)
{
	gateway->kept->fd = 0;
}

void kept_stream_whole(const struct gateway *gateway, bool whole, int fd)
{
	if (whole)
		kept_put(gateway->kept->name, fd);
	else
		kept_drop(gateway->kept->name);
}
