# SPDX-License-Identifier: AGPL-3.0-or-later
"""XEP-0353 and XEP-0166 where messages cross, repeat, come from the wrong device or make no sense.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn

Clients here say what they are told to, against their own state, as a device does whose stanzas were delayed or doubled.
"""

import asyncio
import re
import time
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bed import jinglexml, proc, profiles
from bed.jinglexml import DTLS, JINGLE, JMI, RECEIPTS, RTP, Content, element, local
from bed.scene import DOMAIN, own_number
from test_malformed import error_of

RING_TIMEOUT_S = 70
pytestmark = pytest.mark.bed_options(sections={"limits": {"ring_timeout_s": RING_TIMEOUT_S}})

SETTLED_S = 1.0  # nothing more comes after this


async def never():
    """Do not do what is due."""


def spy(client):
    """A list that grows with every stanza @client gets."""
    seen, hear = [], client.incoming_filter

    def filter_(xml):
        seen.append(ET.fromstring(ET.tostring(xml)))
        return hear(xml)

    client.incoming_filter = filter_
    return seen


def named(seen, name):
    """The children called @name of the stanzas in @seen."""
    return [child for stanza in seen for child in stanza if local(child.tag) == name]


async def come(seen, *names, timeout=proc.SOON_S):
    """Wait until there is a child of each of @names."""
    end = time.monotonic() + timeout
    while any(not named(seen, name) for name in names):
        assert time.monotonic() < end, f"{names} did not come, but {[[local(c.tag) for c in s] for s in seen]}"
        await asyncio.sleep(0.05)


def actions(seen):
    """The Jingle actions in @seen, in order."""
    return [child.get("action") for child in named(seen, "jingle")]


def begin(sid):
    """A session-initiate that could be answered."""
    content = Content(payloads=[jinglexml.PCMU], ufrag="abcdefgh", pwd="abcdefghijklmnopqrstuv", setup="actpass",
                      fingerprint=":".join(["AA"] * 32))
    return jinglexml.jingle_element("session-initiate", sid, [jinglexml.content_element(content)], group=True)


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
    answer = await client.request(begin(mine.sid), mine.peer)
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
    answer = await two.request(begin(mine.sid), peer)
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
    client.message(f"+15551230000@{DOMAIN}/sip", element(JMI, "proceed", id_="no-such-call"), id_="stray")
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
    client.message(f"+15551230000@{DOMAIN}", propose)
    await come(seen, "error")
    assert local(named(seen, "error")[0][0].tag) == "bad-request"


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


# sessions

async def test_plain_rtp_is_refused_for_security(scene):
    """Gajim 1.9 offers neither DTLS nor SDES."""
    client = await scene.client()
    seen = spy(client)
    content = Content("voice", payloads=[jinglexml.PCMU], ufrag="abcdefgh", pwd="abcdefghijklmnopqrstuv", rtcp_mux=False)
    answer = await client.request(jinglexml.jingle_element("session-initiate", "plain", [jinglexml.content_element(content)]),
                                  f"echo@{DOMAIN}/sip")
    assert answer.get("type") == "result"
    await come(seen, "jingle")
    assert actions(seen) == ["session-terminate"]
    assert jinglexml.reason_of(named(seen, "jingle")[0])[0] == "security-error"


async def test_trickle_with_a_ufrag_alone_and_its_end(scene):
    """StanzaJS sends no pwd with its candidates, and gathering-complete at last."""
    client = await scene.client(profile=profiles.STANZA)
    mine, theirs = await scene.propose(client=client)
    await theirs.ring()
    await theirs.answer()
    await mine.wait("media")
    for children in ((), ("gathering-complete",)):
        content = element(JINGLE, "content", creator="initiator", name=mine.local.name)
        transport = element(jinglexml.ICE, "transport", content, ufrag=mine.local.ufrag)
        for child in children:
            element(jinglexml.ICE, child, transport)
        answer = await client.request(jinglexml.jingle_element("transport-info", mine.sid, [content]), mine.peer)
        assert answer.get("type") == "result"
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_what_clients_change_in_a_call(scene):
    """content-add is rejected, the refused content's end is none of the call's; session-info of any kind has its answer."""
    client = await scene.client()
    mine, theirs = await scene.call_out(client=client)
    seen = spy(client)
    video = element(JINGLE, "content", creator="initiator", name="1", senders="both")
    element(RTP, "description", video, media="video")
    element(DTLS, "fingerprint", element(jinglexml.ICE, "transport", video, ufrag="abcd", pwd="abcdefghijklmnopqrstuv"),
            hash="sha-256", setup="actpass").text = ":".join(["AA"] * 32)

    async def say(action, *contents, children=()):
        jingle = jinglexml.jingle_element(action, mine.sid, contents)
        jingle.extend(children)
        return await client.request(jingle, mine.peer)

    assert (await say("content-add", video)).get("type") == "result"
    await come(seen, "jingle")
    refusal = named(seen, "jingle")[0]
    assert refusal.get("action") == "content-reject" and refusal[0].get("name") == "1" and refusal[0].get("creator") == "initiator"
    assert (await say("content-remove", element(JINGLE, "content", creator="initiator", name="1"))).get("type") == "result"
    assert (await say("session-info")).get("type") == "result"
    for name in ("mute", "unmute", "ringing", "active"):
        assert (await say("session-info", children=[element(jinglexml.RTP_INFO, name)])).get("type") == "result", name
    strange = await say("session-info", children=[element("urn:test:dance", "waltz")])
    assert error_of(strange) == "feature-not-implemented"
    assert error_of(await say("security-info")) in ("feature-not-implemented", "service-unavailable")
    assert error_of(await say("session-initiate", video)) == "unexpected-request"
    assert (await say("description-info", video)).get("type") == "result"
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


