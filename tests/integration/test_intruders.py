# SPDX-License-Identifier: AGPL-3.0-or-later
"""Attacks on a call that is up, by who sees or guesses some of it.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn;  intruder c2 10.77.0.12, and any source it writes
"""

import asyncio
import secrets
import struct

import pytest

from bed import intruder, rtp
from bed.scene import CARRIER

pytestmark = pytest.mark.bed_options(sections={"log": {"level": "info"}})

HERE = "10.77.0.12"
REPLAYS, AT_ONCE, A_SECOND = 3000, 200, 200  # of checks; what is answered of them (media/ice_agent.h)
FLOOD, FLOOD_S = 20000, 4.0
WINDOWS = 4  # what was done to a call is heard in each of them, a machine that was busy is not


def port_of(call):
    """The shared port that the client's call is at."""
    return tuple(call.transport.agent.selected().remote_addr)


def noise(stream, pt=0, ssrc=None, seq=None):
    """A packet of loud noise that goes on where the stream is."""
    ssrc = stream.ssrc if ssrc is None else ssrc
    return rtp.pack(pt, (stream.seq if seq is None else seq) & 0xFFFF, stream.ts & 0xFFFFFFFF, ssrc, secrets.token_bytes(160))


def goodbye(ssrc):
    """A compound RTCP packet that says the source has left, and one that is broken."""
    report = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
    return report + struct.pack("!BBHI", 0x81, 203, 1, ssrc), report + struct.pack("!BBHI", 0x9F, 203, 0xFFFF, ssrc)


async def inject(theirs, ports, seconds=1.2):
    """From each of @ports what would end, move or disturb the call; what came back to them."""
    audio, host, port = theirs.audio, theirs.offer.host, theirs.offer.port
    for _ in range(int(seconds / 0.02)):
        for one in ports:
            one.send(noise(audio), (host, port))
            one.send(noise(audio, ssrc=0x0BADCAFE, seq=secrets.randbelow(65536)), (host, port))
            one.send(noise(audio, pt=101), (host, port))
            one.send(noise(audio, pt=96), (host, port))
            for packet in goodbye(audio.ssrc):
                one.send(packet, (host, port + 1))
        await asyncio.sleep(0.02)
    return [packet for one in ports for packet in one.received() if packet[:1] >= b"\x80" and not rtp.is_rtcp(packet)]


async def test_injected_rtp_is_not_heard_nor_answered_at_any_time(scene):
    """Before the first packet, during the call, on hold, after it and after a re-INVITE; from elsewhere and from the very host."""
    mine, theirs = await scene.propose()
    ports = [intruder.Port(scene.bed.c2, HERE), intruder.Port(scene.bed.pstn, CARRIER)]
    await theirs.ring()
    stranger = ports[:1]  # until the trunk has spoken, its own host may be behind a NAT
    taken = await inject(theirs, stranger, 0.2)
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs, seconds=1.0)
    for step in (None, theirs.hold, theirs.resume, lambda: theirs.reinvite("sendrecv")):
        if step:
            await step()
        digits = mine.audio.events.digits
        if step == theirs.hold:
            await theirs.told("recvonly", "inactive")
            taken += await inject(theirs, ports, 0.4)
            continue
        injecting = asyncio.ensure_future(inject(theirs, ports))
        await scene.heard(mine, theirs, seconds=1.0)
        taken += await injecting
        assert mine.audio.events.digits == digits and len(mine.audio.rx.ssrcs) == 1
    for one in ports:
        one.close()
    assert not taken, f"{len(taken)} packets of the call went to who injects"
    await mine.hangup()
    await theirs.wait("ended")


