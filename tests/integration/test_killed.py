# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process is killed during calls and started again: both parties hear a gap, and nothing else happens to them.

The clients' SRTP is libsrtp's, with its replay protection; what leaves the gateway is recorded, so that no index is used
twice under a key. Sources begin at sequence 65,400, and the gateway's own numbers towards clients are brought there: calls are
killed before, at and after the wrap. tests/faults has the same with Chromium.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn (UDP)
                                                    --  PBX pstn (TCP)
"""

import asyncio
import os
import signal
import struct
import time

import pytest

from bed import capture, database, indices, media, proc, profiles, wrap
from bed.commandtable import asked
from bed.scene import DOMAIN, own_number

pytestmark = [pytest.mark.bed_options(sections={"limits": {"calls_per_account": 100}}), pytest.mark.alone]

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)
FIRST_SEQUENCE = 65400
GAP_S = 2.0
ICE_PORTS = range(10000, 10010)


def begin_at(call, sequence=FIRST_SEQUENCE):
    """The source of @call has not sent yet: its first packet has this number."""
    assert call.audio.sent_packets == 0
    call.audio.seq = sequence


async def out(scene, node=None):
    """A call to the carrier, up, both sources begun at FIRST_SEQUENCE."""
    mine, theirs = await scene.propose(PROFILE, node=node)
    begin_at(mine)
    await theirs.open_media()
    begin_at(theirs)
    theirs.audio.transmit_rtcp = lambda report: theirs.rtcp.transport.sendto(report, (theirs.offer.host, theirs.offer.port + 1))
    await theirs.ring()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    return mine, theirs


async def kill(scene, calls, down_s=0.0):
    """SIGKILL and a new start; returns the second at which the process was started, and when media flowed everywhere."""
    tandem = scene.bed.tandem
    await database.kept(tandem, 2 * len(calls))
    await tandem.kill()
    await asyncio.sleep(down_s)
    begun = time.monotonic()
    await tandem.start()
    receivers = [side.audio for pair in calls for side in pair if side]
    await asyncio.gather(*(media.flowing(receiver, GAP_S + 3, after=begun) for receiver in receivers))
    return begun


def first_after(receiver, begun):
    """Seconds from @begun to the first audio that @receiver got."""
    return min(at for at, _ in receiver.rx.packets if at >= begun) - begun


async def both_hear(scene, calls):
    """Judge the audio of all @calls, both ways."""
    pairs = [(a.audio, b.audio) for a, b in calls] + [(b.audio, a.audio) for a, b in calls]
    await media.listen(*pairs)


def check_streams(scene, calls, begun):
    """One SSRC all the time, no sequence number twice, and media within the time that is allowed."""
    for pair in calls:
        for side in pair:
            assert len(side.audio.rx.ssrcs) == 1, f"{side.who} got SSRCs {side.audio.rx.ssrcs}"
            after = first_after(side.audio, begun)
            scene.figure(f"{side.who}: audio after the new start", f"{after:.3f} s")
            assert after < GAP_S, f"{side.who} hears nothing for {after:.2f} s"


@pytest.mark.limit(60)
async def test_calls_go_on_and_each_side_hangs_up(scene):
    calls = [await out(scene), await out(scene, scene.bed.c2), await scene.call_in(PROFILE), await scene.call_in(PROFILE)]
    begun = await kill(scene, calls)
    await both_hear(scene, calls)
    check_streams(scene, calls, begun)
    await calls[0][0].hangup()
    await calls[2][0].hangup()
    for mine, theirs in (calls[0], calls[2]):
        assert (await theirs.wait("ended")).startswith("BYE")
    for mine, theirs in (calls[1], calls[3]):
        assert (await theirs.hangup()).status == 200
        assert (await mine.ended()).startswith("terminate")
    await database.over(scene.bed.tandem)


def is_wrapped(mine):
    """Whether both numbers on the client's leg are behind it."""
    return mine.audio.seq > wrap.WRAP and wrap.left(mine.audio) > wrap.WRAP // 2


async def before_the_wrap(scene, mine, theirs):
    """Both numbers on the client's leg, its own and the gateway's, are some seconds before it."""
    await wrap.near(mine, theirs, 300)


async def at_the_wrap(scene, mine, theirs):
    """The last numbers before it have gone, in each direction; on a busy machine perhaps the first behind it."""
    await wrap.near(mine, theirs, 20)
    await proc.until(lambda: not 2 < wrap.left(mine.audio) < 0x8000, proc.SOON_S, "the wrap is here")


