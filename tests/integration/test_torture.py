# SPDX-License-Identifier: AGPL-3.0-or-later
"""The messages of RFC 4475 and RFC 5118 (tests/data/torture) at the trunk's door: what is valid is served, what is not gets the
answer of its class. What else may be wrong with a request: test_sip_traps.py.

    carrier pstn 10.77.0.2 (raw sockets)  --  Tandem gw 10.77.0.1. The numbers called are nobody's: a good INVITE gets 404.
"""

import os
import re

import pytest

from bed import sipmsg
from bed.rawsip import Line

DATA = os.path.join(os.path.dirname(__file__), "..", "data", "torture")
SILENCE_S, ANSWER_S = 1.0, 3.0
SDP = ("v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
       "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n")


def expand(text):
    """The octets of a message in the notation of RFC 4475 section 2, with CRLF."""
    text = re.sub(r"<repeat count=(\d+)>(.*?)</repeat>", lambda m: m.group(2) * int(m.group(1)), text)
    text = re.sub(r"<allOneLine>\n(.*?)\n</allOneLine>", lambda m: m.group(1).replace("\n", ""), text, flags=re.S)
    octets = b"".join(bytes.fromhex(part) if n % 2 else part.encode("utf-8")
                      for n, part in enumerate(re.split(r"<hex>([0-9A-F]+)</hex>", text)))
    head, body = octets.replace(b"\n", b"\r\n").split(b"\r\n\r\n", 1)
    body = body.replace(b"@SDP@\r\n", SDP.encode())
    return head.replace(b"@LEN@", str(len(body)).encode()) + b"\r\n\r\n" + body


def load(name):
    """{(message, transport): (octets, the right answers)} of a file."""
    messages = {}
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        for block in file.read().split("@@ ")[1:]:
            title, text = block.split("\n", 1)
            what, section, transports, right = re.fullmatch(r"(\S+) ([\d.]+): (.*) -> (.*)", title).groups()
            answers = tuple(None if answer == "silence" else int(answer) for answer in right.split())
            for transport in transports.split():
                messages[f"{name} {section} {what} {transport}"] = (expand(text), answers)
    return messages


MESSAGES = {**load("rfc4475"), **load("rfc5118")}


@pytest.mark.parametrize("name", MESSAGES)
async def test_torture(scene, name):
    octets, right = MESSAGES[name]
    async with Line(scene.bed.pstn, "tcp" if name.endswith(" tcp") else "udp") as line:
        for mark, value in (("@HERE@", line.here), ("@ID@", sipmsg.token()), ("@TP@", line.kind.upper())):
            octets = octets.replace(mark.encode(), value.encode())
        line.send(octets)
        response = await line.response(timeout=SILENCE_S if right == (None,) else ANSWER_S)
    assert (response and response.status) in right, f"{response.first_line() if response else 'silence'}, not one of {right}"


@pytest.mark.alone
async def test_it_still_serves(scene):
    await scene.alive()
