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

from . import net, sdp, webrtc
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


class Path:
    """What carries the datagrams of aiortc's DTLS: its own ICE connection, then that of a restart, which aiortc itself lacks."""

    def __init__(self, ice):
        self.arrived, self.agent = asyncio.Queue(), None
        self._receive, self._send_first = ice._recv, ice._send
        ice._recv, ice._send = self._next, self._send
        self._pump = None

    async def _forward(self):
        try:
            while True:
                self.arrived.put_nowait(await self._receive())
        except ConnectionError:
            if self.agent is None:
                self.arrived.put_nowait(None)

    async def _next(self):
        if self._pump is None:
            self._pump = asyncio.ensure_future(self._forward())
        data = await self.arrived.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data):
        if self.agent is None:
            await self._send_first(data)
        else:
            self.agent.send_now(data)

    def take(self, agent):
        """From now on @agent has the path."""
        self.agent, old = agent, self.agent
        return old

    async def close(self):
        """End what was restarted."""
        if self._pump:
            self._pump.cancel()
        if self.agent:
            await self.agent.close()


class AiortcPeer(PeerConnection):
    """aiortc's side of one call. It knows Opus, PCMU and PCMA, and no telephone events.

    An ICE restart replaces the connection under its DTLS and SRTP; for that it has the functions of webrtc.Transport."""

    def __init__(self, call):
        self.call, self.node, self.profile = call, call.client.node, call.profile
        self.voice = TrackVoice(call.who, call.timeline)
        self.pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.pc.on("track", self._on_track)
        self.pc.on("iceconnectionstatechange", self._on_state)
        self.pc.on("connectionstatechange", self._on_state)
        self._connected = asyncio.get_running_loop().create_future()
        self._listener = self._closing = None
        self.addresses, self.agent, self.next_agent = self.profile.addresses, None, None
        transceiver = self.pc.addTransceiver(ToneTrack(self.voice))
        self._path = Path(transceiver.receiver.transport.transport)
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
        return self.node.inside(), net.only(self.addresses)

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
        agent = mid if isinstance(mid, webrtc.IceAgent) else self.next_agent
        if agent:
            await agent.add_remote_candidate(candidate)
            return
        out = candidate_from_aioice(candidate)
        out.sdpMid = mid
        await self.pc.addIceCandidate(out)

    def prepare_restart(self):
        """Begin a new ICE generation; the old one carries media until connect_restart() has succeeded."""
        self.next_agent = webrtc.IceAgent(self._path.arrived.put_nowait, ice_controlling=self.call.initiator)
        return self.next_agent

    async def gather(self, agent):
        """Gather and return local candidates."""
        inside, only = self._here()
        with inside, only:
            await agent.gather_candidates()
        return agent.local_candidates

    def set_remote(self, ufrag, pwd, agent):
        """The peer's ICE credentials."""
        agent.remote_username, agent.remote_password = ufrag, pwd

    async def connect_restart(self, timeout):
        """Connect the new generation and switch to it."""
        agent = self.next_agent
        with self.node.inside():
            await asyncio.wait_for(agent.connect(), timeout)
        self.agent, self.next_agent = agent, None
        old = self._path.take(agent)
        if old:
            await old.close()

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
        await self._path.close()
        await self.pc.close()
        if self._listener:
            await self._listener
