# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo from its first line to its exit code."""

import os

from bed import proc
from bed.scene import Bed

import calls
import picture
import report
import sound
import trouble
from progress import elapsed, say

PICTURE = "calls.png"
FULL_WIDTH = 2000


def _write(found, directory):
    """Timeline, recordings and picture of the calls @found; tells where they are."""
    with open(os.path.join(directory, "timeline.txt"), "w", encoding="utf-8") as file:
        for call in found:
            file.write(f"=== {call.title}\n\n{call.scene.timeline.text(FULL_WIDTH)}\n\n" + "\n".join(call.log) + "\n\n")
    names = [name for call in found for name in sound.write(call, directory)]
    say("drawing what was sent and what was heard ...")
    if picture.draw(found, os.path.join(directory, PICTURE)):
        names.append(PICTURE)
    return names


def _summary(found, names, directory):
    print(f"\n=== what was sent and what was heard\n\n  in {directory}:")
    for name in names:
        print(f"    {name:<40} " + ("what was sent and heard, side by side" if name == PICTURE else "left: as sent, right: as heard"))
    print(f"    {'timeline.txt':<40} every message in full\n    {'tandem.log, prosody.log':<40} what the programs said\n")
    for call in found:
        print(f"  {call.name}")
        for direction in call.directions:
            print(f"    {report.proof(direction)}")
        if call.failure:
            print(f"    FAILED: {call.failure.splitlines()[0]}")


async def run(directory):
    """The whole demo, with its files in @directory; returns the exit code."""
    proc.Process.logs = directory
    say("starting Prosody, Tandem and a telephone, each in a network namespace of its own ...")
    bed = await Bed(sections={"log": {"level": "info"}}).start()
    found, clean = [], False
    try:
        say("   ready: Tandem is connected to Prosody and listens for SIP")
        for title, name, place in calls.CALLS:
            found.append(await calls.one(bed, title, name, place))
        clean = all(call.good for call in found)
    finally:
        trouble.save_logs(directory)
        await bed.stop(check=clean)
    for call in found:
        print(report.text(call))
    print(flush=True)
    names = _write(found, directory)
    _summary(found, names, directory)
    for call in found:
        if call.failure or not call.good:
            print(trouble.explain(call.title, call.failure or "; ".join(map(report.proof, call.directions)), directory))
    heard = sum(len(call.directions) for call in found)
    print(f"\n{f'PASSED: {len(found)} calls, {heard} tones sent and heard' if clean else 'FAILED'}, {elapsed():.0f} s", flush=True)
    return 0 if clean else 1
