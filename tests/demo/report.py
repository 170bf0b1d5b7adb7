# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the demo shows of a call: timeline, times, packets, the tones, a WAV and a picture."""

import wave
from dataclasses import dataclass

import numpy as np

from bed import audio, capture

WIDTH = 150
SECONDS_SHOWN = 4.0


@dataclass
class Call:
    """A finished call and what was measured of it; @delays are of packets to the telephone and to the client."""

    title: str
    timeline: object
    mine: object
    theirs: object
    verdicts: list
    delays: list
    begin: float
    end: float


def jitter(stream):
    """The interarrival jitter of RFC 3550 6.4.1 in seconds."""
    clock, value, before = 8000, 0.0, None
    for arrival, packet in stream.rx.packets:
        transit = arrival - packet.ts / clock
        if before is not None and abs(transit - before) < 1.0:
            value += (abs(transit - before) - value) / 16
        before = transit
    return value


def _events(call):
    """The timeline from the first word of the call on."""
    first = next((e for e in call.timeline.events if "propose" in e.detail or "INVITE" in e.detail), call.timeline.events[0])
    return first.at, [e for e in call.timeline.events if e.at >= first.at]


def show(call):
    """Print all about one call."""
    start, events = _events(call)
    print(f"\n== {call.title}\n")
    for event in sorted(events, key=lambda e: e.at):
        line = f"  {event.at - start:8.3f} s  {event.who:<24.24} {event.what:<14.14} {event.detail}"
        print(line.replace("\n", " ")[:WIDTH])
    marks = call.mine.milestones
    print(f"\n  ICE connected {marks.at('ice') - marks.at('accepted'):.3f} s after the session was accepted, "
          f"DTLS {marks.at('dtls') - marks.at('ice'):.3f} s after ICE ({marks.detail('dtls')})")
    for who, stream, delays in (("client", call.mine.audio, call.delays[1]), ("telephone", call.theirs.audio, call.delays[0])):
        got, lost = len(stream.rx.packets), stream.rx.gaps_in_sequence()
        print(f"  {who:9} got {got} packets ({stream.codec_name}), {lost} lost, jitter {jitter(stream) * 1e3:.2f} ms; in Tandem "
              f"median {capture.percentile(delays, 50) * 1e3:.3f} ms, p99 {capture.percentile(delays, 99) * 1e3:.3f} ms")
    for sender, receiver, verdict in (("client", "telephone", call.verdicts[0]), ("telephone", "client", call.verdicts[1])):
        stream = call.mine.audio if sender == "client" else call.theirs.audio
        print(f"  {sender} sent {stream.tone.frequency} Hz, {receiver} heard {verdict}")


def _heard(call):
    """[(name, samples at 8 kHz, sender's frequency)] of both sides while the judge listened."""
    sides = []
    for name, receiver, sender in (("client", call.mine.audio, call.theirs.audio), ("telephone", call.theirs.audio, call.mine.audio)):
        heard = receiver.rx.heard(receiver.codec_name, call.begin, call.end)
        sides.append((name, heard.pcm[::heard.rate // audio.RATE], sender.tone.frequency))
    return sides


def write_wav(call, path):
    """Left what the client heard, right what the telephone heard."""
    sides = [pcm for _, pcm, _ in _heard(call)]
    both = np.zeros((max(len(pcm) for pcm in sides), 2), dtype="<i2")
    for channel, pcm in enumerate(sides):
        both[:len(pcm), channel] = pcm
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(audio.RATE)
        file.writeframes(both.tobytes())


def draw(calls, path):
    """Spectrograms of what was heard, with a mark where the sender's tone has to be."""
    import matplotlib  # slow to import, and needed at the end alone
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(calls), 2, figsize=(13, 4 * len(calls)), squeeze=False)
    for row, call in zip(axes, calls):
        for axis, (name, pcm, frequency) in zip(row, _heard(call)):
            axis.specgram(pcm[:int(SECONDS_SHOWN * audio.RATE)] + 1e-3, NFFT=512, Fs=audio.RATE, noverlap=384, cmap="magma", vmin=-40)
            axis.plot([0.0], [frequency], marker=">", color="cyan", markersize=10, clip_on=False)
            axis.set_title(f"{call.title.split(':')[0]}: heard by the {name}; sent {frequency} Hz")
            axis.set_xlabel("s")
            axis.set_ylabel("Hz")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
