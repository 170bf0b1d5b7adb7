# SPDX-License-Identifier: AGPL-3.0-or-later
"""What carriers do in dialogs, played by SIPp (sipp/): reliable responses, routes, redirections, every method.

    client c1  --  Prosody srv  --  Tandem gw  --  SIPp 10.77.0.3 (calls in by the trunk "pbx", out by erin's "sipp")
"""

import pytest

from bed import media, sipp
from bed.scene import GATEWAY, PBX, own_number

POLICY = {"prack": True, "redirect": True}

pytestmark = [pytest.mark.bed_options(
    trunks={"pbx": {"proxy": f"sip:{PBX}:5060;transport=tcp", "allow": [f"{PBX}/32"], **POLICY},
            "sipp": {"proxy": f"sip:{PBX}:5070", "allow": [f"{PBX}/32"], **POLICY}},
    numbers={own_number("erin"): {"owner": "erin@example.org", "trunk": "sipp"}}), pytest.mark.alone]


async def echoed(call):
    """The client hears itself."""
    await call.wait("media")
    await media.listen((call.audio, call.audio))


def calls_in(scene, scenario, **options):
    """SIPp calls erin's number."""
    return sipp.Sipp(scene.bed.pstn, scenario, PBX, 5070, target=f"{GATEWAY}:5060", number=own_number("erin"), **options)


@pytest.mark.parametrize("scenario", ["uas_reliable", "uas_moved", "uas_progress", "uas_loose"])
async def test_a_call_out(scene, scenario):
    client = await scene.client("erin")
    peer = await sipp.Sipp(scene.bed.pstn, scenario, PBX, 5070).start()
    call = await client.call(scene.jid(scene.number()))
    await call.wait("ringing")
    await echoed(call)
    await call.hangup()
    await peer.finish()


async def test_a_reliable_call_in(scene):
    client = await scene.client("erin")
    peer = calls_in(scene, "uac_reliable", hold_ms=3000)
    call = await client.incoming()
    call.ring()
    await call.accept()
    await echoed(call)
    assert (await call.ended()).startswith("terminate success")
    await peer.finish()


@pytest.mark.parametrize("scenario", ["uac_loose", "uac_strict"])
async def test_routes(scene, scenario):
    client = await scene.client("erin")
    peer = calls_in(scene, scenario)
    call = await client.incoming()
    await call.accept()
    await echoed(call)
    await call.hangup()
    await peer.finish()


async def test_every_method_outside_a_dialog(scene):
    await calls_in(scene, "uac_requests").finish()
