# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones that others wrote: SIPp's scenarios of sipp/ and baresip. Both say what they hear.

    client c1  --  Prosody srv  --  Tandem gw  --  SIPp 10.77.0.3:5070 (erin's trunk), baresip 10.77.0.3:5080 (frank's)
"""

import pytest

from bed import baresip, media, sipp
from bed.scene import GATEWAY, PBX, own_number

BARESIP_NUMBER = "+15558880013"

pytestmark = [pytest.mark.bed_options(
    trunks={"sipp": {"proxy": f"sip:{PBX}:5070", "allow": [f"{PBX}/32"]},
            "baresip": {"proxy": f"sip:{PBX}:5080", "allow": [f"{PBX}/32"]}},
    numbers={own_number("erin"): {"owner": "erin@example.org", "trunk": "sipp"},
             own_number("frank"): {"owner": "frank@example.org", "trunk": "baresip"}}), pytest.mark.alone]


async def echoed(call, **options):
    """The client hears itself."""
    await call.wait("media")
    await media.listen((call.audio, call.audio), **options)


async def test_sipp_answers(scene):
    client = await scene.client("erin")
    peer = await sipp.Sipp(scene.bed.pstn, "uas", PBX, 5070).start()
    call = await client.call(scene.jid(scene.number()))
    await call.wait("ringing")
    await echoed(call)
    await call.hangup()
    await peer.finish()


async def test_sipp_is_busy(scene):
    client = await scene.client("erin")
    peer = await sipp.Sipp(scene.bed.pstn, "refuse", PBX, 5070).start()
    call = await client.call(scene.jid(scene.number()))
    assert (await call.ended()).startswith("reject busy")
    await peer.finish()


async def test_sipp_calls(scene):
    client = await scene.client("erin")
    peer = sipp.Sipp(scene.bed.pstn, "uac", PBX, 5070, target=f"{GATEWAY}:5060", number=own_number("erin"), hold_ms=4000)
    call = await client.incoming()
    await call.accept()
    await echoed(call)
    assert (await call.ended()).startswith("terminate success")
    await peer.finish()


async def test_sipp_calls_over_tcp(scene):
    client = await scene.client("erin")
    peer = sipp.Sipp(scene.bed.pstn, "uac", PBX, 5071, target=f"{GATEWAY}:5060", number=own_number("erin"), hold_ms=4000,
                     transport="t1")
    call = await client.incoming()
    await call.accept()
    await echoed(call)
    assert (await call.ended()).startswith("terminate success")
    await peer.finish()


async def test_baresip_answers(scene):
    client = await scene.client("frank")
    peer = await baresip.Baresip(scene.bed.pstn, PBX, 5080, BARESIP_NUMBER).start()
    try:
        call = await client.call(scene.jid(BARESIP_NUMBER))
        await call.wait("media")
        await baresip.echoes(call)
        await call.hangup()
        await peer.process.wait_log(r"(?i)terminated|session closed|connection reset")
    finally:
        await peer.stop()


@pytest.mark.parametrize("ptime", [10, 30, 40, 60])
async def test_packets_of_another_length(scene, ptime):
    """They pass as they are, both ways (RFC 8866 section 6.4); the longest and the shortest in calls in as well."""
    client = await scene.client("frank")
    peer = await baresip.Baresip(scene.bed.pstn, PBX, 5080, BARESIP_NUMBER, f";ptime={ptime}").start()
    try:
        for way in ("out", "in")[:2 if ptime in (10, 60) else 1]:
            if way == "out":
                call = await client.call(scene.jid(BARESIP_NUMBER))
            else:
                await peer.dial(f"sip:{own_number('frank')}@{GATEWAY}:5060")
                call = await client.incoming()
                await call.accept()
            await call.wait("media")
            await baresip.echoes(call, ptime / 1000)
            before = scene.bed.tandem.log.count("event=media a_rx")
            await call.hangup()
            told = await scene.bed.tandem.process.wait_log(r"event=media a_rx=(\d+) .* b_rx=(\d+)", count=before + 1)
            of_20_ms, theirs = map(int, told.groups() if way == "out" else reversed(told.groups()))
            assert 0.6 < theirs / of_20_ms * ptime / 20 < 1.6, told.group()
    finally:
        await peer.stop()
