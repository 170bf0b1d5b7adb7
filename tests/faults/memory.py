# SPDX-License-Identifier: AGPL-3.0-or-later
"""Memory is refused to a process that takes up the calls of the one before: one allocation, whichever it is."""

import asyncio
import os
import re
import signal
import subprocess

from fault import PROFILE, Fault

from bed import media, proc, tandem
from bed.scene import DOMAIN

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "memory.c")
AGAIN_S = 10.0


class RefusedOnce(Fault):
    """Each allocation in turn (tests/faults/memory.c), of a process of its own, which the next one takes the place of. ALLOCATION=n in the
    environment begins with that one."""

    name = "memory refused as calls are taken up"
    expected = "each of its allocations in turn is refused once: no call ends"
    says = (r"call=\S+ event=memory-refused: it is tried once more, and the call goes on",)
    limit_s = 600.0
    first = int(os.environ.get("ALLOCATION") or 0)

    async def run(self, scene):
        library = os.path.join(proc.directory("memory", tandem.USER), "memory.so")
        subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        calls = await self.talk(scene, each=1)
        echo = await (await scene.client(profile=PROFILE)).call(f"echo@{DOMAIN}")
        await echo.wait("media")
        sides = [echo, *(side for call in calls for side in call)]
        which = self.first
        while await self.refused(scene.bed.tandem, library, which, sides):
            which += 1
        await self.again(scene.bed.tandem, "")
        await self.hang_up(calls)
        return f"{which} allocations: all heard each time"

    async def again(self, server, wrap):
        """Another process in the place of that one (SIGUSR2), under the command @wrap."""
        server.process.process.send_signal(signal.SIGUSR2)
        await server.process.wait(AGAIN_S)
        await server.process.stop()
        os.environ["TANDEM_WRAP"] = wrap
        try:
            await server.start()
        finally:
            os.environ["TANDEM_WRAP"] = ""

    async def refused(self, server, library, which, sides):
        """Whether there is such an allocation. All @sides hear the next process, and nobody is called anew."""
        await self.again(server, f"/usr/bin/env LD_PRELOAD={library} FAULT_ALLOCATION={which}")
        said = re.search(r"fault=allocation result=(\S+)", server.log)
        assert said, "nothing was counted"
        try:
            await asyncio.gather(*(media.flowing(side.audio, AGAIN_S) for side in sides))
        except AssertionError as error:
            raise AssertionError(f"allocation {which}: {error}") from None
        ended = [side for side in sides if side.passed("ended")]
        self.calls_lost += len(ended)
        assert not ended, f"allocation {which}: {len(ended)} sides have ended"
        return said.group(1) == "refused"


FAULTS = (RefusedOnce,)
