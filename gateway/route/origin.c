/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/origin.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/agent.h"

void origin_read(struct origin *out, const struct sip_invite *invite,
		 bool believe)
{
	const struct sip_identity *identity = invite->identity;
	struct sip_party caller;

	*out = (struct origin){ .is_signed = false };
	sip_identity_caller(&caller, identity, believe);
	if (!identity->withheld)
		memcpy(out->display, caller.display, sizeof(out->display));
	if (!believe)
		return;
	memcpy(out->verstat, identity->verstat, sizeof(out->verstat));
	out->attestation[0] = identity->attestation;
	memcpy(out->first_called, identity->first_called.user,
	       sizeof(out->first_called));
	memcpy(out->diversion, identity->diversion, sizeof(out->diversion));
	out->is_signed = identity->is_signed;
}

void origin_log(const struct origin *origin, const char *call)
{
	if (!*origin->display && !*origin->verstat && !*origin->attestation &&
	    !*origin->first_called)
		return;
	log_info("call=%s event=origin name=%s verstat=%s attestation=%s "
		 "first_called=%s diversion=%s signed=%s",
		 call, log_text(slice_of(origin->display)).s, origin->verstat,
		 origin->attestation,
		 log_text(slice_of(origin->first_called)).s, origin->diversion,
		 origin->is_signed ? "yes" : "no");
}

int origin_copy(struct origin **out, const struct origin *origin)
{
	struct origin *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *origin;
	*out = copy;
	return 0;
}

struct origin *origin_free(struct origin *origin)
{
	free(origin);
	return NULL;
}
