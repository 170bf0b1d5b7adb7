# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process is killed during calls whose trunk has SRTP with keys in its descriptions (RFC 4568): they go on with these keys, or,
where nobody knows what was sent under them, with others that are offered.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn (SDES; libsrtp)
"""

import asyncio

import pytest

from bed import database, proc, profiles, sdes
from bed.scene import CARRIER
from test_recall import again, forget_the_indices, goes_on_by_itself, swap_the_keys, taken_port

pytestmark = [pytest.mark.bed_options(trunks={"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "srtp": "require"}}),
              pytest.mark.alone, pytest.mark.limit(60)]

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)


async def talk(scene):
    """A call out that is heard: (client's call, carrier's call, its keys)."""
    mine, theirs = await scene.propose(PROFILE)
    keys = sdes.Sdes(theirs, follows=True)
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs, seconds=1.0)
    return mine, theirs, keys


async def test_what_is_offered_after_a_death_has_the_keys_of_before(scene):
    mine, theirs, keys = await talk(scene)
    await database.kept(scene.bed.tandem)
    await again(scene, lambda scene: None)
    await scene.heard(mine, theirs, seconds=1.0)
    mine.hold()
    await theirs.told("sendonly", "inactive")
    mine.resume()
    await theirs.told("sendrecv")
    await scene.heard(mine, theirs, seconds=1.0)
    assert len(keys.theirs) == 1 and not keys.refused
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_keys_whose_indices_are_lost_are_replaced(scene):
    """As after a start of the whole machine: the client is called anew meanwhile."""
    mine, theirs, keys = await talk(scene)
    await database.kept(scene.bed.tandem)
    await again(scene, forget_the_indices)
    new = await mine.client.incoming()
    await goes_on_by_itself(mine, new)
    await new.wait("media")
    await theirs.told("sendrecv")
    await scene.heard(new, theirs)
    assert len(keys.theirs) == 2
    await theirs.hangup()
    await new.ended()


async def test_keys_that_are_not_those_of_their_indices_are_replaced(scene):
    """The clients notice nothing."""
    calls = [await talk(scene), await talk(scene)]
    await database.kept(scene.bed.tandem, 4)
    await again(scene, lambda scene: swap_the_keys(scene, clients=0))
    for mine, theirs, keys in calls:
        await proc.until(lambda: len(keys.theirs) == 2, 10, "other keys are offered")  # pylint: disable=cell-var-from-loop
        await scene.heard(mine, theirs)
        assert len(keys.theirs) == 2
        await theirs.hangup()
        await mine.ended()


async def test_a_port_that_is_another_programs_now(scene):
    mine, theirs, keys = await talk(scene)
    await database.kept(scene.bed.tandem)
    port = theirs.offer.port
    with taken_port(scene, port) as take:
        await again(scene, take)
        await proc.until(lambda: theirs.offer.port != port, 10, "the telephone is told of another port")
        await scene.heard(mine, theirs)
    assert len(keys.theirs) == 2
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")
