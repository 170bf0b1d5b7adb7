# SPDX-License-Identifier: AGPL-3.0-or-later
"""A call of a Jingle client whose media is a whole WebRTC engine: an RTCPeerConnection that speaks SDP.

It takes part where an independent engine has to be tried; a jinglecall.Call with webrtc.Transport takes part where a test
has to do what no engine lets it do."""

import asyncio

from . import sdp, webrtc
from .jinglecall import Call


class PeerConnection:
    """What PeerCall needs of an engine. One is made for each call and closed at its end.

    @call gives it who and timeline, node and profile (of call.client), and the milestones ice and dtls to be reached."""

    voice = None  # the voice.Voice of this side

    async def offer(self):
        """Our offer with all candidates, as SDP."""
        raise NotImplementedError

    async def answer(self, offer):
        """Our answer with all candidates to the SDP @offer; None if no codec is common."""
        raise NotImplementedError

    async def accept(self, answer):
        """Take the peer's SDP @answer to our offer."""
        raise NotImplementedError

    async def add_candidate(self, candidate, mid):
        """Take one more aioice.Candidate of the peer."""
        raise NotImplementedError

    async def connected(self):
        """Return when media can flow; ConnectionError if it never will."""
        raise NotImplementedError

    async def close(self):
        """End it; doing so twice does no harm."""
        raise NotImplementedError


class PeerCall(Call):
    """A Call with the PeerConnection that profile.engine makes, as its transport."""

    def __init__(self, client, sid, peer, incoming):
        super().__init__(client, sid, peer, incoming)
        self.transport = self.profile.engine(self)
        self.audio = self.transport.voice

    def _take(self, description):
        self.local = sdp.parse(description)
        self.local.candidates = self.profile.filter_candidates(self.local.candidates)
        if self.profile.wrong_fingerprint:
            self.local.fingerprint = webrtc.wrong_fingerprint()

    async def _offer(self):
        self._take(await self.transport.offer())

    async def _answer(self):
        description = await self.transport.answer(sdp.write(self.remote, self._offer_grouped))
        if description is None:
            return False
        self._take(description)
        return True

    async def _connect(self, dtls_client):
        self._connecting = True
        if self.initiator:
            await self.transport.accept(sdp.write(self.remote, self.profile.group))
        await self._add(self.early_candidates)
        try:
            await asyncio.wait_for(self.transport.connected(), self.profile.connect_s)
        except asyncio.TimeoutError:
            raise ConnectionError("no connection in time") from None
        self.milestones.reach("media")
        self._arm(None, "")
        if self.auto_audio:
            self.audio.start()

    async def _add(self, candidates):
        for candidate in candidates:
            await self.transport.add_candidate(candidate, self.remote.name)
