/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What two parties that cannot hear of each other's codecs directly can both
 * do, without transcoding (RFC 3264, RFC 7587, RFC 4733).
 *
 * These functions deal with codecs, contents and direction; transport
 * (addresses, candidates, fingerprints, keys, rtcp-mux, and the BUNDLE group of
 * an offer) is added by each leg.
 */
#pragma once

#include "media/desc.h"
#include "media/map.h"

enum negotiate_outcome {
	NEGOTIATE_E_CODEC = 1, /* no common audio codec */
	NEGOTIATE_E_MEDIA = 2, /* no audio that is not refused */
};

/*
 * An offer of our own, when the other party's codecs are not known yet: PCMU,
 * PCMA, G.722, Opus and telephone-event/8000, one audio content named "0".
 * *@out is owned by the caller. 0 or -ENOMEM.
 */
CHECKED int negotiate_caps(struct media_desc **out);

/*
 * The offer for the second leg: of @offer's first audio content the codecs
 * that we can relay, in its order and with its payload types, and
 * telephone-event behind them, which has no parameters, in the clock of each
 * codec if @offer has it in any (RFC 4733, 2.1). ptime and direction are
 * the offer's. Everything that is not audio is left out; the content is named
 * "0".
 * *@out is owned by the caller. 0, NEGOTIATE_E_*, or -ENOMEM.
 */
CHECKED int negotiate_offer(struct media_desc **out,
			    const struct media_desc *offer);

/*
 * The answer to @offer, once the other leg has settled on @agreed (its answer,
 * or its offer when that came first): the codecs of @agreed that @offer has
 * too, in @agreed's order, as who agreed to several sends the first but may
 * send any (RFC 3264, 7), and that telephone-event of @offer that fits each
 * one's clock. Payload types are @offer's, parameters and ptime @agreed's.
 * Every content of @offer is answered in order under its mid; those that are
 * not relayed are rejected (RFC 3264, 6). Direction: @agreed's, as far as
 * @offer's allows (6.1). BUNDLE is echoed.
 * *@out is owned by the caller. 0, NEGOTIATE_E_*, or -ENOMEM.
 */
CHECKED int negotiate_answer(struct media_desc **out,
			     const struct media_desc *offer,
			     const struct media_desc *agreed);

/*
 * The codecs of @answered, an answer to @offered, in the order of the offer, in
 * which it should have them (RFC 3264, 6.1), and by which its writer sends.
 */
void negotiate_sort(struct media_content *answered,
		    const struct media_content *offered);

/*
 * How packets of the party that speaks @from (what it may send us: our local
 * description towards it) become packets for the party of @to (what it wants to
 * get: its remote description). The agreed codec is the first of @to that @from
 * has. Every telephone-event of @from becomes the one of @to that fits the
 * agreed codec's clock. 0 or NEGOTIATE_E_CODEC; @out is always written.
 */
CHECKED int negotiate_map(struct media_map *out,
			  const struct media_content *from,
			  const struct media_content *to);
