# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tandem as the voice side of a text gateway of Cheogram's kind, which has the users' numbers.

    client c1  --  Prosody srv  --  text gateway tel2.example.org srv
                                --  Tandem tel.example.org gw  --  carrier pstn

The owner of a number is the user as the text gateway writes him.
"""

import asyncio
import re

import pytest

from bed.scene import DOMAIN, SECRET
from bed.textgateway import TextGateway, escape

TEXTS, NUMBER, STRANGER = "tel2.example.org", "+15557778888", "bob@example.org"
USER = "alice@example.org"
pytestmark = pytest.mark.bed_options(numbers={NUMBER: {"owner": f"{escape(USER)}@{TEXTS}", "trunk": "carrier"}})


async def text_gateway(scene):
    """The text gateway, and the user's client."""
    gateway = await TextGateway(scene.bed.srv, scene.bed.server_address, TEXTS, SECRET, DOMAIN).start()
    return gateway, await scene.client("alice")


@pytest.mark.alone
async def test_it_learns_who_can_be_called_and_calls(scene):
    gateway, client = await text_gateway(scene)
    try:
        assert await gateway.find_proxy(STRANGER) is None
        assert await gateway.find_proxy(USER) == DOMAIN
        number = scene.number()
        plan = scene.bed.carrier.expect(number)
        mine = await client.call(f"{number}@{TEXTS}")
        await mine.wait("proceed")
        theirs = await plan.call()
        assert NUMBER in theirs.invite.get("From")
        await theirs.answer()
        await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
        await scene.heard(mine, theirs)
        await mine.hangup()
        await theirs.wait("ended")
    finally:
        await gateway.close()


@pytest.mark.alone
async def test_its_user_is_called(scene):
    gateway, client = await text_gateway(scene)
    try:
        theirs = await scene.dial(NUMBER, caller="+15550001111")
        mine = await client.incoming()
        assert mine.peer.startswith(f"+15550001111@{TEXTS}/sip:")
        mine.ring()
        await theirs.wait("ringing")
        await mine.accept()
        await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
        await scene.heard(mine, theirs)
        await theirs.hangup()
        await mine.wait("ended")
        assert all(re.fullmatch(r"\+[0-9]+(\\40[a-z.]+)?@tel\.example\.org/sip", jid) for jid in gateway.addresses)
    finally:
        await gateway.close()


@pytest.mark.alone
async def test_a_user_who_ends_it_while_it_rings(scene):
    gateway, client = await text_gateway(scene)
    try:
        theirs = await scene.dial(NUMBER)
        mine = await client.incoming()
        await mine.reject("busy")
        assert "486" in await theirs.wait("ended")
        assert not gateway.waiting
    finally:
        await gateway.close()
