# SPDX-License-Identifier: AGPL-3.0-or-later
"""What carriers and PBXs do in a call, and what their equipment says of callers.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (UDP), PBX 10.77.0.3 (TCP)
"""

import asyncio
import re

import pytest

from bed import proc, sipcall, sipmsg, weight
from bed.scene import GATEWAY, own_number


async def offer(call, body, method="INVITE"):
    """A re-INVITE (or UPDATE) with @body; the final response, acknowledged."""
    request = call.build(method)
    if body:
        request.add("Content-Type", "application/sdp")
        request.body = body
    response = await call.phone.wire.request(request, call.peer).final()
    if method == "INVITE" and (body or response.status >= 300):
        call.acknowledge(response, request)
    return response, request


async def test_another_fork_answers_than_rang(scene):
    """183 with a description, 180, and a 200 of another fork with another one."""
    mine, theirs = await scene.propose()
    await theirs.progress()
    await theirs.ring()
    await mine.wait("ringing")
    first_port, first = theirs.port, theirs.rtp
    theirs.local_tag = sipmsg.token()
    theirs.rtp = theirs.rtcp = None
    await theirs.open_media()
    assert theirs.port != first_port
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    first.transport.close()
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_an_answer_given_in_183_alone(scene):
    mine, theirs = await scene.propose()
    await theirs.progress()
    await mine.wait("ringing")
    await theirs.answer(body=b"")
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


@pytest.mark.parametrize("status,reason,said", [(302, "Moved Temporarily", "reject"), (300, "Multiple Choices", "reject"),
                                                (603, "Decline", "reject decline"), (600, "Busy Everywhere", "reject busy"),
                                                (606, "Not Acceptable", "reject"), (423, "Interval Too Brief", "reject"),
                                                (699, "Whatever", "reject")])
async def test_refused_with(scene, status, reason, said):
    mine, theirs = await scene.propose()
    await theirs.refuse(status, reason, headers=[("Contact", "<sip:+15550001@10.77.0.2>"), ("Warning", '370 x "y"')]
                        if status != 603 else ())
    assert (await mine.ended()).startswith(said)


