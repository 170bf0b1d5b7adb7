# SPDX-License-Identifier: AGPL-3.0-or-later
"""Torture and mutation: what RFC 4475 sends, and thousands of damaged datagrams at each port, with a fixed seed.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn (raw sockets speak from its address)
"""

import asyncio
import random
import struct

import pytest

from bed import proc, sipmsg, weight
from bed.scene import CARRIER, GATEWAY, own_number

SEED = 20240229
DATAGRAMS = 3000
BURST = 20  # at once; then the loop of the test takes its turn
ICE_PORT = 10000
GROWTH_KB = 6 * 1024
SLOW_PEERS = 40

pytestmark = pytest.mark.bed_options(sections={"log": {"level": "info"}})


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

    async def status(self, timeout=3.0):
        """The status of the next final response; None when none comes."""
        try:
            while True:
                octets = await asyncio.wait_for(self.got.get(), timeout)
                if octets.startswith(b"SIP/2.0 ") and octets[8] >= ord("2"):
                    return int(octets[8:11])
        except asyncio.TimeoutError:
            return None


def message(transport, start, *, via=True, fields=(), body="", **replaced):
    """A request as text: @replaced gives other values (None: leaves the field out), @fields are more lines."""
    host, port = transport.get_extra_info("sockname")
    method = start.split(" ")[0]
    values = {"From": f"<sip:+15550002222@{host}>;tag={sipmsg.token()}", "To": f"<sip:{own_number('alice')}@{GATEWAY}>",
              "Call-ID": sipmsg.token(20), "CSeq": f"1 {method}", "Max-Forwards": "70", "Contact": f"<sip:x@{host}:{port}>",
              "Content-Length": str(len(body))}
    values.update({name.replace("_", "-"): value for name, value in replaced.items()})
    lines = [start]
    if via:
        lines.append(f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{sipmsg.token()};rport")
    lines += [f"{name}: {value}" for name, value in values.items() if value is not None]
    return ("\r\n".join([*lines, *fields]) + "\r\n\r\n" + body).encode("latin-1")


URI = f"sip:{own_number('alice')}@{GATEWAY}"
OPTIONS, INVITE = f"OPTIONS {URI} SIP/2.0", f"INVITE {URI} SIP/2.0"
REFUSED = range(400, 500)
# After RFC 4475, 3.1.2 and 3.3: what is wrong, and what it may be answered with (None: it may be dropped).
TORTURE = {
    "badinv01: separators": (INVITE, dict(Contact="\"Joe\" <sip:joe@example.org>;;;;"), REFUSED),
    "clerr: content-length too large": (OPTIONS, dict(Content_Length="9999"), (400,)),
    "ncl: content-length negative": (OPTIONS, dict(Content_Length="-999"), (400, None)),
    "scalar02: cseq too large": (OPTIONS, dict(CSeq="36893488147419103232 OPTIONS"), (400, None)),
    "quotbal: quotes without an end": (OPTIONS, dict(To=f'"Mr. J. User <{URI}>'), (400, None)),
    "ltgtruri: request-uri in brackets": (f"OPTIONS <{URI}> SIP/2.0", {}, (400, None)),
    "lwsruri: blanks in the request-uri": (f"OPTIONS sip:{own_number('alice')} @{GATEWAY} SIP/2.0", {}, (400, None)),
    "lwsstart: blanks in the first line": (f"OPTIONS  {URI}  SIP/2.0", {}, (400, 200, 503, None)),
    "escruri: escaped headers": (f"INVITE {URI}?Route=%3Csip:example.com%3E SIP/2.0", {}, REFUSED),
    "badvers: version 7.0": (f"OPTIONS {URI} SIP/7.0", {}, (505, None)),
    "mismatch01: cseq of another method": (OPTIONS, dict(CSeq="8 INVITE"), (400, None)),
    "mismatch02: an unknown method's": (f"NEWMETHOD {URI} SIP/2.0", dict(CSeq="8 INVITE"), (400, 501, None)),
    "insuf: no call-id": (OPTIONS, dict(Call_ID=None), (400, None)),
    "insuf: no from": (OPTIONS, dict(From=None), (400, None)),
    "insuf: no to": (OPTIONS, dict(To=None), (400, None)),
    "insuf: no cseq": (OPTIONS, dict(CSeq=None), (400, None)),
    "unkscm: unknown scheme": ("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", {}, (416,)),
    "novelsc: known scheme that is no sip": ("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", {}, (416, 400)),
    "unksm2: unknown scheme in to and from": (OPTIONS, dict(To="isbn:2983792873", From="<http://x.example>;tag=1"), (400, 200, 503)),
    "bext01: unknown extensions": (OPTIONS, dict(Require="nothingSupportsThis, nothingSupportsThisEither"), (420,)),
    "mcl01: two content-lengths": (OPTIONS, dict(fields=("Content-Length: 900",)), (400, None)),
    "zeromf: no hops left": (f"INVITE {URI} SIP/2.0", dict(Max_Forwards="0"), (483,)),
    "cparam: parameters nobody knows": (OPTIONS, dict(Contact="<sip:x@10.77.0.2>;" + ";".join(f"p{n}=v" for n in range(500))), (200, 400, 503)),
    "many vias": (OPTIONS, dict(fields=tuple(f"Via: SIP/2.0/UDP 10.0.0.{n % 250}:5060;branch=z9hG4bK{n}" for n in range(300))), (200, 503, 400, None)),
    "names of every kind": (OPTIONS, dict(From="\"\\\"\u00e9\" <sip:%00%ff@example.org>;tag=x"), (200, 400, 503)),
    "a tag of 10,000 octets": (OPTIONS, dict(From=f"<sip:a@example.org>;tag={'t' * 10000}"), (200, 400, 503)),
}


@pytest.mark.parametrize("name", TORTURE)
async def test_torture(scene, name):
    start, changes, expected = TORTURE[name]
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)
    transport.sendto(message(transport, start, **changes), (GATEWAY, 5060))
    status = await raw.status()
    transport.close()
    assert status in expected, f"{status}, not one of {expected}"


