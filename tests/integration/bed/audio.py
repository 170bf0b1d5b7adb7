# SPDX-License-Identifier: AGPL-3.0-or-later
"""The judge: is what one side hears what the other side said?

Each sender plays a tone whose frequency belongs to this call and direction alone. Its loudness follows a pseudo-random
code of 50 ms chips, so that any stretch of a second tells which second of the sender's stream it is: comparing that with
the time at which the sender sent it and the receiver got it gives the delay, and two places that disagree about it give
away a cut. Nothing here looks at signalling.
"""

import random
from dataclasses import dataclass, field

import numpy as np

RATE = 8000  # of judging
CHIP_S = 0.05
RAMP_S = 0.008
DEPTH = 0.3  # loud chips are 1 + DEPTH, soft ones 1 - DEPTH
AMPLITUDE = 8000.0
ENVELOPE_HZ = 400  # resolution of delay: 2.5 ms
FREQUENCY_TOLERANCE_HZ = 3.0
LEVEL_TOLERANCE_DB = 2.0
NOISE_LIMIT_DB = -12.0
GAP_LIMIT_S = 0.040
MISSING_LIMIT_S = 0.140
SLIP_LIMIT_S = 0.015
GAP_LEVEL = 0.4
WINDOW_S = 0.010
FREQUENCY_STEP_HZ = 23


def _code():
    """A maximum length sequence of 127 chips of +1 and -1 (x^7 + x^6 + 1)."""
    state, chips = 0x5A, []
    for _ in range(127):
        chips.append(1.0 if state & 1 else -1.0)
        bit = (state ^ (state >> 1)) & 1
        state = (state >> 1) | (bit << 6)
    return np.array(chips)


CODE = _code()
PERIOD_S = CHIP_S * len(CODE)


def _frequencies():
    grid = list(range(420, 2900, FREQUENCY_STEP_HZ))
    while True:
        random.shuffle(grid)
        yield from grid


_next_frequency = _frequencies()


def envelope(t):
    """The loudness (around 1) at times @t of the sender's stream, with short ramps between chips."""
    chip = t / CHIP_S
    index = np.floor(chip).astype(np.int64)
    here, before = CODE[index % len(CODE)], CODE[(index - 1) % len(CODE)]
    ramp = np.clip((chip - index) * CHIP_S / RAMP_S, 0.0, 1.0)
    return 1.0 + DEPTH * (before + (here - before) * ramp)


class Tone:
    """The signal of one sender: frequency and code; sample n is at n / rate seconds."""

    def __init__(self, frequency=None, below=None):
        self.frequency = frequency or next(f for f in _next_frequency if not below or f < below)

    def samples(self, start, count, rate):
        """@count samples from sample number @start."""
        t = np.arange(start, start + count) / rate
        return (AMPLITUDE * envelope(t) * np.sin(2 * np.pi * self.frequency * t)).astype(np.int16)


@dataclass
class Heard:
    """Received audio on the sender's time axis: samples from RTP timestamps, with what is missing left silent."""

    rate: int
    pcm: np.ndarray
    arrivals: list = field(default_factory=list)  # (first sample, arrival time) of every packet


@dataclass
class Verdict:
    """What the judge measured, and what it finds wrong with it: nothing is the only good answer."""

    faults: list
    frequency: float = 0.0
    level_db: float = -99.0
    noise_db: float = 0.0
    longest_gap_s: float = 0.0
    delay_s: float = float("nan")
    slip_s: float = 0.0

    @property
    def good(self):
        """Whether the right audio was heard."""
        return not self.faults

    def __str__(self):
        figures = (f"{self.frequency:.1f} Hz {self.level_db:+.1f} dB noise {self.noise_db:.1f} dB gap "
                   f"{self.longest_gap_s * 1000:.0f} ms delay {self.delay_s * 1000:.1f} ms slip {self.slip_s * 1000:.0f} ms")
        return figures + ("" if self.good else "; WRONG: " + ", ".join(self.faults))


def _peak_frequency(pcm, rate):
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), n=4 * len(pcm)))
    top = int(np.argmax(spectrum[1:-1])) + 1
    left, mid, right = np.log(spectrum[top - 1:top + 2] + 1e-9)
    offset = 0.5 * (left - right) / (left - 2 * mid + right) if mid > min(left, right) else 0.0
    return (top + offset) * rate / (4 * len(pcm))


def loudness(pcm, rate, frequency):
    """The amplitude of the tone over time, ENVELOPE_HZ values a second, each over WINDOW_S."""
    t = np.arange(len(pcm)) / rate
    mixed = pcm * np.exp(-2j * np.pi * frequency * t)
    width, step = int(WINDOW_S * rate), rate // ENVELOPE_HZ
    total = np.concatenate(([0], np.cumsum(mixed)))
    starts = np.arange(0, len(pcm) - width + 1, step)
    return 2 * np.abs(total[starts + width] - total[starts]) / width


