# SPDX-License-Identifier: AGPL-3.0-or-later
"""A capture server: HEP3 packets as its specification has them."""

import asyncio
import ipaddress
import socket
import struct

PORT = 9060
NAMES = {1: "family", 2: "protocol", 3: "source", 4: "target", 5: "source", 6: "target", 7: "source_port", 8: "target_port",
         9: "seconds", 10: "micros", 11: "type", 12: "agent", 14: "password", 15: "payload", 17: "correlation"}
NUMBERS = {1: "!B", 2: "!B", 7: "!H", 8: "!H", 9: "!I", 10: "!I", 11: "!B", 12: "!I"}
SIP, XMPP, LOG = 1, 2, 100


def parse(data):
    """A packet's chunks by name."""
    magic, length = struct.unpack_from("!4sH", data)
    assert magic == b"HEP3" and length == len(data)
    chunks, offset = {}, 6
    while offset < length:
        vendor, kind, size = struct.unpack_from("!HHH", data, offset)
        assert vendor == 0 and size >= 6 and offset + size <= length and NAMES[kind] not in chunks
        value = data[offset + 6:offset + size]
        if kind in NUMBERS:
            assert len(value) == struct.calcsize(NUMBERS[kind])
            value, = struct.unpack(NUMBERS[kind], value)
        elif kind in (3, 4, 5, 6):
            value = str(ipaddress.ip_address(value))
        chunks[NAMES[kind]] = value
        offset += size
    return chunks


class Server(asyncio.DatagramProtocol):
    """Keeps what it gets."""

    def __init__(self):
        self.datagrams, self.transport = [], None

    def datagram_received(self, data, addr):
        self.datagrams.append(data)

    @property
    def packets(self):
        """All of them, read here: what is none has to end the test, and not to be logged by the loop."""
        return [parse(data) for data in self.datagrams]

    async def listen(self, node, address):
        """At @address of @node."""
        with node.enter():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, PORT))
        sock.setblocking(False)
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=sock)

    def close(self):
        """Listen no more."""
        if self.transport:
            self.transport.close()

    def of(self, call):
        """The packets of a call, by our name for it."""
        return [p for p in self.packets if p.get("correlation") == call.encode()]
