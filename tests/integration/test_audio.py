# SPDX-License-Identifier: AGPL-3.0-or-later
"""The judge judged: what is right passes, and each way of being wrong fails. No network."""

import numpy as np
import pytest

from bed import audio, codec

RATE = 8000
FRAME = 160


def spoken(tone, seconds=3.0, start=0.0):
    return tone.samples(int(start * RATE), int(seconds * RATE), RATE)


def heard(pcm):
    return audio.Heard(RATE, np.asarray(pcm), [(i, i / RATE + 0.030) for i in range(0, len(pcm), FRAME)])


def sent_at(start=0.0):
    """The sender sent every sample at its own time on the same clock."""
    def at(position, before):
        turns = np.floor((before + start - position) / audio.PERIOD_S)
        return position + turns * audio.PERIOD_S - start
    return at


@pytest.mark.parametrize("name", ["PCMU", "PCMA", "G722", "opus"])
def test_every_codec_carries_the_tone(name):
    tone, coder = audio.Tone(), codec.create(name)
    size = coder.rate // 50
    payloads = [coder.encode(tone.samples(n * size, size, coder.rate)) for n in range(150)]
    pcm = np.concatenate([coder.decode(p) for p in payloads if p])
    verdict = audio.judge(audio.Heard(coder.rate, pcm[coder.rate // 10:]), tone, 2.8)
    assert verdict.good, verdict


@pytest.mark.parametrize("start", [0.0, 1.37, 5.9])
def test_delay_is_read_from_the_code(start):
    tone = audio.Tone()
    verdict = audio.judge(heard(spoken(tone, start=start)), tone, 3.0, sent_at(start))
    assert verdict.good, verdict
    assert abs(verdict.delay_s - 0.030) < 0.004, verdict


def test_a_later_arrival_is_a_longer_delay():
    tone = audio.Tone()
    late = heard(spoken(tone))
    late.arrivals = [(first, at + 0.200) for first, at in late.arrivals]
    assert abs(audio.judge(late, tone, 3.0, sent_at()).delay_s - 0.230) < 0.004


def test_muting_fails():
    tone = audio.Tone()
    assert not audio.judge(heard(np.zeros(3 * RATE, dtype=np.int16)), tone, 3.0).good
    assert not audio.judge(heard([]), tone, 3.0).good


def test_muting_one_second_fails():
    tone = audio.Tone()
    pcm = spoken(tone)
    pcm[RATE:2 * RATE] = 0
    assert any("gap" in fault for fault in audio.judge(heard(pcm), tone, 3.0).faults)


def test_crossed_legs_fail():
    mine, theirs = audio.Tone(), audio.Tone()
    assert any("another tone" in fault for fault in audio.judge(heard(spoken(theirs)), mine, 3.0).faults)


def test_both_legs_mixed_fail():
    mine, theirs = audio.Tone(), audio.Tone()
    mixed = spoken(mine) // 2 + spoken(theirs) // 2
    assert not audio.judge(heard(mixed), mine, 3.0).good


def test_sixty_lost_milliseconds_fail():
    tone = audio.Tone()
    pcm = spoken(tone)
    pcm[RATE:RATE + 3 * FRAME] = 0
    assert any("gap" in fault for fault in audio.judge(heard(pcm), tone, 3.0).faults)


def test_one_lost_packet_passes():
    tone = audio.Tone()
    pcm = spoken(tone)
    pcm[RATE:RATE + FRAME] = 0
    assert audio.judge(heard(pcm), tone, 3.0).good


def test_sixty_milliseconds_cut_out_without_a_hole_fail():
    tone = audio.Tone()
    pcm = spoken(tone, 4.0)
    cut = np.concatenate((pcm[:2 * RATE], pcm[2 * RATE + 3 * FRAME:]))
    assert any("cut" in fault for fault in audio.judge(heard(cut), tone, 3.9).faults)


@pytest.mark.parametrize("factor", [0.98, 1.02, 0.5, 2.0])
def test_wrong_pitch_fails(factor):
    tone = audio.Tone(1000)
    t = np.arange(int(3 * RATE * factor)) / factor
    pcm = np.interp(t, np.arange(len(spoken(tone))), spoken(tone)).astype(np.int16)
    assert not audio.judge(heard(pcm), tone, 3.0).good


@pytest.mark.parametrize("gain", [0.3, 0.7, 2.0])
def test_wrong_level_fails(gain):
    tone = audio.Tone()
    assert not audio.judge(heard((spoken(tone) * gain).astype(np.int16)), tone, 3.0).good


def test_noise_fails():
    tone = audio.Tone()
    noise = np.random.default_rng(1).normal(0, 3000, 3 * RATE)
    assert not audio.judge(heard((spoken(tone) + noise).astype(np.int16)), tone, 3.0).good


def test_a_stream_that_stops_early_fails():
    tone = audio.Tone()
    assert any("missing" in fault for fault in audio.judge(heard(spoken(tone, 2.5)), tone, 3.0).faults)


def test_wrong_law_fails():
    tone, spoken_by, heard_by = audio.Tone(), codec.create("PCMU"), codec.create("PCMA")
    assert not audio.judge(heard(heard_by.decode(spoken_by.encode(spoken(tone)))), tone, 3.0).good
