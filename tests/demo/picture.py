# SPDX-License-Identifier: AGPL-3.0-or-later
"""A picture of what was sent and what was heard: a row for each direction of each call."""

import numpy as np

from bed import audio

import report
import sound

WINDOW, OVERLAP = 256, 192
FLOOR_DB = 55
SHOWN_S = 2.0  # of the loudness, which has 20 steps a second
GOOD, BAD = "#1a7f37", "#cf222e"


def _spectrogram(axis, pcm):
    axis.specgram(pcm / 32768.0 + 1e-9, NFFT=WINDOW, Fs=audio.RATE, noverlap=OVERLAP, cmap="magma")
    image = axis.images[-1]
    top = image.get_array().max()
    image.set_clim(top - FLOOR_DB, top)
    axis.set_facecolor("black")
    axis.set_ylim(0, audio.RATE / 2)
    axis.set_xlim(0, len(pcm) / audio.RATE)
    axis.set_ylabel("frequency (Hz)")
    axis.set_xlabel("seconds")


def _loudness(axis, direction, parts):
    """The loudness of both on one axis of time: the sender's code, which says that nothing is missing or moved."""
    looks = (("sent", "#9ec5fe", 5.0, 0.0), ("heard", "#0b3d91", 1.2, sound.late(direction)))
    for pcm, (name, colour, width, begin) in zip(parts, looks):
        values = audio.loudness(pcm.astype(np.float64), audio.RATE, direction.out.tone.frequency) / audio.AMPLITUDE
        times = begin + audio.WINDOW_S / 2 + np.arange(len(values)) / audio.ENVELOPE_HZ
        axis.plot(times[times < SHOWN_S], values[times < SHOWN_S], color=colour, linewidth=width, label=name)
    axis.set_xlim(0, SHOWN_S)
    axis.set_ylim(0, 1.7)
    axis.set_xlabel("seconds since the first packet was sent")
    axis.set_ylabel("loudness")
    axis.legend(loc="lower right", ncol=2, frameon=False)


def _row(axes, title, direction):
    parts = (sound.sent(direction), sound.heard(direction))
    verdict, frequency = direction.verdict, direction.out.tone.frequency
    sender, receiver = direction.sender, direction.receiver
    for axis, pcm in zip(axes, parts):
        if len(pcm) > WINDOW:
            _spectrogram(axis, pcm)
    axes[0].set_title(f"{title}\n{sender} sends a tone of {frequency} Hz", loc="left")
    axes[1].set_title(f"{receiver} hears {verdict.frequency:.1f} Hz, level {report.decibels(verdict)}, longest gap "
                      f"{verdict.longest_gap_s * 1e3:.0f} ms\n{'RIGHT' if direction.good else 'WRONG: ' + ', '.join(verdict.faults)}",
                      loc="left", color=GOOD if direction.good else BAD)
    if all(len(pcm) > audio.RATE // 10 for pcm in parts):
        _loudness(axes[2], direction, parts)
    axes[2].set_title(f"loudness of that tone, sent and heard ({verdict.delay_s * 1e3:.1f} ms later)\n"
                      "the sender's pattern must come out without a gap or a shift", loc="left")


def draw(calls, path):
    """Write the picture of @calls to @path."""
    import matplotlib  # slow to import, and needed at the end alone
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [(call.title.partition(":")[0].upper(), d) for call in calls for d in call.directions if d.sent and d.received]
    if not rows:
        return False
    pyplot.rcParams.update({"font.size": 9, "axes.titlesize": 10})
    figure, axes = pyplot.subplots(len(rows), 3, figsize=(17, 3.1 * len(rows) + 0.6), squeeze=False)
    for line, (title, direction) in zip(axes, rows):
        _row(line, title, direction)
    figure.suptitle("Tandem: what each side sent (left) and what the other side heard (middle), as they were on the wire",
                    fontsize=14, fontweight="bold")
    figure.tight_layout(rect=(0, 0, 1, 0.985), h_pad=1.6)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return True