async def test_checks_that_were_overheard_move_nothing_and_are_no_amplifier(scene):
    """The client's password is known to the intruder, who repeats its checks under his own address and a victim's."""
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    agent, at = mine.transport.agent, port_of(mine)
    here, victim = intruder.Port(scene.bed.c2, HERE), intruder.Port(scene.bed.pstn, "10.77.0.3")
    forger = intruder.Forger(scene.bed.c2)
    begun = asyncio.get_running_loop().time()
    asked = b""
    for n in range(REPLAYS):
        asked = intruder.check(agent, nominate=n % 2 == 0)
        here.send(asked, at)
        forger.send(asked, ("10.77.0.3", victim.port), at)
        if n % 50 == 0:
            await asyncio.sleep(0)
    lasted = asyncio.get_running_loop().time() - begun
    await scene.heard(mine, theirs, seconds=1.0)
    got = here.received(), victim.received()
    answers = [packet for some in got for packet in some if packet[:1] == b"\x01"]
    assert 0 < len(answers) <= AT_ONCE + A_SECOND * (lasted + 1), f"{len(answers)} answers of {got} in {lasted:.1f} s"
    assert all(len(packet) <= len(asked) for packet in answers)
    media = [packet for some in got for packet in some if packet[:1] >= b"\x14"]
    assert not media, "the call's media, or its handshake, went to who only asked"
    for port in (here, victim, forger):
        port.close()
    await mine.hangup()
    await theirs.wait("ended")


def unasked(agent):
    """What nobody asked for, or knows the password of."""
    wrong = "x" * 24
    yield from (intruder.check(agent, wrong), intruder.check(agent, wrong, nominate=True), intruder.check(agent, ufrag="nobody"),
                intruder.check(agent, wrong, role=intruder.CONTROLLED, tie_breaker=2 ** 64 - 1))
    mapped = struct.pack("!BBHI", 0, 1, 9 ^ 0x2112, 0x0A4D000C ^ intruder.COOKIE)
    yield intruder.stun(intruder.SUCCESS, agent.local_password, [(0x20, mapped)])
    yield intruder.stun(0x111, agent.local_password, [(9, b"\0\0\4\x57role")])  # 487
    yield intruder.stun(0x11, agent.remote_password, [])  # an indication
    yield intruder.stun(intruder.BINDING, agent.remote_password, [(intruder.USERNAME, b"u" * 600)])
    yield intruder.stun(intruder.BINDING, agent.remote_password, [(0x8022, b"s" * 200)] * 6)
    yield intruder.stun(3, None, [(0x19, b"\x11\0\0\0")])  # TURN's Allocate
    yield b"\x00\x01\xff\xff" + bytes(16)


def not_of_a_handshake():
    """Of DTLS, what does not belong to the handshake there was."""
    hello = b"\x16\xfe\xff" + bytes(8) + struct.pack("!H", 60) + b"\x01" + bytes(59)
    return hello, hello[:20], b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2\x28", b"\x18\xfe\xfd" + bytes(8) + b"\0\3\1\xff\xff"


async def pester(agent, ports, at):
    """All of it, again and again, from his own address and under the client's."""
    here, forger = ports
    client = agent.selected().local_addr
    while True:
        for packet in (*unasked(agent), *not_of_a_handshake()):
            here.send(packet, at)
            forger.send(packet, client, at)
            await asyncio.sleep(0.002)


async def test_what_is_not_authentic_gets_no_answer(scene):
    mine, theirs = await scene.call_out()
    here, forger = intruder.Port(scene.bed.c2, HERE), intruder.Forger(scene.bed.c2)
    pestering = asyncio.ensure_future(pester(mine.transport.agent, (here, forger), port_of(mine)))
    await scene.heard(mine, theirs, windows=WINDOWS)
    assert not pestering.done()
    pestering.cancel()
    assert not here.received()
    here.close()
    forger.close()
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone
async def test_a_flood_of_strangers_at_the_shared_port(scene):
    """The kernel refuses it, with the filter of system calls on: a call goes on, and another begins meanwhile."""
    mine, theirs = await scene.call_out()
    flood = intruder.flood(scene.bed.c2, port_of(mine), FLOOD, FLOOD_S, "rtp", "stun", "dtls", "junk")
    await scene.bed.tandem.process.wait_log(r"event=media-flood worker=\d+ result=filtered", 10)
    again, other = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    await scene.heard(again, other, seconds=1.0)
    await flood.wait(30)
    scene.figure("a flood of strangers", flood.log().strip())
    await flood.stop()
    flood.remove()
    for one, its in ((mine, theirs), (again, other)):
        await one.hangup()
        await its.wait("ended")
