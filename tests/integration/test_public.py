# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where Tandem is reached: behind NATs that it asks a STUN server about, or is told about, and when addresses change.

    Tandem gw 192.168.9.2 -- nat 203.0.113.30, later .31 -- Prosody srv, coturn, client c1, carrier pstn   (bed/behind.py)
"""

import asyncio
import re
import time
from dataclasses import replace

import aioice
import pytest

from bed import capture, media, proc, profiles
from bed.behind import NEXT_PUBLIC, PUBLIC, STUN, BehindNat
from bed.scene import DOMAIN, GATEWAY, Bed

AUTO = {"public_address": "auto"}
FIXED = {"public_address": PUBLIC}
NOTICED_S, AUDIO_BACK_S = 30.0, 5.0
V4 = replace(profiles.PLAIN, ipv6=False)


pytestmark = [pytest.mark.bed_options(stage=BehindNat)]

STAGES = pytest.mark.parametrize("bed", [  # the ways to know the public address
    pytest.param({"media": AUTO, "sip": AUTO}, id="xep-0215"),
    pytest.param({"media": {**AUTO, "stun": f"{STUN}:3478"}, "sip": AUTO, "announced": False}, id="stun"),
    pytest.param({"media": FIXED, "sip": FIXED, "one_to_one": True}, id="fixed"),
    pytest.param({"media": AUTO, "sip": AUTO, "one_to_one": True}, id="auto-1:1")], indirect=True)


async def known(stage):
    """Wait until Tandem knows where it is."""
    if "auto" in stage.tandem.sections["media"]["public_address"]:
        await stage.tandem.process.wait_log(rf"event=public-address ip={re.escape(stage.public)}\b", NOTICED_S)


def announced(call):
    """{address: types} of the candidates that the client was told."""
    found = {}
    for candidate in call.remote.candidates:
        found.setdefault(candidate.host, set()).add(candidate.type)
    return found


def reached_at(theirs, address):
    """Assert that all a telephone was told is @address."""
    assert theirs.offer.host == address, f"c= says {theirs.offer.host}"
    assert f"@{address}" in theirs.target or f":{address}" in theirs.target, f"Contact says {theirs.target}"


@STAGES
async def test_a_call_out(scene):
    await known(scene.bed)
    mine, theirs = await scene.call_out(V4)
    assert PUBLIC in announced(mine), announced(mine)
    reached_at(theirs, PUBLIC)
    assert f" {PUBLIC}:5060" in theirs.invite.get("Via"), theirs.invite.get("Via")
    await scene.heard(mine, theirs)
    await theirs.hangup()
    assert "terminate" in await mine.ended()


@STAGES
async def test_a_call_in(scene):
    await known(scene.bed)
    mine, theirs = await scene.call_in(V4)
    assert PUBLIC in announced(mine), announced(mine)
    reached_at(theirs, PUBLIC)
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def moved(scene, mine, theirs, change, address):
    """Change where Tandem is during a call and judge what becomes of it: noticed, said to both, audio back, call alive."""
    since = len(scene.bed.tandem.log)
    reinvites, begin = theirs.reinvites, time.monotonic()
    change()

    def noticed():
        return re.search(r"event=(addresses|public-address) .*", scene.bed.tandem.log[since:])

    await proc.until(noticed, NOTICED_S, "Tandem has noticed")
    seen = time.monotonic()
    scene.figure("noticed the change of address after", f"{seen - begin:.1f} s")
    await asyncio.gather(mine.milestones.wait("restarted", AUDIO_BACK_S),
                         proc.until(lambda: theirs.reinvites > reinvites, AUDIO_BACK_S, "the telephone has got a re-INVITE"))
    back = await asyncio.gather(*(media.flowing(side.audio, AUDIO_BACK_S, after=time.monotonic()) for side in (mine, theirs)))
    for side, at in zip((mine, theirs), back):
        scene.figure(f"audio was back at {side.who} after", f"{at - seen:.1f} s")
        assert at - seen < AUDIO_BACK_S
    reached_at(theirs, address)
    await scene.heard(mine, theirs)


MOVING = pytest.mark.parametrize("bed", [
    pytest.param({"media": AUTO, "sip": AUTO, "moves": True}, id="moves"),
    pytest.param({"media": {**AUTO, "workers": 2}, "sip": AUTO, "one_to_one": True, "moves": True}, id="moves-1:1")], indirect=True)


@MOVING
@pytest.mark.alone
@pytest.mark.limit(90)
async def test_the_public_address_changes(scene):
    """The NAT gets another address under a call out and a call in: ICE restarts, the telephones get re-INVITEs."""
    stage = scene.bed
    await known(stage)
    (mine, theirs), (second, caller) = await scene.call_out(V4), await scene.call_in(V4)
    await scene.heard(mine, theirs, seconds=1.0)
    await scene.heard(second, caller, seconds=1.0)
    await moved(scene, mine, theirs, lambda: stage.renumber(PUBLIC, NEXT_PUBLIC), NEXT_PUBLIC)
    assert NEXT_PUBLIC in announced(mine) and PUBLIC not in announced(mine), announced(mine)
    await scene.heard(second, caller)
    reached_at(caller, NEXT_PUBLIC)
    await theirs.hangup()
    assert "terminate" in await mine.ended()
    await second.hangup()
    assert "BYE" in await caller.wait("ended")
    await a_call_at(scene, NEXT_PUBLIC)


ANY = {"media": {"address": "0.0.0.0"}, "sip": {"listen": ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"]}}
NEXT = "10.77.0.9"


@pytest.mark.parametrize("order", ["new first", "old first"])
@pytest.mark.parametrize("bed", [pytest.param({"stage": Bed, "sections": ANY}, id="interface")], indirect=True)
@pytest.mark.alone
@pytest.mark.limit(90)
async def test_an_interface_changes_its_address(scene, order):
    """Tandem's own address is taken away and another is there: the component stream, ICE, RTP and SIP follow; once those of
    a process that has died."""
    gateway, was = scene.bed.gw, scene.bed.gateway_address
    becomes = NEXT if was != NEXT else GATEWAY
    (mine, theirs), (second, caller) = await scene.call_out(V4), await scene.call_in(V4)
    await scene.heard(mine, theirs, seconds=1.0)
    await scene.heard(second, caller, seconds=1.0)
    if order == "old first":
        await scene.bed.tandem.kill()
        await scene.bed.tandem.start()

    def change():
        if order == "new first":
            gateway.add_address(f"{becomes}/24")
            gateway.drop_address(f"{was}/24")
        else:
            gateway.drop_address(f"{was}/24")
            gateway.add_address(f"{becomes}/24")
        scene.bed.gateway_address = becomes

    await moved(scene, mine, theirs, change, becomes)
    assert becomes in announced(mine) and was not in announced(mine), announced(mine)
    await scene.heard(second, caller)
    reached_at(caller, becomes)
    await theirs.hangup()
    assert "terminate" in await mine.ended()
    await second.hangup()
    assert "BYE" in await caller.wait("ended")
    await a_call_at(scene, becomes)


SECOND = "10.77.0.98"


class Named(Bed):
    """A Bed whose Tandem listens at an address that is named, and may go."""

    def make_tandem(self):
        self.gw.add_address(f"{SECOND}/24")
        return super().make_tandem()


@pytest.mark.parametrize("bed", [pytest.param({"stage": Named, "sections": {
    "media": {"address": "0.0.0.0"}, "sip": {"listen": [f"udp:{GATEWAY}:5060", f"udp:{SECOND}:5061"]}}}, id="named")], indirect=True)
@pytest.mark.alone
async def test_a_named_address_goes_and_comes(scene):
    """Nothing can take its place: the log says what to do."""
    gateway, process = scene.bed.gw, scene.bed.tandem.process
    gateway.drop_address(f"{SECOND}/24")
    told = await process.wait_log(rf'event=sip_listen at={SECOND}:5061 transport=udp what="gone: [^"]*sip.listen[^"]*"', 10)
    assert "0.0.0.0" in told.group()
    gateway.add_address(f"{SECOND}/24")
    await process.wait_log(rf"event=sip_listen at={SECOND}:5061 transport=udp what=back", 10)


def bound_to(address, **more):
    return pytest.param({"stage": Bed, "sections": {"media": {"address": address, **more}}}, id=address)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("bed", [bound_to("0.0.0.0"), bound_to("::")], indirect=True)
async def test_bound_to_everything(scene, family):
    """Both mean every address of both families; a client has one of them."""
    mine, theirs = await scene.call_in(replace(profiles.PLAIN, ipv4=family == 4, ipv6=family == 6))
    assert set(announced(mine)) == {GATEWAY, "fd77::1"}
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("bed", [bound_to(GATEWAY), bound_to("fd77::1")], indirect=True)
async def test_bound_to_one_address(scene):
    """It is the only one that clients are told."""
    client = await scene.client()
    call = await client.call(f"echo@{DOMAIN}")
    await call.wait("media")
    assert set(announced(call)) == {scene.bed.tandem.sections["media"]["address"]}
    await media.listen((call.audio, call.audio))
    await call.hangup()


@pytest.mark.parametrize("bed", [bound_to("0.0.0.0", allow_loopback=True)], indirect=True)
async def test_loopback_candidates_where_they_are_allowed(scene):
    """media.allow_loopback: they are offered and checked; our own ports are not."""
    def with_them(candidates):
        first = vars(candidates[0])
        there = [("127.0.0.1", 5999), ("127.0.0.1", 10000)]
        # without the real ones, as the first pair that works ends the search
        return [aioice.Candidate(**{**first, "host": host, "port": port}) for host, port in there]

    loop = capture.Capture(scene.bed.gw, "lo")
    mine, theirs = await scene.call_out(replace(V4, filter_candidates=with_them))
    await scene.heard(mine, theirs)
    assert "127.0.0.1" in announced(mine)
    await mine.hangup()
    await theirs.wait("ended")
    sent = {packet.target for packet in loop.stop() if packet.out}
    assert ("127.0.0.1", 5999) in sent and ("127.0.0.1", 10000) not in sent, sent


WORKERS = 3


@pytest.mark.parametrize("bed", [bound_to("0.0.0.0", workers=WORKERS)], indirect=True)
async def test_calls_are_spread_over_workers(scene):
    """Each call's candidates name the shared port of its worker, and all workers have as many calls."""
    calls = [await (scene.call_out if n % 2 else scene.call_in)(V4) for n in range(2 * WORKERS)]
    ports = []
    for mine, _ in calls:
        said = {candidate.port for candidate in mine.remote.candidates}
        assert len(said) == 1 and {mine.transport.agent.selected().remote_addr[1]} == said, said
        ports += said
    assert sorted(ports) == sorted(2 * list(range(10000, 10000 + WORKERS))), ports
    await media.listen(*(pair for mine, theirs in calls
                         for pair in ((mine.audio, theirs.audio), (theirs.audio, mine.audio))))
    for mine, theirs in calls:
        await mine.hangup()
        await theirs.wait("ended")


async def a_call_at(scene, address):
    """Later calls are told the new address."""
    mine, theirs = await scene.call_in(V4)
    assert address in announced(mine), announced(mine)
    reached_at(theirs, address)
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
