# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which SRTP and SRTCP indices a relay has used (RFC 3711 section 3.3.1, 3.4), seen from outside.

A keystream is made of key, SSRC and index: the same three twice, and what was said can be read."""

import collections
import struct

WHOLE = 2048  # octets of each packet that a capture.Capture has to keep
TAG_SHA1_80 = 10
INDEX = 0x7FFFFFFF


class Used:
    """The indices of the packets that left a node towards some address, by SSRC.

    @packets are a capture's. A sequence number belongs to the index that is nearest to the highest before it."""

    def __init__(self, packets, target):
        self.rtp, self.rtcp = collections.defaultdict(list), collections.defaultdict(list)
        highest = {}
        for packet in packets:
            body = packet.payload
            if not packet.out or not target(packet.target) or len(body) < 12 or body[0] >> 6 != 2:
                continue
            if 192 <= body[1] <= 223:
                ssrc = struct.unpack_from("!I", body, 4)[0]
                self.rtcp[ssrc].append(struct.unpack_from("!I", body, len(body) - TAG_SHA1_80 - 4)[0] & INDEX)
                continue
            seq, ssrc = struct.unpack_from("!H", body, 2)[0], struct.unpack_from("!I", body, 8)[0]
            last = highest.get(ssrc, 0x10000 | seq)
            index = last + ((seq - last + 0x8000) & 0xFFFF) - 0x8000
            highest[ssrc] = max(last, index)
            self.rtp[ssrc].append(index)

    def repeated(self):
        """Every (kind, SSRC, index) that was used more than once."""
        found = []
        for ssrc, entries in self.rtp.items():
            found += [("rtp", ssrc, index) for index, n in collections.Counter(entries).items() if n > 1]
        for ssrc, entries in self.rtcp.items():
            found += [("rtcp", ssrc, index) for index, n in collections.Counter(entries).items() if n > 1]
        return found
