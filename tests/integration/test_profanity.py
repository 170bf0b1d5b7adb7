# SPDX-License-Identifier: AGPL-3.0-or-later
"""Profanity as Debian has it, for texts and commands.

    Profanity c1 (a terminal)  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn
"""

import asyncio

import pytest

from bed import ejabberd, profanity, prosody
from bed.scene import DOMAIN, GATEWAY, own_number

pytestmark = [pytest.mark.skipif(bool(profanity.missing()), reason=profanity.missing() or ""),
              pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], ids=lambda server: server.name, indirect=True,
                                      scope="module")]

TEXT_S = 10.0
UDP = ("udp", GATEWAY, 5060)


async def terminal(scene):
    """A terminal with an account that nobody else uses."""
    mine = profanity.Profanity(scene.bed.c1, scene.bed.server_address, next(scene.bed.users))
    scene.clients.append(mine)
    return await mine.start()


async def test_texts_both_ways(scene):
    mine, number = await terminal(scene), scene.number()
    mine.type(f"/msg {scene.jid(number)} Gr\u00fc\u00dfe aus dem Terminal")
    text = await asyncio.wait_for(scene.bed.carrier.texts_to(number).get(), TEXT_S)
    assert text.body.decode() == "Gr\u00fc\u00dfe aus dem Terminal"
    assert own_number(mine.user) in text.get("From")
    answer, _ = await scene.bed.carrier.text(f"sip:{own_number(mine.user)}@{GATEWAY}", UDP, "Danke, zur\u00fcck", caller=number)
    assert answer.status in (200, 202)
    await mine.shows(r"Danke, zur\u00fcck")


async def test_a_text_that_cannot_be_delivered_is_an_error_in_words(scene):
    mine, number = await terminal(scene), scene.number()
    scene.bed.carrier.text_answers[number] = [404]
    mine.type(f"/msg {scene.jid(number)} Anybody there?")
    await mine.shows(rf"Error from \{number}@{DOMAIN}: This number is not in service\.")


async def test_a_missed_call_is_read(scene):
    mine, number = await terminal(scene), scene.number()
    theirs = await scene.dial(own_number(mine.user), caller=number)
    await theirs.wait("ringing")
    await theirs.cancel()
    mine.type(f"/msg {scene.jid(number)}")
    await mine.shows(rf"Missed call from \{number} to \{own_number(mine.user)}, .* UTC: the caller hung up\.")


async def test_a_contact_is_found_online(scene):
    mine, number = await terminal(scene), scene.number()
    mine.type(f"/sub request {scene.jid(number)}")
    await mine.shows(rf"\+\+ \{number}@{DOMAIN} \(sip\) is online")
    mine.type("/win 1")
    mine.type(f"/disco info {DOMAIN}")
    await mine.shows(r"(?s)Tandem pstn gateway.*Tandem sip gateway.*Tandem sms gateway")
    mine.type(f"/ping {scene.jid(number)}/sip")
    await mine.shows(rf"Ping response from \{number}@{DOMAIN}/sip")


async def test_commands(scene):
    """XEP-0050 and its forms, as the client knows them."""
    mine, number = profanity.Profanity(scene.bed.c1, scene.bed.server_address, "admin"), scene.number()
    scene.clients.append(mine)
    await mine.start()
    # the features of its server, which it wants to know first, come without a word
    await mine.insist(f"/cmd list {DOMAIN}", r"Ad hoc commands:")
    mine.type(f"/cmd exec status {DOMAIN}")
    await mine.shows(rf"(?s)Status and health.*Domain: {DOMAIN}.*XMPP server: connected")
    mine.type("/form cancel")
    mine.type(f"/cmd exec number-assign {DOMAIN}")
    await mine.shows(r"(?s)Assign a number.*/form submit")
    for done, value in enumerate((number, "bob@example.org", "carrier"), 1):
        mine.type(f"/field{done} {value}")
        await mine.shows("(?s)" + ".*".join(["Field updated"] * done))
    mine.type("/form submit")
    await mine.shows(rf"\{number} belongs to bob@example\.org now")
    bob = await scene.client("bob")
    theirs = await scene.dial(number)
    call = await bob.incoming()
    await call.reject()
    await theirs.wait("ended")
