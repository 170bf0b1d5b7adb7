# SPDX-License-Identifier: AGPL-3.0-or-later
"""An XMPP user calls a telephone number.

    client c1  --Jingle-->  Prosody or ejabberd srv  --XEP-0114-->  Tandem gw  --SIP/UDP-->  carrier pstn
               <------------- ICE, DTLS-SRTP ------------------------->       <--- RTP --->
"""

import asyncio
import time
from dataclasses import replace

import pytest

from bed import ejabberd, proc, profiles, prosody, sipcall, sipmsg
from bed.scene import CARRIER, GATEWAY, own_number

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")

REFUSALS = [(486, "Busy Here", "busy"), (600, "Busy Everywhere", "busy"), (603, "Decline", "decline"), (403, "Forbidden", "decline"),
            (404, "Not Found", "gone"), (410, "Gone", "gone"), (484, "Address Incomplete", "gone"),
            (480, "Temporarily Unavailable", "timeout"), (408, "Request Timeout", "timeout"),
            (488, "Not Acceptable Here", "incompatible-parameters"), (500, "Server Internal Error", "general-error")]


async def test_answered_and_hung_up_by_the_client(scene):
    mine, theirs = await scene.call_out()
    assert mine.passed("ringing"), "no ringing between 180 and the answer"
    assert sipmsg.user_of(sipmsg.uri_of(theirs.invite.get("From"))) == own_number(mine.client.user)
    assert sipmsg.user_of(theirs.invite.uri) == mine.peer.split("@")[0]
    await scene.heard(mine, theirs)
    assert len(mine.audio.rx.ssrcs) == 1 and len(theirs.audio.rx.ssrcs) == 1
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_hung_up_by_the_carrier(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    assert (await theirs.hangup(headers=[("Reason", 'Q.850;cause=16;text="Normal call clearing"')])).status == 200
    assert (await mine.ended()).startswith("terminate success")


@pytest.mark.parametrize("status,phrase,reason", REFUSALS, ids=[str(r[0]) for r in REFUSALS])
async def test_refused(scene, status, phrase, reason):
    mine, theirs = await scene.propose()
    await theirs.refuse(status, phrase)
    assert (await mine.ended()).startswith(f"reject {reason}")
    assert not mine.passed("proceed")


async def test_busy_after_ringing(scene):
    mine, theirs = await scene.propose()
    await theirs.ring()
    await mine.wait("ringing")
    await theirs.refuse(486, "Busy Here")
    assert (await mine.ended()).startswith("reject busy")


async def test_an_unknown_number_is_gone(scene):
    client = await scene.client()
    mine = await client.call(scene.jid(scene.number()))  # the carrier knows no such number: 404
    assert (await mine.ended()).startswith("reject gone")


async def test_not_answered(scene):
    mine, theirs = await scene.propose()
    await theirs.ring()
    assert "cancelled" in await theirs.wait("ended", 15)
    assert (await mine.ended()).startswith("reject timeout")


async def test_ringing_is_told_within_eight_seconds_even_if_nothing_rings(scene):
    mine, theirs = await scene.propose(profiles.CONVERSATIONS)
    begun = time.monotonic()
    await mine.wait("ringing", 9.5)
    assert time.monotonic() - begun < 9.0
    await mine.hangup()
    assert "cancelled" in await theirs.wait("ended")


async def test_cancelled_while_ringing(scene):
    mine, theirs = await scene.propose()
    await theirs.ring()
    await mine.wait("ringing")
    await mine.hangup()
    assert "cancelled" in await theirs.wait("ended")


async def test_cancelled_before_anything_came_back(scene):
    mine, theirs = await scene.propose()
    await mine.hangup()
    assert "cancelled" in await theirs.wait("ended")


async def test_retracted_after_proceed_before_the_session(scene):
    client = await scene.client()
    mine, theirs = await scene.propose(client=client)
    mine.initiate = mine.hangup  # the user hangs up at the very moment the proceed comes
    await theirs.ring()
    await theirs.answer()
    await mine.wait("proceed")
    assert "BYE" in await theirs.wait("ended")


async def test_a_client_that_never_initiates_is_given_up(scene):
    mine, theirs = await scene.propose(replace(profiles.PLAIN, connect_s=40.0))

    async def nothing():
        return None

    mine.initiate = nothing
    await theirs.answer()
    await mine.wait("proceed")
    assert "BYE" in await theirs.wait("ended", 18)
    await proc.until(lambda: mine.passed("finish") or mine.passed("ended"), proc.SOON_S, "the client is told")


async def test_an_account_without_a_number_may_not_call_out(scene):
    client = await scene.client("carol")
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    assert (await mine.ended()).startswith(("reject", "bounced"))
    assert plan.calls.empty()


@pytest.mark.parametrize("profile", profiles.EVERY_CLIENT, ids=lambda p: p.name)
async def test_every_client_is_served(scene, profile):
    mine, theirs = await scene.call_out(profile)
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_all_candidates_at_once(scene):
    mine, theirs = await scene.call_out(profiles.ALL_AT_ONCE)
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_a_session_without_proposal(scene):
    mine, theirs = await scene.propose(profiles.STANZA)
    await theirs.ring()
    await asyncio.sleep(0.3)
    assert not mine.passed("accepted")
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_session_without_proposal_is_refused_with_the_true_reason(scene):
    mine, theirs = await scene.propose(profiles.STANZA)
    await theirs.refuse(486, "Busy Here")
    assert (await mine.ended()).startswith("terminate busy")


async def test_a_session_without_proposal_is_cancelled(scene):
    mine, theirs = await scene.propose(profiles.STANZA)
    await theirs.ring()
    await asyncio.sleep(0.2)
    await mine.hangup()
    assert "cancelled" in await theirs.wait("ended")


async def test_ringing_after_progress(scene):
    """FreeSWITCH#2596: carriers send 183 with SDP and then 180."""
    mine, theirs = await scene.propose()
    await theirs.progress()
    await theirs.ring()
    await mine.wait("ringing")
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    assert len(mine.audio.rx.ssrcs) == 1
    await theirs.hangup()
    await mine.ended()


async def test_over_tcp_to_another_trunk(scene):
    client = await scene.client("dave")
    mine, theirs = await scene.propose(client=client, carrier=scene.bed.pbx)
    assert theirs.peer[0] == "tcp"
    await theirs.ring()
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_trunk_that_answers_with_a_codec_it_was_not_offered(scene):
    mine, theirs = await scene.propose()
    await theirs.answer(codecs=(sipcall.G729,), stubborn=True)
    assert "incompatible-parameters" in await mine.ended() or "failed-application" in await mine.ended()
    assert "BYE" in await theirs.wait("ended")
    assert theirs.passed("acked"), "the 200 was not acknowledged before the BYE (RFC 3261 13.2.2.4)"


async def test_no_codec_in_common_with_the_client(scene):
    only = replace(profiles.STANZA, payloads=(profiles.Payload(112, "speex", 32000),))
    client = await scene.client(profile=only)
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    ended = await mine.ended()
    assert any(r in ended for r in ("incompatible-parameters", "failed-application", "unsupported-applications")), ended
    assert plan.calls.empty(), "the telephone rang although no codec is common"


async def test_no_codec_in_common_is_known_after_proceed(scene):
    mine, theirs = await scene.propose(replace(profiles.PLAIN, payloads=(profiles.Payload(112, "speex", 32000),)))
    await theirs.answer()
    ended = await mine.ended()
    assert any(r in ended for r in ("incompatible-parameters", "failed-application", "unsupported-applications")), ended
    assert "BYE" in await theirs.wait("ended")


async def test_two_calls_of_one_account_do_not_cross(scene):
    client = await scene.client()
    one, two = await asyncio.gather(scene.call_out(client=client), scene.call_out(client=client))
    await asyncio.gather(scene.heard(*one), scene.heard(*two))
    await one[0].hangup()
    await one[1].wait("ended")
    await scene.heard(*two, seconds=1.0)
    await two[1].hangup()
    await two[0].ended()


async def test_the_invite_is_fit_for_a_carrier(scene):
    mine, theirs = await scene.propose()
    invite = theirs.invite
    assert len(invite.all("Contact")) == 1
    assert sipmsg.address_of(sipmsg.uri_of(invite.get("Contact")))[0] == GATEWAY
    offer = sipmsg.parse_sdp(invite.body)
    assert offer.host == GATEWAY and offer.port % 2 == 0 and 20000 <= offer.port <= 29999
    assert {"PCMU", "PCMA", "telephone-event"} <= {name for _, name, _ in offer.codecs}
    assert int(invite.get("Max-Forwards", "0")) > 0 and CARRIER in invite.uri
    await mine.hangup()
    await theirs.wait("ended")