async def test_responses_that_nobody_asked_for(scene):
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)
    for start in ("SIP/2.0 4294967301 better not break the receiver", "SIP/2.0 100", "SIP/2.0 200 OK", "SIP/2.0 -1 x", "SIP/2.0 699 x"):
        for method in ("INVITE", "BYE", "OPTIONS", "NOTHING"):
            transport.sendto(message(transport, start, CSeq=f"1 {method}"), (GATEWAY, 5060))
    transport.sendto(message(transport, OPTIONS), (GATEWAY, 5060))
    assert await raw.status() == 200
    transport.close()


async def test_messages_as_large_as_they_can_be(scene):
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)
    for size in (1500, 8000, 32000, 64000):
        transport.sendto(message(transport, INVITE, X_Padding="y" * size), (GATEWAY, 5060))
        transport.sendto(message(transport, INVITE, body="v=0\r\n" + "a=x\r\n" * (size // 5), Content_Type="application/sdp"), (GATEWAY, 5060))
    while (status := await raw.status()) is not None:
        assert status >= 400
    transport.close()
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)  # answers may yet come to the other port
    transport.sendto(message(transport, OPTIONS), (GATEWAY, 5060))
    assert await raw.status() == 200
    transport.close()


async def test_slow_senders_over_tcp_hold_nobody_up(scene):
    """Connections that send an octet now and then, beside one that wants to be served."""
    tandem = scene.bed.tandem
    octets = f"INVITE {URI} SIP/2.0\r\nVia: SIP/2.0/TCP {CARRIER}".encode()
    before = weight.descriptors(tandem.process.pid)
    with scene.bed.pstn.inside():
        writers = [(await asyncio.open_connection(GATEWAY, 5060, local_addr=(CARRIER, 0)))[1] for _ in range(SLOW_PEERS)]
    for octet in octets:
        for writer in writers:
            writer.write(bytes([octet]))
        await asyncio.sleep(0.01)
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
    for writer in writers:
        writer.close()
    await proc.until(lambda: weight.descriptors(tandem.process.pid) <= before + 4, 10, "the connections are closed")


# ---- mutation ----

def stun(generator):
    """A Binding request with the attributes of ICE, none of them proven."""
    attributes = b""
    for kind, value in ((0x0006, b"abcd:efgh"), (0x0024, struct.pack("!I", 1 << 30)), (0x802A, generator.randbytes(8)), (0x0025, b""),
                        (0x0008, generator.randbytes(20)), (0x8028, generator.randbytes(4))):
        attributes += struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
    return struct.pack("!HHI", 1, len(attributes), 0x2112A442) + generator.randbytes(12) + attributes


def client_hello(generator):
    """The beginning of a DTLS handshake."""
    body = b"\xfe\xfd" + generator.randbytes(32) + b"\0\0" + b"\0\x04\xc0\x2b\xc0\x2f" + b"\x01\0" + b"\0\x0a\0\x0e\0\x07\0\x04\0\x01\0\x02\0"
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + b"\0\0" + b"\0\0\0" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\xfe\xff" + b"\0\0" + b"\0" * 6 + struct.pack("!H", len(handshake)) + handshake


def rtp(generator):
    """A packet of PCMU."""
    return struct.pack("!BBHII", 0x80, 0, generator.randrange(65536), generator.randrange(1 << 32), generator.randrange(1 << 32)) + generator.randbytes(160)


def rtcp(generator):
    """A sender report with a report block, and a description."""
    report = struct.pack("!BBHI", 0x81, 200, 12, 1) + generator.randbytes(44)
    return report + struct.pack("!BBHI", 0x81, 202, 3, 1) + b"\x01\x06abcdef\0\0"[:8] + b"\0" * 4


MEDIA = (stun, client_hello, rtp, rtcp)


def mutate(generator, octets):
    """@octets damaged in a few places."""
    data = bytearray(octets)
    for _ in range(generator.choice((0, 1, 1, 2, 3, 8))):
        at = generator.randrange(len(data)) if data else 0
        how = generator.randrange(6)
        if how == 0 and data:
            data[at] ^= 1 << generator.randrange(8)
        elif how == 1 and data:
            data[at] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, 0x0D, 0x0A, 0x20, 0x3A, 0x3B))
        elif how == 2:
            del data[at:at + generator.randrange(1, 40)]
        elif how == 3:
            data[at:at] = generator.randbytes(generator.randrange(1, 40))
        elif how == 4:
            data[at:at] = data[at:at + generator.randrange(1, 200)]
        else:
            del data[at:]
    return bytes(data[:65000])