def _longest_run(mask):
    """The length of the longest run of True."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return int((ends - starts).max()) if len(starts) else 0


_REFERENCE = envelope(np.arange(int(PERIOD_S * ENVELOPE_HZ)) / ENVELOPE_HZ + WINDOW_S / 2) - 1.0


def _code_position(amplitude):
    """Where in the code (seconds) the stretch @amplitude begins."""
    part = amplitude - amplitude.mean()
    size = len(_REFERENCE)
    padded = np.zeros(size)
    padded[:min(size, len(part))] = part[:size]
    score = np.fft.irfft(np.fft.rfft(_REFERENCE) * np.conj(np.fft.rfft(padded)), n=size)
    return int(np.argmax(score)) / ENVELOPE_HZ


def _wrap(seconds):
    """@seconds modulo the code's period, nearest to zero."""
    return (seconds + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2


def _positions(amplitude):
    """(begin, code position minus begin) of every half second of the recording, each measured over 1.5 s or all there is."""
    size = min(len(amplitude), int(1.5 * ENVELOPE_HZ))
    found = []
    for begin in range(0, len(amplitude) - size + 1, ENVELOPE_HZ // 2):
        found.append(_code_position(amplitude[begin:begin + size]) - begin / ENVELOPE_HZ)
    return found


def _delay(heard, shift, sent_at):
    """The median over all packets of arrival minus sending; @shift takes a sample of @heard to the sender's stream.

    The code says where in its period a sample is; the sending times say which period it was."""
    delays = []
    for first, arrival in heard.arrivals:
        position = (first / heard.rate + shift) % PERIOD_S
        sent = sent_at(position, arrival)
        if sent is not None:
            delays.append(arrival - sent)
    return float(np.median(delays)) if delays else float("nan")


def missing(heard, seconds):
    """How much of @seconds was not @heard."""
    return seconds - len(heard.pcm) / heard.rate


def judge(heard, tone, seconds, sent_at=None, slip_limit=SLIP_LIMIT_S):
    """Compare what was @heard with the sender's @tone; @seconds is how long it should last.

    @sent_at(position, before) says when the sender sent the sample at @position of the code for the last time
    before the moment @before; without it no delay is measured. @slip_limit is for peers that resample
    or play from a buffer of their own."""
    if len(heard.pcm) < heard.rate // 2:
        return Verdict([f"silence: {len(heard.pcm) / heard.rate:.2f} s of audio, {seconds:.2f} s expected"])
    step = heard.rate // RATE
    rate, pcm = RATE, heard.pcm[::step].astype(np.float64)  # the tones are far below what this folds
    verdict = Verdict([])
    power = float(np.mean(pcm ** 2))
    verdict.level_db = 10 * np.log10(power / (AMPLITUDE ** 2 / 2 * (1 + DEPTH ** 2)) + 1e-10)
    if verdict.level_db < -30:
        verdict.faults.append(f"silence: level {verdict.level_db:.0f} dB")
        return verdict
    verdict.frequency = _peak_frequency(pcm, rate)
    if abs(verdict.frequency - tone.frequency) > FREQUENCY_TOLERANCE_HZ:
        verdict.faults.append(f"another tone: {verdict.frequency:.1f} Hz, not {tone.frequency} Hz")
        return verdict
    amplitude = loudness(pcm, rate, tone.frequency) / AMPLITUDE
    tonal = float(np.mean(amplitude ** 2)) * AMPLITUDE ** 2 / 2
    verdict.noise_db = 10 * np.log10(max(power - tonal, 1e-3) / power)
    verdict.longest_gap_s = _longest_run(amplitude < GAP_LEVEL) / ENVELOPE_HZ
    absent = missing(heard, seconds)
    shifts = _positions(amplitude)
    verdict.slip_s = max(abs(_wrap(s - shifts[0])) for s in shifts)
    expected = (1.0 + _REFERENCE)[(np.arange(len(amplitude)) + int(shifts[0] * ENVELOPE_HZ)) % len(_REFERENCE)]
    verdict.level_db = 10 * np.log10(float(np.mean(amplitude ** 2) / np.mean(expected ** 2)) + 1e-10)
    if sent_at:
        verdict.delay_s = _delay(heard, shifts[0], sent_at)
    if abs(verdict.level_db) > LEVEL_TOLERANCE_DB:
        verdict.faults.append(f"level {verdict.level_db:+.1f} dB")
    if verdict.noise_db > NOISE_LIMIT_DB:
        verdict.faults.append(f"noise {verdict.noise_db:.1f} dB")
    if verdict.longest_gap_s > GAP_LIMIT_S:
        verdict.faults.append(f"a gap of {verdict.longest_gap_s * 1000:.0f} ms")
    if absent > MISSING_LIMIT_S:
        verdict.faults.append(f"{absent * 1000:.0f} ms missing at an end")
    if verdict.slip_s > slip_limit:
        verdict.faults.append(f"a cut of {verdict.slip_s * 1000:.0f} ms")
    return verdict
