# SPDX-License-Identifier: AGPL-3.0-or-later
"""Headless Chromium as the media engine of a Jingle client: libwebrtc, which most real clients are built on.

The browser is driven by its DevTools protocol over a pipe, so that it opens no port. A page (chromium.html) makes an
RTCPeerConnection for each call, plays the judge's tone into it by an oscillator, and taps what it hears behind libwebrtc's
jitter buffer and decoder."""

import asyncio
import base64
import itertools
import json
import os
import time
import wave

import numpy as np

from . import audio, media, proc, sdp
from .peercall import PeerConnection
from .voice import Frames, Voice

PROGRAM = "/usr/lib/chromium/chromium"
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chromium.html")
RATE = 48000  # as in the page
FULL_SCALE = 32768.0
MESSAGE_LIMIT = 1 << 24
PRIORITY = -10
CALL_S, START_S, CATCH_UP_S = 20.0, 30.0, 3.0
TONE_LIMIT_HZ = 2200  # above it, the filter that goes from 48 kHz to G.711 lowers the level
SETTLE_S, STEADY_S, POLL_S = 12.0, 0.6, 0.1
ADAPTING = ("insertedSamplesForDeceleration", "removedSamplesForAcceleration", "concealedSamples")
FLAGS = (
    "--headless", "--no-sandbox", "--ignore-certificate-errors", "--disable-gpu", "--disable-dev-shm-usage", "--log-level=3",
    "--remote-debugging-pipe",
    # a microphone that may be used without asking, and no other device
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--disable-audio-output",
    "--autoplay-policy=no-user-gesture-required", "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
    # nothing of its own on the network
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--no-default-browser-check", "--disable-default-apps", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 10.*",
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
)


def missing():
    """Why there is no browser to test with, or None."""
    return None if os.access(PROGRAM, os.X_OK) else "chromium is not installed: make deps-live"


