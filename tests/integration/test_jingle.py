# SPDX-License-Identifier: AGPL-3.0-or-later
"""Jingle sessions (XEP-0166) as clients have them and as nobody should: each action has its answer, whatever is in it.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

from xml.etree import ElementTree as ET

from bed import jinglexml, proc, profiles
from bed.jinglexml import DTLS, JINGLE, RTP, Content, element, error_of, jingle_element, local
from bed.scene import DOMAIN
from bed.seen import actions, come, named, spy

PEER = f"+15551230000@{DOMAIN}/sip"
USUAL = {"name": "0", "ufrag": "abcdefgh", "pwd": "abcdefghijklmnopqrstuv", "fingerprint": ":".join(["AA"] * 32), "setup": "actpass",
         "payloads": [jinglexml.PCMU]}


async def test_plain_rtp_is_refused_for_security(scene):
    """Gajim 1.9 offers neither DTLS nor SDES."""
    client = await scene.client()
    seen = spy(client)
    content = Content("voice", payloads=[jinglexml.PCMU], ufrag="abcdefgh", pwd="abcdefghijklmnopqrstuv", rtcp_mux=False)
    answer = await client.request(jingle_element("session-initiate", "plain", [jinglexml.content_element(content)]),
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
        answer = await client.request(jingle_element("transport-info", mine.sid, [content]), mine.peer)
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
        jingle = jingle_element(action, mine.sid, contents)
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


async def test_bad_jingle_gets_the_errors_of_xep_0166(scene):
    client = await scene.client()
    for xml, condition in ((jingle_element("session-info", "unheard-of"), "item-not-found"),
                           (jingle_element("session-terminate", "unheard-of"), "item-not-found"),
                           (jingle_element("transport-info", "unheard-of"), "item-not-found"),
                           (jingle_element("dance", "s2"), "bad-request"),
                           (jingle_element("session-initiate", "s3"), "bad-request"),
                           (element(JINGLE, "jingle", action="session-initiate"), "bad-request"),
                           (element(JINGLE, "jingle", sid="s4"), "bad-request")):
        answer = await client.request(xml, PEER)
        assert answer.get("type") == "error" and error_of(answer) == condition, ET.tostring(answer, encoding="unicode")
        if condition == "item-not-found":
            assert any(local(c.tag) == "unknown-session" for box in answer for c in box)


async def test_a_session_of_unknown_transport_or_application_is_terminated(scene):
    client = await scene.client()
    for sid, application, transport in (("a1", RTP, "urn:xmpp:jingle:transports:s5b:1"), ("a2", "urn:xmpp:jingle:apps:file-transfer:5", jinglexml.ICE)):
        content = element(JINGLE, "content", creator="initiator", name="a")
        element(application, "description", content, media="audio")
        element(transport, "transport", content, ufrag="abcd", pwd="abcdefghijklmnopqrstuv")
        answer = await client.request(jingle_element("session-initiate", sid, [content]), PEER)
        assert answer.get("type") == "error" or await terminated(scene, sid), f"{sid} was neither refused nor terminated"


async def terminated(scene, sid):
    """Wait for a session-terminate for @sid."""
    return await proc.until(lambda: any("session-terminate" in e.detail and f"sid={sid}" in e.detail for e in scene.timeline.events
                                        if e.what == "XMPP <-"), proc.SOON_S, f"{sid} is refused or terminated")


async def test_hostile_descriptions_in_a_session(scene):
    """Sizes and values at the edge, in a session of our own: refused or taken, never fatal."""
    client = await scene.client()

    async def initiate(sid, **change):
        content = jinglexml.content_element(Content(**{**USUAL, **change}))
        return await client.request(jingle_element("session-initiate", sid, [content]), f"echo@{DOMAIN}")

    for number, change in enumerate((dict(ufrag="a" * 5000), dict(pwd=""), dict(ufrag="<&>\u20ac"), dict(name="x" * 3000),
                                     dict(fingerprint="ZZ:ZZ"), dict(fingerprint=""), dict(setup="holdconn"))):
        answer = await initiate(f"h{number}", **change)
        assert answer.get("type") == "error" or await terminated(scene, f"h{number}") or "name" in change, change
    await initiate("h99", payloads=[jinglexml.Payload(n, f"c{n}", 8000) for n in range(96, 128)] * 30)
    await scene.alive()