async def after_the_wrap(scene, mine, theirs):
    """The receivers have counted one rollover, in each direction."""
    await wrap.near(mine, theirs, 20)
    await proc.until(lambda: is_wrapped(mine), proc.SOON_S, "the wrap is over")


async def after_digits(scene, mine, theirs):
    """Telephone events have passed, and one was put in for the carrier's INFO."""
    theirs.audio.send_digits("12")
    await proc.until(lambda: mine.audio.events.digits == "12", proc.SOON_S, "the digits are heard")
    assert (await theirs.info_digit("7")).status == 200
    await proc.until(lambda: mine.audio.events.digits == "127", proc.SOON_S, "the digit is heard")


async def after_a_change_of_source(scene, mine, theirs):
    """The carrier's media comes from another SSRC with other numbers, as after a transfer behind it."""
    theirs.audio.ssrc ^= 0x5A5A5A5A
    theirs.audio.seq, theirs.audio.ts = FIRST_SEQUENCE, 77777
    await media.flowing(mine.audio, packets=15)


async def on_hold(scene, mine, theirs):
    """The carrier holds; after the new start it takes the call back."""
    await theirs.hold()
    await mine.informed("hold")


MOMENTS = [before_the_wrap, after_the_wrap, after_digits, after_a_change_of_source, on_hold, at_the_wrap]


def to_client(packet):
    """Whether the gateway's shared port sent it."""
    return packet.source[1] in ICE_PORTS


@pytest.mark.limit(90)
async def test_no_index_is_used_twice_whenever_it_is_killed(scene):
    calls = {moment: await out(scene) for moment in MOMENTS}
    wire = capture.Capture(scene.bed.gw, kept=indices.WHOLE)
    try:
        last = (before_the_wrap, at_the_wrap)  # they pass
        await asyncio.gather(*(moment(scene, *pair) for moment, pair in calls.items() if moment not in last))
        await asyncio.gather(*(moment(scene, *calls[moment]) for moment in last))  # and at once:
        assert wrap.left(calls[before_the_wrap][0].audio) < 300, "it is not before the wrap any more"
        held = calls.pop(on_hold)
        begun = await kill(scene, list(calls.values()), down_s=0.5)
        await held[1].resume()
        await held[0].informed("active", "unhold")
        await both_hear(scene, [*calls.values(), held])
        begun = await kill(scene, [*calls.values(), held])
        await both_hear(scene, [*calls.values(), held])
        wrapped = [calls[moment][0] for moment in (before_the_wrap, at_the_wrap, after_the_wrap)]
        await proc.until(lambda: all(is_wrapped(mine) for mine in wrapped), proc.SOON_S, "all numbers have wrapped")
    finally:
        used = indices.Used([packet for packet in wire.stop() if to_client(packet)], lambda target: True)
    assert len(used.rtp) == len(MOMENTS) == len(used.rtcp)
    assert not used.repeated(), f"used twice under one key: {used.repeated()[:20]}"
    check_streams(scene, list(calls.values()), begun)


@pytest.mark.limit(90)
async def test_dialog_and_session_work_afterwards(scene):
    """Each side holds and takes back, plays digits and restarts ICE; a session that ended meanwhile is ended on both sides."""
    mine, theirs = await out(scene)
    theirs2 = await scene.call_in(PROFILE)
    await kill(scene, [(mine, theirs), theirs2])
    mine.hold()
    await theirs.told("sendonly", "inactive")
    mine.resume()
    await theirs.told("sendrecv")
    await theirs.hold()
    await mine.informed("hold")
    await theirs.resume()
    await mine.informed("active", "unhold")
    mine.audio.send_digits("5")
    theirs.audio.send_digits("6")
    await proc.until(lambda: theirs.audio.events.digits == "5" and mine.audio.events.digits == "6", proc.SOON_S, "the digits are heard")
    await mine.restart_ice()
    await both_hear(scene, [(mine, theirs), theirs2])
    await theirs.hangup()
    assert (await mine.ended()).startswith("terminate")


