# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls as the standards allow them and few make them: RFC 3261, 3264, 3725, 6026, 3891, 5621, played word for word.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (UDP)
"""

import asyncio
import copy
import re
from dataclasses import replace

import pytest

from bed import proc, profiles, sdes, sipcall, sipmsg
from bed.jinglexml import EVENTS_8K, EVENTS_48K, G722, OPUS, PCMA, PCMU
from bed.scene import CARRIER, GATEWAY, own_number

pytestmark = pytest.mark.bed_options(
    trunks={"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "srtp": "offer", "refer": True}})
UDP = ("udp", GATEWAY, 5060)
VIDEO = b"m=video 40000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
IMAGE = b"m=image 40002 udptl t38\r\n"


def media(body):
    """The m= lines: (kind, port)."""
    return [(kind.decode(), int(port)) for kind, port in re.findall(rb"^m=(\w+) (\d+)", body, re.M)]


def origin(body):
    """(id, version) of the o= line."""
    return tuple(int(n) for n in re.search(rb"^o=\S+ (\d+) (\d+)", body, re.M).groups())


PARTS = (b"preamble\r\n--x7\r\nContent-Type: application/isup;version=nxv3\r\n"
         b"Content-Disposition: signal;handling=optional\r\n\r\n\x01\x00\x49\x00\r\n"
         b"--x7\r\nContent-Type: application/sdp\r\n\r\n%b\r\n--x7--\r\n")


async def answered(mine, theirs):
    """It is answered."""
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))


async def test_an_invite_that_comes_again_after_its_ack(scene):
    """RFC 6026 7.1: absorbed; no other call rings, and this one goes on."""
    mine, theirs = await scene.call_in()
    for _ in range(3):
        scene.bed.carrier.wire.transmit(theirs.invite, theirs.peer)
    assert (await theirs.send("OPTIONS")).status == 200
    assert scene.clients[-1].proposals.empty()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_cancel_after_the_answer(scene):
    """RFC 3261 9.2: it has no effect."""
    mine, theirs = await scene.call_in()
    request = theirs.build("CANCEL", theirs.invite.branch)
    request.uri = theirs.invite.uri
    request.replace("To", theirs.invite.get("To")).replace("CSeq", f"{theirs.invite.cseq[0]} CANCEL")
    response = await scene.bed.carrier.wire.request(request, theirs.peer).final()
    assert response.status in (200, 481), response.first_line()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_requests_with_another_tag(scene):
    """RFC 3261 12.2.2: they are of no dialog, and end none."""
    mine, theirs = await scene.call_in()
    tag, theirs.remote_tag = theirs.remote_tag, "nonsense"
    for method in ("BYE", "INVITE", "UPDATE", "INFO", "OPTIONS"):
        response = await theirs.send(method)
        assert response.status == 481, f"{method}: {response.first_line()}"
    theirs.remote_tag = tag
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_an_answer_with_numbers_of_its_own(scene):
    """RFC 3264 6.1: who answers should keep the offer's payload types; who does not gets what its own description says."""
    client = await scene.client(profile=replace(profiles.PLAIN, payloads=(OPUS, EVENTS_48K)))
    mine, theirs = await scene.propose(client=client)
    await theirs.open_media()
    theirs.codecs, seen, received = [(115, "opus", 48000), (116, "telephone-event", 48000)], set(), theirs.audio.received
    theirs.take(theirs.invite.body)
    theirs.audio.received = lambda packet: (seen.add(packet[1] & 0x7F), received(packet))
    await theirs.answer(body=theirs.describe())
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    assert seen == {115}
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
async def test_an_answer_with_several_codecs(scene, codec):
    """RFC 3264 7: who answers with several may send any of them, so the client is told of all that are heard."""
    number = {"PCMA": 8, "G722": 9}[codec]
    mine, theirs = await scene.propose(replace(profiles.PLAIN, payloads=(PCMU, PCMA, G722, EVENTS_8K)))
    await theirs.answer(codecs=[sipcall.PCMU, sipcall.PCMA, sipcall.G722, sipcall.EVENTS])
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    assert [payload.name for payload in mine.remote.payloads] == ["PCMU", "PCMA", "G722", "telephone-event"]
    await scene.heard(mine, theirs)
    theirs.audio.configure(codec, number, rx_pts=theirs.audio.rx_pts)
    await proc.until(lambda: mine.audio.rx.packets[-1][1].pt == number, 10, "the client gets " + codec)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_picked_up_before_the_client_has_offered(scene):
    """RFC 3891: who takes the call that rings is told all that we can, and then the one codec that the client has too."""
    client = await scene.client(profile=replace(profiles.PLAIN, payloads=(PCMA, EVENTS_8K)))
    mine, theirs = await scene.propose(client=client)
    await theirs.ring()
    await mine.wait("ringing")
    taking = await scene.bed.carrier.dial(
        f"sip:{own_number(client.user)}@{GATEWAY}:5060", UDP, caller="+15550003333",
        headers=[("Replaces", f"{theirs.call_id};to-tag={theirs.remote_tag};from-tag={theirs.local_tag};early-only")])
    await asyncio.gather(taking.wait("answered"), mine.wait("media"))
    await scene.heard(mine, taking)
    await mine.hangup()
    await taking.wait("ended")


