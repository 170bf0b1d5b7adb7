# SPDX-License-Identifier: AGPL-3.0-or-later
"""The audio of one peer of a call: a paced sender of its coded tone and a recorder of what arrives."""

import asyncio
import collections
import random
import time

import numpy as np

from . import audio, codec, proc, rtp, voice
from .voice import PTIME_S

EVENT_FRAMES = 8  # a digit lasts 160 ms
EVENT_PAUSE_FRAMES = 4
EVENT_REPEATS = 3  # RFC 4733 section 2.5.1.4: the end is sent three times
RTCP_FRAMES = 100
JUDGE_S = 2.0
BEHIND_S = 0.060
WARM_UP_S = 0.2
STRAGGLERS_S = 0.06
BUSY_STRAGGLERS_S = 1.0
QUIET_S = 0.3


class Pacer:
    """Sends a frame of every running stream each 20 ms, by an absolute schedule. Who has stood still for long goes on from there:
    all that was due at once is taken in by nobody."""

    _per_loop = {}

    def __init__(self):
        self.streams = set()
        self.task = None

    @classmethod
    def here(cls):
        """The pacer of the running loop."""
        return cls._per_loop.setdefault(asyncio.get_running_loop(), cls())

    def add(self, stream):
        """Begin to send @stream."""
        self.streams.add(stream)
        if self.task is None or self.task.done():
            self.task = asyncio.ensure_future(self._run())

    def discard(self, stream):
        """Send @stream no longer."""
        self.streams.discard(stream)

    def _tick(self, stream):
        """What is wrong with one stream silences that alone, not those of all other tests."""
        try:
            stream.tick()
        except Exception as error:  # pylint: disable=broad-except
            self.discard(stream)
            stream.timeline.add(stream.who, "sends no more", repr(error))

    async def _run(self):
        due = time.monotonic()
        while self.streams:
            for stream in list(self.streams):
                self._tick(stream)
            due = max(due + PTIME_S, time.monotonic() - BEHIND_S)
            await asyncio.sleep(max(0.0, due - time.monotonic()))


