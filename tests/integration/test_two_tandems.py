# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two Tandems call each other by Jingle: every call between them uses the same two shared ports.

    carrier pstn 10.77.0.2 --SIP-- Tandem gw 10.77.0.1 --Jingle, Prosody-- Tandem gw2 10.77.0.7 --SIP/TCP-- pbx pstn 10.77.0.3
"""

import pytest

from bed import media, tandem
from bed.scene import PBX, SECRET, SERVER

CALLER = "+15550900001"
DIALLED = [f"+1555010000{n}" for n in range(3)]
BEYOND = [f"+1555020000{n}" for n in range(3)]
GATEWAY2, DOMAIN2 = "10.77.0.7", "tel2.example.org"

pytestmark = [pytest.mark.bed_options(
    numbers={number: {"owner": f"{beyond}@{DOMAIN2}", "trunk": "carrier"} for number, beyond in zip(DIALLED, BEYOND)},
    sections={"limits": {"calls_per_account": 20}}), pytest.mark.alone]


async def second(scene):
    """The other Tandem, where the caller of the first is an account with a number."""
    network = scene.bed.network
    node = next((n for n in network.nodes if n.name == "gw2"), None) or network.node("gw2", f"{GATEWAY2}/24")
    other = tandem.Tandem(node, GATEWAY2, domain=DOMAIN2, secret=SECRET, xmpp=(SERVER, 5347), name="tandem2",
                          trunks={"pbx": {"proxy": f"sip:{PBX}:5060;transport=tcp", "allow": [f"{PBX}/32"]}},
                          numbers={"+15550300001": {"owner": f"{CALLER}@tel.example.org", "trunk": "pbx"}},
                          sections={"limits": {"calls_per_account": 20}})
    return await other.start()


async def call(scene, dialled, beyond):
    """A call from the carrier through both to the PBX: (carrier's call, PBX's call)."""
    plan = scene.bed.pbx.expect(beyond)
    near = await scene.dial(dialled, caller=CALLER)
    far = await plan.call()
    await far.ring()
    await near.wait("ringing")
    await far.answer()
    await near.wait("answered")
    return near, far


@pytest.mark.limit(90)
async def test_three_calls_between_the_same_two_ports(scene):
    other = await second(scene)
    calls = [await call(scene, *numbers) for numbers in zip(DIALLED, BEYOND)]
    pairs = [pair for near, far in calls for pair in ((near.audio, far.audio), (far.audio, near.audio))]
    await media.listen(*pairs)
    await calls[0][0].hangup()
    assert "BYE" in await calls[0][1].wait("ended")
    await media.listen(*pairs[2:], seconds=1.0)
    for near, far in calls[1:]:
        await far.hangup()
        assert "BYE" in await near.wait("ended")
    await other.stop()


async def test_refused_beyond_the_second(scene):
    other = await second(scene)
    plan = scene.bed.pbx.expect(BEYOND[0])
    near = await scene.dial(DIALLED[0], caller=CALLER)
    await (await plan.call()).refuse(486, "Busy Here")
    assert (await near.wait("ended")).startswith("486")
    await other.stop()
