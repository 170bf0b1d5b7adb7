# SPDX-License-Identifier: AGPL-3.0-or-later
"""A client whose media is aiortc's RTCPeerConnection, an implementation of WebRTC that shares nothing with Tandem.

    aiortc c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn (10.77.0.2)

Its SDP is translated to Jingle and back by bed/sdp.py. It offers RTP header extensions and sources, sends the codec that it
likes best of those agreed on, ends its stream with an RTCP BYE, and believes the one that it gets."""

import asyncio
from dataclasses import replace

import pytest

from bed import ejabberd, media, profiles, sipcall
from bed.jinglexml import OPUS, PCMA, PCMU
from bed.scene import own_number

on_ejabberd = pytest.mark.parametrize("bed", [ejabberd.Ejabberd], indirect=True, scope="module")
TRICKLE = profiles.AIORTC
ALL_AT_ONCE = replace(TRICKLE, trickle=False)
DELAY_S = 0.3  # of which 80 ms are its jitter buffer's
REPORTS_S, HELD_S = 10.0, 2.0


def only(*payloads):
    """aiortc with these codecs."""
    return replace(TRICKLE, payloads=payloads)


async def heard(scene, mine, theirs, **options):
    """Judge the audio both ways."""
    for verdict in await scene.heard(mine, theirs, **options):
        assert verdict.delay_s < DELAY_S, f"{verdict}"


@pytest.mark.parametrize("profile", [TRICKLE, ALL_AT_ONCE], ids=["trickle", "all-at-once"])
async def test_calls_out_and_hangs_up(scene, profile):
    mine, theirs = await scene.call_out(profile)
    await heard(scene, mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


@pytest.mark.parametrize("profile", [TRICKLE, ALL_AT_ONCE], ids=["trickle", "all-at-once"])
async def test_is_called_and_hung_up_on(scene, profile):
    mine, theirs = await scene.call_in(profile)
    await heard(scene, mine, theirs)
    assert (await theirs.hangup()).status == 200
    assert (await mine.ended()).startswith("terminate success")


async def test_calls_out_and_is_hung_up_on(scene):
    mine, theirs = await scene.call_out(TRICKLE)
    await heard(scene, mine, theirs, seconds=1.0)
    assert (await theirs.hangup()).status == 200
    assert (await mine.ended()).startswith("terminate success")


async def test_is_called_and_hangs_up(scene):
    mine, theirs = await scene.call_in(TRICKLE)
    await heard(scene, mine, theirs, seconds=1.0)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


@on_ejabberd
async def test_calls_out_through_ejabberd(scene):
    await test_calls_out_and_hangs_up(scene, TRICKLE)


@on_ejabberd
async def test_is_called_through_ejabberd(scene):
    await test_is_called_and_hung_up_on(scene, TRICKLE)


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
async def test_g711_both_ways(scene, codec):
    """The client knows one law alone; the telephone, which answers before Tandem knows that, both."""
    mine, theirs = await scene.call_out(only(codec))
    await heard(scene, mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
    mine, theirs = await scene.call_in(only(codec))
    await heard(scene, mine, theirs)
    await theirs.hangup()
    await mine.ended()


@pytest.mark.parametrize("direct", [False, True], ids=["proposed", "direct"])
async def test_opus_on_both_sides_out(scene, direct):
    mine, theirs = await scene.propose(replace(only(OPUS), jmi=not direct), carrier=scene.bed.carrier)
    await theirs.ring()
    await theirs.answer((sipcall.OPUS, sipcall.EVENTS))
    await mine.wait("media")
    assert theirs.audio.codec_name.lower() == "opus" and mine.audio.rate == 48000
    await heard(scene, mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_opus_on_both_sides_in(scene):
    mine, theirs = await scene.call_in(TRICKLE, codecs=(sipcall.OPUS, sipcall.PCMU, sipcall.EVENTS))
    assert mine.audio.rate == 48000, "the client likes Opus best, and both sides have it"
    await heard(scene, mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_sends_any_codec_that_was_agreed_on(scene):
    """The carrier takes either law and sends one of them; aiortc sends the one that it likes best."""
    mine, theirs = await scene.call_out(only(PCMA, PCMU), codecs=(sipcall.PCMU, sipcall.PCMA, sipcall.EVENTS))
    await heard(scene, mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_no_codec_in_common(scene):
    client = await scene.client(profile=only(OPUS))
    theirs = await scene.dial(own_number(client.user), codecs=(sipcall.PCMU,))
    mine = await client.incoming()
    await mine.accept()
    assert (await theirs.wait("ended")).startswith(("488", "606"))


async def test_hold_and_resume_by_the_carrier(scene):
    mine, theirs = await scene.call_out(TRICKLE)
    await heard(scene, mine, theirs, seconds=1.0)
    await theirs.hold()
    await theirs.told("recvonly", "inactive")
    await mine.informed("hold")
    await media.silent(theirs.audio, 0.5, allowed=2, within=HELD_S)
    await media.silent(mine.audio, 0.5, allowed=2, within=HELD_S)
    await theirs.resume()
    await heard(scene, mine, theirs)
    await mine.informed("unhold", "active")
    assert len(mine.transport.sources()) == 1, "a second SSRC"
    await mine.hangup()
    await theirs.wait("ended")


async def test_hold_and_resume_of_a_call_in(scene):
    mine, theirs = await scene.call_in(TRICKLE)
    await theirs.hold()
    await media.silent(theirs.audio, 0.5, allowed=2, within=HELD_S)
    await theirs.resume()
    await heard(scene, mine, theirs)
    await theirs.hangup()
    await mine.ended()


@pytest.mark.parametrize("codec", [OPUS, PCMU, PCMA], ids=lambda codec: codec.name)
async def test_echo(scene, codec):
    client = await scene.client(profile=only(codec))
    call = await client.call("echo@tel.example.org")
    await call.wait("media")
    await media.listen((call.audio, call.audio))
    await call.hangup()


async def test_a_wrong_fingerprint_of_the_client_lets_no_audio_pass(scene):
    mine, theirs = await scene.propose(replace(TRICKLE, wrong_fingerprint=True))
    await theirs.answer()
    assert "security-error" in await mine.ended()
    assert "BYE" in await theirs.wait("ended")
    assert not theirs.audio.rx.packets and not mine.audio.rx.packets


async def test_reports_say_that_nothing_is_lost(scene):
    """RTCP both ways: aiortc learns from Tandem's reports how its stream arrives."""
    mine, theirs = await scene.call_out(TRICKLE)
    await heard(scene, mine, theirs, seconds=1.0)
    until = asyncio.get_running_loop().time() + REPORTS_S
    while "remote-inbound-rtp" not in (reports := await mine.transport.reports()):
        assert asyncio.get_running_loop().time() < until, f"no receiver report reached the client, only {sorted(reports)}"
        await asyncio.sleep(0.2)
    assert reports["inbound-rtp"].packetsLost == 0 and reports["remote-inbound-rtp"].packetsLost <= 1
    await mine.hangup()
    await theirs.wait("ended")


async def test_the_judge_refuses_a_muted_and_a_crossed_call(scene):
    one, two = await asyncio.gather(scene.call_out(TRICKLE), scene.call_in(TRICKLE))
    with pytest.raises(AssertionError, match="another tone"):
        await media.listen((one[1].audio, two[0].audio), seconds=1.0)
    one[0].audio.muted = True
    await asyncio.sleep(0.3)
    with pytest.raises(AssertionError, match="silence"):
        await media.listen((one[0].audio, one[1].audio), seconds=1.0)
    for mine, theirs in (one, two):
        await mine.hangup()
        await theirs.wait("ended")
