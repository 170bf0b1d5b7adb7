# SPDX-License-Identifier: AGPL-3.0-or-later
"""The messages of RFC 4475 and RFC 5118 (tests/data/torture) at the trunk's door, and some of our own: what is valid is
served, what is not gets the answer of its class.

    carrier pstn 10.77.0.2 (raw sockets)  --  Tandem gw 10.77.0.1. The numbers called are nobody's: a good INVITE gets 404.
"""

import asyncio
import os
import re

import pytest

from bed import sipmsg
from bed.scene import CARRIER, GATEWAY

DATA = os.path.join(os.path.dirname(__file__), "..", "data", "torture")
SILENCE_S, ANSWER_S = 1.0, 3.0
SDP = ("v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
       "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n")
USUAL = {
    "Via": "SIP/2.0/UDP @HERE@;branch=z9hG4bK@ID@", "Max-Forwards": "70", "From": "<sip:caller@example.net>;tag=@ID@",
    "To": "<sip:user@example.com>", "Call-ID": "@ID@@example.net", "CSeq": "1 @METHOD@", "Contact": "<sip:caller@@HERE@>",
}


def message(method, uri="sip:user@example.com", body="", length=None, version="SIP/2.0", extra=(), **headers):
    """A request of the usual headers, each of which @headers may replace or (None) leave out."""
    fields = {**USUAL, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body:
        fields.setdefault("Content-Type", "application/sdp")
    lines = [f"{method} {uri} {version}"] + [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [*extra, f"Content-Length: {len(body) if length is None else length}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).replace("@METHOD@", method)


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


# name: (what is sent, which answers are right)
MESSAGES = {
    **load("rfc4475"), **load("rfc5118"),
    "compact headers": (message("INVITE", Via=None, From=None, To=None, Call_ID=None, Contact=None, Content_Type=None, body=SDP, extra=[
        "v: SIP/2.0/UDP @HERE@;branch=z9hG4bK@ID@", "f: <sip:a@b>;tag=@ID@", "t: <sip:c@d>", "i: @ID@", "m: <sip:x@@HERE@>",
        "c: application/sdp"]), (404,)),
    "a tel URI": (message("INVITE", "tel:+15550009999", To="<tel:+15550009999>", body=SDP), (404,)),
    "a tel URI in From": (message("INVITE", From="<tel:+15550009999;verstat=TN-Validation-Passed>;tag=@ID@", body=SDP), (404,)),
    "a user with parameters": (message("INVITE", "sip:+15550009999;npdi;rn=+1555@example.com;user=phone", body=SDP), (404,)),
    "seventy Vias": (message("OPTIONS", extra=[f"Via: SIP/2.0/UDP 192.0.2.{n};branch=z9hG4bK{n}" for n in range(70)]), (200,)),
    "a header of 8000 octets": (message("OPTIONS", User_Agent="x" * 8000), (200,)),
    "maddr in Via": (message("OPTIONS", Via="SIP/2.0/UDP @HERE@;branch=z9hG4bK@ID@;maddr=10.77.0.2"), (200,)),
}


class Raw(asyncio.Protocol):
    """A socket, UDP or TCP, that keeps what comes back."""

    def __init__(self):
        self.got = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.got.put_nowait(data)

    data_received = lambda self, data: self.datagram_received(data, None)  # noqa: E731

    async def answer(self, timeout):
        """The next final response, or None."""
        try:
            while True:
                data = await asyncio.wait_for(self.got.get(), timeout)
                final = re.search(rb"^SIP/2\.0 [2-6]\d\d ", data, re.M)  # TCP may bring 100 and it together
                if final:
                    return data[final.start():]
        except asyncio.TimeoutError:
            return None


async def exchange(scene, octets, timeout=ANSWER_S, transport="udp"):
    """Send @octets from the carrier; returns the final response or None."""
    loop = asyncio.get_running_loop()
    with scene.bed.pstn.inside():
        if transport == "tcp":
            wire, raw = await loop.create_connection(Raw, GATEWAY, 5060, local_addr=(CARRIER, 0))
        else:
            wire, raw = await loop.create_datagram_endpoint(Raw, (CARRIER, 0))
    here = "%s:%u" % wire.get_extra_info("sockname")
    octets = octets.encode("utf-8") if isinstance(octets, str) else octets
    for name, value in (("@HERE@", here), ("@ID@", sipmsg.token()), ("@TP@", transport.upper())):
        octets = octets.replace(name.encode(), value.encode())
    if transport == "tcp":
        wire.write(octets)
    else:
        wire.sendto(octets, (GATEWAY, 5060))
    try:
        return await raw.answer(timeout)
    finally:
        wire.close()


@pytest.mark.parametrize("name", MESSAGES)
async def test_torture(scene, name):
    octets, right = MESSAGES[name]
    answer = await exchange(scene, octets, SILENCE_S if right == (None,) else ANSWER_S, "tcp" if name.endswith(" tcp") else "udp")
    status = int(answer[8:11]) if answer else None
    assert status in right, f"{answer.decode('utf-8', 'replace') if answer else 'silence'}, not one of {right}"


async def test_what_follows_the_message_is_no_second_request(scene):
    """dblreq, RFC 4475 3.1.1.8: in a datagram what Content-Length leaves over is nothing."""
    answer = await exchange(scene, message("OPTIONS") + message("INVITE", body=SDP))
    assert b" 200 " in answer and b"CSeq: 1 OPTIONS" in answer


@pytest.mark.alone
async def test_it_still_serves(scene):
    await scene.alive()
