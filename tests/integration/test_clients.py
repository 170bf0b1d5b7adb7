# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clients whose every part is somebody else's, on both servers.

    slixmpp + aiortc      c1  10.77.0.11  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn
    StanzaJS in Chromium      10.77.0.21

StanzaJS (npm) makes its calls itself over the server's WebSocket; aiortc's SDP is translated by bed/sdp.py."""

import asyncio
import time
from dataclasses import replace

import pytest

from bed import chromium, ejabberd, media, proc, profiles, prosody, stanzajs
from bed.scene import DOMAIN, Bed, own_number

OLD, NEW = "10.77.0.11", "10.77.0.21"
AIORTC = replace(profiles.AIORTC, addresses=(OLD,))
SERVERS = (prosody.Prosody, ejabberd.Ejabberd)
DIGITS, DIGITS_S = "159#0*", 10.0
AUDIO_BACK_S, KNOWN_S, HELD_S = 5.0, 10.0, proc.SOON_S



class Roaming(Bed):
    """A Bed whose clients have two interfaces."""

    async def _start(self):
        await super()._start()
        self.c1.join(self.network, f"{NEW}/24")


pytestmark = [
    pytest.mark.limit(120),
    pytest.mark.skipif(bool(stanzajs.missing()), reason=stanzajs.missing() or ""),
    pytest.mark.parametrize("bed", [{"stage": Roaming, "server": server, "browser": stanzajs.Browser} for server in SERVERS],
                            ids=lambda bed: bed["server"].name, indirect=True, scope="module"),
    # several calls at once starve the browser of time
    pytest.mark.parametrize("client", ["aiortc", pytest.param("StanzaJS", marks=pytest.mark.alone)])]


async def login(scene, client, user=None, resource="one", **options):
    """A device of @user."""
    if client == "aiortc":
        return await scene.client(user, AIORTC, resource=resource)
    device = stanzajs.Device(scene.bed.browser, scene.bed.server, user or next(scene.bed.users), resource, **options)
    scene.clients.append(device)
    return await device.start()


async def call_out(scene, client):
    return await scene.call_out(client=await login(scene, client))


async def call_in(scene, client):
    return await scene.call_in(client=await login(scene, client))


async def heard(mine, theirs, seconds=media.JUDGE_S):
    """Judge the audio both ways, once a browser plays it evenly."""
    pairs = (mine.audio, theirs.audio), (theirs.audio, mine.audio)
    if isinstance(mine, stanzajs.Call):
        return await chromium.listen(*pairs, peers=[mine], seconds=seconds)
    return await media.listen(*pairs, seconds=seconds)


@pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])
async def test_hangs_up(scene, client, place):
    mine, theirs = await place(scene, client)
    await heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


@pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])
async def test_is_hung_up_on(scene, client, place):
    mine, theirs = await place(scene, client)
    await heard(mine, theirs)
    assert (await theirs.hangup()).status == 200
    assert "success" in await mine.ended()


async def test_digits(scene, client):
    mine, theirs = await call_out(scene, client)
    if client == "aiortc":  # it has no telephone-event
        for digit in DIGITS:
            await mine.info_digit(digit)
    else:
        await mine.digits(DIGITS)
    events = theirs.audio.events
    await proc.until(lambda: len(events.digits) == len(DIGITS) and events.ended[-1], DIGITS_S, "all digits arrive")
    assert events.digits == DIGITS and all(events.ended)
    await heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")


async def test_is_held_and_taken_back(scene, client):
    mine, theirs = await call_out(scene, client)
    await heard(mine, theirs, seconds=1.0)
    await theirs.hold()
    await (mine.wait("hold") if client == "StanzaJS" else mine.informed("hold"))
    await media.silent(theirs.audio, 0.5, allowed=2, within=HELD_S)
    await theirs.resume()
    await heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_holds_and_takes_back(scene, client):
    mine, theirs = await call_in(scene, client)
    await heard(mine, theirs, seconds=1.0)
    await asyncio.gather(*filter(None, [mine.hold()]))
    await theirs.told("sendonly", "inactive")
    await asyncio.gather(*filter(None, [mine.resume()]))
    await theirs.told("sendrecv")
    await heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])
async def test_ice_restart(scene, client, place):
    """StanzaJS restarts the calls that it has begun alone."""
    if client == "StanzaJS" and place is call_in:
        pytest.skip("StanzaJS restarts no session that it has not initiated")
    mine, theirs = await place(scene, client)
    await heard(mine, theirs, seconds=1.0)
    for _ in range(2):
        await mine.restart_ice()
        await heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone  # what is dropped is everybody's
@pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])
async def test_the_network_changes(scene, client, place):
    """What goes through the address in use is dropped; the client has another one."""
    mine, theirs = await place(scene, client)
    await heard(mine, theirs, seconds=1.0)
    old = (await mine.path())[0] if client == "StanzaJS" else OLD
    rules = [scene.bed.gw.block(source=old), scene.bed.gw.block(to=old, chain="OUTPUT")]
    cut = time.monotonic()
    try:
        if client == "aiortc":
            await mine.restart_ice(addresses=(NEW,))
        await asyncio.gather(media.flowing(mine.audio, AUDIO_BACK_S, after=cut + 0.1),
                             media.flowing(theirs.audio, AUDIO_BACK_S, after=cut + 0.1))
        scene.figure(f"{client} {place.__name__}: audio is back after", f"{time.monotonic() - cut:.1f} s")
        await heard(mine, theirs)
    finally:
        for rule in rules:
            rule.remove()
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])
async def test_the_stream_is_lost_and_resumed(scene, client, place):
    """The telephone hangs up meanwhile."""
    if client == "aiortc":
        pytest.skip("test_resume.py does it with a client of ours")
    mine, theirs = await place(scene, client)
    await heard(mine, theirs, seconds=1.0)
    await mine.device.sever()
    await heard(mine, theirs, seconds=1.0)
    assert (await theirs.hangup()).status == 200
    assert not mine.passed("ended")
    await mine.device.resume()
    assert "success" in await mine.ended()


async def test_is_called_without_a_proposal(scene, client):
    """StanzaJS as it is, which knows sessions alone."""
    if client == "aiortc":
        pytest.skip("test_direct.py does it with a client of ours")
    device = stanzajs.Device(scene.bed.browser, scene.bed.server, next(scene.bed.users), "plain", proposals=False)
    scene.clients.append(await device.start())
    await device.subscribe(DOMAIN)
    await scene.bed.tandem.process.wait_log(f'device="{device.user}@example.org/plain" direct=yes', KNOWN_S)
    theirs = await scene.dial(own_number(device.user))
    mine = await device.incoming()
    assert mine.direct
    mine.ring()
    await theirs.wait("ringing")
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_two_devices(scene, client):
    """Both ring; the one that answers has the call, and the other rings no more."""
    one = await login(scene, client)
    two = await login(scene, client, one.user, "two")
    theirs = await scene.dial(own_number(one.user))
    mine, other = await asyncio.gather(one.incoming(), two.incoming())
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"), other.ended())
    await heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_two_calls_at_once(scene, client):
    """Each has a tone of its own."""
    calls = [await call_out(scene, client), await call_in(scene, client)]
    assert len({side.audio.tone.frequency for call in calls for side in call}) == 4
    for mine, theirs in calls:
        await heard(mine, theirs, seconds=1.0)
    for mine, theirs in calls:
        await mine.hangup()
        await theirs.wait("ended")


async def test_over_bosh(scene, client):
    """XEP-0124 instead of WebSocket."""
    if client == "aiortc":
        pytest.skip("slixmpp has no BOSH")
    mine, theirs = await scene.call_out(client=await login(scene, client, bosh=True))
    await heard(mine, theirs)
    assert (await theirs.hangup()).status == 200
    assert "success" in await mine.ended()
