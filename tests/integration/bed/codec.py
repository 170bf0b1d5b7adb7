# SPDX-License-Identifier: AGPL-3.0-or-later
"""Audio codecs of the test's own peers: G.711 by table, G.722 and Opus by PyAV."""

import fractions

import av
import numpy as np


def _mulaw_encode_table():
    """G.711 mu-law octets for every 16-bit sample."""
    x = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(x), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(x < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)


def _mulaw_decode_table():
    octet = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent = (octet >> 4) & 7
    value = ((((octet & 0x0F) << 3) + 132) << exponent) - 132
    return np.where(octet & 0x80, -value, value).astype(np.int16)


def _alaw_decode_table():
    octet = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (octet >> 4) & 7
    mantissa = octet & 0x0F
    value = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(octet & 0x80, value, -value).astype(np.int16)


def _nearest_table(decode):
    """The inverse of a decoding table: for every 16-bit sample the octet that decodes nearest to it."""
    order = np.argsort(decode, kind="stable")
    values = decode[order].astype(np.int32)
    x = np.arange(-32768, 32768, dtype=np.int32)
    right = np.clip(np.searchsorted(values, x), 1, len(values) - 1)
    nearer = np.where(np.abs(values[right] - x) < np.abs(x - values[right - 1]), right, right - 1)
    return order[nearer].astype(np.uint8)


MULAW_ENCODE, MULAW_DECODE = _mulaw_encode_table(), _mulaw_decode_table()
ALAW_DECODE = _alaw_decode_table()
ALAW_ENCODE = _nearest_table(ALAW_DECODE)


class Table:
    """A codec of one octet a sample."""

    rate = clock = 8000

    def __init__(self, encode, decode):
        self._encode, self._decode = encode, decode

    def encode(self, pcm):
        """int16 samples to a payload."""
        return self._encode[pcm.astype(np.int32) + 32768].tobytes()

    def decode(self, payload):
        """A payload to int16 samples."""
        return self._decode[np.frombuffer(payload, dtype=np.uint8)]


class Av:
    """A codec of ffmpeg's. Opus frames are encoded one by one, G.722 keeps its state from frame to frame."""

    def __init__(self, name, rate, clock, bit_rate=None, options=None):
        self.rate, self.clock = rate, clock
        layout = "mono"
        self._encoder = av.CodecContext.create(name, "w")
        self._encoder.sample_rate = rate
        self._encoder.layout = layout
        self._encoder.format = "s16"
        self._encoder.time_base = fractions.Fraction(1, rate)
        self._encoder.options = options or {}
        if bit_rate:
            self._encoder.bit_rate = bit_rate
        self._decoder = av.CodecContext.create(name, "r")
        self._decoder.sample_rate = rate
        self._decoder.layout = layout
        self._resampler = av.AudioResampler(format="s16", layout=layout, rate=rate)
        self._at = 0

    def encode(self, pcm):
        """int16 samples to a payload; empty while the encoder still gathers its first frame."""
        frame = av.AudioFrame.from_ndarray(pcm.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.rate
        frame.pts = self._at
        self._at += len(pcm)
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def decode(self, payload):
        """A payload to int16 samples."""
        parts = []
        for frame in self._decoder.decode(av.Packet(payload)):
            for part in self._resampler.resample(frame):
                parts.append(part.to_ndarray().reshape(-1))
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)


def create(name):
    """A codec by its SDP name; KeyError for one the peers do not speak."""
    return {
        "PCMU": lambda: Table(MULAW_ENCODE, MULAW_DECODE),
        "PCMA": lambda: Table(ALAW_ENCODE, ALAW_DECODE),
        "G722": lambda: Av("g722", 16000, 8000),
        "OPUS": lambda: Av("libopus", 48000, 48000, 64000, {"application": "audio"}),
    }[name.upper()]()
