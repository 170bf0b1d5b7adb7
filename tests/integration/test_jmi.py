# SPDX-License-Identifier: AGPL-3.0-or-later
"""XEP-0353 where messages cross, repeat, come from the wrong device or make no sense.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn

Clients here say what they are told to, against their own state, as a device does whose stanzas were delayed or doubled.
"""

import asyncio
import re
import time
from dataclasses import replace

import pytest

from bed import jinglexml, proc, profiles
from bed.jinglexml import JMI, RECEIPTS, RTP, element, error_of, initiate_element, local
from bed.scene import DOMAIN, own_number
from bed.seen import SETTLED_S, actions, come, named, never, spy

RING_TIMEOUT_S = 70
pytestmark = pytest.mark.bed_options(sections={"limits": {"ring_timeout_s": RING_TIMEOUT_S}})
NUMBER = "+15551230000"


# a session-initiate and a proposal count once, and from one device

async def test_a_session_that_crosses_the_end_of_its_call_places_no_other(scene):
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    mine.initiate = never
    theirs = await plan.call()
    await theirs.ring()
    await theirs.answer()
    await mine.wait("proceed")
    seen = spy(client)
    await theirs.hangup()
    await come(seen, "reject", "finish")
    answer = await client.request(initiate_element(mine.sid), mine.peer)
    assert error_of(answer) == "item-not-found" and named(answer, "unknown-session")
    await client.settled()
    assert plan.calls.empty(), "the session that came too late has called again"


async def test_a_proposal_delivered_twice_calls_once(scene):
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    theirs = await plan.call()
    mine.propose()
    await theirs.ring()
    await mine.wait("ringing")
    mine.propose()
    await client.settled()
    assert plan.calls.empty(), "called twice while it rings"
    await mine.hangup()
    await theirs.wait("ended")
    mine.propose()
    await client.settled()
    assert plan.calls.empty(), "called again after the end"


async def test_a_session_is_begun_by_the_device_that_proposed(scene):
    one = await scene.client()
    two = await scene.client(one.user, node=scene.bed.c2, resource="two")
    mine, theirs = await scene.propose(client=one)
    mine.connect, mine.initiate = mine.initiate, never
    await theirs.ring()
    await theirs.answer()
    peer = await mine.wait("proceed")
    answer = await two.request(initiate_element(mine.sid), peer)
    assert error_of(answer) == "item-not-found"
    await mine.connect()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_the_sid_of_another_account_is_nobodys(scene):
    one, two = await scene.client(), await scene.client(node=scene.bed.c2)
    mine, theirs = await scene.propose(client=one)
    await theirs.ring()
    peer = await mine.wait("ringing")
    for name in ("retract", "reject", "finish"):
        two.message(peer, element(JMI, name, id_=mine.sid))
    answer = await two.request(jinglexml.jingle_element("session-terminate", mine.sid), peer)
    assert error_of(answer) == "item-not-found"
    await two.settled()
    assert not theirs.passed("ended") and not mine.passed("ended")
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_session_that_does_not_wait_for_the_proceed(scene):
    """The offer comes while it rings: it is answered when the telephone is."""
    client = await scene.client()
    mine, theirs = await scene.propose(client=client)
    await theirs.ring()
    mine.peer = await mine.wait("ringing")
    await mine.initiate()
    await scene.bed.tandem.process.wait_log(rf"jingle={mine.sid} state=invited")
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


# ends that cross our session-initiate

