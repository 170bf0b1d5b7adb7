# SPDX-License-Identifier: AGPL-3.0-or-later
"""Capture files with Wireshark's exported PDUs (link type 252), read by their specification."""

import ipaddress
import struct
from dataclasses import dataclass, field

EXPORTED_PDU = 252
DISSECTOR, SOURCE_4, TARGET_4, SOURCE_6, TARGET_6, PORT_TYPE, SOURCE_PORT, TARGET_PORT = 12, 20, 21, 22, 23, 24, 25, 26


@dataclass
class Pdu:
    """One packet."""

    at: float
    payload: bytes
    tags: dict = field(default_factory=dict)

    @property
    def dissector(self):
        """Who is to read it."""
        return self.tags[DISSECTOR].rstrip(b"\0").decode()

    @property
    def source(self):
        """(address, port), or None."""
        return self._end(SOURCE_4, SOURCE_PORT)

    @property
    def target(self):
        """(address, port), or None."""
        return self._end(TARGET_4, TARGET_PORT)

    def _end(self, address, port):
        if address not in self.tags:
            return None
        return str(ipaddress.ip_address(self.tags[address])), struct.unpack("!I", self.tags[port])[0]


def _pdu(at, data):
    tags, offset = {}, 0
    while True:
        tag, length = struct.unpack_from("!HH", data, offset)
        assert length % 4 == 0 and offset + 4 + length <= len(data)
        value = data[offset + 4:offset + 4 + length]
        offset += 4 + length
        if not tag:
            assert not length
            return Pdu(at, data[offset:], tags)
        tags[tag] = value


def parse(data):
    """All packets of a file."""
    magic, major, minor, zone, sigfigs, snaplen, link = struct.unpack_from("=IHHiIII", data)
    assert (magic, major, minor, zone, sigfigs, link) == (0xA1B2C3D4, 2, 4, 0, 0, EXPORTED_PDU)
    pdus, offset = [], 24
    while offset < len(data):
        seconds, micros, kept, length = struct.unpack_from("=IIII", data, offset)
        assert kept == length <= snaplen and micros < 1_000_000 and offset + 16 + kept <= len(data)
        pdus.append(_pdu(seconds + micros / 1e6, data[offset + 16:offset + 16 + kept]))
        offset += 16 + kept
    return pdus
