# SPDX-License-Identifier: AGPL-3.0-or-later
"""The component stream breaks and comes back.

    clients c1  --  Prosody srv  --  a TCP relay that can be cut, gw:5348  --  Tandem gw  --  carrier pstn

Clients keep their own streams. Tests run one after the other: they share the stream they break.
"""

import asyncio
import os

import pytest

from bed import ejabberd, prosody, proc
from bed.scene import own_number

pytestmark = [pytest.mark.bed_options(cuttable=True),
              pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module"),
              pytest.mark.alone]

BACK_S = 20.0


async def answers(client):
    """Wait until the component that has connected again answers."""
    for _ in range(40):
        if (await probe(client))[0]:
            return
        await asyncio.sleep(0.25)
    raise AssertionError("the component does not answer after it has connected again")


async def back(scene, before, client=None):
    """Wait until Tandem has connected again, and is served."""
    await proc.until(lambda: scene.bed.cut.connections > before, BACK_S, "the component connects again")
    await answers(client or await scene.client())


async def served(scene, client):
    """Wait until Tandem has read all that was said in the server's place and serves @client, on a new connection where that has
    ended the one of before."""
    before = scene.bed.cut.connections
    asked = asyncio.ensure_future(probe(client))
    await proc.until(lambda: asked.done() or scene.bed.cut.connections > before, BACK_S, "the component answers or connects again")
    if asked.done() and asked.result()[0]:
        return
    asked.cancel()
    await back(scene, before, client)


async def probe(client):
    """(whether the component answers disco, the answer)."""
    try:
        return True, await client.disco("tel.example.org")
    except AssertionError as error:
        return False, error


async def test_a_call_goes_on_while_the_stream_is_lost_and_back(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    before = scene.bed.cut.connections
    await scene.bed.cut.cut()
    await scene.heard(mine, theirs)
    await scene.bed.cut.heal()
    await back(scene, before)
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_call_that_ends_meanwhile_is_ended_on_both_sides(scene):
    mine, theirs = await scene.call_in()
    await scene.heard(mine, theirs, seconds=1.0)
    before = scene.bed.cut.connections
    await scene.bed.cut.cut()
    assert (await theirs.hangup()).status == 200
    await scene.bed.cut.heal()
    await back(scene, before)
    assert (await mine.ended(BACK_S)).startswith("terminate")


async def test_a_client_that_hangs_up_meanwhile_is_asked_when_the_stream_is_back(scene):
    """Its session-terminate was bounced. XEP-0166 6.8: the session is unknown to it now."""
    mine, theirs = await scene.call_in()
    before = scene.bed.cut.connections
    await scene.bed.cut.cut()
    await mine.drop()
    del mine.client.calls[mine.sid]
    await scene.bed.cut.heal()
    await proc.until(lambda: scene.bed.cut.connections > before, BACK_S, "the component connects again")
    assert "BYE" in await theirs.wait("ended", 8)


async def test_a_call_in_during_the_loss_is_refused_for_now(scene):
    client = await scene.client()
    before = scene.bed.cut.connections
    downs = scene.bed.tandem.log.count(" state=down")
    await scene.bed.cut.cut()
    await scene.bed.tandem.process.wait_log(r"xmpp=\S+ state=down", count=downs + 1)
    theirs = await scene.dial(own_number(client.user))
    ended = await theirs.wait("ended", 15)
    assert ended.startswith(("503", "480")), ended
    await scene.bed.cut.heal()
    await back(scene, before)


async def test_the_server_restarts(scene):
    """All streams end, the client's too; the audio goes on and the telephone can hang up."""
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    await scene.bed.server.process.stop()
    await scene.heard(mine, theirs)
    await scene.bed.server.restart(30)
    assert (await theirs.hangup()).status == 200
    await mine.drop()
    before = scene.bed.cut.connections
    await back(scene, before - 1)


@pytest.mark.limit(90)
async def test_nonsense_from_the_server_costs_one_stream(scene):
    client = await scene.client()
    for nonsense in (b"</stream:stream>", b"<a><b></a>", b"\x00\xff\xfe" + os.urandom(64),
                     b"<message>" * 500 + b"<!DOCTYPE x [<!ENTITY a 'b'>]><iq>&a;</iq>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><iq>&a;</iq>",
                     b"<iq type='get' from='x' to='tel.example.org'/>",
                     b"<message from='a@b' to='+1@tel.example.org'><body>" + b"x" * 200000 + b"</body></message>"):
        scene.bed.cut.inject(nonsense)
        await served(scene, client)
        scene.bed.tandem.check()
    await scene.alive()
