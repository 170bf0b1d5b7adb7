# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Jingle client proves itself against itself, through a real Prosody and a real ejabberd, without Tandem.

    c1 10.77.0.11, fd77::11  <-- bridge -->  c2 10.77.0.12, fd77::12    srv 10.77.0.5: the server, turn 10.77.0.6: coturn
"""

import asyncio
from dataclasses import replace

import pytest

from bed import ejabberd, media, proc, profiles, prosody
from bed.scene import SERVER

pytestmark = [pytest.mark.bed_options(program=False, turn=True),
              pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")]


async def connect(scene, ours=profiles.PLAIN, theirs=profiles.PLAIN):
    """An answered call between clients on different nodes: (caller's call, callee's call)."""
    caller = await scene.client(profile=ours, of_gateway=False)
    callee = await scene.client(profile=theirs, node=scene.bed.c2, of_gateway=False)
    near = await caller.call(callee.boundjid.bare if ours.jmi else callee.boundjid.full)
    far = await callee.incoming()
    if not far.direct:
        far.ring()
        await near.wait("ringing")
    else:
        await far.wait("initiate")
    await far.accept()
    await near.wait("media")
    await far.wait("media")
    return near, far


@pytest.mark.parametrize("ours,theirs", [
    (profiles.PLAIN, profiles.PLAIN), (profiles.ALL_AT_ONCE, profiles.PLAIN), (profiles.STANZA, profiles.ALL_AT_ONCE),
    (replace(profiles.PLAIN, setup="passive"), replace(profiles.PLAIN, setup="passive")),
    (replace(profiles.PLAIN, ipv4=False), profiles.PLAIN),
    (replace(profiles.PLAIN, srtp=b"SRTP_AEAD_AES_128_GCM"), replace(profiles.PLAIN, srtp=b"SRTP_AEAD_AES_128_GCM")),
], ids=["trickle", "all-at-once", "direct", "passive", "ipv6", "gcm"])
async def test_two_clients_hear_each_other(scene, ours, theirs):
    near, far = await connect(scene, ours, theirs)
    await scene.heard(near, far)
    await near.hangup()
    assert await far.ended() == "terminate success"


async def test_a_relay_is_used_when_it_is_all_there_is(scene):
    near, far = await connect(scene, replace(profiles.PLAIN, turn=True, relay_only=True, ipv6=False))
    assert near.transport.agent.selected().local_candidate.type == "relay"
    await scene.heard(near, far)
    await near.hangup()
    await far.ended()


async def test_an_ice_restart_keeps_the_call(scene):
    near, far = await connect(scene)
    await near.restart_ice()
    await far.wait("restarted")
    await scene.heard(near, far)
    await far.hangup()
    await near.ended()


async def test_a_wrong_fingerprint_lets_no_audio_pass(scene):
    caller = await scene.client(profile=replace(profiles.PLAIN, wrong_fingerprint=True), of_gateway=False)
    callee = await scene.client(node=scene.bed.c2, of_gateway=False)
    near = await caller.call(callee.boundjid.bare)
    far = await callee.incoming()
    await far.accept()
    assert "fingerprint" in await far.ended()
    assert not far.audio.rx.packets and "security-error" in await near.ended()


async def test_the_other_device_stops_ringing(scene):
    caller = await scene.client(of_gateway=False)
    one = await scene.client(node=scene.bed.c2, resource="one", of_gateway=False)
    two = await scene.client(one.user, node=scene.bed.c2, resource="two", of_gateway=False)
    call = await caller.call(one.boundjid.bare)
    first, second = await one.incoming(), await two.incoming()
    await first.accept()
    assert "another device" in await second.ended()
    await call.wait("media")
    await call.hangup()


async def test_digits_arrive(scene):
    near, far = await connect(scene)
    near.audio.send_digits("09#D")
    await proc.until(lambda: far.audio.events.digits == "09#D", proc.SOON_S, "the digits arrive")
    await far.hangup()


async def test_rejected_and_retracted(scene):
    caller, callee = await scene.client(of_gateway=False), await scene.client(node=scene.bed.c2, of_gateway=False)
    near = await caller.call(callee.boundjid.bare)
    await (await callee.incoming()).reject("busy")
    assert await near.ended() == "reject busy"
    near = await caller.call(callee.boundjid.bare)
    far = await callee.incoming()
    await near.hangup()
    assert await far.ended() == "retract cancel"


async def test_the_server_stores_or_refuses_for_an_account_that_is_offline(scene):
    caller = await scene.client(of_gateway=False)
    near = await caller.call("carol@example.org")
    if scene.bed.server.offline_storage:
        await asyncio.sleep(0.5)
        assert not near.passed("ended")
    else:
        assert await near.ended() == "bounced: service-unavailable"


async def test_a_blocked_path_silences_the_call(scene):
    near, far = await connect(scene, replace(profiles.PLAIN, ipv6=False))
    await scene.heard(near, far, seconds=1.0)
    rule = scene.bed.c2.block(source=near.transport.agent.selected().local_addr[0],
                              source_port=near.transport.agent.selected().local_addr[1])
    try:
        await media.silent(far.audio, 0.5, allowed=2, within=proc.SOON_S)
    finally:
        rule.remove()
    await scene.heard(near, far, seconds=1.0)
    assert SERVER not in near.transport.agent.selected().remote_addr
    await near.hangup()