async def test_requests_to_nobody_we_know(scene):
    """RFC 3261 12.2.2: inside of a dialog it alone says whose a request is, not the Request-URI."""
    mine, theirs = await scene.call_in()
    for uri in ("sip:nobody@elsewhere.invalid", f"sip:+15550009999@{GATEWAY}", f"sip:{GATEWAY}", "tel:+15550009999"):
        theirs.target = uri
        response = await theirs.send("INVITE", theirs.describe())
        assert response.status == 200, f"{uri}: {response.first_line()}"
        theirs.take(response.body)
    await scene.heard(mine, theirs)
    theirs.target = "sip:nobody@elsewhere.invalid"
    assert (await theirs.send("BYE")).status == 200
    await mine.ended()


async def test_media_that_we_do_not_take_keep_their_place(scene):
    """RFC 3264 6 and 8: each m= line is answered in its place, and stands there in our own offers too."""
    client = await scene.client()
    number = own_number(client.user)
    head, _, audio = (await scene.bed.carrier.described()).partition(b"m=audio")
    body = head + VIDEO + b"m=audio" + audio + IMAGE
    theirs = await scene.dial(number, body=body)
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    first = theirs.descriptions[0]
    assert [kind for kind, _ in media(first)] == ["video", "audio", "image"]
    assert media(first)[0][1] == 0 and media(first)[1][1] and media(first)[2][1] == 0
    mine.hold()
    await proc.until(lambda: theirs.reinvites, 10, "the re-INVITE of a hold")
    again = [r for r in theirs.requests if r.method == "INVITE"][-1].body
    assert [kind for kind, _ in media(again)] == ["video", "audio", "image"], media(again)
    assert media(again)[0][1] == 0 and media(again)[2][1] == 0
    assert origin(again)[0] == origin(first)[0] and origin(again)[1] == origin(first)[1] + 1
    assert b"a=sendonly" in again
    await theirs.hangup()
    await mine.ended()


