# SPDX-License-Identifier: AGPL-3.0-or-later
"""A running call is picked up on another device (XEP-0353 0.8, existing session): the telephone keeps its leg.

    client c1 (one), then c2 (two) of one account  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import re

import pytest

from bed.jinglexml import local
from bed.seen import come, named, never, spy


async def two_devices(scene):
    """Two devices of one account, in different places."""
    one = await scene.client(resource="one")
    return one, await scene.client(one.user, node=scene.bed.c2, resource="two")


async def talking(scene, one):
    """A call out of @one that the gateway takes for up as well: to that a device that calls earlier calls anew."""
    first, theirs = await scene.call_out(client=one)
    process = scene.bed.tandem.process
    name = (await process.wait_log(rf'call=(\S+) state=new .*"{re.escape(first.peer.partition("@")[0])}"')).group(1)
    await process.wait_log(rf"call={name} .* -> up\b")
    return first, theirs


def finishes(seen):
    """(reason, migrated to) of the finish messages in @seen."""
    return [([local(e.tag) for e in f.iter()][2], next((m.get("to") for m in f if local(m.tag) == "migrated"), None))
            for f in named(seen, "finish")]


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_call_goes_on_on_another_device(scene, direction):
    one, two = await two_devices(scene)
    first, theirs = await (scene.call_out(client=one) if direction == "out" else scene.call_in(client=one, ring=False))
    await scene.heard(first, theirs, seconds=1.0)
    seen = spy(one)
    second = await two.call(first.peer.partition("/")[0])
    await second.wait("media")
    await come(seen, "finish", "jingle")
    assert finishes(seen) == [("expired", second.sid)]
    assert (await first.ended()).startswith("terminate success")
    await scene.heard(second, theirs)
    await two.settled()
    assert not theirs.passed("ended")
    await theirs.hangup()
    assert (await second.ended()).startswith("terminate success")


async def test_and_back_again(scene):
    one, two = await two_devices(scene)
    first, theirs = await talking(scene, one)
    number = first.peer.partition("/")[0]
    for device in (two, one):
        call = await device.call(number)
        await call.wait("media")
        await scene.heard(call, theirs, seconds=1.0)
    await call.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_device_that_changes_its_mind_changes_nothing(scene):
    one, two = await two_devices(scene)
    first, theirs = await talking(scene, one)
    second = await two.call(first.peer.partition("/")[0])
    second.initiate = never
    await second.wait("proceed")
    await second.hangup()
    await two.settled()
    assert not first.passed("ended")
    await scene.heard(first, theirs)
    await first.hangup()
    await theirs.wait("ended")


async def test_the_first_device_may_leave_before_the_second_has_come(scene):
    one, two = await two_devices(scene)
    first, theirs = await talking(scene, one)
    second = await two.call(first.peer.partition("/")[0])
    second.begin, second.initiate = second.initiate, never
    second.peer = await second.wait("proceed")
    await first.hangup()
    await one.settled()
    assert not theirs.passed("ended"), "the second device was told to proceed"
    await second.begin()
    await second.wait("media")
    await scene.heard(second, theirs)
    await second.hangup()
    await theirs.wait("ended")


async def test_the_telephone_hangs_up_in_between(scene):
    one, two = await two_devices(scene)
    first, theirs = await talking(scene, one)
    second = await two.call(first.peer.partition("/")[0])
    second.initiate = never
    await second.wait("proceed")
    await theirs.hangup()
    assert (await first.ended()).startswith("terminate success")
    assert (await second.ended()).startswith("reject")


@pytest.mark.limit(60)
async def test_a_device_that_never_begins_is_given_up(scene):
    one, two = await two_devices(scene)
    first, theirs = await talking(scene, one)
    second = await two.call(first.peer.partition("/")[0])
    second.initiate = never
    await second.wait("proceed")
    process = scene.bed.tandem.process
    call = (await process.wait_log(rf'call=(\S+) leg=xmpp event=moves to="{one.user}@')).group(1)
    await process.wait_log(f"call={call} leg=xmpp event=not-moved", 20.0)
    await scene.heard(first, theirs)
    await first.hangup()
    await theirs.wait("ended")


async def test_another_account_takes_nothing(scene):
    one, other = await scene.client(), await scene.client(node=scene.bed.c2)
    first, theirs = await talking(scene, one)
    number = first.peer.partition("@")[0]
    plan = scene.bed.carrier.expect(number)
    second = await other.call(scene.jid(number))
    again = await plan.call()
    await again.ring()
    await second.wait("ringing")
    assert not first.passed("ended")
    await second.hangup()
    await again.wait("ended")
    await first.hangup()
    await theirs.wait("ended")
