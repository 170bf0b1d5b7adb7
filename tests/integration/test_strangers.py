# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is no trunk's address sends what he likes: it costs little, gives him little, and harms nobody.

    stranger c2 10.77.0.12  --SIP/UDP-->  Tandem gw  <--SIP--  carrier pstn
"""

import asyncio
import os
import socket
import statistics
import time

import pytest

from bed import http, intruder, sipmsg, weight
from bed.scene import CARRIER, GATEWAY, own_number

WATCH, TOKEN = (GATEWAY, 9464), "sesame"
pytestmark = [pytest.mark.bed_options(sections={"watch": {"listen": f"{GATEWAY}:9464", "token": TOKEN}}), pytest.mark.alone,
              pytest.mark.limit(120)]

WHOLE = "BED_PACKETS" in os.environ  # on an idle machine
PACKETS, EACH, ASKED = int(os.environ.get("BED_PACKETS", "40000")), 200, 100 if WHOLE else 8
GROWTH_KIB, OPTIONS_S = 8192, 0.2
TRUNK_GROWTH_KIB = 96 * 1024  # of requests that SIP remembers for half a minute (sip/share.h)
ADDRESS = "10.77.0.12"
SCANNER = ("{method} sip:{number}@10.77.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.12:{port};branch=z9hG4bK{number};rport\r\n"
           "From: \"sipvicious\"<sip:100@1.1.1.1>;tag={number}\r\nTo: \"sipvicious\"<sip:100@1.1.1.1>\r\n"
           "Call-ID: {number}\r\nCSeq: 1 {method}\r\nContact: <sip:100@10.77.0.12:{port}>\r\nMax-Forwards: 70\r\n"
           "User-Agent: friendly-scanner\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n")
BROKEN = "OPTIONS sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.12;branch=z9hG4bK1\r\nSession-Expires: x\r\n\r\n"


def received(sock):
    """(answers, octets) that have come."""
    answers = octets = 0
    while True:
        try:
            octets += len(sock.recv(65536))
            answers += 1
        except BlockingIOError:
            return answers, octets


async def options(bed):
    """How long an OPTIONS of the carrier's waits for its answer."""
    request = sipmsg.Message("OPTIONS", f"sip:{GATEWAY}")
    peer = await bed.carrier.wire.reach("udp", GATEWAY, 5060)
    request.add("Via", bed.carrier.wire.via("udp")).add("Max-Forwards", 70)
    request.add("From", f"<sip:a@{bed.carrier.host}>;tag={sipmsg.token()}").add("To", f"<sip:{GATEWAY}>")
    request.add("Call-ID", sipmsg.token(20)).add("CSeq", "1 OPTIONS")
    begun = time.monotonic()
    response = await bed.carrier.wire.request(request, peer).final()
    assert response.status == 200, response.first_line()
    return time.monotonic() - begun


@pytest.mark.parametrize("text,method", [(SCANNER, "OPTIONS"), (SCANNER, "INVITE"), (SCANNER, "REGISTER"), (BROKEN, "")],
                         ids=["options", "invite", "register", "broken"])
async def test_a_flood(scene, text, method):
    bed = scene.bed
    await scene.alive()
    mine, theirs = await scene.call_out()
    before = weight.resident_kb(bed.tandem.process.pid)
    with bed.c2.inside():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ADDRESS, 0))
    sock.setblocking(False)
    port, sent, waits = sock.getsockname()[1], 0, []
    begun = time.monotonic()
    for number in range(PACKETS):
        packet = text.format(method=method, number=number, port=port).encode()
        try:
            sent += sock.sendto(packet, (GATEWAY, 5060))
        except BlockingIOError:
            pass
        if number % EACH == 0:
            await asyncio.sleep(0)
        if number % (PACKETS // ASKED) == 0:
            waits.append(await options(bed))
            assert (await http.fetch(bed.c1, WATCH, "/healthz", headers=http.bearer(TOKEN))).status == 200
    waits.append(await options(bed))
    lasted = time.monotonic() - begun
    answers, octets = received(sock)
    sock.close()
    waits.sort()
    waited, longest = statistics.median(waits), waits[int(len(waits) * 0.99)]  # one may have waited for this process's turn
    assert (longest if WHOLE else waited) < OPTIONS_S, f"a trunk waited {waits} s"
    assert answers <= lasted + 2 and octets < sent / 100, f"{answers} answers of {octets} octets"
    assert not (answers and text is BROKEN)
    growth = weight.resident_kb(bed.tandem.process.pid) - before
    assert weight.grew_less(bed.tandem.process.pid, before, GROWTH_KIB), f"{growth} KiB more"
    lines = bed.tandem.log.count("event=stranger ")
    assert lines <= 8, f"{lines} lines"
    scene.figure(f"{PACKETS} datagrams of a stranger, {method or 'broken'}",
                 f"{growth} KiB, {answers} answers, OPTIONS of a trunk in {waited * 1000:.0f} ms, {longest * 1000:.0f} at the worst")
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    await theirs.wait("ended")
    await scene.alive()


async def test_a_flood_under_a_trunks_address(scene):
    """A trunk gone mad, or somebody who writes its address: memory is bounded, its call goes on, other trunks are served."""
    bed = scene.bed
    mine, theirs = await scene.call_out()
    pid = bed.tandem.process.pid
    before = weight.resident_kb(pid)
    forger = intruder.Forger(bed.c2)
    text = SCANNER.replace("sip:100@1.1.1.1", f"sip:+15550001111@{CARRIER}").replace("friendly-scanner", "x").replace(ADDRESS, CARRIER)
    for number in range(PACKETS):
        forger.send(text.format(method="INVITE", number=f"1999{number}", port=5999).encode(), (CARRIER, 5999), (GATEWAY, 5060))
        if number % EACH == 0:
            await asyncio.sleep(0)
    forger.close()
    growth = weight.resident_kb(pid) - before
    scene.figure(f"{PACKETS} INVITEs under a trunk's address", f"{growth} KiB")
    assert weight.grew_less(pid, before, TRUNK_GROWTH_KIB), f"{growth} KiB more"
    dave = await scene.client("dave")
    other = await scene.dial(own_number("dave"), carrier=bed.pbx, transport="tcp")
    await (await dave.incoming()).reject()
    await other.wait("ended")
    await scene.heard(mine, theirs, seconds=1.0)
    await theirs.hangup()
    await mine.ended()
    assert bed.tandem.log.count("event=sip-flood") <= 2
    await asyncio.sleep(1.0)  # what it may ask again
    await options(bed)