# iqs

def raw(client, text, reply):
    """Send @text; a future of the stanza with the id @reply."""
    client._pending[reply] = asyncio.get_running_loop().create_future()
    client.send_raw(text)
    return asyncio.wait_for(client._pending[reply], proc.SOON_S)


async def test_an_iq_has_one_payload(scene):
    client = await scene.client()
    for kind in ("get", "set"):
        for inside in ("", "<a xmlns='urn:a'/><b xmlns='urn:b'/>"):
            answer = await raw(client, f"<iq type='{kind}' id='p1' to='+15551230000@{DOMAIN}/sip'>{inside}</iq>", "p1")
            assert error_of(answer) == "bad-request"


async def test_nobody_lives_at_an_unknown_localpart(scene):
    client = await scene.client()
    for payload in (element("urn:xmpp:ping", "ping"), element("http://jabber.org/protocol/disco#info", "query"),
                    element("urn:test:nothing", "query")):
        answer = await client.request(payload, f"nobody@{DOMAIN}", "get")
        assert error_of(answer) == "item-not-found"
    assert error_of(await client.request(begin("to-nobody"), f"nobody@{DOMAIN}/sip")) == "item-not-found"


async def test_answers_are_not_answered(scene):
    client = await scene.client()
    seen = spy(client)
    to = f"+15551230000@{DOMAIN}/sip"
    for stanza in (f"<iq type='result' id='r1' to='{to}'/>", f"<iq type='error' id='r2' to='{to}'><x xmlns='urn:x'/></iq>",
                   f"<iq type='result' id='r3' to='{to}'><jingle xmlns='{JINGLE}' action='session-info' sid='r'/></iq>",
                   f"<message type='error' id='r4' to='{to}'><body>x</body></message>",
                   f"<message type='headline' id='r5' to='{to}'><body>x</body></message>",
                   f"<message type='error' id='r6' to='{to}'><proceed xmlns='{JMI}' id='r'/></message>",
                   f"<message type='error' id='r7' to='{to}'><propose xmlns='{JMI}' id='r'/></message>",
                   f"<presence type='error' id='r8' to='{to}'/>"):
        client.send_raw(stanza)
    await client.settled()
    assert [s.get("id") for s in seen if (s.get("from") or "").endswith("/sip")] == []


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


async def test_addresses_as_long_as_they_may_be(scene):
    """RFC 7622 3.3.1: 1023 octets; one more is malformed, and the server's to refuse."""
    client = await scene.client()
    for local_part in ("y" * 1023, "\\\\40" * 200, "\u00fc" * 500):
        call = await client.call(f"{local_part}@{DOMAIN}")
        assert (await call.ended()).startswith(("reject gone", "bounced")), local_part[:10]
        assert error_of(await client.request(begin("long"), f"{local_part}@{DOMAIN}/{'r' * 1000}")) == "item-not-found"


# presence

async def presences(client, to, kind, *wanted):
    """Send presence of @kind and return the types that come back: those that are @wanted, and what else has come by then."""
    seen = spy(client)
    client.presence(kind, to=to)
    end = time.monotonic() + proc.SOON_S

    def types():
        return [s.get("type") or "available" for s in seen if local(s.tag) == "presence" and (s.get("from") or "").startswith(to)]

    while set(wanted) - set(types()) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    await client.settled()
    return sorted(types())


async def test_subscriptions(scene):
    """Both ways, and the second time without asking back: two gateways would ask each other for ever."""
    client = await scene.client()
    client.auto_authorize = client.auto_subscribe = None
    for to in (f"+15551230000@{DOMAIN}", f"echo@{DOMAIN}", DOMAIN):
        came = await presences(client, to, "subscribe", "subscribe", "available")
        assert "subscribe" in came and "available" in came, f"{to}: {came}"


async def test_nobody_can_be_subscribed_to(scene):
    client = await scene.client()
    came = await presences(client, f"nobody@{DOMAIN}", "subscribe")
    assert "available" not in came and "subscribe" not in came and "subscribed" not in came, came


async def test_presence_of_clients_is_not_answered(scene):
    client = await scene.client()
    for kind in (None, "unavailable", "unsubscribed", "subscribed"):
        assert await presences(client, f"+15551230000@{DOMAIN}", kind) == [], kind