@pytest.mark.limit(60)
async def test_calls_without_a_trunk_go_on(scene):
    """The echo, and a call between two accounts: both of its sides are clients."""
    one = await scene.client(profile=PROFILE)
    echo = await one.call(f"echo@{DOMAIN}")
    await echo.wait("media")
    two, three = await scene.client(profile=PROFILE), await scene.client(profile=PROFILE, node=scene.bed.c2)
    near = await two.call(scene.jid(own_number(three.user)))
    far = await three.incoming()
    await far.accept()
    await asyncio.gather(near.wait("media"), far.wait("media"))
    await database.kept(scene.bed.tandem, 3)
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await media.listen((echo.audio, echo.audio), (near.audio, far.audio), (far.audio, near.audio))
    await near.hangup()
    await far.ended()
    await echo.hangup()


@pytest.mark.limit(60)
async def test_what_ends_while_there_is_no_process(scene):
    """The carrier's BYE and the client's terminate meet nobody, and are met by the next process."""
    mine, theirs = await out(scene)
    other = await out(scene)
    tandem = scene.bed.tandem
    await database.kept(tandem, 4)
    await tandem.kill()
    ending = asyncio.ensure_future(theirs.hangup())
    await asyncio.sleep(0)  # said for the first time
    await tandem.start()
    assert (await ending).status == 200
    assert (await mine.ended()).startswith("terminate")
    await both_hear(scene, [other])


@pytest.mark.limit(60)
async def test_another_process_takes_its_place_and_nothing_is_lost(scene):
    """SIGUSR2: the process ends, and its manager holds the sockets; what comes meanwhile waits in them."""
    tandem = scene.bed.tandem
    calls = [await out(scene), await out(scene)]
    await database.kept(tandem, 4)
    for mine, theirs in calls:
        mine.audio.tx, theirs.audio.tx = media.Recording(), media.Recording()
    await asyncio.gather(*(media.flowing(side.audio) for pair in calls for side in pair))
    tandem.process.process.send_signal(signal.SIGUSR2)
    await tandem.process.wait()
    assert await tandem.process.stop() == 0
    await tandem.start()
    await both_hear(scene, calls)
    for mine, theirs in calls:
        for sender, receiver in ((mine, theirs), (theirs, mine)):
            sent = sender.audio.tx.packets[:-10]
            arrived, _ = media.unchanged(sent, receiver.audio.rx.packets)
            lost = len(sent) - len(arrived)
            scene.figure(f"lost of {len(sent)} packets to {receiver.who}", lost)
            assert lost == 0, f"{lost} of {len(sent)} packets to {receiver.who} were lost"
    await calls[0][0].hangup()
    await calls[1][1].hangup()
    await scene.alive()


async def alive_and_over(scene):
    """It serves, and that call is in the table no more: the next process would take it up."""
    await scene.alive()
    await database.over(scene.bed.tandem)


@pytest.mark.limit(60)
async def test_a_stream_that_processes_died_of_is_given_up(scene):
    """Four have taken it up, and died before they were done with what came: the next one connects anew."""
    tandem = scene.bed.tandem
    await alive_and_over(scene)
    await tandem.kill()
    await tandem.start()
    assert "result=given-up" not in tandem.log
    await tandem.kill()
    stored = dict(tandem.store.held)
    os.pwrite(stored["tries"], struct.pack("=I", 4), 0)
    await tandem.start()
    await tandem.process.wait_log(r"event=xmpp-kept result=given-up tries=4")
    await alive_and_over(scene)
    await tandem.kill()
    assert os.pread(stored["tries"], 4, 0) == bytes(4)
    await tandem.start()
    assert "result=given-up" not in tandem.log
    await scene.alive()


@pytest.mark.limit(60)
async def test_a_retiring_process_takes_no_calls_and_ends_after_the_last(scene):
    """SIGUSR1: OPTIONS and new calls get 503, those that are up go on."""
    tandem = scene.bed.tandem
    mine, theirs = await out(scene)
    tandem.process.process.send_signal(signal.SIGUSR1)
    await tandem.process.wait_log(r"event=retiring on=1")
    refused = await scene.dial(own_number("erin"))
    assert (await refused.wait("ended")).startswith("503")
    assert await asked(scene.bed.carrier, "OPTIONS") == 503
    client = await scene.client()
    call = await client.call(scene.jid(scene.number()))
    assert await call.ended()
    await both_hear(scene, [(mine, theirs)])
    await theirs.hangup()
    await tandem.process.wait()
    assert await tandem.process.stop() == 0
    await tandem.start()
    await scene.alive()
