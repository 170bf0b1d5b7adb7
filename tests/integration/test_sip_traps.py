# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a carrier with the RFCs in hand sends to see whether the other side has read them: each request gets the one answer that its
standard names, by datagrams, connections and TLS, over IPv4 and IPv6.

    client c1  --  Prosody srv  --  Tandem gw (udp, tcp, tls)  --  carrier pstn 10.77.0.2, fd77::2 (raw sockets)

RFC 4475's messages: test_torture.py. Inside of calls: test_odd_calls.py, test_carrier.py, test_sipp_lines.py.
"""

import os
import shutil

import pytest

from bed import certificate, proc, sipmsg, tandem
from bed.rawsip import Line, Request
from bed.scene import CARRIER, GATEWAY, Bed, own_number

GATEWAY6, CARRIER6 = "fd77::1", "fd77::2"
OWNERS = dict(zip(("udp", "tcp", "tls", "udp6", "tcp6"), ("alice", "bob", "dave", "erin", "frank")))
WAYS = {"udp": (GATEWAY, CARRIER), "tcp": (GATEWAY, CARRIER), "tls": (GATEWAY, CARRIER), "udp6": (GATEWAY6, CARRIER6), "tcp6": (GATEWAY6, CARRIER6)}


class Stage(Bed):
    """With a certificate of its own."""

    async def _start(self):
        self.directory = proc.directory("certificates", tandem.USER)
        certificate.write(self.directory, GATEWAY)
        key = os.path.join(self.directory, "key.pem")
        os.chmod(key, 0o640)
        shutil.chown(key, tandem.USER)
        listen = [f"{kind}:{host}:{port}" for host in (GATEWAY, f"[{GATEWAY6}]") for kind, port in (("udp", 5060), ("tcp", 5060))]
        self.sections["sip"] = {"listen": [*listen, f"tls:{GATEWAY}:5061"], "certificate": os.path.join(self.directory, "cert.pem"),
                                "private_key": key}
        await super()._start()

    async def stop(self, check=True):
        await super().stop(check)
        shutil.rmtree(self.directory, ignore_errors=True)


pytestmark = [pytest.mark.bed_options(
    stage=Stage, sections={"media": {"address": "0.0.0.0"}},
    trunks={"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32", f"{CARRIER6}/128"], "refer": True}},
    numbers={own_number(user): {"owner": f"{user}@example.org", "trunk": "carrier"} for user in OWNERS.values()}), pytest.mark.parametrize("way", WAYS)]


def line_by(scene, way):
    """A rawsip.Line by one of WAYS, to the number that is its own."""
    gateway, host = WAYS[way]
    return Line(scene.bed.pstn, way.rstrip("6"), host, gateway, number=own_number(OWNERS[way]))


def described(host, codecs=b"0", lines=b""):
    """A description of audio."""
    family = b"IP6" if ":" in host else b"IP4"
    where = b"IN %b %b" % (family, host.encode())
    return b"v=0\r\no=- 1 1 %b\r\ns=-\r\nc=%b\r\nt=0 0\r\nm=audio 4000 RTP/AVP %b\r\n%b" % (where, where, codecs, lines)


PARTS_OF_B = b"--b\r\nContent-Type: application/sdp\r\n\r\n%b\r\n--b--\r\n"


def traps(line):
    """(what, request, statuses, headers that the answer has to have with what in them)."""
    sdp, gateway = described(line.host), sipmsg.bracket(line.gateway)

    def ask(method, **options):
        return Request(line, method, **options)

    yield "no From", ask("OPTIONS", without=("From",)), (400,), {}
    yield "no To", ask("OPTIONS", without=("To",)), (400,), {}
    yield "no CSeq", ask("OPTIONS", without=("CSeq",)), (400,), {}
    yield "a From twice", ask("OPTIONS", more=("From: <sip:x@y>;tag=2",)), (400,), {}
    yield "a To twice", ask("OPTIONS", more=("To: <sip:x@y>",)), (400,), {}
    yield "a CSeq twice", ask("OPTIONS", more=("CSeq: 2 OPTIONS",)), (400,), {}
    yield "a CSeq of another method", ask("OPTIONS", CSeq="1 INVITE"), (400,), {}
    yield "no hops left", ask("INVITE", body=sdp, Max_Forwards="0"), (483,), {}
    yield "no Max-Forwards", ask("OPTIONS", without=("Max-Forwards",)), (200,), {}
    yield "OPTIONS", ask("OPTIONS"), (200,), {"Allow": "INVITE", "Accept": "application/sdp", "Supported": "timer"}
    yield "OPTIONS to the gateway itself", ask("OPTIONS", uri=f"sip:{gateway}"), (200,), {"Allow": "INVITE"}
    yield "OPTIONS that requires what nobody has", ask("OPTIONS", Require="dance"), (420,), {"Unsupported": "dance"}
    yield "an unknown method", ask("DANCE"), (501,), {"Allow": "INVITE"}
    yield "a method in small letters", ask("options"), (501,), {"Allow": "INVITE"}
    yield "PUBLISH", ask("PUBLISH", Event="presence"), (405,), {"Allow": "INVITE"}
    yield "REGISTER", ask("REGISTER", uri=f"sip:{gateway}"), (405,), {"Allow": "INVITE"}
    yield "two extensions", ask("INVITE", body=sdp, Require="dance, timer, jump"), (420,), {"Unsupported": "jump"}
    yield "an unknown scheme", ask("INVITE", body=sdp, uri="foo:bar"), (400, 416), {}
    yield "another version", ask("OPTIONS", version="SIP/7.0"), (505,), {}
    yield "a tel URI", ask("INVITE", body=sdp, uri="tel:+15550009999"), (404,), {}
    yield "a tel URI in From", ask("INVITE", body=sdp, uri=f"sip:+15550009999@{gateway}",
                                   From="<tel:+15550009999;verstat=TN-Validation-Passed>;tag=1"), (404,), {}
    yield "a user with parameters", ask("INVITE", body=sdp, uri=f"sip:+15550009999;npdi;rn=+1555@{gateway};user=phone"), (404,), {}
    yield "nobody's number", ask("INVITE", body=sdp, uri=f"sip:+15550009999@{gateway}"), (404,), {}
    for name, octets in (("NUL", "%00"), ("a line end", "%0D%0AX-Y:%20z"), ("a tab", "%09")):
        yield f"a number with {name}", ask("INVITE", body=sdp, uri=f"sip:{line.number}{octets}@{gateway}"), (484,), {}
    yield "no Contact", ask("INVITE", body=sdp, without=("Contact",)), (400,), {}
    yield "two Contacts", ask("INVITE", body=sdp, more=("Contact: <sip:two@192.0.2.1>",)), (400,), {}
    yield "a Contact of a star", ask("INVITE", body=sdp, Contact="*"), (400,), {}
    yield "a tag that nobody has", ask("INVITE", body=sdp, To=f"<sip:{line.number}@{gateway}>;tag=gone"), (481,), {}
    yield "a session that is too short", ask("INVITE", body=sdp, Supported="timer", Session_Expires="30"), (422,), {"Min-SE": "90"}
    yield "codecs that nobody knows", ask("INVITE", body=described(line.host, b"97", b"a=rtpmap:97 dance/8000\r\n")), (488,), {"Warning": "305"}
    yield "no audio", ask("INVITE", body=sdp.replace(b"m=audio", b"m=video")), (488,), {"Warning": "305"}
    yield "no description", ask("INVITE", body=b"hello"), (400,), {}
    yield "a description that keeps sofia-sip busy for ever", ask("INVITE", body=b"v=0\r\nm=audio 9 UDP @\r\n"), (400, 488), {}
    yield "a port of ten digits", ask("INVITE", body=sdp.replace(b"4000", b"4294967297")), (400, 488), {}
    yield "a multipart of another boundary", ask("INVITE", Content_Type="multipart/mixed;boundary=a", body=PARTS_OF_B % sdp), (400, 415, 488), {}
    yield "a body of another type", ask("INVITE", body=b"hello", Content_Type="text/plain"), (415,), {"Accept": "application/sdp"}
    yield "a body that is packed", ask("INVITE", body=sdp, Content_Encoding="gzip"), (415,), {"Accept-Encoding": "identity"}
    yield "SUBSCRIBE", ask("SUBSCRIBE", Event="presence"), (489,), {"Allow-Events": ""}
    yield "NOTIFY of what nobody knows", ask("NOTIFY", Event="dance", Subscription_State="active"), (489,), {"Allow-Events": ""}
    yield "NOTIFY of no subscription", ask("NOTIFY", Event="refer", Subscription_State="active"), (481,), {}
    yield "REFER to nobody's call", ask("REFER", Refer_To="<sip:x@192.0.2.1>"), (603,), {}
    for method in ("BYE", "UPDATE", "PRACK", "INFO", "CANCEL"):
        yield f"{method} of nothing", ask(method), (481,), {}
    yield "Replaces of nothing", ask("INVITE", body=sdp, Replaces="x@y;to-tag=1;from-tag=2"), (481,), {}
    yield "Replaces twice", ask("INVITE", body=sdp, Replaces="x@y;to-tag=1;from-tag=2", more=("Replaces: z@y;to-tag=1;from-tag=2",)), (400,), {}
    yield "Replaces of half a dialog", ask("INVITE", body=sdp, Replaces="x@y;to-tag=1"), (400, 481), {}
    if line.kind == "udp":  # in a stream the length says where the next message begins
        yield "a body that is cut off", ask("INVITE", body=sdp, length=len(sdp) + 10), (400,), {}
        yield "more than its length", ask("OPTIONS", body=sdp, length=0), (200,), {}
        yield "no length", ask("OPTIONS", length=""), (200,), {}
    yield "a long one", ask("OPTIONS", X_Long="x" * 8000), (200,), {}
    yield "a tag of 10,000 octets", ask("OPTIONS", From=f"<sip:a@example.org>;tag={'t' * 10000}"), (200, 400, 503), {}
    yield "names of every kind", ask("OPTIONS", From="\"\\\"\u00e9\" <sip:%00%ff@example.org>;tag=x"), (200, 400, 503), {}
    yield "parameters nobody knows", ask("OPTIONS", Contact=f"<sip:x@{line.here}>;" + ";".join(f"p{n}=v" for n in range(500))), (200, 400, 503), {}
    yield "seventy Vias", ask("OPTIONS", more=[f"Via: SIP/2.0/UDP 192.0.2.{n};branch=z9hG4bK{n}" for n in range(70)]), (200,), {}
    yield "maddr in Via", ask("OPTIONS", branch=f"z9hG4bKmaddr{line.port};maddr={sipmsg.bracket(line.host)}"), (200,), {}
    yield "headers in short and in lines", ask("OPTIONS", without=("To", "From", "Call-ID", "Via", "CSeq"), call_id=f"short@{line.port}", more=(
        f"v:\r\n SIP/2.0/{line.kind.upper()}\r\n\t{sipmsg.bracket(line.host)}:{line.port};\r\n branch=z9hG4bKshort ;rport",
        "f: \"A\r\n B\" <sip:a@b>\r\n ;tag=1", f"t: <sip:{line.number}@{gateway}>", f"i:\r\n short@{line.port}", "cSEQ :\r\n 1\r\n OPTIONS", "k: timer")), (200,), {}


@pytest.mark.limit(150)
async def test_each_request_has_its_answer(scene, way):
    await scene.client(OWNERS[way])
    wrong = []
    async with line_by(scene, way) as line:
        for what, request, statuses, headers in traps(line):
            line.send(request.octets)
            response = await line.response(request.call_id)
            if response is None:
                wrong.append(f"{what}: no answer")
                continue
            if response.status not in statuses:
                wrong.append(f"{what}: {response.first_line()}, not {statuses}")
            wrong += [f"{what}: {name}: {', '.join(response.all(name))}" for name, part in headers.items()
                      if not response.all(name) or part not in ", ".join(response.all(name))]
            if request.octets.startswith(b"INVITE"):
                line.send(Request(line, "ACK", call_id=request.call_id, branch=request.branch, uri=request.uri, To=response.get("To")).octets)
            await line.renew()
    assert not wrong, "\n".join(wrong)


@pytest.mark.alone
async def test_one_request_by_two_ways(scene, way):
    """RFC 3261, 8.2.2.2: the second copy of a request that is being answered is a loop."""
    client = await scene.client(OWNERS[way])
    async with line_by(scene, way) as line:
        request = Request(line, "INVITE", body=described(line.host))
        line.send(request.octets)
        mine = await client.incoming()
        copy = Request(line, "INVITE", body=described(line.host), call_id=request.call_id)
        line.send(copy.octets)
        response = await line.response(request.call_id)
        assert response.status == 482 and copy.branch in response.get("Via"), response.first_line()
        line.send(Request(line, "ACK", call_id=request.call_id, branch=copy.branch, To=response.get("To")).octets)
        line.send(Request(line, "CANCEL", call_id=request.call_id, branch=request.branch).octets)
        statuses = {(await line.response(request.call_id)).status for _ in range(2)}
        assert statuses == {200, 487}
        await mine.ended(20.0)  # carriers that cancel and call again ring once
