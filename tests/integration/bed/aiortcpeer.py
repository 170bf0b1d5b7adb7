# SPDX-License-Identifier: AGPL-3.0-or-later
"""aiortc's RTCPeerConnection as the media engine of a Jingle client: its own SDP, DTLS, SRTP, jitter buffer and codecs."""

import asyncio
import fractions
import time

import aiortc
import aiortc.exceptions
import av
import numpy as np
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from aiortc.rtcicetransport import candidate_from_aioice

from . import net, sdp
from .peercall import PeerConnection
from .voice import PTIME_S, Frames, Voice


class TrackVoice(Voice):
    """Frames for aiortc to encode, and those it has decoded. @rate is that of the codec, so that nobody resamples."""

    def __init__(self, who, timeline):
        super().__init__(who, timeline, Frames())
        self.rate = 48000
        self._go, self._due = asyncio.Event(), None

    def start(self):
        super().start()
        self._go.set()

    def stop(self):
        super().stop()
        self._go.clear()
        self._due = None

    async def next_frame(self):
        """The frame that is due, when it is."""
        await self._go.wait()
        self._due = time.monotonic() if self._due is None else self._due + PTIME_S
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
        size = int(self.rate * PTIME_S)
        first = len(self.sent_times) * size
        self.sent_times.append(time.monotonic())
        pcm = np.zeros(size, np.int16) if self.muted else self.tone.samples(first, size, self.rate)
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self.rate, first, fractions.Fraction(1, self.rate)
        return frame

    async def listen(self, track):
        """Take what @track gives until it ends."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            channels = len(frame.layout.channels)
            self.rx.add(frame.pts, frame.sample_rate, frame.to_ndarray().reshape(-1, channels)[:, 0])


class ToneTrack(AudioStreamTrack):
    """The track that plays a TrackVoice."""

    def __init__(self, voice):
        super().__init__()
        self._voice = voice

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        return await self._voice.next_frame()


class AiortcPeer(PeerConnection):
    """aiortc's side of one call. It knows Opus, PCMU and PCMA, and no telephone events."""

    def __init__(self, call):
        self.call, self.node, self.profile = call, call.client.node, call.profile
        self.voice = TrackVoice(call.who, call.timeline)
        self.pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.pc.on("track", self._on_track)
        self.pc.on("iceconnectionstatechange", self._on_state)
        self.pc.on("connectionstatechange", self._on_state)
        self._connected = asyncio.get_running_loop().create_future()
        self._listener = self._closing = None
        transceiver = self.pc.addTransceiver(ToneTrack(self.voice))
        known = {codec.mimeType.lower(): codec for codec in aiortc.RTCRtpSender.getCapabilities("audio").codecs}
        names = (f"audio/{payload.name.lower()}" for payload in self.profile.payloads)
        transceiver.setCodecPreferences([known[name] for name in names if name in known])

    def _on_track(self, track):
        self._listener = asyncio.ensure_future(self.voice.listen(track))

    def _on_state(self):
        ice, state = self.pc.iceConnectionState, self.pc.connectionState
        if ice == "completed":
            self.call.milestones.reach("ice")
        if state == "connected" and not self._connected.done():
            self.call.milestones.reach("dtls")
            self._connected.set_result(None)
        elif state == "failed" and not self._connected.done():
            self._connected.set_exception(ConnectionError("ICE failed" if ice == "failed" else "DTLS failed: fingerprint?"))

    def _here(self):
        return self.node.inside(), net.only(self.profile.addresses)

    async def _set_local(self, description):
        inside, only = self._here()
        with inside, only:
            await self.pc.setLocalDescription(description)
        return self.pc.localDescription.sdp

    async def _set_remote(self, text, kind):
        inside, only = self._here()
        with inside, only:
            await self.pc.setRemoteDescription(aiortc.RTCSessionDescription(text, kind))

    def _choose_rate(self):
        """Opus or G.711: aiortc sends the first of its own list that the peer has."""
        theirs = {payload.name.lower() for payload in sdp.parse(self.pc.remoteDescription.sdp).payloads}
        ours = sdp.parse(self.pc.localDescription.sdp).payloads
        self.voice.rate = next(payload.clock for payload in ours if payload.name.lower() in theirs)

    async def offer(self):
        return await self._set_local(await self.pc.createOffer())

    async def answer(self, offer):
        try:
            await self._set_remote(offer, "offer")
        except aiortc.exceptions.OperationError:
            return None
        text = await self._set_local(await self.pc.createAnswer())
        self._choose_rate()
        return text

    async def accept(self, answer):
        await self._set_remote(answer, "answer")
        self._choose_rate()

    async def add_candidate(self, candidate, mid):
        out = candidate_from_aioice(candidate)
        out.sdpMid = mid
        await self.pc.addIceCandidate(out)

    async def connected(self):
        await asyncio.shield(self._connected)

    def sources(self):
        """The SSRCs it has heard in the last ten seconds."""
        return {source.source for receiver in self.pc.getReceivers() for source in receiver.getSynchronizationSources()}

    async def reports(self):
        """aiortc's statistics, by their type."""
        return {report.type: report for report in (await self.pc.getStats()).values()}

    async def close(self):
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self):
        if not self._connected.done():
            self._connected.cancel()
        await self.pc.close()
        if self._listener:
            await self._listener