async def test_a_medium_that_comes_later(scene):
    """RFC 3264 8.1: a stream that is added is refused by itself."""
    mine, theirs = await scene.call_in()
    response = await theirs.send("INVITE", theirs.describe() + VIDEO)
    assert response.status == 200 and [k for k, _ in media(response.body)] == ["audio", "video"]
    assert media(response.body)[1][1] == 0
    await scene.heard(mine, theirs)
    response = await theirs.send("INVITE", theirs.describe() + VIDEO.replace(b"40000", b"0"))
    assert response.status == 200 and len(media(response.body)) == 2
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_controller_begins_with_nothing_to_hear(scene):
    """RFC 3725 4.2 (flow II): an offer to 0.0.0.0, a re-INVITE without one, its answer in the ACK."""
    client = await scene.client()
    hole = (await scene.bed.carrier.described()).replace(f"c=IN IP4 {CARRIER}".encode(), b"c=IN IP4 0.0.0.0")
    theirs = await scene.dial(own_number(client.user), body=hole)
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    request = theirs.build("INVITE")
    response = await scene.bed.carrier.wire.request(request, theirs.peer).final()
    assert response.status == 200 and b"m=audio" in response.body
    theirs.take(response.body)
    theirs.acknowledge(response, request, theirs.describe())
    theirs.run_audio()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_caller_who_holds_from_the_start(scene):
    """The client is told, and hears when it is over."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), body=await scene.bed.carrier.described(direction="sendonly"))
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    assert theirs.directions[-1] == "recvonly"
    await mine.informed("hold")
    await theirs.reinvite("sendrecv")
    await mine.informed("unhold", "active")
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_a_callee_who_holds_from_the_start(scene, direction):
    """As an answer of a queue with music: the client gets what clients take, and is told beside it."""
    mine, theirs = await scene.propose()
    await theirs.open_media()
    await theirs.answer(body=theirs.describe(direction))
    await mine.informed("hold")
    await theirs.reinvite("sendrecv")
    await mine.informed("unhold", "active")
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_codec_that_the_client_does_not_send(scene):
    """RFC 3261 14.2: it is refused, as the client cannot be told to send another, and the call goes on."""
    mine, theirs = await scene.call_in()
    assert (await theirs.send("INVITE", theirs.describe(codecs=(sipcall.PCMA, sipcall.EVENTS)))).status == 488
    await scene.heard(mine, theirs)
    response = await theirs.send("INVITE", theirs.describe(codecs=(sipcall.PCMU, (96, "telephone-event", 8000))))
    assert response.status == 200 and b"RTP/AVP 0 96\r\n" in response.body
    theirs.take(response.body)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("audio", [b"", b"m=audio 0 RTP/AVP 0\r\n"])
async def test_a_fax_that_begins(scene, audio):
    """Nobody here takes it: the telephone goes on with what there was."""
    mine, theirs = await scene.call_in()
    head = theirs.describe().partition(b"m=audio")[0]
    assert (await theirs.send("INVITE", head + audio + IMAGE)).status == 488
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_telephone_behind_a_nat(scene):
    """Its Contact is of a network that we have no way to: requests go to where it spoke from."""
    client, inside = await scene.client(), copy.copy(scene.bed.carrier)
    inside.contact = lambda peer: "<sip:joe@192.168.178.20:5060>"
    theirs = await scene.dial(own_number(client.user), carrier=inside)
    mine = await client.incoming()
    await answered(mine, theirs)
    mine.hold()
    await proc.until(lambda: theirs.reinvites, 10, "the re-INVITE of a hold")
    await mine.hangup()
    await theirs.wait("ended")
    assert {r.uri for r in theirs.requests if r.method in ("INVITE", "BYE")} == {"sip:joe@192.168.178.20:5060"}


async def test_a_2xx_that_is_not_200(scene):
    mine, theirs = await scene.propose()
    await theirs.open_media()
    await theirs.reply(202, "Accepted", body=theirs.answer_body())
    theirs.milestones.reach("answered")
    theirs.run_audio()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("status", [181, 182, 199])
async def test_other_provisional_responses(scene, status):
    mine, theirs = await scene.propose()
    await theirs.reply(status, "Something")
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_description_among_other_bodies(scene):
    """RFC 5621: multipart/mixed, as trunks with ISUP send it."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), body=PARTS % await scene.bed.carrier.described(),
                              kind='multipart/mixed;boundary="x7"')
    mine = await client.incoming()
    await answered(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


@pytest.mark.parametrize("suite", sdes.SUITES)
async def test_a_call_in_with_each_suite(scene, suite):
    """RFC 4568, RFC 7714: a line that nobody knows, one with a key of another length, and then the one that is taken."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), extra=lambda call: (
        "a=crypto:1 DANCE_128 inline:AAAA", f"a=crypto:2 {suite} inline:AAAA", f"{sdes.Sdes(call, suite, tag=7).line}|2^31"))
    mine = await client.incoming()
    await answered(mine, theirs)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def secured(scene, suite="AES_CM_128_HMAC_SHA1_80"):
    """An answered call out: (client's call, carrier's call, its keys)."""
    mine, theirs = await scene.propose()
    keys = sdes.Sdes(theirs, suite)
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    return mine, theirs, keys


@pytest.mark.parametrize("tag,suite", enumerate(list(sdes.SUITES)[:3], 1))
async def test_a_call_out_with_each_suite(scene, tag, suite):
    """Of all that are offered the telephone takes one."""
    mine, theirs, keys = await secured(scene, suite)
    assert keys.tag == tag
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone
async def test_keys_that_change_in_a_call(scene):
    """RFC 4568 7.1.4: a re-INVITE with another key, and each is used from then on."""
    mine, theirs, keys = await secured(scene)
    for _ in range(2):
        keys.renew()
        await theirs.reinvite("sendrecv")
        await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone
async def test_each_fork_has_its_key(scene):
    """Early media of one fork, the answer of another: RFC 4568 7.1.2 knows them by their own keys."""
    mine, theirs = await scene.propose()
    keys = sdes.Sdes(theirs)
    await theirs.open_media()
    await theirs.reply(183, "Session Progress", body=theirs.answer_body())
    await mine.wait("ringing")
    first, theirs.local_tag, theirs.rtp, theirs.rtcp = theirs.rtp, sipmsg.token(), None, None
    await theirs.open_media()
    keys.renew()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    first.transport.close()
    await mine.hangup()
    await theirs.wait("ended")
