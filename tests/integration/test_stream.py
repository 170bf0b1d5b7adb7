# SPDX-License-Identifier: AGPL-3.0-or-later
"""The component stream breaks and comes back.

    clients c1  --  Prosody srv  --  a TCP relay that can be cut, gw:5348  --  Tandem gw  --  carrier pstn

Clients keep their own streams. Tests run one after the other: they share the stream they break.
"""

import asyncio
import os
import random

import pytest

from bed import ejabberd, prosody, proc
from bed.scene import own_number

pytestmark = [pytest.mark.bed_options(cuttable=True),
              pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module"),
              pytest.mark.alone]

BACK_S = 20.0


async def back(scene, before):
    """Wait until Tandem has connected again, and is served."""
    await proc.until(lambda: scene.bed.cut.connections > before, BACK_S, "the component connects again")
    client = await scene.client()
    for _ in range(40):
        identity, _ = await probe(client)
        if identity:
            return
        await asyncio.sleep(0.25)
    raise AssertionError("the component does not answer after it has connected again")


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
    await scene.bed.cut.cut()
    await asyncio.sleep(0.3)
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
    for nonsense in (b"</stream:stream>", b"<a><b></a>", b"\x00\xff\xfe" + os.urandom(64), b"<message>" * 500,
                     b"<!DOCTYPE x [<!ENTITY a 'b'>]><iq>&a;</iq>", b"<iq type='get' from='x' to='tel.example.org'/>",
                     b"<message from='a@b' to='+1@tel.example.org'><body>" + b"x" * 200000 + b"</body></message>"):
        before = scene.bed.cut.connections
        scene.bed.cut.inject(nonsense)
        await asyncio.sleep(0.3)
        scene.bed.tandem.check()
        if not scene.bed.cut.whole():
            await back(scene, before)
    await scene.alive()


ODD_STANZAS = (
    "<iq type='get' from='a@example.org/x' to='tel.example.org'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='' from='a@example.org/x' to='tel.example.org'><query xmlns='jabber:iq:version'/></iq>",
    "<iq id='1' from='a@example.org/x' to='tel.example.org'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='dance' id='1' from='a@example.org/x' to='tel.example.org'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='set' id='1' from='a@example.org/x' to='tel.example.org'/>",
    "<iq type='set' id='1' from='a@example.org/x' to='tel.example.org'><a xmlns='x'/><b xmlns='x'/></iq>",
    "<iq type='result' id='nobody-asked' from='a@example.org/x' to='tel.example.org'/>",
    "<iq type='error' id='nobody-asked' from='a@example.org/x' to='tel.example.org'><error type='cancel'/></iq>",
    "<iq type='get' id='1' to='tel.example.org'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='1' from='a@example.org/x'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='1' from='a@example.org/x' to='elsewhere.example'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='1' from='@@/' to='tel.example.org'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='1' from='a@example.org/x' to='@tel.example.org/'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='%s' from='a@example.org/x' to='tel.example.org'><ping xmlns='urn:xmpp:ping'/></iq>" % ("i" * 20000),
    "<iq type='get' id='1' from='%s@example.org/x' to='tel.example.org'><ping xmlns='urn:xmpp:ping'/></iq>" % ("a" * 4000),
    "<message/>",
    "<message from='a@example.org/x' to='+1@tel.example.org'><propose xmlns='urn:xmpp:jingle-message:0'/></message>",
    "<message from='a@example.org/x' to='+15551234567@tel.example.org'><propose xmlns='urn:xmpp:jingle-message:0' id=''/></message>",
    "<message from='a@example.org' to='+15551234567@tel.example.org'><propose xmlns='urn:xmpp:jingle-message:0' id='%s'/></message>" % ("i" * 5000),
    "<message type='error' from='a@example.org/x' to='+15551234567@tel.example.org'><proceed xmlns='urn:xmpp:jingle-message:0' id='x'/></message>",
    "<message from='a@example.org/x' to='tel.example.org'>" + "<a>" * 60 + "</a>" * 60 + "</message>",
    "<message from='a@example.org/x' to='tel.example.org'>" + "".join(f"<c{n} xmlns='n{n}'/>" for n in range(2000)) + "</message>",
    "<presence from='a@example.org/x' to='tel.example.org' type='dance'/>",
    "<presence from='a@example.org/x' to='%s@tel.example.org' type='subscribe'/>" % ("9" * 900),
    "<dance from='a@example.org/x' to='tel.example.org'/>",
    "<stream:dance/>",
    "<iq xmlns='other' type='get' id='1' from='a@example.org/x' to='tel.example.org'/>",
)


async def whole(scene):
    """Wait until a connection is up, if it has ended."""
    if not scene.bed.cut.whole():
        await proc.until(scene.bed.cut.whole, BACK_S, "the component connects again")
        await asyncio.sleep(0.3)


@pytest.mark.limit(120)
async def test_an_odd_stanza_costs_itself_or_the_stream(scene):
    for stanza in ODD_STANZAS:
        scene.bed.cut.inject(stanza.encode())
        await asyncio.sleep(0.05)
        scene.bed.tandem.check()
        await whole(scene)
    await back(scene, scene.bed.cut.connections - 1)
    await scene.alive()


@pytest.mark.limit(120)
async def test_damaged_stanzas(scene):
    """Thousands of them, each a stanza with some octets changed; the stream ends and comes back as often as it has to."""
    generator = random.Random(20240301)
    for _ in range(20):
        await whole(scene)
        for _ in range(100):
            octets = bytearray(generator.choice(ODD_STANZAS).encode()[:3000])
            for _ in range(generator.randrange(3)):
                octets[generator.randrange(len(octets))] = generator.choice(b"<>&'/ ax\x00\xff\xc3")
            scene.bed.cut.inject(bytes(octets))
        await asyncio.sleep(0.05)
        scene.bed.tandem.check()
    await whole(scene)
    await back(scene, scene.bed.cut.connections - 1)
    await scene.alive()
