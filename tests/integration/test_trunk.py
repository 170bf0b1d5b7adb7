# SPDX-License-Identifier: AGPL-3.0-or-later
"""A carrier that wants a registration and proof of every call.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2, digest for REGISTER (401) and INVITE (407)
"""

import pytest

from bed import proc, sipmsg

pytestmark = [pytest.mark.bed_options(credentials=("tandem", "t0p-secret"))]


async def test_it_registers(scene):
    carrier = scene.bed.carrier
    await proc.until(lambda: carrier.registrations, proc.SOON_S, "Tandem registers at the carrier")
    address, contact = next(iter(carrier.registrations.items()))
    assert sipmsg.user_of(address) == "tandem" and "10.77.0.1" in contact


async def test_a_challenged_call(scene):
    mine, theirs = await scene.call_out()
    assert theirs.invite.get("Proxy-Authorization")
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_call_in_from_the_registrar(scene):
    mine, theirs = await scene.call_in()
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


@pytest.mark.alone
async def test_a_wrong_password_is_no_loop(scene):
    scene.bed.carrier.credentials = ("tandem", "changed")
    client = await scene.client()
    number = scene.number()
    scene.bed.carrier.expect(number)
    try:
        mine = await client.call(scene.jid(number))
        assert (await mine.ended()).startswith("reject general-error")
    finally:
        scene.bed.carrier.credentials = ("tandem", "t0p-secret")
