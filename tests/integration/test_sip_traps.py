# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a carrier with the RFCs in hand sends to see whether the other side has read them: each request gets the one answer that its
standard names, by datagrams, connections and TLS, over IPv4 and IPv6.

    client c1  --  Prosody srv  --  Tandem gw (udp, tcp, tls)  --  carrier pstn 10.77.0.2, fd77::2 (raw sockets)

In torture messages: test_torture.py. Inside of calls: test_odd_calls.py, test_carrier.py, test_sipp_lines.py.
"""

import asyncio
import os
import shutil
import ssl

import pytest

from bed import certificate, proc, sipmsg, tandem
from bed.scene import CARRIER, GATEWAY, Bed, own_number

GATEWAY6, CARRIER6 = "fd77::1", "fd77::2"
OWNERS = dict(zip(("udp", "tcp", "tls", "udp6", "tcp6"), ("alice", "bob", "dave", "erin", "frank")))
ANSWER_S = 10.0
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


class Datagrams(asyncio.DatagramProtocol):
    """A UDP socket: what comes is in @got."""

    def __init__(self):
        self.got, self.transport = asyncio.Queue(), None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.got.put_nowait(data)


class Line:
    """Octets to Tandem and back, by one of WAYS."""

    def __init__(self, way):
        self.number = own_number(OWNERS[way])
        self.kind, (self.gateway, self.host) = way.rstrip("6"), WAYS[way]
        self.port = self.writer = self.datagrams = None
        self.got, self.reader = asyncio.Queue(), None

    async def open(self, node):
        """From the carrier's address; returns self."""
        with node.inside():
            if self.kind == "udp":
                transport, self.datagrams = await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, (self.host, 0))
                self.got, self.port = self.datagrams.got, transport.get_extra_info("sockname")[1]
                return self
            context = None
            if self.kind == "tls":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            reader, self.writer = await asyncio.open_connection(self.gateway, 5061 if context else 5060, local_addr=(self.host, 0), ssl=context)
        self.port = self.writer.get_extra_info("sockname")[1]
        self.reader = asyncio.ensure_future(self._read(reader))
        return self

    async def _read(self, reader):
        buffer = b""
        while data := await reader.read(65536):
            buffer += data
            while True:
                message, buffer = sipmsg.frame(buffer)
                if message is None:
                    break
                self.got.put_nowait(message)

    def send(self, octets):
        """As they stand."""
        if self.datagrams:
            self.datagrams.transport.sendto(octets, (self.gateway, 5060))
        else:
            self.writer.write(octets)

    async def response(self, call_id, final=True):
        """The next response to the request of @call_id; a final one, or any."""
        while True:
            message = sipmsg.parse(await asyncio.wait_for(self.got.get(), ANSWER_S))
            if message.status and message.call_id == call_id and (message.status >= 200 or not final):
                return message

    async def renew(self, node):
        """Another connection: a malformed request costs the one that it came by."""
        if not self.datagrams:
            self.close()
            await self.open(node)

    def close(self):
        """No more."""
        if self.reader:
            self.reader.cancel()
        (self.datagrams.transport if self.datagrams else self.writer).close()


def described(host, codecs=b"0", lines=b""):
    """A description of audio."""
    family = b"IP6" if ":" in host else b"IP4"
    where = b"IN %b %b" % (family, host.encode())
    return b"v=0\r\no=- 1 1 %b\r\ns=-\r\nc=%b\r\nt=0 0\r\nm=audio 4000 RTP/AVP %b\r\n%b" % (where, where, codecs, lines)


class Request:
    """A request as text: headers are (name, value), and may be twice or not at all."""

    def __init__(self, line, method, uri=None, body=b"", version="SIP/2.0", length=None, without=(), more=(), branch=None, call_id=None, **instead):
        host = sipmsg.bracket(line.host)
        self.call_id, self.uri = call_id or sipmsg.token(20), uri or f"sip:{line.number}@{sipmsg.bracket(line.gateway)}"
        self.branch = branch or f"z9hG4bK{sipmsg.token()}"
        headers = {"Via": f"SIP/2.0/{line.kind.upper()} {host}:{line.port};branch={self.branch};rport", "Max-Forwards": "70",
                   "From": f"<sip:+15550002222@{host}>;tag=f{self.call_id[:8]}", "To": f"<{self.uri}>", "Call-ID": self.call_id,
                   "CSeq": f"1 {method}", "Contact": f"<sip:carrier@{host}:{line.port};transport={line.kind}>"}
        if body:
            headers["Content-Type"] = "application/sdp"
        headers.update({name.replace("_", "-"): value for name, value in instead.items()})
        lines = [f"{method} {self.uri} {version}", *(f"{name}: {value}" for name, value in headers.items() if name not in without), *more]
        if length != "":
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.octets = "\r\n".join(lines).encode() + b"\r\n\r\n" + body


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
    yield "headers in short and in lines", ask("OPTIONS", without=("To", "From", "Call-ID", "Via", "CSeq"), call_id=f"short@{line.port}", more=(
        f"v:\r\n SIP/2.0/{line.kind.upper()}\r\n\t{sipmsg.bracket(line.host)}:{line.port};\r\n branch=z9hG4bKshort ;rport",
        "f: \"A\r\n B\" <sip:a@b>\r\n ;tag=1", f"t: <sip:{line.number}@{gateway}>", f"i:\r\n short@{line.port}", "cSEQ :\r\n 1\r\n OPTIONS", "k: timer")), (200,), {}


@pytest.mark.limit(150)
async def test_each_request_has_its_answer(scene, way):
    await scene.client(OWNERS[way])
    line, wrong = await Line(way).open(scene.bed.pstn), []
    for what, request, statuses, headers in traps(line):
        line.send(request.octets)
        try:
            response = await line.response(request.call_id)
        except asyncio.TimeoutError:
            wrong.append(f"{what}: no answer")
            continue
        if response.status not in statuses:
            wrong.append(f"{what}: {response.first_line()}, not {statuses}")
        wrong += [f"{what}: {name}: {', '.join(response.all(name))}" for name, part in headers.items()
                  if not response.all(name) or part not in ", ".join(response.all(name))]
        if request.octets.startswith(b"INVITE"):
            line.send(Request(line, "ACK", call_id=request.call_id, branch=request.branch, uri=request.uri, To=response.get("To")).octets)
        await line.renew(scene.bed.pstn)
    line.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.alone
async def test_one_request_by_two_ways(scene, way):
    """RFC 3261, 8.2.2.2: the second copy of a request that is being answered is a loop."""
    client, line = await scene.client(OWNERS[way]), await Line(way).open(scene.bed.pstn)
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
    line.close()
