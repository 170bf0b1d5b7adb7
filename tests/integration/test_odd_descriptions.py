# SPDX-License-Identifier: AGPL-3.0-or-later
"""Descriptions as few clients write them, in calls whose two sides hear each other.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio
from dataclasses import replace

import pytest

from bed import jinglexml, media, profiles, webrtc
from bed.jingle import CLIENT
from bed.jinglexml import DTLS, GROUPING, ICE, JINGLE, RTP, element
from bed.scene import own_number

GUID = "{6c0a2f5e-0c0d-4b1e-9a67-6c0f5a1d2b3c}"  # as a content's name
ONE_KIND = profiles.ALL_AT_ONCE
GOOD = {"component": 1, "foundation": 77, "generation": 0, "id": "odd", "ip": "10.77.0.99", "network": 0, "port": 5000,
        "priority": 2130706431, "protocol": "udp", "type": "host"}
ODD_CANDIDATES = ({"type": "warp"}, {"component": 2}, {"component": 3}, {"component": "x"}, {"protocol": "tcp", "tcptype": "active", "port": 9},
                  {"protocol": "ssltcp"}, {"ip": "5d3c8f1e-2f0a-4a63-9a2e-0c1d2e3f4a5b.local"}, {"ip": "fe80::1"}, {"ip": "fe80::1%eth0"},
                  {"ip": "::1"}, {"ip": "0.0.0.0"}, {"ip": "255.255.255.255"}, {"ip": "224.0.0.1"}, {"ip": "2001:db8::99"}, {"ip": ""},
                  {"port": 0}, {"port": 70000}, {"priority": None}, {"priority": "4294967296"}, {"priority": 0}, {"foundation": None},
                  {"foundation": "a+/z"}, {"generation": "x"}, {"generation": 7}, {"id": None, "network": None}, {"type": None},
                  {"type": "srflx", "rel_addr": "x", "rel_port": "y"}, {"type": "relay", "rel_addr": "10.0.0.1"})


def edit(call, change):
    """Have the descriptions of @call go out as @change makes them."""
    send = call._send_iq

    async def edited(action, jingle):
        if action in ("session-initiate", "session-accept"):
            change(call, jingle)
        await send(action, jingle)

    call._send_iq = edited


def transport_of(jingle):
    return jingle.find(f"{{{JINGLE}}}content/{{{ICE}}}transport")


def fingerprint_of(jingle):
    return transport_of(jingle).find(f"{{{DTLS}}}fingerprint")


async def begin_out(scene, change, profile=ONE_KIND):
    """A call out with a description that @change has made: (client's call, carrier's call), answered."""
    mine, theirs = await scene.propose(profile)
    edit(mine, change)
    await theirs.answer()
    return mine, theirs


async def begin_in(scene, change, profile=ONE_KIND):
    """The same of a call in."""
    client = await scene.client(profile=profile)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    edit(mine, change)
    await mine.accept()
    return mine, theirs


async def heard(*calls):
    """All of @calls have audio, and end."""
    await asyncio.gather(*(mine.wait("media") for mine, _ in calls), *(theirs.wait("answered") for _, theirs in calls))
    pairs = [pair for mine, theirs in calls for pair in ((mine.audio, theirs.audio), (theirs.audio, mine.audio))]
    await media.listen(*pairs, seconds=1.0)
    for mine, theirs in calls:
        await mine.hangup()
        await theirs.wait("ended")


# all at once

def litter(xml):
    """Something of nobody's into each element that may have children."""
    for parent in [xml, *xml.iter()]:
        if jinglexml.local(parent.tag) in ("jingle", "content", "description", "payload-type", "transport", "group", "candidate"):
            parent.insert(0, element("urn:test:litter", "litter", content="x", name="x"))


def make_odd(call, jingle):
    """What may be left out is, what may be there besides is."""
    content, transport = jingle.find(f"{{{JINGLE}}}content"), transport_of(jingle)
    if call.initiator:  # an answer has the offer's
        call.local.name = GUID
        content.set("name", GUID)
    for name in ("creator", "senders"):
        content.attrib.pop(name, None)
    group = jingle.find(f"{{{GROUPING}}}group")
    jingle.remove(group)
    for semantics in ("LS", "BUNDLE"):
        box = element(GROUPING, "group", jingle, semantics=semantics)
        element(GROUPING, "content", box, name=content.get("name"))
    for odd in ODD_CANDIDATES:
        transport.insert(0, element(ICE, "candidate", **{**GOOD, **odd}))
    element(ICE, "remote-candidate", transport, component=1, ip="10.77.0.99", port=5000)
    element("urn:xmpp:jingle:transports:ice:0", "end-of-candidates", transport)
    old = element(DTLS, "fingerprint", hash="sha-1", setup=fingerprint_of(jingle).get("setup"))
    old.text = ":".join(["AB"] * 20)
    transport.insert(0, old)
    fingerprint_of(jingle).tail = "\n   "
    right = transport.findall(f"{{{DTLS}}}fingerprint")[1]
    right.text, right.tail = f"\n  {right.text.lower()}\n", "\n"
    right.set("hash", "SHA-256")
    right.set("required", "1")
    for payload in jingle.iter(f"{{{RTP}}}payload-type"):
        if payload.get("channels") == "2":  # opus
            payload.attrib.pop("channels")
        payload.set("maxptime", "x")
    litter(jingle)


async def test_all_that_is_odd_at_once(scene):
    calls = await asyncio.gather(begin_out(scene, make_odd), begin_in(scene, make_odd))
    await heard(*calls)
    violations = calls[0][0].client.strict.violations
    assert violations == [f"content name {GUID!r}"]  # which is its own
    violations.clear()


