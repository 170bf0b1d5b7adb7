# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a fault of the table is: how it is made, what shall come of it, and what came of it."""

import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from bed import database, media, proc, profiles  # noqa: E402  pylint: disable=wrong-import-position

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)
CALLS = 2  # each way


class Fault:
    """One line of the table. run() makes the fault and raises AssertionError when what it expects does not come."""

    name = ""  # the fault
    expected = ""  # the behaviour that is written down for it
    short = False  # also in `make check`
    bed = {}  # options of scene.Bed; faults with the same ones share it
    limit_s = 90.0

    def __init__(self):
        self.calls_lost = self.messages_lost = 0

    async def run(self, scene):
        """Returns what was seen, in a few words; counts what was lost."""
        raise NotImplementedError

    async def talk(self, scene, each=CALLS):
        """@each calls up both ways, all heard and in the session table: [(client's, carrier's)]."""
        calls = [await scene.call_out(PROFILE) for _ in range(each)] + [await scene.call_in(PROFILE) for _ in range(each)]
        path = scene.bed.tandem.sections["db"]["path"]
        await proc.until(lambda: database.rows(path, "SELECT count(*) FROM session WHERE media_ready = 1")[0][0] >= 2 * len(calls),
                         5, "every call is in the table")
        await self.heard(calls)
        return calls

    @staticmethod
    async def heard(calls):
        """All of them hear each other."""
        await media.listen(*((a.audio, b.audio) for a, b in calls), *((b.audio, a.audio) for a, b in calls), seconds=1.0)

    async def still(self, calls):
        """All @calls are heard, or counted as lost."""
        alive = [call for call in calls if not any(side.passed("ended") for side in call)]
        self.calls_lost += len(calls) - len(alive)
        await self.heard(alive)
        assert not self.calls_lost, f"{self.calls_lost} of {len(calls)} calls have ended"

    @staticmethod
    async def hang_up(calls):
        """Each side ends some; the other one is told."""
        for i, (mine, theirs) in enumerate(calls):
            await (theirs if i % 2 else mine).hangup()
        for mine, theirs in calls:
            await asyncio.gather(mine.ended(), theirs.wait("ended"))

    @staticmethod
    async def again(server, wrap):
        """Start the process anew under the command @wrap."""
        await server.process.stop()
        os.environ["TANDEM_WRAP"] = wrap
        await server.start()

    @staticmethod
    async def logs(scene, pattern, timeout=10.0):
        """Wait until the log has a line that names cause and consequence."""
        await scene.bed.tandem.process.wait_log(pattern, timeout)
