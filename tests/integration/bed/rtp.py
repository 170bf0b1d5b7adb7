# SPDX-License-Identifier: AGPL-3.0-or-later
"""RTP packets (RFC 3550), telephone events (RFC 4733) and the few RTCP packets the peers send."""

import struct
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
EVENT = struct.Struct("!BBH")
DIGITS = "0123456789*#ABCD"
RTCP_SR, RTCP_RR, RTCP_SDES, RTCP_BYE = 200, 201, 202, 203


class Packet(NamedTuple):
    """The parts of an RTP packet that a receiver looks at."""

    pt: int
    marker: bool
    seq: int
    ts: int
    ssrc: int
    payload: bytes


def pack(pt, seq, ts, ssrc, payload, marker=False):
    """One RTP packet without extensions."""
    return HEADER.pack(0x80, pt | (0x80 if marker else 0), seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc) + payload


def parse(data):
    """The Packet in @data, or None if that is not RTP."""
    if len(data) < 12 or data[0] >> 6 != 2 or is_rtcp(data):
        return None
    first, second, seq, ts, ssrc = HEADER.unpack_from(data)
    start = 12 + 4 * (first & 15)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * struct.unpack_from("!H", data, start + 2)[0]
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return Packet(second & 0x7F, bool(second & 0x80), seq, ts, ssrc, bytes(data[start:end]))


def is_rtcp(data):
    """Whether a packet on a muxed port is RTCP (RFC 5761 section 4)."""
    return len(data) >= 4 and 192 <= data[1] <= 223


def receiver_report(ssrc):
    """An empty receiver report with a CNAME, enough to open a NAT and to be counted."""
    cname = b"tandem-test"
    item = struct.pack("!BB", 1, len(cname)) + cname + b"\0"
    item += b"\0" * (-len(item) % 4)
    report = struct.pack("!BBHI", 0x80, RTCP_RR, 1, ssrc)
    return report + struct.pack("!BBHI", 0x81, RTCP_SDES, 1 + len(item) // 4, ssrc) + item


def event(digit, end, duration, volume=10):
    """The payload of one telephone-event packet; @duration in ticks of the payload type's clock."""
    return EVENT.pack(DIGITS.index(digit), (0x80 if end else 0) | volume, min(duration, 0xFFFF))


class EventReader:
    """Collects the digits that arrive as telephone events; retransmissions of one event count once."""

    def __init__(self):
        self.digits = ""
        self.durations = []  # in ticks, one per digit, as the last packet of each said
        self.ended = []
        self._ts = None

    def feed(self, packet):
        """Take one packet of the telephone-event payload type."""
        if len(packet.payload) < 4:
            return
        code, flags, duration = EVENT.unpack_from(packet.payload)
        if code >= len(DIGITS):
            return
        if packet.ts != self._ts:
            self._ts = packet.ts
            self.digits += DIGITS[code]
            self.durations.append(0)
            self.ended.append(False)
        self.durations[-1] = max(self.durations[-1], duration)
        self.ended[-1] = self.ended[-1] or bool(flags & 0x80)