async def test_a_group_of_others_is_none(scene):
    def wrong_group(_call, jingle):
        element(GROUPING, "content", element(GROUPING, "group", jingle, semantics="BUNDLE"), name="nobody")

    await heard(await begin_out(scene, wrong_group, replace(ONE_KIND, group=False)))


async def test_without_rtcp_mux(scene):
    def no_mux(_call, jingle):
        for description in jingle.iter(f"{{{RTP}}}description"):
            description.remove(description.find(f"{{{RTP}}}rtcp-mux"))

    await heard(*await asyncio.gather(begin_out(scene, no_mux), begin_in(scene, no_mux)))


async def test_an_answer_in_any_order(scene):
    """Monal's is a map's. Clients send by the order of the offer as a rule; what others of the answer they send is heard too."""
    def turn_round(call, jingle):
        for description in jingle.iter(f"{{{RTP}}}description"):
            description[:] = reversed(description)

    def turn_round_and_mean_it(call, jingle):
        turn_round(call, jingle)
        call.remote.payloads.reverse()

    await heard(*await asyncio.gather(*(begin_in(scene, change) for change in (turn_round, turn_round_and_mean_it))))


# directions

async def test_on_hold_from_the_start(scene):
    """senders, and what content-modify makes of it."""
    async def modify(mine, senders):
        content = element(JINGLE, "content", creator="initiator", name=mine.local.name, senders=senders)
        answer = await mine.client.request(jinglexml.jingle_element("content-modify", mine.sid, [content]), mine.peer)
        assert answer.get("type") == "result"

    async def follow(begin, senders):
        def hold(_call, jingle):
            jingle.find(f"{{{JINGLE}}}content").set("senders", senders)

        mine, theirs = await begin(scene, hold)
        await asyncio.gather(mine.wait("media"), theirs.wait("answered"))
        await modify(mine, "initiator" if senders == "none" else "none")
        await modify(mine, "both")
        return mine, theirs

    calls = await asyncio.gather(*(follow(begin, senders) for begin in (begin_out, begin_in)
                                   for senders in ("none", "initiator", "responder")))
    await heard(*calls)
    for mine, _ in calls:
        violations = mine.client.strict.violations
        assert violations in ([], [f"content senders {mine.remote.senders!r}"])  # as it wanted them
        violations.clear()


# DTLS

def role(setup):
    """Write @setup, or none."""
    def change(_call, jingle):
        found = fingerprint_of(jingle)
        found.attrib.pop("setup")
        if setup:
            found.set("setup", setup)
    return change


async def test_each_role_in_dtls(scene):
    """An offer may have settled it; an answer with actpass, or none, is of who waits."""
    passive = replace(ONE_KIND, setup="passive")
    await heard(*await asyncio.gather(*(begin_out(scene, role(setup)) for setup in ("active", "passive", None)),
                                      *(begin_in(scene, role(setup), passive) for setup in ("passive", "actpass", None))))


def print_of(*hashes):
    """Fingerprints of the client's certificate with @hashes alone."""
    def change(_call, jingle):
        transport, found = transport_of(jingle), fingerprint_of(jingle)
        transport.remove(found)
        for name in hashes:
            text = webrtc.certificate()[1].digest(name.replace("-", "")).decode()
            element(DTLS, "fingerprint", transport, hash=name, setup=found.get("setup")).text = text
    return change


async def test_hashes_of_the_certificate(scene):
    await heard(*await asyncio.gather(*(begin_out(scene, print_of(*hashes)) for hashes in (["sha-512"], ["sha-384", "sha-1"])),
                                      begin_in(scene, print_of("md5", "sha-512", "sha-256"))))


@pytest.mark.parametrize("begin", [begin_out, begin_in], ids=["out", "in"])
async def test_a_hash_that_nobody_should_trust(scene, begin):
    mine, theirs = await begin(scene, print_of("sha-1"))
    assert (await mine.ended()).startswith("terminate security-error")
    await theirs.wait("ended")


async def test_a_fingerprint_before_the_answer(scene):
    """XEP-0320 has it in a transport-info too; the answer need not repeat it."""
    def move_fingerprint(call, jingle):
        content = replace(call.local, candidates=[])
        xml = element(JINGLE, "content", creator="initiator", name=content.name)
        jinglexml.transport_element(content, xml)
        iq = element(CLIENT, "iq", type="set", id="before", to=call.peer)
        iq.append(jinglexml.jingle_element("transport-info", call.sid, [xml]))
        call.client.transmit(iq)
        transport_of(jingle).remove(fingerprint_of(jingle))

    await heard(await begin_in(scene, move_fingerprint))


# video

async def test_video_beside_audio(scene):
    """Conversations ends a session whose answer has not the media of its offer; who bundles nothing takes one without."""
    def add_video(call, jingle):
        content = element(JINGLE, "content", creator="initiator", name="1", senders="both")
        description = element(RTP, "description", content, media="video")
        element(RTP, "payload-type", description, id=96, name="VP8", clockrate=90000)
        element(RTP, "rtcp-mux", description)
        content.append(jinglexml.transport_element(replace(call.local, candidates=[])))
        jingle.insert(1, content)
        group = jingle.find(f"{{{GROUPING}}}group")
        if group is not None:
            element(GROUPING, "content", group, name="1")

    calls = await asyncio.gather(*(begin_out(scene, add_video, replace(ONE_KIND, group=group)) for group in (True, False)))
    await heard(*calls)
    bundled, bare = (mine.client.strict.violations for mine, _ in calls)
    assert bundled == ["2 contents"] and not bare
    bundled.clear()
