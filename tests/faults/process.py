# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process itself: killed, or stopped for a while."""

import asyncio
import signal
import time

from fault import Fault

from bed import media


class Killed(Fault):
    """SIGKILL in the middle of calls, and a new start by whoever watches over it."""

    name = "process killed (SIGKILL)"
    expected = "calls go on within 2 s of the new start"
    short = True
    within_s = 2.0

    async def run(self, scene):
        calls = await self.talk(scene)
        await scene.bed.tandem.kill()
        begun = time.monotonic()
        await scene.bed.tandem.start()
        await asyncio.gather(*(media.flowing(side.audio, self.within_s, after=begun) for call in calls for side in call))
        took = time.monotonic() - begun
        await self.still(calls)
        await self.hang_up(calls)
        return f"all heard after {took:.2f} s"


class Stopped(Fault):
    """SIGSTOP: a debugger, a snapshot of the machine, a disk that hangs."""

    name = "process stopped for 10 s (SIGSTOP)"
    expected = "calls go on when it runs again"
    stopped_s = 10.0

    async def run(self, scene):
        calls = await self.talk(scene)
        scene.bed.tandem.process.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.stopped_s)
        scene.bed.tandem.process.process.send_signal(signal.SIGCONT)
        begun = time.monotonic()
        await asyncio.gather(*(media.flowing(side.audio, 5.0, after=begun) for call in calls for side in call))
        took = time.monotonic() - begun
        await self.still(calls)
        await self.hang_up(calls)
        await scene.alive()
        return f"all heard {took:.2f} s after it"


FAULTS = (Killed, Stopped)
