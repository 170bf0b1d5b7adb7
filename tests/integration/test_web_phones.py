# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones in a browser call XMPP users and are called, through Debian's Kamailio: ICE and DTLS-SRTP on both sides.

    client c1  --  Prosody srv  --  Tandem gw  --UDP, digest, Record-Route--  Kamailio kam 10.77.0.4  --WebSocket--  SIP.js, JsSIP c2
                        <---------------- ICE, DTLS-SRTP ---------------->  <------------------- ICE, DTLS-SRTP ------------------->
"""

import asyncio

import pytest

from bed import chromium, kamailio, websip
from bed.scene import GATEWAY, Bed, own_number

KAMAILIO = "10.77.0.4"
NUMBERS = {"SIP.js": "+15558881001", "JsSIP": "+15558881002"}
WHY = kamailio.missing() or websip.missing()


class WebBed(Bed):
    """A Bed with a Kamailio as trunk and a browser behind it. With @certificate, Kamailio's (a directory), all is encrypted."""

    kamailio = certificate = None

    async def _start(self):
        await super()._start()
        self.kamailio = await kamailio.Kamailio(self.network.node("kam", f"{KAMAILIO}/24"), KAMAILIO, GATEWAY,
                                                certificate=self.certificate).start()
        self.browser = websip.Browser(self.c2)
        await self.browser.start()

    async def stop(self, check=True):
        if self.kamailio:
            await self.kamailio.stop()
        await super().stop(check)


def marks(stage, proxy):
    """A module's whose bed is a @stage with Kamailio at @proxy as its trunk."""
    return [
        pytest.mark.limit(120), pytest.mark.alone,
        pytest.mark.skipif(bool(WHY), reason=WHY or ""),
        pytest.mark.bed_options(
            stage=stage,
            trunks={"web": {"proxy": proxy, "username": kamailio.USER, "password": kamailio.PASSWORD,
                            "realm": kamailio.REALM, "allow": [f"{KAMAILIO}/32"], "srtp": "dtls"}},
            numbers={own_number("alice"): {"owner": "alice@example.org", "trunk": "web"}})]


pytestmark = [*marks(WebBed, f"sip:{KAMAILIO}:5060"), pytest.mark.parametrize("kind", list(NUMBERS))]


async def register(scene, kind):
    """A telephone at the Kamailio."""
    phone = websip.Phone(scene.bed.browser, kind, NUMBERS[kind], scene.bed.kamailio)
    scene.clients.append(phone)
    return await phone.start()


async def heard(mine, theirs):
    """Judge the audio both ways, once the browser plays it evenly."""
    return await chromium.listen((mine.audio, theirs.audio), (theirs.audio, mine.audio), peers=[theirs])


async def call_in(scene, kind):
    """The telephone calls; an answered call: (client's call, telephone's call)."""
    client, phone = await scene.client("alice"), await register(scene, kind)
    theirs = await phone.call(own_number("alice"))
    mine = await client.incoming()
    assert mine.peer.startswith(NUMBERS[kind] + "@")
    await mine.accept()
    await asyncio.gather(mine.wait("media"), theirs.wait("accepted"), theirs.wait("media"))
    return mine, theirs


async def call_out(scene, kind):
    """The telephone is called."""
    client, phone = await scene.client("alice"), await register(scene, kind)
    mine = await client.call(scene.jid(NUMBERS[kind]))
    caller, theirs = await phone.accept()
    assert caller == own_number("alice")
    await asyncio.gather(mine.wait("media"), theirs.wait("media"))
    return mine, theirs


@pytest.mark.parametrize("place", [call_in, call_out], ids=["in", "out"])
async def test_the_client_hangs_up(scene, kind, place):
    mine, theirs = await place(scene, kind)
    await heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("place", [call_in, call_out], ids=["in", "out"])
async def test_the_telephone_hangs_up(scene, kind, place):
    mine, theirs = await place(scene, kind)
    await heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_hold_and_back_and_another_network(scene, kind):
    mine, theirs = await call_in(scene, kind)
    await theirs.hold()
    await theirs.hold(False)
    await heard(mine, theirs)
    await theirs.restart()
    await heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("place", [call_in, call_out], ids=["in", "out"])
async def test_a_new_certificate_in_a_call(scene, kind, place):
    mine, theirs = await place(scene, kind)
    await heard(mine, theirs)
    await theirs.renew()
    await heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_nobody_is_registered(scene, kind):
    client = await scene.client("alice")
    mine = await client.call(scene.jid("+15558889999"))
    assert (await mine.ended()).startswith("reject gone"), kind
