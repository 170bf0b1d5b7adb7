# SPDX-License-Identifier: AGPL-3.0-or-later
"""Packets as a node's interface sees them, with the kernel's own timestamps."""

import collections
import socket
import statistics
import struct
import threading

ETH_P_ALL = 0x0003
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
BUFFER = 8 << 20
RECORD = struct.Struct("@qq")


class Seen(collections.namedtuple("Seen", "at out source target payload")):
    """A UDP packet: kernel time, whether the node sent it, (address, port) of both sides, its first octets."""


class Capture:
    """Records the UDP packets of a node's interface until it is stopped."""

    KEPT = 16  # octets of payload: enough for an RTP header

    def __init__(self, node, interface="eth0", kept=KEPT):
        self.kept = kept
        with node.enter():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((interface, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.settimeout(0.1)
        self.packets, self._stop = [], threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            try:
                data, control, _, address = self.socket.recvmsg(2048, 64)
            except socket.timeout:
                continue
            kind = struct.unpack_from("!H", data, 12)[0]
            if kind == ETH_P_IP and len(data) >= 42 and data[23] == socket.IPPROTO_UDP:
                start = 14 + 4 * (data[14] & 15)
                hosts = socket.inet_ntoa(data[26:30]), socket.inet_ntoa(data[30:34])
            elif kind == ETH_P_IPV6 and len(data) >= 62 and data[20] == socket.IPPROTO_UDP:
                start = 54
                hosts = (socket.inet_ntop(socket.AF_INET6, data[22:38]), socket.inet_ntop(socket.AF_INET6, data[38:54]))
            else:
                continue
            ports = struct.unpack_from("!HH", data, start)
            at = next((RECORD.unpack(c[2][:16]) for c in control if c[1] == SO_TIMESTAMPNS), None)
            if at:
                self.packets.append(Seen(at[0] + at[1] / 1e9, address[2] == PACKET_OUTGOING, (hosts[0], ports[0]),
                                         (hosts[1], ports[1]), data[start + 8:start + 8 + self.kept]))

    def stop(self):
        """End the recording and return the packets."""
        self._stop.set()
        self._thread.join()
        self.socket.close()
        return self.packets


def _is_audio(packet):
    body = packet.payload
    return len(body) >= 12 and body[0] >> 6 == 2 and not 192 <= body[1] <= 223


def _rtp(packets, out, test):
    """{sequence number: time} of the audio packets that pass @test, first copy each."""
    found = {}
    for packet in packets:
        if packet.out == out and _is_audio(packet) and test(packet):
            found.setdefault(struct.unpack_from("!H", packet.payload, 2)[0], packet.at)
    return found


def _renumbering(incoming, outgoing):
    """What is added to sequence numbers: what most packets agree on, each with the next packet to leave."""
    left = sorted((at, seq) for seq, at in outgoing.items())
    offsets, i = collections.Counter(), 0
    for seq, at in sorted(incoming.items(), key=lambda item: item[1]):
        while i < len(left) and left[i][0] < at:
            i += 1
        if i < len(left):
            offsets[(left[i][1] - seq) % 0x10000] += 1
    return offsets.most_common(1)[0][0] if offsets else 0


def delays(packets, entering, leaving, offset=None):
    """Seconds each RTP packet spent in the node. @entering and @leaving choose packets of one direction of one call.

    @offset is what the relay adds to sequence numbers, found out here unless it is known (from media.unchanged())."""
    incoming, outgoing = _rtp(packets, False, entering), _rtp(packets, True, leaving)
    offset = _renumbering(incoming, outgoing) if offset is None else offset
    return [outgoing[(seq + offset) % 0x10000] - at for seq, at in incoming.items() if (seq + offset) % 0x10000 in outgoing]


def jitter(packets, out, test, clock):
    """The interarrival jitter (RFC 3550 6.4.1), in seconds, of the audio packets that pass @test, as the kernel saw them."""
    value, before, seen = 0.0, None, set()
    for packet in packets:
        body = packet.payload
        if packet.out != out or not _is_audio(packet) or not test(packet) or body[2:4] in seen:
            continue
        seen.add(body[2:4])
        transit = packet.at - struct.unpack_from("!I", body, 4)[0] / clock
        if before is not None and abs(transit - before) < 1.0:
            value += (abs(transit - before) - value) / 16
        before = transit
    return value


def percentile(values, percent):
    """The @percent-th percentile of @values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
