# SPDX-License-Identifier: AGPL-3.0-or-later
"""What Tandem adds to the audio's delay, by the kernel's timestamps on its own interface.

    client c1  --  Prosody srv  --  Tandem gw (captured)  --  carrier pstn
"""

import asyncio
import os

import pytest

from bed import capture, profiles
from bed.scene import CARRIER

pytestmark = [pytest.mark.bed_options(sections={"log": {"level": "info"}}), pytest.mark.alone]

CALLS, SECONDS = 5, 4.0
LIMIT_S = 0.005
CLIENT = "10.77.0.11"
# Sanitizers and valgrind cost more than the limit leaves.
SLOW = bool(os.environ.get("TANDEM_WRAP")) or "san" in os.environ.get("TANDEM", "")


async def test_a_call_adds_less_than_five_milliseconds(scene):
    profile = profiles.replace(profiles.PLAIN, ipv6=False)
    calls = await asyncio.gather(*(scene.call_out(profile) for _ in range(CALLS)))
    await asyncio.sleep(0.3)
    seen = capture.Capture(scene.bed.gw)
    await asyncio.gather(*(scene.heard(*pair, seconds=SECONDS) for pair in calls))
    packets = seen.stop()
    added = []
    for mine, theirs in calls:
        client = mine.transport.agent.selected().local_addr
        trunk = (CARRIER, theirs.port)
        for entering, leaving in ((client, trunk), (trunk, client)):
            found = capture.delays(packets, lambda p, a=entering: p.source == a, lambda p, a=leaving: p.target == a)
            assert len(found) > 0.9 * SECONDS * 50, f"only {len(found)} packets of {entering} to {leaving} were matched"
            added += found
    median, worst = capture.percentile(added, 50), capture.percentile(added, 99)
    line = f"{len(added)} packets: median {median * 1e3:.3f} ms, p99 {worst * 1e3:.3f} ms, most {max(added) * 1e3:.3f} ms"
    scene.figure("added delay", line)
    for mine, theirs in calls:
        await mine.hangup()
        await theirs.wait("ended")
    assert worst < (LIMIT_S * 10 if SLOW else LIMIT_S), line
