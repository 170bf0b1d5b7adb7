# SPDX-License-Identifier: AGPL-3.0-or-later
"""Octets that are no messages, and thousands of damaged messages at each port, with a fixed seed. They cost nobody else anything.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn (raw sockets speak from its address)
"""

import asyncio
import os
import random
import struct

import pytest

from bed import proc, weight
from bed.rawsip import Line, Request
from bed.scene import CARRIER, GATEWAY, own_number

SEED = 20240229
DATAGRAMS = 3000
BURST = 20  # at once; then the loop of the test takes its turn
ICE_PORT = 10000
STRANGER = "10.77.0.12"
GROWTH_KB = 6 * 1024
SLOW_PEERS = 40

pytestmark = pytest.mark.bed_options(sections={"log": {"level": "info"}})
SDP = b"v=0\r\no=- 1 1 IN IP4 10.77.0.2\r\ns=-\r\nc=IN IP4 10.77.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"


async def test_octets_that_are_no_sip(scene):
    generator = random.Random(7)
    async with Line(scene.bed.pstn) as line:
        for _ in range(200):
            line.send(generator.randbytes(generator.randrange(1, 1400)))
            await asyncio.sleep(0)
        for piece in (b"\r\n\r\n", b"INVITE", b"INVITE sip:x SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", b"\0" * 1000):
            line.send(piece)
        for _ in range(20):  # a full socket buffer may have lost the first ones
            request = Request(line, "OPTIONS")
            line.send(request.octets)
            if response := await line.response(request.call_id, 0.5):
                break
    assert response and response.status == 200


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
    generator = random.Random(8)
    async with Line(scene.bed.c2, host=STRANGER, port=ICE_PORT) as ours, Line(scene.bed.c2, host=STRANGER, port=theirs.offer.port) as rtp_port:
        for n in range(400):
            first = generator.choice([0, 1, 20, 22, 63, 64, 128, 129, 191, 255])
            (ours if n % 2 else rtp_port).send(bytes([first]) + generator.randbytes(generator.randrange(0, 1200)))
        await scene.heard(mine, theirs)
        assert ours.got.qsize() + rtp_port.got.qsize() < 20
    await mine.hangup()
    await theirs.wait("ended")


async def test_responses_that_nobody_asked_for(scene):
    async with Line(scene.bed.pstn) as line:
        for start in ("SIP/2.0 4294967301 better not break the receiver", "SIP/2.0 100", "SIP/2.0 200 OK", "SIP/2.0 -1 x", "SIP/2.0 699 x"):
            for method in ("INVITE", "BYE", "OPTIONS", "NOTHING"):
                line.send(Request(line, method, start=start).octets)
        line.send(Request(line, "OPTIONS").octets)
        assert (await line.response()).status == 200


async def test_messages_as_large_as_they_can_be(scene):
    async with Line(scene.bed.pstn) as line:
        for size in (1500, 8000, 32000, 64000):
            line.send(Request(line, "INVITE", X_Padding="y" * size).octets)
            line.send(Request(line, "INVITE", body=b"v=0\r\n" + b"a=x\r\n" * (size // 5)).octets)
        while response := await line.response(timeout=3.0):
            assert response.status >= 400
    async with Line(scene.bed.pstn) as line:  # answers may yet come to the other port
        line.send(Request(line, "OPTIONS").octets)
        assert (await line.response()).status == 200


async def test_slow_senders_over_tcp_hold_nobody_up(scene):
    """Connections that send an octet now and then, beside one that wants to be served."""
    tandem = scene.bed.tandem
    octets = f"INVITE sip:{own_number('alice')}@{GATEWAY} SIP/2.0\r\nVia: SIP/2.0/TCP {CARRIER}".encode()
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


async def rain(send, make):
    """DATAGRAMS of make() by send(), some at once."""
    for number in range(DATAGRAMS):
        send(make())
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
    async with Line(scene.bed.pstn) as line:
        def make():
            kind = generator.randrange(6)
            if kind == 0:  # to a number that nobody owns: no client rings
                request = Request(line, "INVITE", f"sip:+15559999999@{GATEWAY}", body=SDP)
            elif kind == 1:
                request = Request(line, "OPTIONS")
            elif kind == 2:
                request = Request(line, "INVITE", start="SIP/2.0 200 OK", body=SDP)
            else:
                request = Request(line, ("BYE", "CANCEL", "INFO")[kind - 3], To=f"<sip:{line.number}@{GATEWAY}>;tag=abc")
            return mutate(generator, request.octets)

        await rain(line.send, make)  # the first rain fills what is kept for a while (RFC 3261, 17.2)
        before = weight.resident_kb(scene.bed.tandem.process.pid)
        await asyncio.sleep(1.0)
        scene.figure("answers to damaged SIP", line.got.qsize())
    await unharmed(scene, before)


def damaged(generator, kinds=MEDIA):
    """What makes damaged packets."""
    return lambda: mutate(generator, generator.choice(kinds)(generator))


@pytest.mark.alone
async def test_damaged_media_of_strangers(scene):
    """At the shared port, without and with a call, and at the ports of one."""
    make = damaged(random.Random(SEED + 1))
    before = weight.resident_kb(scene.bed.tandem.process.pid)
    async with Line(scene.bed.c2, host=STRANGER, port=ICE_PORT) as line:
        await rain(line.send, make)
    mine, theirs = await scene.call_out()
    for port in (ICE_PORT, theirs.offer.port, theirs.offer.port + 1):
        async with Line(scene.bed.c2, host=STRANGER, port=port) as line:
            await rain(line.send, make)
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
    await unharmed(scene, before)


@pytest.mark.alone
async def test_damaged_media_of_the_peers_themselves(scene):
    """From the very sockets of a call: the trunk's RTP and RTCP, and the pair that ICE has chosen."""
    generator = random.Random(SEED + 2)
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    before = weight.resident_kb(scene.bed.tandem.process.pid)
    host, port = theirs.offer.host, theirs.offer.port
    await rain(lambda data: theirs.rtp.transport.sendto(data, (host, port)), damaged(generator))
    await rain(lambda data: theirs.rtcp.transport.sendto(data, (host, port + 1)), damaged(generator, (rtcp,)))
    pair = mine.transport.agent
    await rain(lambda data: asyncio.ensure_future(pair.send(data)), damaged(generator, (client_hello, rtp, rtcp)))
    await mine.hangup()
    await theirs.wait("ended")
    await unharmed(scene, before)
