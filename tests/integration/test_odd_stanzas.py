# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stanzas that are wrong in one place, and damaged ones, said to Tandem in the server's place.

    clients c1  --  Prosody srv  --  a TCP relay that speaks too, gw:5348  --  Tandem gw
"""

import random

import pytest

from test_stream import back, served

pytestmark = [pytest.mark.bed_options(cuttable=True), pytest.mark.alone]

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


@pytest.mark.limit(120)
async def test_an_odd_stanza_costs_itself_or_the_stream(scene):
    client = await scene.client()
    for stanza in ODD_STANZAS:
        scene.bed.cut.inject(stanza.encode())
        await served(scene, client)
        scene.bed.tandem.check()
    await scene.alive(client)


@pytest.mark.limit(120)
async def test_damaged_stanzas(scene):
    """Thousands of them, each a stanza with some octets changed; the stream ends and comes back as often as it has to."""
    client = await scene.client()
    generator = random.Random(20240301)
    for _ in range(10):
        before = scene.bed.cut.connections
        for _ in range(100):
            octets = bytearray(generator.choice(ODD_STANZAS).encode()[:3000])
            for _ in range(generator.randrange(3)):
                octets[generator.randrange(len(octets))] = generator.choice(b"<>&'/ ax\x00\xff\xc3")
            scene.bed.cut.inject(bytes(octets))
        scene.bed.cut.inject(b"</what-was-left-open>")
        await back(scene, before, client)
        scene.bed.tandem.check()
    await scene.alive(client)
