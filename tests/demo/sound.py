# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was sent and what was heard, as samples on one time axis, and as WAV files."""

import os
import wave

import numpy as np

from bed import audio, media

MARGIN_S = 1e-6


def _samples(packets, name, rate=audio.RATE):
    """The audio of (time, rtp.Packet) entries at @rate."""
    recording = media.Recording()
    recording.packets = packets
    if not packets:
        return np.zeros(0, dtype=np.int16)
    heard = recording.heard(name, min(at for at, _ in packets), max(at for at, _ in packets) + MARGIN_S)
    return heard.pcm[::heard.rate // rate]


def sent(direction):
    """The samples the sender sent."""
    return _samples(direction.sent, direction.out.codec_name)


def heard(direction):
    """The samples the receiver got; they begin Direction.late() seconds after the first was sent."""
    return _samples(direction.received, direction.into.codec_name)


def late(direction):
    """Seconds from the sending of the first packet to the arrival of the first that arrived."""
    return direction.received[0][0] - direction.sent[0][0]


def write(call, directory):
    """One WAV for each direction: left what was sent, right what was heard. Returns their names."""
    names = []
    for direction in call.directions:
        sides = [sent(direction), heard(direction)]
        both = np.zeros((max(len(pcm) for pcm in sides), 2), dtype="<i2")
        for channel, pcm in enumerate(sides):
            both[:len(pcm), channel] = pcm
        names.append(f"{call.name}-{direction.sender}-to-{direction.receiver}.wav")
        with wave.open(os.path.join(directory, names[-1]), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(audio.RATE)
            file.writeframes(both.tobytes())
    return names
