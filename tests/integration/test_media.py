# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens to audio during a call: codecs, early media, hold, digits, echo.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn (10.77.0.2)
"""

import asyncio
import time
from dataclasses import replace

import pytest

from bed import media, phone, proc, profiles, sipcall
from bed.jinglexml import EVENTS_48K, EVENTS_8K, G722, OPUS, PCMA, PCMU
from bed.scene import CARRIER, own_number

# frank's calls go to the same carrier by a trunk that answers at 183
pytestmark = [pytest.mark.bed_options(
    trunks={"early": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "early_media": "answer"}},
    numbers={"+15557654325": {"owner": "frank@example.org", "trunk": "early"}})]

DIGITS = "0123456789*#ABCD"
DIGIT_S, DIGITS_LATE_S, HELD_S = 0.26, proc.SOON_S, proc.SOON_S


async def digits_arrive(sender, receiver, digits=DIGITS):
    sender.audio.send_digits(digits)
    events = receiver.audio.events
    await proc.until(lambda: len(events.digits) >= len(digits) and all(events.ended), len(digits) * DIGIT_S + DIGITS_LATE_S,
                     "all digits arrive and end")
    assert events.digits == digits
    clock = receiver.audio.event_clock
    for duration in receiver.audio.events.durations:
        assert abs(duration / clock - 0.160) <= 0.040, f"a digit of {duration / clock * 1000:.0f} ms"


@pytest.mark.parametrize("codec", [sipcall.PCMU, sipcall.PCMA, sipcall.G722], ids=lambda c: c[1])
async def test_codec_out(scene, codec):
    mine, theirs = await scene.call_out(codecs=(codec, sipcall.EVENTS))
    assert theirs.audio.codec_name.upper() == codec[1] == mine.audio.codec_name.upper()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("codec", [sipcall.PCMU, sipcall.PCMA, sipcall.G722, sipcall.OPUS], ids=lambda c: c[1])
async def test_codec_in(scene, codec):
    mine, theirs = await scene.call_in(codecs=(codec, sipcall.EVENTS))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_an_unusual_payload_type_is_mapped(scene):
    odd = replace(profiles.PLAIN, payloads=(replace(PCMU, pt=100), replace(EVENTS_8K, pt=99)))
    mine, theirs = await scene.call_out(odd)
    await scene.heard(mine, theirs)
    await digits_arrive(mine, theirs, "42")
    await digits_arrive(theirs, mine, "24")
    await mine.hangup()
    await theirs.wait("ended")


async def test_digits_both_ways(scene):
    mine, theirs = await scene.call_out()
    await digits_arrive(mine, theirs)
    await digits_arrive(theirs, mine)
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")


async def test_digits_at_48_kilohertz(scene):
    """The client knows Opus and 48 kHz events alone, the trunk speaks Opus with 8 kHz events."""
    mine, theirs = await scene.call_in(replace(profiles.PLAIN, payloads=(OPUS, EVENTS_48K)), codecs=(sipcall.OPUS, sipcall.EVENTS))
    await digits_arrive(mine, theirs, "159#")
    await digits_arrive(theirs, mine, "357*")
    await mine.hangup()
    await theirs.wait("ended")


async def test_digits_at_48_kilohertz_beside_g711(scene):
    """A client may offer only 48 kHz events beside PCMU: they reach an 8 kHz trunk with the right durations."""
    mine, theirs = await scene.call_out(replace(profiles.PLAIN, payloads=(PCMU, EVENTS_48K)))
    if mine.audio.event_pt is not None:
        await digits_arrive(mine, theirs, "159#")
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_digit_by_info_reaches_the_client(scene):
    mine, theirs = await scene.call_out()
    assert (await theirs.info_digit("7")).status == 200
    assert (await theirs.info_digit("#", "dtmf")).status == 200
    await proc.until(lambda: mine.audio.events.digits == "7#", proc.SOON_S, "the digits are heard")
    assert (await theirs.info_digit("x")).status in (400, 415)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_digit_by_session_info_reaches_the_carrier(scene):
    """XEP-0181: a gateway may take digits in signalling."""
    mine, theirs = await scene.call_out()
    mine.info_digit("5")
    await proc.until(lambda: "5" in theirs.audio.events.digits + "".join(body for _, body in theirs.info), proc.SOON_S,
                     "the digit arrives, as an event or by INFO")
    await mine.hangup()
    await theirs.wait("ended")


async def test_hold_and_resume_by_the_carrier(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    await theirs.hold()
    await theirs.told("recvonly", "inactive")
    await mine.informed("hold")
    await media.silent(theirs.audio, 0.5, allowed=2, within=HELD_S)
    await theirs.resume()
    await mine.informed("unhold", "active")
    await scene.heard(mine, theirs)
    assert len(mine.audio.rx.ssrcs) == 1, "a second SSRC: Dino ignores it"
    await mine.hangup()
    await theirs.wait("ended")


async def test_hold_and_resume_by_the_client(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    mine.hold()
    await theirs.told("sendonly", "inactive")
    assert theirs.reinvites == 1
    await media.silent(mine.audio, 0.5, allowed=2, within=HELD_S)
    mine.resume()
    await theirs.told("sendrecv")
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_hold_by_a_client_that_was_called(scene):
    mine, theirs = await scene.call_in()
    mine.hold()
    await theirs.told("sendonly", "inactive")
    mine.resume()
    await theirs.told("sendrecv")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_mute_is_no_hold(scene):
    mine, theirs = await scene.call_out()
    mine.mute()
    await mine.client.settled()
    assert theirs.reinvites == 0
    await media.listen((theirs.audio, mine.audio), seconds=1.0)
    mine.mute(False)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_early_media_is_kept_from_a_client_that_has_not_been_told_to_proceed(scene):
    mine, theirs = await scene.propose()
    await theirs.progress()
    await mine.wait("ringing")
    assert not mine.passed("proceed")
    await mine.client.settled()
    assert not mine.passed("proceed")
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_early_media_is_heard_where_the_trunk_says_so(scene):
    client = await scene.client("frank")
    mine, theirs = await scene.propose(client=client)
    await theirs.progress()
    await mine.wait("media")
    await media.listen((theirs.audio, mine.audio))
    assert not theirs.passed("answered")
    await theirs.answer()
    await theirs.wait("acked")
    await scene.heard(mine, theirs)
    assert len(mine.audio.rx.ssrcs) == 1
    await mine.hangup()
    await theirs.wait("ended")


async def test_early_media_and_then_busy(scene):
    client = await scene.client("frank", resource="other")
    mine, theirs = await scene.propose(client=client)
    await theirs.progress()
    await mine.wait("media")
    await media.listen((theirs.audio, mine.audio), seconds=1.0)
    await theirs.refuse(486, "Busy Here")
    assert (await mine.ended()).startswith("terminate busy")


async def test_the_trunk_moves_its_media(scene):
    """A re-INVITE to another port and SSRC: the client hears one SSRC with continuous numbers."""
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    old_rtp, old_rtcp, theirs.rtp = theirs.rtp, theirs.rtcp, None
    await theirs.open_media()
    theirs.audio.ssrc ^= 0x5A5A5A5A
    theirs.audio.seq += 20000
    await theirs.reinvite("sendrecv")
    old_rtp.transport.close()
    old_rtcp.transport.close()
    await scene.heard(mine, theirs)
    assert len(mine.audio.rx.ssrcs) == 1, "the change of source was not hidden"
    assert mine.audio.rx.gaps_in_sequence() < 20
    await mine.hangup()
    await theirs.wait("ended")


async def test_rtp_from_a_stranger_is_not_heard(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    number = scene.number()
    stranger = await phone.Phone(scene.bed.c2, "10.77.0.12", port=5077, name="bleed").start()
    noise = await stranger.dial(f"sip:{number}@10.77.0.12", ("udp", "10.77.0.12", 5078))
    noise.offer = theirs.offer
    noise.audio.configure("PCMU", 0)
    noise.audio.start()
    try:
        await scene.heard(mine, theirs, windows=4)  # who is heard wrongly is so in each
        assert not noise.audio.rx.packets, "RTP Bleed: the call's audio went to a stranger"
    finally:
        noise.audio.stop()
        stranger.close()
    await mine.hangup()
    await theirs.wait("ended")


async def test_echo(scene):
    client = await scene.client("carol")
    call = await client.call("echo@tel.example.org")
    begun = time.monotonic()
    await call.wait("media")
    assert time.monotonic() - begun < 3.0
    verdict, = await media.listen((call.audio, call.audio))
    assert verdict.delay_s < 0.3
    await call.hangup()


async def test_echo_takes_direct_sessions_and_every_codec(scene):
    for payload in (OPUS, G722, PCMA, PCMU):
        client = await scene.client(profile=replace(profiles.STANZA, payloads=(payload,)))
        call = await client.call("echo@tel.example.org")
        await call.wait("media")
        await media.listen((call.audio, call.audio), seconds=1.0)
        await call.hangup()


async def test_the_number_of_a_call_in_is_the_owners(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    assert theirs.offer.port % 2 == 0 and 20000 <= theirs.offer.port <= 29999
    await mine.hangup()
    await theirs.wait("ended")
