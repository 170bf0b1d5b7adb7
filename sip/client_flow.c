/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/client_int.h"

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/identity.h"

/* RFC 5626, 4.4.1: by chance between these, or as the registrar says. */
enum {
	PING_MIN_S = 95,
	PING_MAX_S = 120,
	FLOW_TIMER_MAX_S = 3600,
};

/* RFC 5626, 4.4: between four fifths and all of it. */
static unsigned ping_ms(const struct sip_s *sip)
{
	uint64_t told;
	unsigned min = PING_MIN_S * MS_PER_S, max = PING_MAX_S * MS_PER_S;

	if (!text_number(
		    slice_trim(slice_of(sip_header_text(sip, "Flow-Timer"))),
		    FLOW_TIMER_MAX_S, &told) &&
	    told) {
		max = (unsigned)told * MS_PER_S;
		min = max / 5 * 4;
	}
	return min + rand_u32() % (max - min);
}

void client_keep_flow(struct nta_outgoing_s *orq, const struct sip_s *sip)
{
	tport_t *tport = nta_outgoing_transport(orq);

	if (!tport)
		return;
	if (tport_is_tcp(tport) && tport_is_secondary(tport))
		tport_set_params(tport, TPTAG_KEEPALIVE(ping_ms(sip)),
				 TAG_END());
	tport_unref(tport);
}
