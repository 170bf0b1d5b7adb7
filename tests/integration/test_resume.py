# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clients whose stream dies, and is resumed within the server's window or not (XEP-0198).

    slixmpp c1  --  Prosody (mod_smacks) or ejabberd (mod_stream_mgmt) srv  --  Tandem gw  --  carrier pstn
"""

import asyncio

import pytest

from bed import ejabberd, proc, prosody, resume
from bed.scene import own_number

pytestmark = [pytest.mark.limit(90),
              pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], ids=lambda server: server.name, indirect=True,
                                      scope="module")]

RESENT_S = 2.0


async def call_out(scene):
    return await scene.call_out(kind=resume.Resumable)


async def call_in(scene):
    return await scene.call_in(kind=resume.Resumable)


BOTH_WAYS = pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])


async def hung_up_by_the_client(mine, theirs):
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def hung_up_by_the_telephone(mine, theirs):
    assert (await theirs.hangup()).status == 200
    assert (await mine.ended()).startswith("terminate success")


@BOTH_WAYS
@pytest.mark.parametrize("end", [hung_up_by_the_client, hung_up_by_the_telephone], ids=["we-end", "they-end"])
async def test_a_call_outlives_its_stream(scene, place, end):
    mine, theirs = await place(scene)
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.client.sever()
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.client.resume()
    await scene.heard(mine, theirs, seconds=1.0)
    await end(mine, theirs)


@BOTH_WAYS
async def test_the_telephone_hangs_up_meanwhile(scene, place):
    mine, theirs = await place(scene)
    await mine.client.sever()
    assert (await theirs.hangup()).status == 200
    assert not mine.passed("ended")
    await mine.client.resume()
    assert (await mine.ended()).startswith("terminate success")


@BOTH_WAYS
async def test_the_client_hangs_up_meanwhile(scene, place):
    mine, theirs = await place(scene)
    await mine.client.sever()
    await mine.hangup()
    await mine.client.resume()
    assert "BYE" in await theirs.wait("ended")


async def test_a_call_comes_in_meanwhile(scene):
    client = await scene.client(kind=resume.Resumable)
    await client.sever()
    theirs = await scene.dial(own_number(client.user))
    await theirs.wait("ringing")
    await client.resume()
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await scene.heard(mine, theirs)
    await hung_up_by_the_client(mine, theirs)


async def test_a_caller_gives_up_meanwhile(scene):
    client = await scene.client(kind=resume.Resumable)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await client.sever()
    await theirs.cancel()
    await client.resume()
    assert (await mine.ended()).startswith("retract")


async def test_the_telephone_answers_meanwhile(scene):
    mine, theirs = await scene.propose(kind=resume.Resumable)
    await theirs.ring()
    await mine.wait("ringing")
    await mine.client.sever()
    await theirs.answer()
    await mine.client.resume()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await hung_up_by_the_telephone(mine, theirs)


@BOTH_WAYS
async def test_what_comes_twice_counts_once(scene, place):
    """The server repeats all that the client did not acknowledge, and the client all that it has said in the call."""
    client = await scene.client(kind=resume.Resumable)
    client.acknowledge_nothing()
    before = len(client.sent)
    mine, theirs = await (scene.call_out if place is call_out else scene.call_in)(client=client)
    await client.sever()
    await client.resume()
    await proc.until(lambda: client.repeated, proc.SOON_S, "the server repeats what was not acknowledged")
    client.repeat(client.sent[before:])
    await scene.heard(mine, theirs)
    assert not mine.passed("ended") and not theirs.reinvites
    await mine.hangup()
    await theirs.wait("ended")
    client.repeat(client.sent[before:])
    await asyncio.sleep(RESENT_S)
    assert [call for call in scene.bed.carrier.calls if call.timeline is scene.timeline] == [theirs], "the call was placed again"
    await scene.alive()
