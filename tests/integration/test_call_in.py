# SPDX-License-Identifier: AGPL-3.0-or-later
"""A telephone calls an XMPP user's number.

    carrier pstn  --SIP-->  Tandem gw  --XEP-0114-->  Prosody or ejabberd srv  --Jingle-->  clients c1, c2
                  <- RTP ->            <------------------ ICE, DTLS-SRTP --------------->
"""

import asyncio
import time
from dataclasses import replace

import pytest

from bed import ejabberd, phone, profiles, prosody, sipcall
from bed.scene import own_number

RINGS_S, LATE_S = 2.9, 4.5  # after three seconds; a machine that was busy once may not be the next time
TRIES = 3

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")


async def test_answered_by_one_of_two_devices(scene):
    one = await scene.client(resource="one")
    two = await scene.client(one.user, node=scene.bed.c2, resource="two")
    theirs = await scene.dial(own_number(one.user))
    first, second = await asyncio.gather(one.incoming(), two.incoming())
    assert first.peer == second.peer and first.peer.endswith("/sip"), first.peer
    first.ring()
    second.ring()
    await theirs.wait("ringing")
    await second.accept()
    assert "another device" in await first.ended()
    await asyncio.gather(second.wait("media"), theirs.wait("answered"))
    await scene.heard(second, theirs)
    await second.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_the_caller_is_shown(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), caller="+15559870001")
    mine = await client.incoming()
    assert mine.peer == "+15559870001@tel.example.org/sip"
    await theirs.cancel()
    await mine.ended()


async def test_answered_only_when_media_is_there(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await asyncio.sleep(0.5)
    assert not theirs.passed("answered")
    await mine.accept()
    await theirs.wait("answered")
    assert mine.milestones.at("accepted") < theirs.milestones.at("answered")
    await mine.wait("media")
    await mine.hangup()
    await theirs.wait("ended")


async def test_hung_up_by_the_telephone(scene):
    mine, theirs = await scene.call_in()
    await scene.heard(mine, theirs)
    assert (await theirs.hangup()).status == 200
    assert (await mine.ended()).startswith("terminate success")


@pytest.mark.parametrize("reason,status", [("busy", 486), ("decline", 603)])
async def test_rejected(scene, reason, status):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await mine.reject(reason)
    assert (await theirs.wait("ended")).startswith(str(status))


async def test_not_answered(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    assert (await theirs.wait("ended", 15)).startswith(("480", "408"))
    assert (await mine.ended()).startswith("retract")


async def test_cancelled_by_the_caller(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await theirs.cancel()
    assert theirs.milestones.detail("ended").startswith("487")
    assert (await mine.ended()).startswith("retract cancel")


async def test_cancelled_between_proceed_and_answer(scene):
    client = await scene.client(profile=replace(profiles.PLAIN, filter_candidates=lambda candidates: []))
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()

    async def never():
        return None

    mine._accept = never  # the session-accept does not come
    await mine.accept()
    await mine.wait("initiate")
    await theirs.cancel()
    assert (await mine.ended()).startswith("terminate cancel")


async def test_a_number_that_nobody_owns(scene):
    theirs = await scene.dial("+15550000000")
    assert (await theirs.wait("ended")).startswith("404")
    assert not theirs.passed("ringing")


async def test_an_account_that_is_offline(scene):
    user = next(scene.bed.users)
    theirs = await scene.dial(own_number(user))
    assert (await theirs.wait("ended", 15)).startswith("480")
    if not scene.bed.server.offline_storage:
        assert not theirs.passed("ringing"), "an account that bounced the proposal does not ring"


async def test_a_client_that_sends_no_ringing_rings_after_three_seconds(scene):
    client = await scene.client(profile=profiles.BOROGOVE)
    waits = []
    while not waits or (waits[-1] >= LATE_S and len(waits) < TRIES):
        if waits:
            await theirs.cancel()
            await mine.ended()
        begun = time.monotonic()
        theirs = await scene.dial(own_number(client.user))
        mine = await client.incoming()
        await theirs.wait("ringing")
        waits.append(time.monotonic() - begun)
    assert RINGS_S <= waits[-1] < LATE_S, waits
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("profile", [p for p in profiles.EVERY_CLIENT if p.jmi], ids=lambda p: p.name)
async def test_every_client_is_served(scene, profile):
    mine, theirs = await scene.call_in(profile)
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_a_client_that_answers_as_dtls_server(scene):
    mine, theirs = await scene.call_in(replace(profiles.PLAIN, setup="passive"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_over_tcp_from_another_trunk(scene):
    client = await scene.client("dave")
    theirs = await scene.dial(own_number("dave"), carrier=scene.bed.pbx, transport="tcp")
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_an_invite_without_an_offer(scene):
    """RFC 3261 13.2.1: the offer is in the 200, the answer in the ACK."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), offer=False)
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_no_codec_in_common_with_the_trunk(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), codecs=(sipcall.G729,))
    assert (await theirs.wait("ended")).startswith("488")
    assert client.proposals.empty(), "the client rang although no codec is common"


async def test_a_stranger_is_not_served(scene):
    """10.77.0.12 is no trunk: refused, and nobody rings."""
    client = await scene.client()
    stranger = await phone.Phone(scene.bed.c2, "10.77.0.12", port=5066, name="stranger").start()
    theirs = await scene.dial(own_number(client.user), carrier=stranger)
    assert (await theirs.wait("ended")).startswith("403")
    await client.settled()
    assert client.proposals.empty()
    stranger.close()


async def test_the_client_gives_up_before_media(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()

    async def change_of_mind():
        await mine.hangup("decline")

    mine._accept = change_of_mind
    await mine.accept()
    assert (await theirs.wait("ended")).startswith("603")


async def test_both_ways_at_once_do_not_cross(scene):
    one, two = await scene.client(), await scene.client(node=scene.bed.c2)
    calls = await asyncio.gather(scene.call_in(client=one), scene.call_out(client=one), scene.call_in(client=two))
    await asyncio.gather(*(scene.heard(*pair) for pair in calls))
    for mine, theirs in calls:
        await mine.hangup()
        await theirs.wait("ended")
