# SPDX-License-Identifier: AGPL-3.0-or-later
"""What clients say at the same moment, late, twice or in the wrong place, and how each of their reasons is understood.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio
from dataclasses import replace

from bed import jinglexml, profiles
from bed.jinglexml import DTMF, JINGLE, JMI, RTP, RTP_INFO, element, error_of
from bed.scene import own_number
from bed.seen import come, named, never, spy
from test_direct import WEB, known

ALONE = replace(profiles.PLAIN, accept_to_self=False)

# at the same moment


async def test_two_devices_proceed_at_once(scene):
    one = await scene.client(profile=ALONE)
    two = await scene.client(one.user, node=scene.bed.c2, resource="two", profile=ALONE)
    one._on_carbon = two._on_carbon = lambda message: None
    theirs = await scene.dial(own_number(one.user))
    calls = await asyncio.gather(one.incoming(), two.incoming())
    await asyncio.gather(*(call.accept() for call in calls))
    await theirs.wait("answered")
    taker, other = calls if calls[0].passed("initiate") else calls[::-1]
    await taker.wait("media")
    assert (await other.ended()).startswith("retract")
    assert not other.passed("initiate")
    await scene.heard(taker, theirs)
    await theirs.hangup()
    await taker.ended()


async def test_two_devices_accept_their_sessions_at_once(scene):
    one = await scene.client(profile=WEB, resource="one")
    two = await scene.client(one.user, node=scene.bed.c2, profile=WEB, resource="two")
    await known(scene, one)
    await known(scene, two)
    theirs = await scene.dial(own_number(one.user))
    calls = await asyncio.gather(one.incoming(), two.incoming())
    for call in calls:
        call.abandoned = True  # one of them is told that its session is gone
    await asyncio.gather(*(call.accept() for call in calls))
    await theirs.wait("answered")
    done, _ = await asyncio.wait([asyncio.ensure_future(call.wait("ended")) for call in calls],
                                 return_when=asyncio.FIRST_COMPLETED)
    assert next(iter(done)).result().startswith("terminate cancel")
    taker = next(call for call in calls if not call.passed("ended"))
    await taker.wait("media")
    await scene.heard(taker, theirs)
    await taker.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_retract_crosses_our_proceed(scene):
    mine, theirs = await scene.propose()
    mine.initiate = never
    await theirs.ring()
    mine.peer = await mine.wait("ringing")
    seen = spy(mine.client)
    await theirs.answer()
    mine._jmi("retract", mine.peer, "cancel")
    assert await theirs.wait("ended")
    await mine.hangup()
    assert "session-initiate" not in [e.get("action") for e in named(seen, "jingle")]
    await scene.alive()


async def test_the_telephone_gives_up_while_a_device_accepts(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.abandoned = True
    mine.ring()
    await theirs.wait("ringing")
    await asyncio.gather(mine.accept(), theirs.cancel())
    assert await mine.ended()
    await scene.alive()


# in the wrong place

async def test_an_accept_that_comes_again_is_out_of_order_and_harmless(scene):
    mine, theirs = await scene.call_in()
    content = replace(mine.local, candidates=[])
    again = jinglexml.jingle_element("session-accept", mine.sid, [jinglexml.content_element(content)], True)
    assert error_of(await mine.client.request(again, mine.peer)) == "unexpected-request"
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_what_cannot_be_changed_in_a_call_changes_nothing(scene):
    """Other transports, contents that nobody knows, answers to what was never asked."""
    mine, theirs = await scene.call_out()
    seen = spy(mine.client)

    async def say(action, name="nobody", children=()):
        content = element(JINGLE, "content", creator="initiator", name=name)
        content.extend(children)
        return await mine.client.request(jinglexml.jingle_element(action, mine.sid, [content]), mine.peer)

    for action in ("content-accept", "content-reject", "transport-accept", "transport-reject"):
        assert error_of(await say(action)) == "unexpected-request", action
    for action in ("content-modify", "content-remove", "transport-info", "description-info"):
        assert (await say(action)).get("type") == "result", action
    raw = element("urn:xmpp:jingle:transports:raw-udp:1", "transport")
    assert (await say("transport-replace", mine.local.name, [raw])).get("type") == "result"
    await come(seen, "jingle")
    assert named(seen, "jingle")[0].get("action") == "transport-reject"
    data = element("urn:xmpp:jingle:apps:file-transfer:5", "description")
    assert (await say("content-add", "file", [data])).get("type") == "result"
    assert error_of(await mine.client.request(jinglexml.jingle_element("dance", mine.sid), mine.peer)) == "bad-request"
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_keys_that_there_are_not(scene):
    """XEP-0181: the sixteen keys, and a duration that is one."""
    mine, theirs = await scene.call_out()

    async def press(**attributes):
        jingle = jinglexml.jingle_element("session-info", mine.sid)
        element(DTMF, "dtmf", jingle, **attributes)
        return await mine.client.request(jingle, mine.peer)

    assert error_of(await press(code="E")) == "feature-not-implemented"
    for wrong in ({}, {"code": "1", "duration": "0"}, {"code": "1", "duration": "-5"}, {"code": "1", "duration": "99999999999"}):
        assert error_of(await press(**wrong)) == "bad-request", wrong
    assert (await press(code="D", volume="42")).get("type") == "result"
    await scene.heard(mine, theirs)
    assert theirs.audio.events.digits == "D"
    await mine.hangup()
    await theirs.wait("ended")


async def test_infos_before_the_answer(scene):
    """Mute and hold of a caller whose call rings, in a session at once."""
    mine, theirs = await scene.propose(profiles.STANZA)
    await theirs.ring()
    for name in ("mute", "unmute", "hold", "unhold", "ringing", "active"):
        jingle = jinglexml.jingle_element("session-info", mine.sid)
        element(RTP_INFO, name, jingle)
        assert (await mine.client.request(jingle, mine.peer)).get("type") == "result", name
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


# reasons

REASONS = {"busy": 486, "decline": 603, "cancel": 603, "timeout": 480, "expired": 480, "gone": 480, "success": 480,
           "alternative-session": 486, "incompatible-parameters": 488, "failed-application": 488, "security-error": 488,
           "unsupported-applications": 488, "unsupported-transports": 488, "connectivity-error": 480, "failed-transport": 480,
           "media-error": 480, "general-error": 500, "failed_application": 488, "tired": 603}


async def test_each_reason_has_its_status(scene):
    client, found = await scene.client(), {}
    for reason in REASONS:
        theirs = await scene.dial(own_number(client.user), caller=scene.number())
        mine = await client.incoming()
        await mine.reject(reason)
        found[reason] = int((await theirs.wait("ended")).split()[0])
    assert found == REASONS


async def test_each_reason_ends_a_call(scene):
    for reason in ("success", "busy", "decline", "cancel", "connectivity-error", "failed_transport", "security-error"):
        mine, theirs = await scene.call_out()
        await mine.hangup(reason)
        assert "BYE" in await theirs.wait("ended"), reason


async def test_a_proposal_of_everything_at_once(scene):
    """Two kinds of audio are one; what else is proposed besides is read over, but no video."""
    client = await scene.client()
    for media, reason in ((("audio", "audio"), None), (("audio", "text"), None), (("audio", "video"), "incompatible-parameters")):
        number, sid = scene.number(), f"sid-{'-'.join(media)}"
        plan = scene.bed.carrier.expect(number)
        seen = spy(client)
        propose = element(JMI, "propose", id_=sid)
        for kind in media:
            element(RTP, "description", propose, media=kind)
        client.message(scene.jid(number), propose)
        if reason:
            await come(seen, "reject")
            assert jinglexml.reason_of(named(seen, "reject")[0])[0] == reason
            assert plan.calls.empty()
            continue
        theirs = await plan.call()
        client.message(scene.jid(number), element(JMI, "retract", id_=sid))
        await theirs.wait("ended")
