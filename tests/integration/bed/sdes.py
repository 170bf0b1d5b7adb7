# SPDX-License-Identifier: AGPL-3.0-or-later
"""A telephone whose audio is encrypted with keys from its descriptions (RFC 4568), by libsrtp with its replay window."""

import base64
import os
import re

import pylibsrtp

SUITE = "AES_CM_128_HMAC_SHA1_80"
OCTETS = 30  # key and salt
LINE = re.compile(rb"^a=crypto:(\d+) " + SUITE.encode() + rb" inline:([A-Za-z0-9+/=]+)", re.M)


def _session(key, kind):
    policy = pylibsrtp.Policy
    return pylibsrtp.Session(policy(key=key, ssrc_type=kind, srtp_profile=policy.SRTP_PROFILE_AES128_CM_SHA1_80))


class Sdes:
    """Makes a phone.Call that has not answered yet one. It answers each new key with a new one of its own."""

    def __init__(self, call):
        self.call, self.tag, self.key = call, 1, None
        self.theirs = []  # every key that the peer has described, as they changed
        self.refused = 0  # packets that were not authentic
        self._tx = self._rx = None
        self._describe, self._take = call.describe, call.take
        self._transmit, self._received = call.audio.transmit, call.audio.received
        call.describe, call.take = self.describe, self.take
        call.audio.transmit, call.audio.received = self.transmit, self.received
        if call.invite:
            self._read(call.invite.body)

    def _read(self, body):
        tag, key = LINE.search(body).groups()
        key = base64.b64decode(key)
        if self.theirs and self.theirs[-1] == key:
            return
        self.tag, self.key = int(tag), os.urandom(OCTETS)
        self.theirs.append(key)
        self._tx = _session(self.key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._rx = _session(key, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def describe(self, *args, **options):
        """The call's description, with our key."""
        line = f"a=crypto:{self.tag} {SUITE} inline:{base64.b64encode(self.key).decode()}\r\n"
        return self._describe(*args, **options).replace(b"RTP/AVP", b"RTP/SAVP") + line.encode()

    def take(self, body):
        """The peer's description and its key."""
        self._read(body)
        self._take(body)

    def transmit(self, packet):
        """Encrypt and send."""
        self._transmit(self._tx.protect(packet))

    def received(self, data):
        """Decrypt what came; RTCP comes to another port."""
        try:
            self._received(self._rx.unprotect(data))
        except pylibsrtp.Error:
            self.refused += 1