class Browser:
    """One browser with its page in a node. peer() is a profile's engine.

    @microphone is an audio.Tone that its fake microphone plays for ever, for who takes it; calls have tones of their own,
    made in the page."""

    def __init__(self, node, microphone=None):
        self.node, self.microphone = node, microphone
        self.directory = proc.directory("chromium")
        self.peers, self.ids = {}, itertools.count(1)
        self.process = self._session = self._writer = self._reading = None
        self._answers, self._numbers = {}, itertools.count(1)

    async def start(self):
        """Start it and load the page; returns self."""
        (its_in, our_out), (our_in, its_out) = os.pipe(), os.pipe()
        # the protocol is spoken on descriptors 3 and 4; a jitter buffer that gets no time tells nothing about the sender
        argv = ["bash", "-c", f'exec nice -n {PRIORITY} "$@" 3<&{its_in} 4>&{its_out}', "chromium", PROGRAM, *FLAGS,
                *self._microphone(), f"--user-data-dir={self.directory}/profile", "file://" + PAGE]
        self.process = proc.Process("chromium", argv, self.node, cwd=self.directory, fds=(its_in, its_out))
        os.close(its_in)
        os.close(its_out)
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(MESSAGE_LIMIT)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(our_in, "rb", 0))
        self._writer, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(our_out, "wb", 0))
        self._reading = asyncio.ensure_future(self._read(reader))
        await self._attach()
        await self.run("prepare", _loudness(), audio.RATE)
        return self

    def _microphone(self):
        """The flag for a file with one period of the code, which begins and ends at the same phase of the tone."""
        if not self.microphone:
            return ()
        path = os.path.join(self.directory, "microphone.wav")
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(self.microphone.samples(0, int(round(audio.PERIOD_S * RATE)), RATE).tobytes())
        return (f"--use-file-for-fake-audio-capture={path}",)

    async def _attach(self):
        deadline = time.monotonic() + START_S
        while True:
            targets = (await self._command("Target.getTargets", START_S))["targetInfos"]
            page = [t for t in targets if t["type"] == "page" and t["url"].endswith("chromium.html")]
            if page:
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"chromium shows no page: {targets}\n{self.process.tail()}")
            await asyncio.sleep(proc.POLL_S)
        attached = await self._command("Target.attachToTarget", targetId=page[0]["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._command("Runtime.enable")
        await self._command("Runtime.addBinding", name="tell")
        while not await self._loaded():
            if time.monotonic() > deadline:
                raise AssertionError(f"chromium does not load its page:\n{self.process.tail()}")
            await asyncio.sleep(proc.POLL_S)

    async def _loaded(self):
        """Whether the page is there: the target has its address before, and an empty document."""
        try:
            return await self._evaluate("document.readyState == 'complete' && typeof prepare == 'function'")
        except AssertionError:  # that document went away while it was asked
            return False

    async def _read(self, reader):
        try:
            while True:
                message = json.loads((await reader.readuntil(b"\0"))[:-1])
                waiting = self._answers.pop(message.get("id"), None)
                if waiting and not waiting.done():
                    waiting.set_result(message)
                elif message.get("method") == "Runtime.bindingCalled":
                    told = json.loads(message["params"]["payload"])
                    if told["id"] in self.peers:
                        self.peers[told["id"]].on_told(told)
        except asyncio.IncompleteReadError:
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(AssertionError(f"chromium has ended:\n{self.process.tail()}"))

    async def _command(self, method, timeout=CALL_S, /, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(message).encode() + b"\0")
        try:
            found = await asyncio.wait_for(answer, timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"chromium does not answer {method}:\n{self.process.tail()}") from None
        if "error" in found:
            raise AssertionError(f"chromium: {method}: {found['error']}")
        return found["result"]

    async def _evaluate(self, expression):
        answer = await self._command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ConnectionError(f"chromium: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    async def run(self, function, *arguments):
        """Call a function of the page and return what it returns; ConnectionError with what it throws."""
        return await self._evaluate(f"{function}({', '.join(json.dumps(a) for a in arguments)})")

    async def load(self, path):
        """Run a script in the page."""
        with open(path, encoding="utf-8") as script:
            await self._evaluate(script.read() + "\n;0")

    def peer(self, call):
        """A PeerConnection in this browser."""
        return ChromiumPeer(self, call)

    async def stop(self):
        """End it."""
        if self.process:
            await self.process.stop()
            self.process.remove()
        if self._writer:
            self._writer.close()
            await self._reading


def _loudness():
    """One period of the code, at the judge's rate, as the gain of an oscillator."""
    at = np.arange(int(round(audio.PERIOD_S * audio.RATE))) / audio.RATE
    return [round(float(value), 5) for value in audio.AMPLITUDE / FULL_SCALE * audio.envelope(at)]


async def listen(*pairs, peers, attempts=4, **options):
    """media.listen(), begun when the jitter buffers of all @peers play evenly: one of so many @attempts has to be good.

    On a busy machine the browser gets its time in pieces, sends late, and stretches what it plays: that says nothing about
    who sent it. The bed's own clients are judged without such lenience."""
    for attempt in range(attempts):
        await asyncio.gather(*(peer.settled() for peer in peers))
        _, _, found = await media.measure(*pairs, **options)
        if all(result.good for result in found):
            return found
        pairs[0][1].timeline.add("chromium", "not judged good", f"attempt {attempt + 1} of {attempts}")
    raise AssertionError("; ".join(f"{receiver.who} hears {result}" for (_, receiver), result in zip(pairs, found)))


class PageVoice(Voice):
    """The tone of the page, heard from start() to stop(), and the samples it hears. When a sample was sent is not known."""

    def __init__(self, who, timeline, tone=None):
        super().__init__(who, timeline, Frames(), tone or audio.Tone(below=TONE_LIMIT_HZ))
        self._from = self._to = float("inf")
        self.switch = None  # called with whether to be heard

    def start(self):
        super().start()
        self._from, self._to = time.monotonic(), float("inf")
        self.switch(True)

    def stop(self):
        if self.running:
            self._to = time.monotonic()
            self.switch(False)
        super().stop()

    async def caught_up(self, end):
        try:
            await proc.until(lambda: self.rx.packets and self.rx.packets[-1][0] >= end, CATCH_UP_S, "samples from the page")
        except AssertionError as error:
            self.timeline.add(self.who, "late", error)

    def sent(self, begin, end):
        return max(0.0, min(end, self._to, time.monotonic()) - max(begin, self._from))

    def sent_at(self, position, before):
        return None


class PagePeer:
    """A call that the page knows by a number: what it plays, hears and reports."""

    def __init__(self, browser, who, timeline, spawn, tone=None):
        self.browser, self.id, self.who, self.timeline = browser, next(browser.ids), who, timeline
        self.voice = PageVoice(who, timeline, tone)
        self.voice.switch = lambda on: spawn(self._run("enable", on))
        browser.peers[self.id] = self

    def _run(self, function, *arguments):
        return self.browser.run(function, self.id, *arguments)

    def on_told(self, told):
        """The page tells of samples it has heard."""
        pcm = np.frombuffer(base64.b64decode(told["pcm"]), dtype=np.int16)
        self.voice.rx.add(told["end"] - len(pcm), RATE, pcm, told["at"] / 1000 - time.time() + time.monotonic())

    async def digits(self, tones):
        """Send @tones as a person does who types them."""
        await self._run("digits", tones)

    async def reports(self):
        """libwebrtc's statistics, by their type."""
        return await self._run("stats")

    async def adapted(self):
        """What libwebrtc's jitter buffer has stretched, shortened and made up so far, in samples."""
        report = (await self.reports()).get("inbound-rtp", {})
        return [report.get(name) for name in ADAPTING]

    async def settled(self):
        """Wait until the jitter buffer has found its level and plays what it gets as it is."""
        deadline = time.monotonic() + SETTLE_S
        await media.flowing(self.voice)
        before, since = None, 0.0
        while before is None or time.monotonic() < min(since + STEADY_S, deadline):
            now = await self.adapted()
            if now != before or None in now:
                before, since = now, time.monotonic()
            await asyncio.sleep(POLL_S)
        self.timeline.add(self.who, "plays evenly" if time.monotonic() < deadline else "does not settle", before)


class ChromiumPeer(PagePeer, PeerConnection):
    """The browser's side of one call."""

    def __init__(self, browser, call):
        super().__init__(browser, call.who, call.timeline, call.client.spawn)
        self.call = call
        self._connected = asyncio.get_running_loop().create_future()
        self._made = False

    async def _make(self):
        codecs = [f"audio/{payload.name.lower()}" for payload in self.call.profile.payloads]
        self._made = True
        await self._run("make", self.voice.tone.frequency, codecs)

    def on_told(self, told):
        """The page tells of a state or of samples."""
        if "pcm" in told:
            super().on_told(told)
        elif told.get("ice") in ("connected", "completed"):
            self.call.milestones.reach("ice")
        elif told.get("state") == "connected" and not self._connected.done():
            self.call.milestones.reach("dtls")
            self._connected.set_result(None)
        elif told.get("state") == "failed" and not self._connected.done():
            self._connected.set_exception(ConnectionError("the browser's connection failed"))

    async def offer(self):
        await self._make()
        return await self._run("offer")

    async def answer(self, offer):
        await self._make()
        description = await self._run("answer", offer)
        return None if "m=audio 0 " in description else description

    async def accept(self, answer):
        await self._run("accept", answer)

    async def add_candidate(self, candidate, mid):
        await self._run("add", "candidate:" + sdp.candidate(candidate), mid)

    async def connected(self):
        await asyncio.shield(self._connected)

    async def close(self):
        self._connected.cancel()
        if self.browser.peers.pop(self.id, None) and self._made:
            await self._run("close")
