# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bad input at each interface gets the error its standard names, and costs nobody else anything.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn (raw sockets speak from its address)
"""

import asyncio
import os
import random
from xml.etree import ElementTree as ET

import pytest

from bed import jinglexml, proc, sipmsg
from bed.jinglexml import JINGLE, JMI, RTP, element, local
from bed.scene import CARRIER, GATEWAY, own_number

NUMBER = "+15551230000"


class Raw(asyncio.DatagramProtocol):
    """A UDP socket that keeps what comes back."""

    def __init__(self):
        self.got = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.got.put_nowait(data)

    @classmethod
    async def open(cls, node, host):
        """(protocol, transport) on a free port of @host in @node."""
        with node.inside():
            transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(cls, (host, 0))
        return protocol, transport

    async def answer(self, timeout=3.0):
        """The status of the next final SIP response; None when there is none."""
        try:
            while True:
                message = sipmsg.parse(await asyncio.wait_for(self.got.get(), timeout))
                if message.status and message.status >= 200 and message.get("CSeq"):
                    return message
        except asyncio.TimeoutError:
            return None


def request(method, transport, uri=f"sip:{own_number('alice')}@{GATEWAY}", body=b"", content_type="application/sdp", **headers):
    """A request written by hand."""
    host, port = transport.get_extra_info("sockname")
    message = sipmsg.Message(method, uri)
    message.add("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{sipmsg.token()};rport")
    message.add("Max-Forwards", headers.pop("max_forwards", 70)).add("From", f"<sip:+15550002222@{host}>;tag={sipmsg.token()}")
    message.add("To", f"<{uri}>").add("Call-ID", sipmsg.token(20)).add("CSeq", f"1 {method}")
    message.add("Contact", f"<sip:x@{host}:{port}>")
    for name, value in headers.items():
        message.replace(name.replace("_", "-"), value)
    if body:
        message.add("Content-Type", content_type)
        message.body = body
    return message.encode()


GOOD_SDP = b"v=0\r\no=- 1 1 IN IP4 10.77.0.2\r\ns=-\r\nc=IN IP4 10.77.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
MULTIPART = b"--b\r\nContent-Type: application/sdp\r\n\r\n" + GOOD_SDP + b"\r\n--b--\r\n"
BAD_SIP = {
    "sdp that is no sdp": (dict(method="INVITE", body=b"hello"), (400, 488)),
    "the sdp that loops sofia": (dict(method="INVITE", body=b"v=0\r\nm=audio 9 UDP @\r\n"), (400, 488)),
    "sdp with a port of ten digits": (dict(method="INVITE", body=GOOD_SDP.replace(b"4000", b"4294967297")), (400, 488)),
    "sdp with nothing but video": (dict(method="INVITE", body=GOOD_SDP.replace(b"audio", b"video")), (488,)),
    "a multipart of another boundary": (dict(method="INVITE", body=MULTIPART, content_type="multipart/mixed;boundary=a"), (415, 488, 400)),
    "a body of text": (dict(method="INVITE", body=b"hello", content_type="text/plain"), (415,)),
    "an unknown method": (dict(method="DANCE"), (405, 501)),
    "refer": (dict(method="REFER", Refer_To="<sip:x@10.77.0.2>"), (405, 501, 481)),
    "no hops left": (dict(method="INVITE", body=GOOD_SDP, max_forwards=0), (483,)),
    "a bye of no dialog": (dict(method="BYE"), (481,)),
    "an unknown extension": (dict(method="INVITE", body=GOOD_SDP, Require="dance"), (420,)),
    "an unknown scheme": (dict(method="INVITE", body=GOOD_SDP, uri="foo:bar"), (400, 416)),
    "a cancel of nothing": (dict(method="CANCEL"), (481,)),
    "a cseq of another method": (dict(method="INVITE", body=GOOD_SDP, CSeq="1 BYE"), (400,)),
}


@pytest.mark.parametrize("name", BAD_SIP)
async def test_bad_sip(scene, name):
    arguments, statuses = BAD_SIP[name]
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)
    transport.sendto(request(transport=transport, **arguments), (GATEWAY, 5060))
    response = await raw.answer()
    transport.close()
    assert response is not None, "no answer"
    assert response.status in statuses, f"{response.first_line()}, not one of {statuses}"
    if response.status in (405, 501):
        assert response.get("Allow")
    if response.status == 420:
        assert "dance" in response.get("Unsupported")


async def test_octets_that_are_no_sip(scene):
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)
    generator = random.Random(7)
    for _ in range(200):
        transport.sendto(generator.randbytes(generator.randrange(1, 1400)), (GATEWAY, 5060))
        await asyncio.sleep(0)
    for piece in (b"\r\n\r\n", b"INVITE", b"INVITE sip:x SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", b"\0" * 1000):
        transport.sendto(piece, (GATEWAY, 5060))
    options = request("OPTIONS", transport, uri=f"sip:{GATEWAY}")
    for _ in range(20):  # a full socket buffer may have lost the first ones
        transport.sendto(options, (GATEWAY, 5060))
        while (response := await raw.answer(0.5)) is not None and response.cseq[1] != "OPTIONS":
            pass
        if response is not None:
            break
    transport.close()
    assert response is not None and response.status == 200


async def test_tcp_that_is_no_sip(scene):
    with scene.bed.pstn.inside():
        for octets in (b"x" * 100000, b"INVITE sip:x@y SIP/2.0\r\n" + b"X: " + b"y" * 200000, b"OPTIONS sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n",
                       b"INVITE sip:x SIP/2.0\r\nContent-Length: 999999999999\r\n\r\nx", os.urandom(5000)):
            _, writer = await asyncio.open_connection(GATEWAY, 5060, local_addr=(CARRIER, 0))
            writer.write(octets)
            try:
                await asyncio.wait_for(writer.drain(), 1.0)
            except (asyncio.TimeoutError, ConnectionError):
                pass
            writer.close()
    await asyncio.sleep(0.2)
    await scene.alive()


async def test_octets_on_the_media_ports_of_a_call(scene):
    mine, theirs = await scene.call_out()
    raw, transport = await Raw.open(scene.bed.c2, "10.77.0.12")
    generator = random.Random(8)
    for n in range(400):
        first = generator.choice([0, 1, 20, 22, 63, 64, 128, 129, 191, 255])
        data = bytes([first]) + generator.randbytes(generator.randrange(0, 1200))
        transport.sendto(data, (GATEWAY, 10000 if n % 2 else theirs.offer.port))
    await scene.heard(mine, theirs)
    transport.close()
    assert raw.got.qsize() < 20
    await mine.hangup()
    await theirs.wait("ended")


def error_of(answer):
    """The condition of an error iq or message."""
    return next((local(child.tag) for box in answer if local(box.tag) == "error" for child in box if local(child.tag) != "text"), None)


@pytest.mark.parametrize("to", ["tel.example.org", f"{NUMBER}@tel.example.org", f"{NUMBER}@tel.example.org/sip"])
async def test_an_unknown_iq_gets_an_error(scene, to):
    client = await scene.client()
    for kind in ("get", "set"):
        answer = await client.request(element("urn:test:nothing", "query"), to, kind)
        assert answer.get("type") == "error"
        assert error_of(answer) in ("service-unavailable", "feature-not-implemented"), error_of(answer)


def jingle(action, sid="s1", *contents, **attributes):
    return jinglexml.jingle_element(action, sid, contents, **attributes)


async def test_bad_jingle_gets_the_errors_of_xep_0166(scene):
    client = await scene.client()
    peer = f"{NUMBER}@tel.example.org/sip"
    for xml, condition in ((jingle("session-info", "unheard-of"), "item-not-found"),
                           (jingle("session-terminate", "unheard-of"), "item-not-found"),
                           (jingle("transport-info", "unheard-of"), "item-not-found"),
                           (jingle("dance", "s2"), "bad-request"),
                           (jingle("session-initiate", "s3"), "bad-request"),
                           (element(JINGLE, "jingle", action="session-initiate"), "bad-request"),
                           (element(JINGLE, "jingle", sid="s4"), "bad-request")):
        answer = await client.request(xml, peer)
        assert answer.get("type") == "error" and error_of(answer) == condition, ET.tostring(answer, encoding="unicode")
        if condition == "item-not-found":
            assert any(local(c.tag) == "unknown-session" for box in answer for c in box)


async def test_a_session_of_unknown_transport_or_application_is_terminated(scene):
    client = await scene.client()
    for sid, application, transport in (("a1", RTP, "urn:xmpp:jingle:transports:s5b:1"), ("a2", "urn:xmpp:jingle:apps:file-transfer:5", jinglexml.ICE)):
        content = element(JINGLE, "content", creator="initiator", name="a")
        element(application, "description", content, media="audio")
        element(transport, "transport", content, ufrag="abcd", pwd="abcdefghijklmnopqrstuv")
        answer = await client.request(jingle("session-initiate", sid, content), f"{NUMBER}@tel.example.org/sip")
        assert answer.get("type") == "error" or await terminated(scene, sid), f"{sid} was neither refused nor terminated"


async def terminated(scene, sid):
    """Wait for a session-terminate for @sid."""
    return await proc.until(lambda: any("session-terminate" in e.detail and f"sid={sid}" in e.detail for e in scene.timeline.events
                                        if e.what == "XMPP <-"), proc.SOON_S, f"{sid} is refused or terminated")


async def test_a_proposal_of_video_or_nothing_is_rejected(scene):
    client = await scene.client()
    for number, media in enumerate((["audio", "video"], ["video"], [])):
        sid = f"00000000-0000-4000-8000-00000000000{number}"
        propose = element(JMI, "propose", id_=sid)
        for kind in media:
            element(RTP, "description", propose, media=kind)
        before = len(scene.timeline.events)
        client.message(f"{NUMBER}@tel.example.org", propose)
        await proc.until(lambda: any("reject" in e.detail or "error" in e.detail for e in scene.timeline.events[before:]  # pylint: disable=cell-var-from-loop
                                     if e.what == "XMPP <-"), proc.SOON_S, f"a proposal of {media} is rejected")


async def test_a_proposal_to_what_is_no_number_is_refused(scene):
    client = await scene.client()
    for user in ("not-a-number", "+1", "+155512345678901234567890", "1555"):
        call = await client.call(f"{user}@tel.example.org")
        assert (await call.ended()).startswith(("reject", "bounced")), user


async def test_a_flood_of_proposals_is_bounded(scene):
    client = await scene.client()
    plan = scene.bed.carrier.expect(NUMBER)
    calls = [await client.call(f"{NUMBER}@tel.example.org") for _ in range(40)]
    await asyncio.sleep(2.0)
    refused = sum(call.passed("ended") for call in calls)
    assert plan.calls.qsize() + refused <= 40 and plan.calls.qsize() <= 10, f"{plan.calls.qsize()} INVITEs for one account"
    for call in calls:
        await call.hangup()
    while not plan.calls.empty():
        await plan.calls.get_nowait().wait("ended")


async def test_hostile_descriptions_in_a_session(scene):
    """Sizes and values at the edge, in a session of our own: refused or taken, never fatal."""
    client = await scene.client()
    peer = "echo@tel.example.org"
    for number, change in enumerate((dict(ufrag="a" * 5000), dict(pwd=""), dict(ufrag="<&>\u20ac"), dict(name="x" * 3000),
                                     dict(fingerprint="ZZ:ZZ"), dict(fingerprint=""), dict(setup="holdconn"))):
        fields = dict(name="0", ufrag="abcdefgh", pwd="abcdefghijklmnopqrstuv", fingerprint=":".join(["AA"] * 32), setup="actpass",
                      payloads=[jinglexml.PCMU])
        fields.update(change)
        content = jinglexml.content_element(jinglexml.Content(**fields))
        answer = await client.request(jingle("session-initiate", f"h{number}", content), peer)
        assert answer.get("type") == "error" or await terminated(scene, f"h{number}") or "name" in change, change
    many = jinglexml.Content(name="0", ufrag="abcdefgh", pwd="abcdefghijklmnopqrstuv", fingerprint=":".join(["AA"] * 32),
                             setup="actpass", payloads=[jinglexml.Payload(n, f"c{n}", 8000) for n in range(96, 128)] * 30)
    await client.request(jingle("session-initiate", "h99", jinglexml.content_element(many)), peer)
    await scene.alive()


async def test_a_stanza_too_large_is_refused_and_costs_nobody_the_stream(scene):
    """Prosody lets users send 256 KiB: more than Tandem takes."""
    client = await scene.client()
    padded = element("urn:test:nothing", "query")
    padded.text = "x" * 150000
    answer = await client.request(padded, "tel.example.org", "get")
    assert error_of(answer) == "policy-violation"
    assert "-> down why=" not in scene.bed.tandem.log


@pytest.mark.alone
async def test_it_still_serves_calls_both_ways(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
    mine, theirs = await scene.call_in()
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()
