# SPDX-License-Identifier: AGPL-3.0-or-later
"""The two calls of the demo, with progress while they run."""

import os
import shutil
import sys
import time

from bed import capture, media, profiles
from bed.scene import CARRIER, Bed, Scene

import report

LISTEN_S = 4.0


def say(text):
    """One line of progress."""
    print(text, flush=True)


async def measured(bed, scene, mine, theirs):
    """Listen to both sides while the packets are captured: (verdicts, times in Tandem of packets to telephone and client)."""
    seen = capture.Capture(bed.gw)
    verdicts = await scene.heard(mine, theirs, seconds=LISTEN_S)
    packets = seen.stop()
    client, trunk = mine.transport.agent.selected().local_addr, (CARRIER, theirs.port)
    return verdicts, [capture.delays(packets, lambda p, a=entering: p.source == a, lambda p, a=leaving: p.target == a)
                      for entering, leaving in ((client, trunk), (trunk, client))]


async def one(bed, title, place):
    """A call from @place(scene), judged and hung up: a report.Call, or None if it failed."""
    say(f"\n== {title}")
    scene = Scene(bed)
    begin = time.monotonic()
    try:
        mine, theirs = await place(scene, profiles.replace(profiles.PLAIN, ipv6=False), user="alice")
        say(f"   answered and connected after {time.monotonic() - begin:.2f} s; listening for {LISTEN_S:.0f} s ...")
        verdicts, delays = await measured(bed, scene, mine, theirs)
        end = time.monotonic()
        await mine.hangup()
        await theirs.wait("ended")
        say("   hung up; each side has heard the other's tone")
        return report.Call(title, scene.timeline, mine, theirs, verdicts, delays, end - LISTEN_S - media.STRAGGLERS_S, end)
    except AssertionError as error:
        say(f"   FAILED: {error}")
        print(scene.timeline.text(), file=sys.stderr)
        print(bed.tandem.process.tail(60), file=sys.stderr)
        return None
    finally:
        await scene.close()


async def run(out):
    """The whole demo; returns the exit code."""
    begin = time.monotonic()
    say("starting Prosody, Tandem and a telephone, each in a network namespace of its own ...")
    bed = await Bed().start()
    try:
        say(f"   ready after {time.monotonic() - begin:.1f} s")
        found = [await one(bed, "call out: an XMPP user calls a telephone number", Scene.call_out),
                 await one(bed, "call in: the telephone calls the user's number", Scene.call_in)]
    finally:
        await bed.stop(check=False)
    good = [call for call in found if call]
    os.makedirs(out, exist_ok=True)
    for number, call in enumerate(good, 1):
        report.show(call)
        report.write_wav(call, os.path.join(out, f"call{number}.wav"))
    if good:
        report.draw(good, os.path.join(out, "calls.png"))
        say(f"\nrecordings (left: heard by the client, right: by the telephone) and a picture of them: {out}")
    owner = os.environ.get("SUDO_UID")
    if owner:
        for name in (out, *(os.path.join(out, name) for name in os.listdir(out))):
            shutil.chown(name, int(owner), int(os.environ.get("SUDO_GID", owner)))
    passed = len(good) == len(found)
    say(f"\n{'both calls were heard both ways' if passed else 'FAILED'}, {time.monotonic() - begin:.0f} s in all")
    return 0 if passed else 1
