# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is nobody's peer: datagrams under any source, checks made with passwords that were overheard, and floods.

Sources are forged by raw sockets, which want root and a network without filters; the bed's has none."""

import hashlib
import hmac
import secrets
import socket
import struct
import sys
import zlib

from . import proc

COOKIE = 0x2112A442
USERNAME, INTEGRITY, PRIORITY, USE_CANDIDATE, CONTROLLED, CONTROLLING, FINGERPRINT = 6, 8, 0x24, 0x25, 0x8029, 0x802A, 0x8028
BINDING, SUCCESS = 1, 0x101

FLOOD = """
import os, socket, struct, sys, time
host, port, rate, seconds, kinds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5].split(",")
hello = b"\\x16\\xfe\\xff" + bytes(8) + struct.pack("!H", 60) + b"\\x01" + bytes(59)
known = {"rtp": b"\\x80\\x00" + bytes(170), "stun": struct.pack("!HHI", 1, 0, 0x2112A442) + bytes(12), "dtls": hello, "junk": bytes(range(100, 200))}
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
begun = time.monotonic()
sent = 0
while (now := time.monotonic() - begun) < seconds:
    while sent < now * rate:
        try:
            sockets[sent % 16].sendto(known[kinds[sent % len(kinds)]], (host, port))
        except OSError:
            pass
        sent += 1
    time.sleep(0.002)
print("sent", sent)
"""


def _attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def stun(kind, password, attributes, tid=None):
    """A message with MESSAGE-INTEGRITY under @password (None: without) and FINGERPRINT."""
    body = b"".join(_attribute(name, value) for name, value in attributes)
    tid = tid or secrets.token_bytes(12)

    def head(more):
        return struct.pack("!HHI", kind, len(body) + more, COOKIE) + tid

    if password is not None:
        body += _attribute(INTEGRITY, hmac.new(password.encode(), head(24) + body, hashlib.sha1).digest())
    checksum = zlib.crc32(head(8) + body) ^ 0x5354554E
    return head(8) + body + _attribute(FINGERPRINT, struct.pack("!I", checksum))


def check(agent, password=None, nominate=False, role=CONTROLLING, tie_breaker=1, ufrag=None):
    """A connectivity check as @agent (aioice's) of the peer would send it; @password other than the right one."""
    attributes = [(USERNAME, f"{ufrag or agent.remote_username}:{agent.local_username}".encode()), (PRIORITY, struct.pack("!I", 2130706431)),
                  (role, struct.pack("!Q", tie_breaker))]
    if nominate:
        attributes.append((USE_CANDIDATE, b""))
    return stun(BINDING, agent.remote_password if password is None else password, attributes)


class Port:
    """A UDP socket in @node that counts what comes."""

    def __init__(self, node, host, port=0):
        with node.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def send(self, octets, to):
        """Send; a full buffer is a lost packet."""
        try:
            self.socket.sendto(octets, to)
        except BlockingIOError:
            pass

    def received(self):
        """All that has come, and is not asked for again."""
        got = []
        while True:
            try:
                got.append(self.socket.recv(65536))
            except BlockingIOError:
                return got

    def close(self):
        """Close it."""
        self.socket.close()


class Forger:
    """Sends datagrams from @node that say to be from elsewhere."""

    def __init__(self, node):
        with node.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, octets, source, to):
        """From @source, (host, port), as it says."""
        udp = struct.pack("!HHHH", source[1], to[1], 8 + len(octets), 0) + octets
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0, socket.inet_aton(source[0]),
                           socket.inet_aton(to[0]))
        try:
            self.socket.sendto(head + udp, (to[0], 0))
        except BlockingIOError:
            pass

    def close(self):
        """Close it."""
        self.socket.close()


def flood(node, to, rate, seconds, *kinds):
    """A process in @node that sends so many packets a second: rtp, stun, dtls, junk."""
    return proc.Process("flood", [sys.executable, "-c", FLOOD, to[0], str(to[1]), str(rate), str(seconds), ",".join(kinds)], node)
