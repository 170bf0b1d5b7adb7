# SPDX-License-Identifier: AGPL-3.0-or-later
"""A name server of a few records in a node (RFC 1035, 2782, 3403)."""

import asyncio
import ipaddress
import struct

A, SRV, NAPTR = 1, 33, 35
TTL_S = 30


def _encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _decode(octets, at):
    labels = []
    while octets[at]:
        labels.append(octets[at + 1:at + 1 + octets[at]].decode())
        at += 1 + octets[at]
    return ".".join(labels).lower(), at + 1


class Names(asyncio.DatagramProtocol):
    """@records maps (name, type) to a list: addresses as text, (priority, weight, port, target), or (order, preference, service, name)."""

    def __init__(self, records):
        self.records, self.transport = records, None

    async def start(self, node, host, port=53):
        """Answer at @host; returns self."""
        with node.inside():
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, (host, port))
        return self

    def close(self):
        """Answer no longer."""
        self.transport.close()

    def connection_made(self, transport):
        self.transport = transport

    @staticmethod
    def _data(kind, value):
        if kind == A:
            return ipaddress.ip_address(value).packed
        if kind == NAPTR:
            order, preference, service, replacement = value
            texts = b"".join(bytes([len(text)]) + text.encode() for text in ("s", service, ""))
            return struct.pack("!HH", order, preference) + texts + _encode(replacement)
        return struct.pack("!HHH", *value[:3]) + _encode(value[3])

    def datagram_received(self, data, addr):
        name, at = _decode(data, 12)
        kind = struct.unpack("!H", data[at:at + 2])[0]
        values = self.records.get((name, kind), [])
        answer = data[:2] + struct.pack("!HHHHH", 0x8180 if values else 0x8183, 1, len(values), 0, 0) + data[12:at + 4]
        for value in values:
            octets = self._data(kind, value)
            answer += struct.pack("!HHHIH", 0xC00C, kind, 1, TTL_S, len(octets)) + octets
        self.transport.sendto(answer, addr)
