/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/code.h"

#include <string.h>

#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "xmpp/jid.h"

#define DIGITS "0123456789"

bool code_is_of(const struct config_texts *codes, const char *text)
{
	for (size_t i = 0; i < codes->n; i++) {
		if (!strcmp(codes->v[i], text))
			return true;
	}
	return false;
}

const char *code_cut_withhold(const char *local, bool *withhold)
{
	static const char *const codes[] = { "*67", "#31#" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		size_t n = strlen(codes[i]);

		if (strncmp(local, codes[i], n) != 0 ||
		    !(local[n] == '+' || strchr(DIGITS, local[n])) || !local[n])
			continue;
		*withhold = true;
		return local + n;
	}
	return local;
}

bool code_is_dialled(const struct gateway *gateway, const char *account,
		     const char *local)
{
	const struct config *config = gateway->config;
	const struct config_trunk *trunk = NULL;
	char bare[JID_CAP];
	struct number mine;

	if (*config->emergency.trunk &&
	    code_is_of(&config->emergency.numbers, local))
		return true;
	if (!jid_bare(bare, sizeof(bare), account) &&
	    number_of(&mine, gateway, bare, NULL))
		trunk = config_find_trunk(config, mine.trunk);
	return trunk && code_is_of(&trunk->short_codes, local);
}
