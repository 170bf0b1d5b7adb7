# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who rings and how: numbers with several owners, second calls, forwarding.

    carrier pstn  --SIP-->  Tandem gw  --XEP-0114-->  Prosody srv  --Jingle-->  clients c1, c2 of several accounts
"""

import asyncio
import time

import pytest

from bed import proc
from bed.scene import own_number

RING_S = 2
NUMBERS = {
    "+15558880001": {"owner": ["u40@example.org", "u41@example.org", "u42@example.org"]},
    "+15558880002": {"owner": ["u43@example.org", "u44@example.org"], "ring": "order", "ring_s": RING_S},
    "+15558880003": {"owner": "u45@example.org", "second_call": "busy"},
    "+15558880004": {"owner": ["u46@example.org", "u47@example.org"], "ring": "order", "second_call": "next"},
    "+15558880005": {"owner": "u48@example.org", "second_call": "forward", "forward": "u49@example.org"},
    "+15558880006": {"owner": "u50@example.org", "second_call": "forward", "forward": "+15551119999"},
    "+15558880007": {"owner": ["u51@example.org", "u52@example.org"], "ring": "order", "ring_s": 20},
    own_number("u53"): {"owner": "u53@example.org", "early_media": "answer"},
    "+15558880008": {"owner": "u57@example.org", "second_call": "busy"},
    "+15558880009": {"owner": ["u54@example.org", "u55@example.org", "u56@example.org"]},
    "+15558880010": {"owner": "u58@example.org"},
}


def numbers():
    """Those above, all on one trunk."""
    return {number: {"trunk": "carrier", **keys} for number, keys in NUMBERS.items()}


pytestmark = pytest.mark.bed_options(numbers=numbers(), sections={"limits": {"ring_timeout_s": 40}})


async def up(mine, theirs):
    """Both sides talk and are heard."""
    await asyncio.gather(mine.wait("media"), theirs.wait("answered"))


# at once

async def test_all_owners_ring_and_one_answers(scene):
    one, two, three = [await scene.client(user, node=node) for user, node in
                       (("u40", scene.bed.c1), ("u41", scene.bed.c2), ("u42", scene.bed.c1))]
    tablet = await scene.client("u41", resource="tablet")
    theirs = await scene.dial("+15558880001", caller="+15559870001")
    calls = await asyncio.gather(one.incoming(), two.incoming(), three.incoming(), tablet.incoming())
    assert {call.sid for call in calls} == {calls[0].sid}, "one proposal, one sid"
    for call in calls:
        call.ring()
    await theirs.wait("ringing")
    await calls[1].accept()
    await up(calls[1], theirs)
    ends = [await call.ended() for call in (calls[0], calls[2], calls[3])]
    assert ends[0].startswith("retract cancel") and ends[1].startswith("retract cancel"), ends
    assert "another device" in ends[2]
    await scene.heard(calls[1], theirs)
    await calls[1].hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_call_is_refused_when_all_owners_refuse(scene):
    clients = [await scene.client(user) for user in ("u54", "u55")]  # u56 is offline
    theirs = await scene.dial("+15558880009")
    calls = await asyncio.gather(*(client.incoming() for client in clients))
    await calls[0].reject("decline")
    await clients[0].settled()
    assert not theirs.passed("ended"), "one of two has refused"
    await calls[1].reject("busy")
    assert (await theirs.wait("ended")).startswith("486")


# one after the other

async def test_owners_ring_in_their_order(scene):
    first, second = await scene.client("u43"), await scene.client("u44", node=scene.bed.c2)
    begun = time.monotonic()
    theirs = await scene.dial("+15558880002")
    one = await first.incoming()
    one.ring()
    await theirs.wait("ringing")
    assert second.proposals.empty()
    two = await second.incoming()
    assert RING_S - 0.5 < time.monotonic() - begun < RING_S + 3
    assert (await one.ended()).startswith("retract")
    await two.accept()
    await up(two, theirs)
    await scene.heard(two, theirs)
    await theirs.hangup()
    await two.ended()


async def test_an_owner_who_refuses_leaves_it_to_the_next(scene):
    first, second = await scene.client("u51"), await scene.client("u52", node=scene.bed.c2)
    theirs = await scene.dial("+15558880007")
    one = await first.incoming()
    await one.reject("decline")
    two = await second.incoming()
    await two.reject("decline")
    assert (await theirs.wait("ended")).startswith("603")
    process = scene.bed.tandem.process
    await process.wait_log(r"event=next callee=xmpp target=.u52@example.org")


async def test_an_owner_who_is_offline_is_passed_over(scene):
    second = await scene.client("u47")
    theirs = await scene.dial("+15558880004")
    two = await second.incoming()
    two.ring()
    await theirs.wait("ringing")
    await theirs.cancel()
    assert (await two.ended()).startswith("retract cancel")


# a second call

async def test_a_busy_account_is_busy(scene):
    client = await scene.client("u45")
    mine, theirs = await scene.call_out(client=client)
    second = await scene.dial("+15558880003")
    assert (await second.wait("ended")).startswith("486")
    assert client.proposals.empty()
    message = await asyncio.wait_for(client.messages.get(), proc.SOON_S)
    assert message.find("{jabber:client}body").text.endswith(" UTC: busy.")
    await mine.hangup()
    await theirs.wait("ended")
    third = await scene.dial("+15558880003")
    await client.incoming()
    await third.cancel()


async def test_by_default_a_second_call_rings(scene):
    client = await scene.client()
    mine, theirs = await scene.call_in(client=client)
    second = await scene.dial(own_number(client.user))
    again = await client.incoming()
    await again.reject("busy")
    assert (await second.wait("ended")).startswith("486")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_second_call_is_forwarded_to_another_account(scene):
    busy, other = await scene.client("u48"), await scene.client("u49", node=scene.bed.c2)
    mine, theirs = await scene.call_out(client=busy)
    second = await scene.dial("+15558880005")
    taken = await other.incoming()
    assert busy.proposals.empty()
    await taken.accept()
    await up(taken, second)
    await scene.heard(taken, second)
    for call in (taken, mine):
        await call.hangup()
    await second.wait("ended")
    await theirs.wait("ended")


async def test_a_second_call_is_forwarded_to_a_telephone(scene):
    busy = await scene.client("u50")
    mine, theirs = await scene.call_out(client=busy)
    plan = scene.bed.carrier.expect("+15551119999")
    second = await scene.dial("+15558880006", headers=[
        ("Diversion", "<sip:+15550000009@x>;reason=unconditional;counter=2"),
        ("Identity", "abc.def.ghi;info=<https://c.example/x>;alg=ES256"), ("History-Info", "<sip:+15558880006@gw>;index=1")])
    forwarded = await plan.call()
    diversion = forwarded.invite.get("Diversion")  # RFC 5806
    assert diversion.startswith("<sip:+15558880006@") and "reason=user-busy" in diversion and "counter=3" in diversion, diversion
    assert forwarded.invite.get("Max-Forwards") == "69"
    assert forwarded.invite.get("Identity") == "abc.def.ghi;info=<https://c.example/x>;alg=ES256"
    history = forwarded.invite.get("History-Info")  # RFC 7044
    assert history.startswith("<sip:+15558880006@gw>;index=1, <sip:+15551119999@") and ";cause=486>;index=1.1;mp=1" in history
    await forwarded.ring()
    await second.wait("ringing")
    await forwarded.answer()
    await asyncio.gather(second.wait("answered"), forwarded.wait("acked"))
    await scene.heard(forwarded, second)
    await second.hangup()
    await forwarded.wait("ended")
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_call_that_goes_round_is_not_forwarded_again(scene):
    busy = await scene.client("u50", resource="round")
    mine, theirs = await scene.call_out(client=busy)
    for headers in ([("Diversion", "<sip:+15550000009@x>;counter=5")],
                    [("History-Info", f"<sip:+1555000000{n}@x>;index=1.{n}") for n in range(6)]):
        second = await scene.dial("+15558880006", headers=headers)
        assert (await second.wait("ended")).startswith("486")
    await mine.hangup()
    await theirs.wait("ended")


# between accounts

async def test_a_local_call_counts_for_the_callee(scene):
    caller, client = await scene.client(), await scene.client("u57")
    mine, theirs = await scene.call_out(client=client)
    call = await caller.call(scene.jid("+15558880008"))
    assert (await call.ended()).startswith("reject busy")
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_number_is_hidden_from_accounts_as_well(scene):
    caller, client = await scene.client(), await scene.client("u58")
    for code in "*67", "#31#":
        mine = await caller.call(scene.jid(code + "+15558880010"))
        theirs = await client.incoming()
        assert theirs.peer.startswith("anonymous@")
        await theirs.reject()
        await mine.ended()


# early media

async def test_an_account_hears_announcements_if_it_wants_to(scene):
    """proceed and session-accept come with the trunk's 183, and what it says is heard."""
    client = await scene.client("u53")
    mine, theirs = await scene.propose(client=client)
    await theirs.progress()
    await mine.wait("media")
    assert not theirs.passed("answered")
    await theirs.answer()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