async def test_completed_elsewhere(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    build = theirs.build
    theirs.build = lambda *a, **k: build(*a, **k).add("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
    await theirs.cancel()
    assert "elsewhere" in await mine.ended()


async def test_a_carrier_that_cancels_and_calls_again_rings_once(scene):
    """Bandwidth: an unanswered call is cancelled and sent again every 10 s."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    for _ in range(2):
        await theirs.cancel()
        theirs = await scene.dial(own_number(client.user))
        await theirs.wait("ringing", 1.0)
    assert client.proposals.empty() and not mine.passed("ended")
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_answered_after_the_caller_has_gone(scene):
    """Within the moment that a cancelled call goes on ringing."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await theirs.cancel()
    await mine.accept()
    assert "cancel" in await mine.ended()


async def test_another_caller_does_not_take_a_cancelled_call(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await theirs.cancel()
    other = await scene.dial(own_number(client.user), caller="+15559990000")
    second = await client.incoming()
    assert second.peer.startswith("+15559990000@")
    assert (await mine.ended()).startswith("retract")
    await other.cancel()
    await second.ended()


VAGUE = {"number": ((503, "Service Unavailable"), 1, "reject gone"), "busy": ((480, "Temporarily Unavailable"), 17, "reject busy"),
         "normal": ((480, "Temporarily Unavailable"), 16, "reject timeout")}


@pytest.mark.parametrize("name", VAGUE)
async def test_a_vague_status_with_a_q850_cause(scene, name):
    (status, reason), cause, said = VAGUE[name]
    mine, theirs = await scene.propose()
    await theirs.refuse(status, reason, headers=[("Reason", f'Q.850;cause={cause};text="x"')])
    assert (await mine.ended()).startswith(said)


async def test_hold_however_spelled(scene):
    """Each is answered with what fits it (RFC 3264 sections 6.1 and 8.4), and ends."""
    mine, theirs = await scene.call_out()
    fits = {"sendonly": ("recvonly",), "inactive": ("inactive",), "recvonly": ("sendonly",),
            "0.0.0.0": ("sendrecv", "recvonly", "sendonly", "inactive")}
    for spelling in (*fits, "sendonly of the session"):
        body = theirs.describe("sendrecv" if spelling == "0.0.0.0" else spelling.split()[0])
        if spelling == "0.0.0.0":
            body = body.replace(f"c=IN IP4 {theirs.phone.host}".encode(), b"c=IN IP4 0.0.0.0")
        if spelling.endswith("session"):
            body = body.replace(b"a=sendonly\r\n", b"").replace(b"m=audio", b"a=sendonly\r\nm=audio")
        response, _ = await offer(theirs, body)
        assert response.status == 200, f"{spelling}: {response.first_line()}"
        said = re.search(rb"a=(sendrecv|sendonly|recvonly|inactive)", response.body).group(1).decode()
        assert said in fits[spelling.split()[0]], f"{spelling}: {said}"
        await theirs.resume()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_reinvite_that_moves_the_media(scene):
    mine, theirs = await scene.call_in()
    old, port = theirs.rtp, theirs.port
    theirs.rtp = theirs.rtcp = None
    await theirs.open_media()
    assert theirs.port != port
    await theirs.reinvite("sendrecv")
    old.transport.close()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_offers_in_a_call(scene):
    """Without a description, old-style hold, no port, another order, moved, unsupported: the call goes on."""
    mine, theirs = await scene.call_in()
    await scene.heard(mine, theirs)

    response, request = await offer(theirs, b"")
    assert response.status == 200 and b"m=audio" in response.body
    theirs.acknowledge(response, request, theirs.describe())
    await scene.heard(mine, theirs)

    held = theirs.describe().replace(f"c=IN IP4 {theirs.phone.host}".encode(), b"c=IN IP4 0.0.0.0")
    response, _ = await offer(theirs, held)
    assert response.status == 200, response.first_line()
    response, _ = await offer(theirs, theirs.describe())
    assert response.status == 200
    theirs.take(response.body)
    await scene.heard(mine, theirs)

    response, _ = await offer(theirs, theirs.describe(codecs=(sipcall.G729,)))
    assert response.status == 488, response.first_line()
    await scene.heard(mine, theirs)

    response, _ = await offer(theirs, re.sub(rb"m=audio \d+", b"m=audio 0", theirs.describe()))
    assert response.status in (200, 488), response.first_line()
    response, _ = await offer(theirs, theirs.describe())
    assert response.status == 200, response.first_line()
    theirs.take(response.body)
    await scene.heard(mine, theirs)

    response, _ = await offer(theirs, theirs.describe(codecs=(sipcall.PCMA, sipcall.PCMU, sipcall.EVENTS)))
    assert response.status == 200, response.first_line()
    theirs.take(response.body)
    await scene.heard(mine, theirs)

    response, _ = await offer(theirs, theirs.describe(), "UPDATE")
    assert response.status == 200, response.first_line()
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_requests_in_a_call(scene):
    mine, theirs = await scene.call_out()
    for method, right in (("OPTIONS", (200,)), ("DANCE", (501,)), ("REFER", (603, 405)), ("SUBSCRIBE", (489, 405)),
                          ("NOTIFY", (481, 489)), ("PUBLISH", (405,)), ("REGISTER", (405,)), ("PRACK", (481,))):
        response = await theirs.send(method)
        assert response.status in right, f"{method}: {response.first_line()}"
        if response.status in (405, 501):
            assert "INVITE" in response.get("Allow")
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_a_connection_that_goes_in_a_call(scene):
    client = await scene.client("dave")
    mine, theirs = await scene.propose(client=client, carrier=scene.bed.pbx)
    await theirs.ring()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    for transport in list(scene.bed.pbx.wire.connections.values()):
        transport.abort()
    await asyncio.sleep(0.2)
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


NAMES = {
    "quotes and a backslash": '"Bob \\"the\\" \\\\ Builder"',
    "markup": '"<b>&amp;\']]>"',
    "control octets": '"a\x01\x02\x1b[31mb"',
    "not UTF-8": '"caf\udce9"',
    "bidi overrides": '"\u202eevil\u202c"',
    "long": '"' + "x" * 4000 + '"',
    "a token": "Bob Builder",
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_callers_name(scene, name):
    display = NAMES[name]
    client = await scene.client()
    carrier = scene.bed.carrier
    theirs = await carrier.dial(f"sip:{own_number(client.user)}@{GATEWAY}", ("udp", GATEWAY, 5060), caller="+15559871111",
                                headers=[("P-Asserted-Identity", "<sip:+15559871111@x>")])
    mine = await client.incoming()
    assert mine.peer == "+15559871111@tel.example.org/sip"
    await theirs.cancel()
    await mine.ended()
    here = f"{carrier.host}:{carrier.port}"
    text = (f"INVITE sip:{own_number(client.user)}@{GATEWAY} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{sipmsg.token()}\r\n"
            f"Max-Forwards: 70\r\nFrom: {display} <sip:+15559871111@x>;tag={sipmsg.token()}\r\nTo: <sip:x@y>\r\n"
            f"Call-ID: {sipmsg.token()}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{here}>\r\nContent-Length: 0\r\n\r\n")
    carrier.wire.udp.sendto(text.encode("utf-8", "surrogateescape"), (GATEWAY, 5060))
    mine = await client.incoming()
    assert mine.peer == "+15559871111@tel.example.org/sip"
    await mine.reject("busy")


CALLERS = {
    "anonymous": ('"Anonymous" <sip:anonymous@anonymous.invalid>', []),
    "privacy": ("<sip:+15559872222@x>", [("Privacy", "id")]),
    "line ends": ("<sip:+1555%0d%0aX-Evil:1@x>", []),
    "a slash and an at": ("<sip:a%40b%2fc@x>", []),
    "letters": ("<sip:bob@example.com>", []),
    "empty": ("<sip:example.com>", []),
    "a tel URI": ("<tel:+15559873333;verstat=TN-Validation-Passed>", []),
    "parameters in the user": ("<sip:+15559874444;verstat=No-TN-Validation@x;user=phone>", []),
}


@pytest.mark.parametrize("name", CALLERS)
async def test_who_calls(scene, name):
    value, headers = CALLERS[name]
    client = await scene.client()
    carrier = scene.bed.carrier
    theirs = await carrier.dial(f"sip:{own_number(client.user)}@{GATEWAY}", ("udp", GATEWAY, 5060), headers=headers, local=value)
    waiting = asyncio.ensure_future(client.incoming())
    done, _ = await asyncio.wait({waiting, asyncio.ensure_future(theirs.wait("ended"))}, timeout=proc.SOON_S,
                                 return_when=asyncio.FIRST_COMPLETED)
    if waiting in done:
        mine = waiting.result()
        assert re.fullmatch(r"[^@/]+@tel\.example\.org/sip", mine.peer), mine.peer
        if name in ("anonymous", "privacy"):
            assert "+1555" not in mine.peer
        if name in ("a tel URI", "parameters in the user"):
            assert re.match(r"\+1555987\d{4}@", mine.peer), mine.peer
        await theirs.cancel()
        await mine.ended()
    else:
        waiting.cancel()
        assert theirs.passed("ended") and name == "line ends"


@pytest.mark.parametrize("spelling", ["sip:{};npdi;rn=+15550000@{}", "sip:%2B{}@{}", "tel:{}", "sip:{}@{};user=phone", "sip:+{}@{}:5060;transport=udp"])
async def test_a_number_however_spelled(scene, spelling):
    client = await scene.client()
    number = own_number(client.user)
    uri = spelling.format(number.lstrip("+") if "%2B" in spelling or "+{}" in spelling else number, GATEWAY)
    theirs = await scene.bed.carrier.dial(uri, ("udp", GATEWAY, 5060))
    mine = await client.incoming()
    await theirs.cancel()
    await mine.ended()


@pytest.mark.alone
async def test_a_flood_of_strangers(scene):
    """100,000 datagrams from where no trunk is: memory stays, a trunk's OPTIONS is answered soon, a call is heard."""
    mine, theirs = await scene.call_out()
    pid = scene.bed.tandem.process.pid
    before = weight.resident_kb(pid)
    delays = []

    async def ask():
        while True:
            start = asyncio.get_running_loop().time()
            request = theirs.build("OPTIONS")
            request.replace("Call-ID", sipmsg.token())
            request.replace("To", "<sip:x@y>")
            await scene.bed.carrier.wire.request(request, theirs.peer).final(proc.SOON_S)
            delays.append(asyncio.get_running_loop().time() - start)
            await asyncio.sleep(0.1)

    with scene.bed.c2.inside():
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, ("10.77.0.12", 0))
    asking = asyncio.ensure_future(ask())
    for n in range(100000):
        bad = n % 3 == 0
        transport.sendto((f"INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.12;branch=z9hG4bK{n}\r\nFrom: <sip:a@b>;tag={n}\r\n"
                          f"To: <sip:1@x>\r\nCall-ID: {n}\r\nCSeq: 1 {'BYE' if bad else 'INVITE'}\r\nContact: <sip:a@b>\r\n"
                          "Content-Length: 0\r\n\r\n").encode(), (GATEWAY, 5060))
        if n % 50 == 0:
            await asyncio.sleep(0.005)
    await scene.heard(mine, theirs)
    asking.cancel()
    transport.close()
    after = weight.resident_kb(pid)
    scene.figure("memory after 100,000 datagrams of a stranger", f"{before} -> {after} KiB")
    scene.figure("slowest OPTIONS meanwhile", f"{max(delays) * 1000:.0f} ms of {len(delays)}")
    assert weight.grew_less(pid, before, 16 * 1024) and len(delays) > 5 and sorted(delays)[len(delays) * 99 // 100] < 0.2
    await mine.hangup()
    await theirs.wait("ended")
