# SPDX-License-Identifier: AGPL-3.0-or-later
"""An account calls the number that is calling it (XEP-0353 0.8, tie breaking; XEP-0166, 7.2.16).

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio
from dataclasses import replace

from bed import profiles
from bed.jinglexml import local
from bed.scene import own_number
from bed.seen import come, named, spy
from test_direct import WEB, known

LOWEST, HIGHEST = "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"


async def called(scene, profile=profiles.PLAIN, share=False):
    """A telephone that calls @client, which has heard of it: (client, its call, the telephone's call)."""
    client = await scene.client(profile=profile)
    if share:
        await known(scene, client)
    caller = scene.number()
    theirs = await scene.dial(own_number(client.user), caller=caller)
    return client, await client.incoming(), theirs, scene.jid(caller)


async def call_back(client, number, sid):
    """Call @number by that sid."""
    call = client._new_call(sid, number, incoming=False)
    client.calls[sid] = call
    if client.profile.jmi:
        call.propose()
    else:
        call.direct, call.peer = True, f"{number}/sip"
        await call.initiate()
    return call


def says(seen, name):
    """(sid, reason, whether it names the tie) of each @name in @seen."""
    return [(e.get("id"), [local(c.tag) for c in e.iter()][2], any(local(c.tag) == "tie-break" for c in e))
            for e in named(seen, name)]


async def test_the_lower_sid_of_the_client_has_the_call(scene):
    client, ringing, theirs, number = await called(scene)
    seen = spy(client)
    mine = await call_back(client, number, LOWEST)
    await asyncio.gather(mine.wait("media"), theirs.wait("answered"))
    assert says(seen, "retract") == [(ringing.sid, "expired", True)]
    assert (await ringing.ended()).startswith("retract expired")
    await scene.heard(mine, theirs)
    assert (await theirs.hangup()).status == 200
    assert (await mine.ended()).startswith("terminate success")


async def test_the_higher_sid_is_rejected_and_ours_rings_on(scene):
    client, ringing, theirs, number = await called(scene)
    seen = spy(client)
    mine = await call_back(client, number, HIGHEST)
    assert (await mine.ended()).startswith("reject expired")
    assert says(seen, "reject") == [(HIGHEST, "expired", True)]
    assert not theirs.passed("ended")
    await ringing.accept()
    await asyncio.gather(ringing.wait("media"), theirs.wait("answered"))
    await scene.heard(ringing, theirs)
    await ringing.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_client_that_knows_no_ties_is_not_called_twice(scene):
    """XEP-0353 0.8 rejects the higher sid, ours here, which is none any more."""
    client, ringing, theirs, number = await called(scene)
    mine = await call_back(client, number, LOWEST)
    ringing._jmi("reject", mine.peer, "expired")
    await asyncio.gather(mine.wait("media"), theirs.wait("answered"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_who_calls_back_may_leave_before_it_begins(scene):
    client, _, theirs, number = await called(scene)
    mine = client._new_call(LOWEST, number, incoming=False)
    client.calls[LOWEST] = mine
    mine.initiate = lambda: asyncio.sleep(0)
    seen = spy(client)
    mine.propose()
    await come(seen, "proceed")
    mine._jmi("retract", mine.peer, "cancel")
    assert (await theirs.wait("ended")).startswith("603")


async def test_of_two_sessions_at_once_the_lower_sid_counts(scene):
    client, ringing, theirs, number = await called(scene, profile=WEB, share=True)
    assert ringing.direct
    lost = await call_back(client, number, HIGHEST)
    assert "conflict/tie-break" in await lost.ended()
    assert not theirs.passed("ended") and not ringing.passed("ended")
    mine = await call_back(client, number, LOWEST)
    await asyncio.gather(mine.wait("media"), theirs.wait("answered"))
    assert (await ringing.ended()).startswith("terminate cancel")
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_session_at_once_answers_a_proposal(scene):
    """The client takes no notice of the proposal."""
    client, _, theirs, number = await called(scene)
    client.profile = replace(client.profile, jmi=False)
    mine = await call_back(client, number, HIGHEST)
    await asyncio.gather(mine.wait("media"), theirs.wait("answered"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_who_is_called_by_whom_he_calls_gets_the_lower_sid(scene):
    """His own call would find the telephone busy: the client gives it up for ours (Conversations, XEP-0353 0.8)."""
    client = await scene.client()
    mine, theirs = await scene.propose(client=client)
    await theirs.ring()
    mine.peer = await mine.wait("ringing")
    again = await scene.dial(own_number(client.user), caller=mine.peer.partition("@")[0])
    ringing = await client.incoming()
    assert ringing.sid < mine.sid
    mine._jmi("retract", mine.peer, "expired")
    assert "cancelled" in await theirs.wait("ended")
    await ringing.accept()
    await asyncio.gather(ringing.wait("media"), again.wait("answered"))
    await scene.heard(ringing, again)
    await ringing.hangup()
    assert "BYE" in await again.wait("ended")