async def rain(transport, to, make):
    """DATAGRAMS of make(), some at once."""
    for number in range(DATAGRAMS):
        transport.sendto(make(), to)
        if number % BURST == 0:
            await asyncio.sleep(0.002)


async def unharmed(scene, before):
    """A call works both ways, and memory has grown less than GROWTH_KB with what came."""
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
    pid = scene.bed.tandem.process.pid
    scene.figure("memory", f"{before} KiB before, {weight.resident_kb(pid)} KiB after {DATAGRAMS} datagrams")
    assert weight.grew_less(pid, before, GROWTH_KB)


@pytest.mark.alone
async def test_damaged_sip(scene):
    generator = random.Random(SEED)
    raw, transport = await Raw.open(scene.bed.pstn, CARRIER)
    sdp = "v=0\r\no=- 1 1 IN IP4 10.77.0.2\r\ns=-\r\nc=IN IP4 10.77.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

    def make():
        kind = generator.randrange(6)
        if kind == 0:  # to a number that nobody owns: no client rings
            data = message(transport, f"INVITE sip:+15559999999@{GATEWAY} SIP/2.0", body=sdp, Content_Type="application/sdp")
        elif kind == 1:
            data = message(transport, OPTIONS)
        elif kind == 2:
            data = message(transport, "SIP/2.0 200 OK", CSeq="1 INVITE", body=sdp)
        else:
            data = message(transport, f"{('BYE', 'CANCEL', 'INFO')[kind - 3]} {URI} SIP/2.0", To=f"<{URI}>;tag=abc")
        return mutate(generator, data)

    await rain(transport, (GATEWAY, 5060), make)  # the first rain fills what is kept for a while (RFC 3261, 17.2)
    before = weight.resident_kb(scene.bed.tandem.process.pid)
    await asyncio.sleep(1.0)
    transport.close()
    await unharmed(scene, before)
    scene.figure("answers to damaged SIP", raw.got.qsize())


@pytest.mark.alone
async def test_damaged_media_of_strangers(scene):
    """At the shared port, without and with a call, and at the ports of one."""
    generator = random.Random(SEED + 1)
    _, transport = await Raw.open(scene.bed.c2, "10.77.0.12")
    before = weight.resident_kb(scene.bed.tandem.process.pid)
    await rain(transport, (GATEWAY, ICE_PORT), lambda: mutate(generator, generator.choice(MEDIA)(generator)))
    mine, theirs = await scene.call_out()
    for port in (ICE_PORT, theirs.offer.port, theirs.offer.port + 1):
        await rain(transport, (GATEWAY, port), lambda: mutate(generator, generator.choice(MEDIA)(generator)))
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
    transport.close()
    await unharmed(scene, before)


@pytest.mark.alone
async def test_damaged_media_of_the_peers_themselves(scene):
    """From the very sockets of a call: the trunk's RTP and RTCP, and the pair that ICE has chosen."""
    generator = random.Random(SEED + 2)
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    before = weight.resident_kb(scene.bed.tandem.process.pid)
    to = (theirs.offer.host, theirs.offer.port)
    await rain(theirs.rtp.transport, to, lambda: mutate(generator, generator.choice(MEDIA)(generator)))
    await rain(theirs.rtcp.transport, (to[0], to[1] + 1), lambda: mutate(generator, rtcp(generator)))
    connection = mine.transport.agent

    class Pair:
        """What sends from the client's side of the pair."""

        sendto = staticmethod(lambda data, _: asyncio.ensure_future(connection.send(data)))

    await rain(Pair, None, lambda: mutate(generator, generator.choice((client_hello, rtp, rtcp))(generator)))
    await mine.hangup()
    await theirs.wait("ended")
    await unharmed(scene, before)
