# SPDX-License-Identifier: AGPL-3.0-or-later
"""A carrier that puts another telephone in its place: REFER, Replaces (RFC 3515, 3891). The XMPP user stays in the call.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (refer = true), PBX 10.77.0.3 (not)
"""

import asyncio

import pytest

from bed import database, proc, sipmsg
from bed.commands import Commander
from bed.scene import CARRIER, GATEWAY, own_number
from bed.seen import spy

pytestmark = [pytest.mark.bed_options(trunks={
    "carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "refer": True}})]


async def refer(scene, theirs, replaces=""):
    """REFER to a new number: (the number's plan, its response)."""
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    return plan, await theirs.send("REFER", headers=[("Refer-To", f"<sip:{number}@{CARRIER}{replaces}>")])


async def told(theirs, *statuses):
    """Wait until the NOTIFYs have said just that."""
    await proc.until(lambda: len(theirs.notified) >= len(statuses), 5.0, f"NOTIFY {statuses}")
    assert tuple(theirs.notified) == statuses


@pytest.mark.parametrize("way", ["call_out", "call_in"])
async def test_transferred(scene, way):
    mine, theirs = await getattr(scene, way)()
    await scene.heard(mine, theirs)
    plan, response = await refer(scene, theirs)
    assert response.status == 202, response.first_line()
    target = await plan.call()
    await target.ring()
    await told(theirs, 100, 180)
    await target.answer()
    assert "BYE" in await theirs.wait("ended")
    await told(theirs, 100, 180, 200)
    await scene.heard(mine, target)
    await mine.hangup()
    assert "BYE" in await target.wait("ended")


async def test_held_and_transferred(scene):
    mine, theirs = await scene.call_out()
    await theirs.hold()
    plan, response = await refer(scene, theirs)
    assert response.status == 202
    target = await plan.call()
    await target.answer()
    await theirs.wait("ended")
    await scene.heard(mine, target)
    await target.hangup()
    await mine.ended()


async def test_a_transferor_that_hangs_up_at_once(scene):
    mine, theirs = await scene.call_in()
    plan, response = await refer(scene, theirs)
    assert response.status == 202
    target = await plan.call()
    await theirs.hangup()
    await target.ring()
    await mine.client.settled()
    assert not mine.passed("ended")
    await target.answer()
    await target.wait("acked")
    await scene.heard(mine, target)
    await mine.hangup()
    await target.wait("ended")


async def test_a_target_that_is_busy(scene):
    mine, theirs = await scene.call_out()
    plan, response = await refer(scene, theirs)
    assert response.status == 202
    await (await plan.call()).refuse(486, "Busy Here")
    await told(theirs, 100, 486)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_the_user_hangs_up_during_a_transfer(scene):
    mine, theirs = await scene.call_out()
    plan, _ = await refer(scene, theirs)
    target = await plan.call()
    await target.ring()
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")
    assert "cancelled" in await target.wait("ended")


async def test_transferred_into_another_call_of_the_carrier(scene):
    mine, theirs = await scene.call_out()
    plan, response = await refer(scene, theirs, "?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2")
    assert response.status == 202, response.first_line()
    target = await plan.call()
    assert target.invite.get("Replaces") == "abc@x;to-tag=1;from-tag=2"
    await target.answer()
    await theirs.wait("ended")
    await scene.heard(mine, target)
    await mine.hangup()
    await target.wait("ended")


async def test_an_invite_that_replaces_the_call(scene):
    mine, theirs = await scene.call_in()
    taking = await scene.bed.carrier.dial(
        f"sip:{own_number(mine.client.user)}@{GATEWAY}:5060", ("udp", GATEWAY, 5060), caller="+15550003333",
        headers=[("Replaces", f"{theirs.call_id};to-tag={theirs.remote_tag};from-tag={theirs.local_tag}")])
    await taking.wait("answered")
    assert "BYE" in await theirs.wait("ended")
    await scene.heard(mine, taking)
    await taking.hangup()
    await mine.ended()


async def test_a_call_that_rings_there_is_picked_up_by_another(scene):
    """RFC 3891, section 3: the early dialog is ours, so somebody else at the trunk may take it."""
    mine, theirs = await scene.propose()
    await theirs.ring()
    await mine.wait("ringing")
    taking = await scene.bed.carrier.dial(
        f"sip:{own_number(mine.client.user)}@{GATEWAY}:5060", ("udp", GATEWAY, 5060), caller="+15550003333",
        headers=[("Replaces", f"{theirs.call_id};to-tag={theirs.remote_tag};from-tag={theirs.local_tag};early-only")])
    await taking.wait("answered")
    assert "cancelled" in await theirs.wait("ended")
    await mine.wait("media")
    await scene.heard(mine, taking)
    await mine.hangup()
    assert "BYE" in await taking.wait("ended")


@pytest.mark.alone
async def test_who_does_not_show_a_number_does_not_after_a_kill(scene):
    """The next process transfers an anonymous call: whom it calls then sees no number either (RFC 3323)."""
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(f"*67{number}"))
    theirs = await plan.call()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await database.kept(scene.bed.tandem)
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    plan, response = await refer(scene, theirs)
    assert response.status == 202, response.first_line()
    target = await plan.call()
    assert "anonymous@anonymous.invalid" in target.invite.get("From") and target.invite.get("Privacy") == "id"
    await target.answer()
    await theirs.wait("ended")
    await scene.heard(mine, target)
    await mine.hangup()
    await target.wait("ended")


async def test_no_transfer_to_where_the_account_may_not_call(scene):
    mine, theirs = await scene.call_out()
    for user in (own_number("bob"), "0019005550000", "112", "*21*5550000#", "*6712345", "0019-005-550000"):
        response = await theirs.send("REFER", headers=[("Refer-To", f"<sip:{user.replace('#', '%23')}@{CARRIER}>")])
        assert response.status == 603, f"{user}: {response.first_line()}"
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_transferred_to_an_extension(scene):
    mine, theirs = await scene.call_out()
    plan = scene.bed.carrier.expect("2017")
    response = await theirs.send("REFER", headers=[("Refer-To", f"<sip:2017@{CARRIER}>")])
    assert response.status == 202, response.first_line()
    taking = await plan.call()
    await taking.answer()
    await scene.heard(mine, taking)
    await mine.hangup()
    await taking.wait("ended")


async def test_a_trunk_that_may_not(scene):
    client = await scene.client("dave")
    mine, theirs = await scene.propose(client=client, carrier=scene.bed.pbx)
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    response = await theirs.send("REFER", headers=[("Refer-To", f"<sip:{scene.number()}@{CARRIER}>")])
    assert response.status == 405 and "REFER" not in response.get("Allow")
    await mine.hangup()
    await theirs.wait("ended")


async def notify(theirs, status, state="active;expires=60"):
    """What became of the call that our REFER asked for."""
    return await theirs.send("NOTIFY", f"SIP/2.0 {status} Whatever\r\n".encode(), "message/sipfrag;version=2.0",
                             [("Event", "refer"), ("Subscription-State", state)])


@pytest.mark.parametrize("way", ["call_out", "call_in"])
async def test_the_user_hands_the_call_over(scene, way):
    client = await scene.client()
    mine, theirs = await getattr(scene, way)(client=client)
    commander = await scene.client(client.user, kind=Commander, resource="commands")
    number = scene.number()
    stage = await commander.step("transfer-call")
    call, = stage.options("call")
    done = await commander.run("transfer-call", call=call, to=number)
    assert done.notes[0][0] == "info", done.notes
    await proc.until(lambda: theirs.referred, proc.SOON_S, "a REFER")
    assert sipmsg.user_of(sipmsg.uri_of(theirs.referred[0])) == number
    for status in (100, 180):
        assert (await notify(theirs, status)).status == 200
    await scene.heard(mine, theirs)
    response = await notify(theirs, 200, "terminated;reason=noresource")
    assert response.status in (200, 481), response.first_line()
    assert "BYE" in await theirs.wait("ended")
    await mine.ended()


async def test_a_call_that_the_telephone_does_not_hand_over(scene):
    client = await scene.client()
    mine, theirs = await scene.call_out(client=client)
    commander = await scene.client(client.user, kind=Commander, resource="commands")
    call, = (await commander.step("transfer-call")).options("call")
    await commander.run("transfer-call", call=call, to=scene.number())
    await proc.until(lambda: theirs.referred, proc.SOON_S, "a REFER")
    seen = spy(client)
    assert (await notify(theirs, 486, "terminated;reason=noresource")).status == 200
    await scene.heard(mine, theirs)
    await proc.until(lambda: any("was not handed over to" in "".join(s.itertext()) for s in seen), proc.SOON_S, "the user is told")
    for name, to in (("none", scene.number()), (call, "+88150001111")):  # no call; a number that may not be called
        assert (await commander.run("transfer-call", call=name, to=to)).notes[0][0] == "error"
    await mine.hangup()
    await theirs.wait("ended")