@pytest.mark.parametrize("name,status", [("reject", "603"), ("finish", "480")])
async def test_a_device_changes_its_mind_before_our_session_arrives(scene, name, status):
    """Conversations rejects after its own proceed while it has no session-initiate."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine._accept = never
    seen = spy(client)
    await mine.accept()
    await mine.wait("initiate")
    mine._jmi(name, mine.peer, "decline" if name == "reject" else "success")
    assert (await theirs.wait("ended")).startswith(status)
    await come(seen, "jingle")
    await client.settled()
    assert "session-terminate" in actions(seen)


async def test_another_devices_reject_does_not_end_the_call_of_the_first(scene):
    one = await scene.client()
    two = await scene.client(one.user, node=scene.bed.c2, resource="two")
    theirs = await scene.dial(own_number(one.user))
    mine, other = await one.incoming(), await two.incoming()
    accept, mine._accept = mine._accept, never
    await mine.accept()
    await mine.wait("initiate")
    other._jmi("reject", other.peer, "busy")
    await two.settled()
    await accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_caller_retracts_a_session_that_is_not_accepted(scene):
    client = await scene.client()
    mine, theirs = await scene.propose(client=client)
    await theirs.ring()
    mine.peer = await mine.wait("ringing")
    seen = spy(client)
    await mine.initiate()
    await client.settled()
    mine._jmi("retract", mine.peer, "cancel")
    assert "cancelled" in await theirs.wait("ended")
    assert (await mine.ended()).startswith("terminate cancel")
    assert not named(seen, "proceed")


async def test_a_caller_who_leaves_has_cancelled_in_whatever_words(scene):
    mine, theirs = await scene.propose(profiles.STANZA)
    await theirs.ring()
    await asyncio.sleep(0.2)
    await mine.hangup("tired-of-waiting")
    assert "cancelled" in await theirs.wait("ended")
    number = mine.peer.partition("@")[0]
    process = scene.bed.tandem.process
    call = (await process.wait_log(rf'call=(\S+) state=new .* to="{re.escape(number)}"', 5.0)).group(1)
    await process.wait_log(rf"call={call} event=ended cause=cancel by=caller")


async def test_a_finish_is_followed_by_the_clients_own_terminate(scene):
    """Ours would cross it. When none comes, the finish alone ends the call."""
    mine, theirs = await scene.call_out()
    seen = spy(mine.client)
    mine._jmi("finish", mine.peer, "success")
    await asyncio.sleep(SETTLED_S)
    assert "session-terminate" not in actions(seen) and not theirs.passed("ended")
    assert "BYE" in await theirs.wait("ended")
    await come(seen, "jingle")
    assert actions(seen) == ["session-terminate"]


# devices

async def test_the_device_that_comes_second_is_told(scene):
    """Without carbons it does not know. Conversations takes a retract, Monal after its proceed only a finish."""
    one = await scene.client(profile=replace(profiles.PLAIN, accept_to_self=False))
    two = await scene.client(one.user, node=scene.bed.c2, resource="two", profile=one.profile)
    two._on_carbon = lambda message: None
    theirs = await scene.dial(own_number(one.user))
    first, second = await asyncio.gather(one.incoming(), two.incoming())
    await first.accept()
    await first.wait("initiate")
    seen = spy(two)
    await second.accept()
    await come(seen, "retract", "finish")
    assert "session-initiate" not in actions(seen)
    await asyncio.gather(theirs.wait("answered"), first.wait("media"))
    await first.hangup()
    await theirs.wait("ended")


@pytest.mark.limit(80)
async def test_a_device_that_dies_after_its_proceed_is_given_up(scene):
    client = await scene.client(profile=replace(profiles.PLAIN, connect_s=60.0))
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine._accept, client._on_jingle = never, lambda iq: None
    begun = time.monotonic()
    await mine.accept()
    assert (await theirs.wait("ended", 30)).startswith("480")
    assert 15 < time.monotonic() - begun < 25


async def test_a_proceed_for_nothing_is_answered(scene):
    client = await scene.client()
    seen = spy(client)
    client.message(f"{NUMBER}@{DOMAIN}/sip", element(JMI, "proceed", id_="no-such-call"), id_="stray")
    await come(seen, "error", "finish")
    assert [local(c.tag) for c in named(seen, "error")[0]] == ["item-not-found"]
    assert [s.get("id") for s in seen if s.get("type") == "error"] == ["stray"]


# what a proposal may be

async def test_a_proposal_to_the_gateway_itself_is_refused(scene):
    client = await scene.client()
    call = await client.call(DOMAIN)
    assert (await call.ended()).startswith("reject gone")


@pytest.mark.parametrize("sid", [None, "", "x" * 65, "a b"])
async def test_a_proposal_without_a_usable_sid_is_a_bad_request(scene, sid):
    client = await scene.client()
    seen = spy(client)
    propose = element(JMI, "propose", id_=sid)
    element(RTP, "description", propose, media="audio")
    client.message(f"{NUMBER}@{DOMAIN}", propose)
    await come(seen, "error")
    assert local(named(seen, "error")[0][0].tag) == "bad-request"


async def test_a_proposal_of_video_or_nothing_is_rejected(scene):
    client = await scene.client()
    for number, media in enumerate((["audio", "video"], ["video"], [])):
        sid = f"00000000-0000-4000-8000-00000000000{number}"
        propose = element(JMI, "propose", id_=sid)
        for kind in media:
            element(RTP, "description", propose, media=kind)
        before = len(scene.timeline.events)
        client.message(f"{NUMBER}@{DOMAIN}", propose)
        await proc.until(lambda: any("reject" in e.detail or "error" in e.detail for e in scene.timeline.events[before:]  # pylint: disable=cell-var-from-loop
                                     if e.what == "XMPP <-"), proc.SOON_S, f"a proposal of {media} is rejected")


async def test_a_proposal_to_what_is_no_number_is_refused(scene):
    client = await scene.client()
    for user in ("not-a-number", "+1", "+155512345678901234567890", "1555"):
        call = await client.call(f"{user}@{DOMAIN}")
        assert (await call.ended()).startswith(("reject", "bounced")), user


async def test_a_flood_of_proposals_is_bounded(scene):
    client = await scene.client()
    plan = scene.bed.carrier.expect(NUMBER)
    calls = [await client.call(f"{NUMBER}@{DOMAIN}") for _ in range(40)]
    await asyncio.sleep(2.0)
    refused = sum(call.passed("ended") for call in calls)
    assert plan.calls.qsize() + refused <= 40 and plan.calls.qsize() <= 10, f"{plan.calls.qsize()} INVITEs for one account"
    for call in calls:
        await call.hangup()
    while not plan.calls.empty():
        await plan.calls.get_nowait().wait("ended")


async def test_an_old_proposal_rings_nobody(scene):
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    propose = element(JMI, "propose", id_="from-the-archive")
    element(RTP, "description", propose, media="audio")
    client.message(scene.jid(number), propose, element("urn:xmpp:delay", "delay", stamp="2026-01-01T00:00:00Z"))
    await client.settled()
    assert plan.calls.empty()


async def test_a_receipt_comes_at_once_and_from_the_same_jid(scene):
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    seen = spy(client)
    sid = "11111111-2222-4333-8444-555555555555"
    propose = element(JMI, "propose", id_=sid)
    element(RTP, "description", propose, media="audio")
    begun = time.monotonic()
    client.message(scene.jid(number), propose, element(RECEIPTS, "request"), id_=f"jm-propose-{sid}")
    await come(seen, "received")
    assert time.monotonic() - begun < 2.0
    assert named(seen, "received")[0].get("id") == f"jm-propose-{sid}"
    theirs = await plan.call()
    await theirs.ring()
    await come(seen, "ringing")
    assert {s.get("from") for s in seen if s.get("type") == "chat"} == {f"{number}@{DOMAIN}/sip"}
    client.message(scene.jid(number), element(JMI, "retract", id_=sid))
    await theirs.wait("ended")


# time

@pytest.mark.limit(80)
async def test_ringing_is_said_again_below_45_seconds(scene):
    """Monal's ringing lasts 45 s from the last one."""
    client = await scene.client(profile=profiles.MONAL)
    mine, theirs = await scene.propose(client=client)
    seen = spy(client)
    await theirs.ring()
    await mine.wait("ringing")
    await asyncio.sleep(44)
    assert len(named(seen, "ringing")) == 2 and not mine.passed("ended")
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.limit(80)
async def test_a_reject_after_28_seconds_is_no_answer(scene):
    """Conversations' own time limit, 30 s."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await asyncio.sleep(29)
    await mine.reject("decline")
    assert (await theirs.wait("ended")).startswith("480")


async def test_a_tie_break_is_busy(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    reject = element(JMI, "reject", id_=mine.sid)
    jinglexml.reason_element("expired", parent=reject)
    element(JMI, "tie-break", reject)
    client.message(mine.peer, reject)
    assert (await theirs.wait("ended")).startswith("486")


# the log

async def test_the_log_is_bounded_and_holds_no_secrets(scene):
    client = await scene.client(resource="phone\" call=x " + "r" * 300)
    log = scene.bed.tandem.process
    for number in range(40):
        propose = element(JMI, "propose", id_=f"flood-{number}")
        element(RTP, "description", propose, media="audio")
        client.message(f"{'z' * 900}{number}@{DOMAIN}/{'q' * 900}", propose)
    mine, theirs = await scene.call_out(client=client)
    mine.info_digit("7").add_done_callback(lambda task: None)
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
    lines = log.log().splitlines()
    refused = [line for line in lines if "refused=" in line and f'"{client.user}@' in line]
    assert 1 <= len(refused) <= 12, len(refused)
    assert all(len(line) < 2000 for line in lines), max(lines, key=len)
    assert '" call=x' not in log.log()
    for secret in (mine.local.pwd, mine.remote.pwd, scene.bed.tandem.sections["xmpp"]["secret"]):
        assert secret not in log.log()