class Recording:
    """The packets one peer received, as they came."""

    def __init__(self):
        self.packets = []  # (arrival, rtp.Packet) of audio
        self.ssrcs = []
        self.rtcp = 0
        self.comfort = 0
        self.unknown_pts = set()

    def between(self, begin, end):
        """The audio packets that arrived between two monotonic times."""
        return [entry for entry in self.packets if begin <= entry[0] < end]

    def heard(self, name, begin, end):
        """Decode what arrived between two times into an audio.Heard, placed by RTP timestamps.

        What came just before is decoded too and thrown away: G.722 and Opus need it to find their level."""
        decoder = codec.create(name)
        for _, packet in self.between(begin - WARM_UP_S, begin):
            decoder.decode(packet.payload)
        entries = self.between(begin, end)
        if not entries:
            return audio.Heard(decoder.rate, np.zeros(0, dtype=np.int16))
        base = entries[0][1].ts
        ticks = {}
        for arrival, packet in entries:
            offset = (packet.ts - base + 0x80000000) % 0x100000000 - 0x80000000
            ticks.setdefault(offset, (arrival, packet))
        base_offset = min(ticks)
        pieces = []
        for offset in sorted(ticks):
            arrival, packet = ticks[offset]
            pieces.append(((offset - base_offset) * decoder.rate // decoder.clock, decoder.decode(packet.payload), arrival))
        return voice.place(decoder.rate, pieces, end - begin + 2.0)

    def gaps_in_sequence(self):
        """How many sequence numbers are missing between the first and the last packet of each SSRC."""
        lost = 0
        for ssrc in self.ssrcs:
            seqs = [p.seq for _, p in self.packets if p.ssrc == ssrc]
            if not seqs:
                continue
            unrolled = {(s - seqs[0] + 0x8000) % 0x10000 for s in seqs}
            lost += max(unrolled) - min(unrolled) + 1 - len(unrolled)
        return lost


class AudioStream(voice.Voice):
    """One peer's audio as RTP. @transmit takes the bytes of each packet to be sent."""

    def __init__(self, who, timeline, transmit, transmit_rtcp=None):
        super().__init__(who, timeline, Recording())
        self.transmit, self.transmit_rtcp = transmit, transmit_rtcp
        self.ssrc = random.getrandbits(32)
        self.seq = random.getrandbits(15)
        self.ts = random.getrandbits(31)
        self.codec_name = None
        self.tx = None  # a Recording that takes every audio packet sent, where one is wanted
        self.events = rtp.EventReader()
        self.sent_packets = 0
        self._coder = self._stopped = None
        self._digits = []
        self._event = None
        self._event_ts = 0

    def configure(self, name, pt, event_pt=None, event_clock=8000, rx_pts=None):
        """Set the codec sent (@pt) and those understood (@rx_pts: pt -> name); events go out as @event_pt.

        Changing the codec in mid-call starts the tone anew, as its samples are counted at the codec's rate."""
        if name != self.codec_name:
            self.codec_name, self._coder = name, codec.create(name)
            self.sent_times = []
        self.pt, self.event_pt, self.event_clock = pt, event_pt, event_clock
        self.rx_pts = rx_pts or {pt: name}

    def start(self):
        """Begin to send."""
        if not self.running:
            self.running = True
            if self._stopped is not None:  # the clock of timestamps never stops (RFC 3550 section 5.1)
                self.ts += int((time.monotonic() - self._stopped) / PTIME_S) * int(self._coder.clock * PTIME_S)
            Pacer.here().add(self)

    def stop(self):
        """Stop sending."""
        if self.running:
            self._stopped = time.monotonic()
        self.running = False
        Pacer.here().discard(self)

    def send_digits(self, digits):
        """Send @digits as telephone events, after those already waiting."""
        if self.event_pt is None:
            raise AssertionError(f"{self.who}: no telephone-event was negotiated")
        self.timeline.add(self.who, "sends digits", digits)
        self._digits += list(digits)

    def tick(self):
        """Send the frame that is due."""
        self.sent_times.append(time.monotonic())
        frame = len(self.sent_times) - 1
        if self._event is None and self._digits:
            self._event, self._event_ts = [self._digits.pop(0), 0], self.ts
        if self._event is not None:
            self._send_event()
        elif not self.muted:
            size = int(self._coder.rate * PTIME_S)
            payload = self._coder.encode(self.tone.samples(frame * size, size, self._coder.rate))
            if payload:
                self._send(self.pt, self.ts, payload, self.sent_packets == 0)
        self.ts += int(self._coder.clock * PTIME_S)
        if self.transmit_rtcp and frame % RTCP_FRAMES == 10:
            self.transmit_rtcp(rtp.receiver_report(self.ssrc))

    def _send(self, pt, ts, payload, marker=False):
        octets = rtp.pack(pt, self.seq, ts, self.ssrc, payload, marker)
        if self.tx and pt == self.pt:
            self.tx.packets.append((time.monotonic(), rtp.parse(octets)))
        self.transmit(octets)
        self.seq += 1
        self.sent_packets += 1

    def _send_event(self):
        digit, frame = self._event
        ticks = int(self.event_clock * PTIME_S)
        if frame < EVENT_FRAMES:
            last = frame == EVENT_FRAMES - 1
            for _ in range(EVENT_REPEATS if last else 1):
                self._send(self.event_pt, self._event_ts, rtp.event(digit, last, (frame + 1) * ticks), frame == 0)
        self._event = [digit, frame + 1] if frame < EVENT_FRAMES + EVENT_PAUSE_FRAMES else None

    def received(self, data):
        """Take a packet that arrived now."""
        now = time.monotonic()
        if rtp.is_rtcp(data):
            self.rx.rtcp += 1
            return
        packet = rtp.parse(data)
        if packet is None:
            return
        if packet.ssrc not in self.rx.ssrcs:
            self.rx.ssrcs.append(packet.ssrc)
            self.timeline.add(self.who, "first RTP", f"pt={packet.pt} ssrc={packet.ssrc:08x} seq={packet.seq}")
        name = self.rx_pts.get(packet.pt) if self.codec_name else None
        if name == "telephone-event":
            self.events.feed(packet)
        elif packet.pt == 13:
            self.rx.comfort += 1
        elif name is None:
            self.rx.unknown_pts.add(packet.pt)
        else:
            self.rx.packets.append((now, packet))

    def heard(self, begin, end):
        name = self.rx_pts[self.rx.packets[-1][1].pt] if self.rx.packets else self.codec_name
        return self.rx.heard(name, begin, end)


async def flowing(receiver, timeout=proc.SOON_S, packets=5, after=None):
    """Wait until @receiver has got @packets more audio packets (after the time @after, where given)."""
    begin = time.monotonic() if after is None else after
    deadline = time.monotonic() + timeout
    while len(receiver.rx.between(begin, float("inf"))) < packets:
        if time.monotonic() > deadline:
            raise AssertionError(f"{receiver.who}: no audio within {timeout} s "
                                 f"(packets {len(receiver.rx.packets)}, unknown payload types {receiver.rx.unknown_pts})")
        await asyncio.sleep(0.02)
    return time.monotonic()


async def verdict(sender, receiver, begin, end, slip_limit=audio.SLIP_LIMIT_S):
    """Judge what @receiver hears between two times against @sender's tone. What was to be heard is what was really sent: on a
    busy machine the sender itself is late now and then, and the last of it is waited for."""
    due, late = sender.sent(begin, end), STRAGGLERS_S
    await receiver.caught_up(end + late)
    while audio.missing(receiver.heard(begin, end + late), due) > audio.MISSING_LIMIT_S and late < BUSY_STRAGGLERS_S:
        late += STRAGGLERS_S
        await asyncio.sleep(max(0.0, end + late - time.monotonic()))
    return audio.judge(receiver.heard(begin, end + late), sender.tone, due, sender.sent_at, slip_limit)


async def measure(*pairs, seconds=JUDGE_S, timeout=proc.SOON_S, slip_limit=audio.SLIP_LIMIT_S):
    """Judge all (sender, receiver) pairs at once over the same @seconds: (begin, end, verdicts).

    The window opens when audio flows to every receiver, and is longer on a machine so busy that the senders themselves
    fall behind."""
    await asyncio.gather(*(flowing(receiver, timeout) for _, receiver in pairs))
    await asyncio.sleep(WARM_UP_S)
    begin = time.monotonic()
    await asyncio.sleep(seconds)
    limit = begin + 4 * seconds
    while min(sender.sent(begin, limit) for sender, _ in pairs) < 0.9 * seconds and time.monotonic() < limit:
        await asyncio.sleep(PTIME_S)
    end = time.monotonic()
    await asyncio.sleep(STRAGGLERS_S)
    found = await asyncio.gather(*(verdict(sender, receiver, begin, end, slip_limit) for sender, receiver in pairs))
    for (sender, receiver), result in zip(pairs, found):
        receiver.timeline.add(receiver.who, "hears " + sender.who, result)
    return begin, end, found


async def listen(*pairs, windows=1, **options):
    """measure(), and AssertionError unless each hears the right tone; returns the verdicts. With a peer that loses audio of its own
    on a busy machine, one of @windows has to be good."""
    for _ in range(windows):
        _, _, found = await measure(*pairs, **options)
        if all(result.good for result in found):
            break
    for (sender, receiver), result in zip(pairs, found):
        assert result.good, f"{receiver.who} does not hear {sender.who} ({sender.tone.frequency} Hz): {result}"
    return found


def unchanged(sent, received):
    """Which of the packets @sent came out with the payload they went in with: (sent sequence numbers, what was added to them).

    @sent and @received are lists of (time, rtp.Packet). A relay renumbers by a constant: the one that makes most payloads
    equal."""
    places, votes = collections.defaultdict(list), collections.Counter()
    for _, packet in sent:
        places[packet.payload].append(packet.seq)
    for _, packet in received:
        votes.update((packet.seq - seq) % 0x10000 for seq in places.get(packet.payload, ()))
    if not votes:
        return set(), None
    offset = votes.most_common(1)[0][0]
    out = {(packet.seq - offset) % 0x10000: packet.payload for _, packet in received}
    return {packet.seq for _, packet in sent if out.get(packet.seq) == packet.payload}, offset


async def silent(receiver, seconds=1.0, allowed=0, within=0.0):
    """Assert that @receiver gets no more than @allowed audio packets for @seconds, once what was under way has come: for that
    it may take @within seconds."""
    limit = time.monotonic() + within
    while receiver.rx.between(time.monotonic() - QUIET_S, float("inf")) and time.monotonic() < limit:
        await asyncio.sleep(PTIME_S)
    begin = time.monotonic()
    await asyncio.sleep(seconds)
    got = len(receiver.rx.between(begin, time.monotonic()))
    receiver.timeline.add(receiver.who, "listens for silence", f"{got} packets in {seconds} s")
    assert got <= allowed, f"{receiver.who} got {got} audio packets where silence was due"
