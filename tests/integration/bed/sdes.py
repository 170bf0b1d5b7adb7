# SPDX-License-Identifier: AGPL-3.0-or-later
"""A telephone whose audio is encrypted with keys from its descriptions (RFC 4568, 7714), by libsrtp with its replay window."""

import base64
import os
import re

import pylibsrtp

_POLICY = pylibsrtp.Policy
# suite: (octets of key and salt, libsrtp's profile)
SUITES = {"AES_CM_128_HMAC_SHA1_80": (30, _POLICY.SRTP_PROFILE_AES128_CM_SHA1_80),
          "AES_CM_128_HMAC_SHA1_32": (30, _POLICY.SRTP_PROFILE_AES128_CM_SHA1_32),
          "AEAD_AES_128_GCM": (28, _POLICY.SRTP_PROFILE_AEAD_AES_128_GCM),
          "AEAD_AES_256_GCM": (44, _POLICY.SRTP_PROFILE_AEAD_AES_256_GCM)}


class Sdes:
    """Makes a sipcall.Call that has not described itself yet one, with one suite: each of its descriptions has our key, each of the
    peer's tells its own. @tag is that of our offer; an answer has the offer's. One that @follows answers each new key with a new one."""

    def __init__(self, call, suite="AES_CM_128_HMAC_SHA1_80", tag=1, follows=False):
        self.suite, self.tag, self.follows = suite, tag, follows
        self.theirs = []  # every key that the peer has described, as they changed
        self.refused = 0  # packets that were not authentic, or of the key before
        self.profile = b"RTP/AVP"  # of the peer's last description
        self._octets, self._kind = SUITES[suite]
        self._key = self._tx = self._rx = None
        self._describe, self._take = call.describe, call.take
        self._transmit, self._received = call.audio.transmit, call.audio.received
        call.describe, call.take = self.describe, self.take
        call.audio.transmit, call.audio.received = self.transmit, self.received
        self.renew()
        if call.incoming:
            self._learn(call.invite.body)

    def _session(self, key, direction):
        return pylibsrtp.Session(_POLICY(key=key, ssrc_type=direction, srtp_profile=self._kind))

    def renew(self):
        """Another key of ours; the next description has it."""
        self._key = os.urandom(self._octets)
        self._tx = self._session(self._key, _POLICY.SSRC_ANY_OUTBOUND)

    @property
    def line(self):
        """What a description says of our key."""
        return f"a=crypto:{self.tag} {self.suite} inline:{base64.b64encode(self._key).decode()}"

    def _learn(self, body):
        found = re.search(rb"^a=crypto:(\d+) %b inline:([\w+/=]+)" % self.suite.encode(), body, re.M)
        assert found, body
        self.tag, key = int(found.group(1)), base64.b64decode(found.group(2))
        self.profile = re.search(rb"^m=audio \d+ (\S+)", body, re.M).group(1)
        if self.theirs and self.theirs[-1] == key:
            return
        if self.theirs and self.follows:
            self.renew()
        self.theirs.append(key)
        self._rx = self._session(key, _POLICY.SSRC_ANY_INBOUND)

    def describe(self, *args, extra=(), **options):
        """The call's description, with our key."""
        return self._describe(*args, extra=(*extra, self.line), **options).replace(b"RTP/AVP", self.profile)

    def take(self, body):
        """The peer's description and its key."""
        self._learn(body)
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
