# SPDX-License-Identifier: AGPL-3.0-or-later
"""The telephone proves itself, without Tandem.

    pstn 10.77.0.2, 10.77.0.3  <-- bridge -->  gw 10.77.0.1    two telephones, SIPp and baresip
"""

import itertools

import pytest

from bed import baresip, media, phone, proc, sipcall, sipp

pytestmark = [pytest.mark.bed_options(program=False)]
PORTS = itertools.count(6000)


async def other_phone(scene, host="10.77.0.1", **options):
    """A telephone where Tandem would be."""
    return await phone.Phone(scene.bed.gw, host, port=next(PORTS), name="other", **options).start()


async def connect(scene, other, transport="udp", codecs=sipcall.USUAL):
    """An answered call from @other to the carrier."""
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    near = await other.dial(f"sip:{number}@10.77.0.2", (transport, "10.77.0.2", 5060), codecs=codecs)
    far = await plan.call()
    await far.ring()
    await near.wait("ringing")
    await far.answer(codecs)
    await near.wait("answered")
    await far.wait("acked")
    return near, far


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("codecs", [(sipcall.PCMU,), (sipcall.PCMA,), (sipcall.G722,), (sipcall.OPUS,)], ids=lambda c: c[0][1])
async def test_two_telephones_hear_each_other(scene, transport, codecs):
    other = await other_phone(scene)
    near, far = await connect(scene, other, transport, codecs)
    await media.listen((near.audio, far.audio), (far.audio, near.audio))
    await far.hangup()
    await near.wait("ended")
    other.close()


async def test_digits_hold_and_resume(scene):
    other = await other_phone(scene)
    near, far = await connect(scene, other)
    near.audio.send_digits("147*")
    await proc.until(lambda: far.audio.events.digits == "147*" and all(far.audio.events.ended), proc.SOON_S, "the digits arrive and end")
    await far.hold()
    assert near.directions[-1] == "sendonly"
    await media.silent(far.audio, 0.4, allowed=1)
    await far.resume()
    await media.listen((near.audio, far.audio), (far.audio, near.audio))
    await near.hangup()
    assert "BYE" in await far.wait("ended")
    other.close()


async def test_refused_cancelled_and_unknown(scene):
    other = await other_phone(scene)
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    near = await other.dial(f"sip:{number}@10.77.0.2", ("udp", "10.77.0.2", 5060))
    await (await plan.call()).refuse(486, "Busy Here")
    assert await near.wait("ended") == "486 Busy Here"
    near = await other.dial(f"sip:{number}@10.77.0.2", ("udp", "10.77.0.2", 5060))
    far = await plan.call()
    await far.ring()
    await near.wait("ringing")
    await near.cancel()
    assert "487" in await near.wait("ended") and "cancelled" in await far.wait("ended")
    near = await other.dial("sip:+10000000@10.77.0.2", ("udp", "10.77.0.2", 5060))
    assert await near.wait("ended") == "404 Not Found"
    other.close()


async def test_early_media_is_heard(scene):
    other = await other_phone(scene)
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    near = await other.dial(f"sip:{number}@10.77.0.2", ("udp", "10.77.0.2", 5060))
    far = await plan.call()
    await far.progress()
    await near.wait("progress")
    await media.listen((far.audio, near.audio))
    await far.answer()
    await near.wait("answered")
    await media.listen((near.audio, far.audio), (far.audio, near.audio))
    await near.hangup()
    other.close()


async def test_the_judge_refuses_a_muted_and_a_crossed_call(scene):
    other = await other_phone(scene)
    one, two = await connect(scene, other), await connect(scene, other)
    with pytest.raises(AssertionError, match="another tone"):
        await media.listen((one[0].audio, two[1].audio), seconds=1.0)
    one[0].audio.muted = True
    await media.silent(one[1].audio, 0.2, allowed=5, within=proc.SOON_S)
    with pytest.raises(AssertionError, match="no audio|silence"):
        await media.listen((one[0].audio, one[1].audio), seconds=1.0, timeout=1.0)
    await one[0].hangup()
    await two[0].hangup()
    other.close()


async def test_sipp_answers_and_calls(scene):
    other = await other_phone(scene)
    peer = sipp.Sipp(scene.bed.pstn, "uas", "10.77.0.3", 5070)
    near = await other.dial("sip:+1@10.77.0.3:5070", ("udp", "10.77.0.3", 5070), codecs=(sipcall.PCMU,))
    await near.wait("answered")
    await media.listen((near.audio, near.audio))
    await near.hangup()
    await peer.finish()
    peer = sipp.Sipp(scene.bed.pstn, "uac", "10.77.0.3", 5071, target=f"10.77.0.1:{other.port}", number="+12")
    near = await other.expect("+12").call()
    await near.answer()
    await media.listen((near.audio, near.audio), seconds=1.5)
    assert "BYE" in await near.wait("ended")
    await peer.finish()
    other.close()


async def test_baresip_answers(scene):
    other = await other_phone(scene)
    peer = await baresip.Baresip(scene.bed.pstn, "10.77.0.3", 5080, "+13").start()
    near = await other.dial("sip:+13@10.77.0.3:5080", ("udp", "10.77.0.3", 5080))
    await near.wait("answered")
    await baresip.echoes(near)
    await near.hangup()
    await peer.stop()
    other.close()
