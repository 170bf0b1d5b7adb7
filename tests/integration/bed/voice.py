# SPDX-License-Identifier: AGPL-3.0-or-later
"""One peer of a call as the judge sees it: what it says and when, and what it hears."""

import time

import numpy as np

from . import audio

PTIME_S = 0.020


def place(rate, pieces, limit_s):
    """An audio.Heard of (first sample, samples, arrival): what is missing between them is silent, what is beyond
    @limit_s left out."""
    kept = [piece for piece in pieces if piece[0] + len(piece[1]) <= limit_s * rate]
    out = np.zeros(max((first + len(pcm) for first, pcm, _ in kept), default=0), dtype=np.int16)
    for first, pcm, _ in kept:
        out[first:first + len(pcm)] = pcm
    return audio.Heard(rate, out, [(first, arrival) for first, _, arrival in kept])


class Frames:
    """The audio that one peer has received and decoded itself, as it came out."""

    def __init__(self):
        self.packets = []  # (arrival, (first sample, rate, samples))
        self.unknown_pts = set()

    def add(self, first, rate, pcm, at=None):
        """Note a frame that came out now or at a monotonic time; @first is its place in the peer's stream."""
        self.packets.append((at or time.monotonic(), (first, rate, pcm)))

    def between(self, begin, end):
        """The frames that came out between two monotonic times."""
        return [entry for entry in self.packets if begin <= entry[0] < end]

    def heard(self, begin, end):
        """What came out between two times."""
        entries = self.between(begin, end)
        if not entries:
            return audio.Heard(audio.RATE, np.zeros(0, dtype=np.int16))
        base, rate = min(first for _, (first, _, _) in entries), entries[0][1][1]
        pieces = [(first - base, pcm, arrival) for arrival, (first, _, pcm) in entries]
        return place(rate, pieces, end - begin + 2.0)


class Voice:
    """What a peer says is @tone, what it hears is in @rx.

    One that sends a frame of the tone after the other notes when in @sent_times; any other has its own sent()."""

    def __init__(self, who, timeline, rx, tone=None):
        self.who, self.timeline, self.rx = who, timeline, rx
        self.tone = tone or audio.Tone()
        self.running = self.muted = False
        self.sent_times = []

    def start(self):
        """Begin to send."""
        self.running = True

    def stop(self):
        """Stop sending."""
        self.running = False

    def heard(self, begin, end):
        """The audio.Heard of what arrived between two times."""
        return self.rx.heard(begin, end)

    async def caught_up(self, end):
        """Wait until what came before the time @end is known here."""

    def sent(self, begin, end):
        """How many seconds of its tone it was due to send between two times."""
        return sum(begin <= at < end for at in self.sent_times) * PTIME_S

    def sent_at(self, position, before):
        """When the sample at @position of the code was last sent before @before (see audio.judge)."""
        turn = int(len(self.sent_times) * PTIME_S / audio.PERIOD_S)
        while turn >= 0:
            frame = int((position + turn * audio.PERIOD_S) / PTIME_S)
            if frame < len(self.sent_times) and self.sent_times[frame] <= before:
                return self.sent_times[frame]
            turn -= 1
        return None
