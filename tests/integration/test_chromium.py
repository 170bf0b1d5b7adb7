# SPDX-License-Identifier: AGPL-3.0-or-later
"""A client whose media is headless Chromium: libwebrtc itself, on which Conversations, Monal, Movim and others are built.

    Chromium c1  --  Prosody srv  --  Tandem gw  --  carrier pstn (10.77.0.2)

The page makes the RTCPeerConnection, the test speaks Jingle for it (bed/sdp.py): red, CN, transport-cc, header extensions
and TCP candidates are offered as real clients do."""

import asyncio
import time
from dataclasses import replace

import pytest

from bed import chromium, database, media, proc, profiles, sipcall
from bed.jinglexml import OPUS

pytestmark = [pytest.mark.alone, pytest.mark.limit(120),  # several calls at once starve the browser of time
              pytest.mark.bed_options(browser=chromium.Browser),
              pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing() or "")]

DIGITS, DIGITS_S = "159#0*", 10.0
REPORTS_S, HELD_S = 10.0, 2.0


def browser(scene, *payloads, **options):
    """The profile of a client in the bed's browser, with these codecs or all."""
    return replace(profiles.PLAIN, name="Chromium", engine=scene.bed.browser.peer, payloads=payloads, **options)


async def heard(mine, theirs, seconds=media.JUDGE_S):
    """Judge the audio both ways, once the browser plays it evenly."""
    return await chromium.listen((mine.audio, theirs.audio), (theirs.audio, mine.audio), peers=[mine.transport], seconds=seconds)


@pytest.mark.parametrize("trickle", [True, False], ids=["trickle", "all-at-once"])
async def test_calls_out_and_hangs_up(scene, trickle):
    mine, theirs = await scene.call_out(browser(scene, trickle=trickle))
    await heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_is_called_and_hung_up_on(scene):
    mine, theirs = await scene.call_in(browser(scene))
    await heard(mine, theirs)
    assert (await theirs.hangup()).status == 200
    assert (await mine.ended()).startswith("terminate success")


async def test_a_session_without_proposal_with_opus_on_both_sides(scene):
    mine, theirs = await scene.propose(browser(scene, jmi=False))
    await theirs.ring()
    await theirs.answer((sipcall.OPUS, sipcall.EVENTS))
    await mine.wait("media")
    await heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


@pytest.mark.parametrize("codec", [sipcall.OPUS, sipcall.G722], ids=lambda codec: codec[1])
async def test_codec_in(scene, codec):
    mine, theirs = await scene.call_in(browser(scene), codecs=(codec, sipcall.EVENTS))
    await heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_echo_of_opus_alone(scene):
    client = await scene.client(profile=browser(scene, OPUS))
    call = await client.call("echo@tel.example.org")
    await call.wait("media")
    await chromium.listen((call.audio, call.audio), peers=[call.transport])
    await call.hangup()


async def test_digits_reach_the_telephone(scene):
    mine, theirs = await scene.call_out(browser(scene))
    await mine.transport.digits(DIGITS)
    events = theirs.audio.events
    await proc.until(lambda: len(events.digits) == len(DIGITS) and events.ended[-1], DIGITS_S, "all digits arrive")
    assert events.digits == DIGITS and all(events.ended)
    await heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")


async def test_hold_and_resume_by_the_carrier(scene):
    mine, theirs = await scene.call_out(browser(scene))
    await heard(mine, theirs, seconds=1.0)
    await theirs.hold()
    await media.silent(theirs.audio, 0.5, allowed=2, within=HELD_S)
    await theirs.resume()
    await heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_reports_say_that_nothing_is_lost(scene):
    """libwebrtc's own figures of both directions."""
    mine, theirs = await scene.call_out(browser(scene))
    await heard(mine, theirs, seconds=1.0)
    until = time.monotonic() + REPORTS_S
    while "remote-inbound-rtp" not in (reports := await mine.transport.reports()):
        assert time.monotonic() < until, f"no receiver report reached the client, only {sorted(reports)}"
        await asyncio.sleep(0.2)
    assert reports["inbound-rtp"]["packetsLost"] == 0 and reports["remote-inbound-rtp"]["packetsLost"] <= 1
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_wrong_fingerprint_lets_no_audio_pass(scene):
    mine, theirs = await scene.propose(browser(scene, wrong_fingerprint=True))
    await theirs.answer()
    assert "security-error" in await mine.ended()
    assert "BYE" in await theirs.wait("ended")
    assert not theirs.audio.rx.packets


async def test_the_judge_refuses_a_muted_and_a_crossed_call(scene):
    one, two = await asyncio.gather(scene.call_out(browser(scene)), scene.call_in(browser(scene)))
    await asyncio.gather(one[0].transport.settled(), two[0].transport.settled())
    with pytest.raises(AssertionError, match="another tone"):
        await media.listen((one[1].audio, two[0].audio), seconds=1.0)
    one[1].audio.muted = True
    await asyncio.sleep(0.5)
    with pytest.raises(AssertionError, match="silence"):
        await media.listen((one[1].audio, one[0].audio), seconds=1.0)
    for mine, theirs in (one, two):
        await mine.hangup()
        await theirs.wait("ended")


async def test_the_gateway_is_killed_and_the_call_goes_on(scene):
    """libwebrtc asks for consent every 2.5 s (RFC 7675) and has a replay window of its own: it notices a gap."""
    tandem = scene.bed.tandem
    mine, theirs = await scene.call_out(browser(scene))
    await heard(mine, theirs)
    await database.kept(tandem)
    await tandem.kill()
    begun = time.monotonic()
    await tandem.start()
    await media.flowing(theirs.audio, 5.0, after=begun)
    scene.figure("audio from Chromium after the new start", f"{time.monotonic() - begun:.2f} s")
    await heard(mine, theirs)
    await theirs.hold()
    await mine.informed("hold")
    await theirs.resume()
    await heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")
