# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the system gives no more of: descriptors, memory."""

import os

from fault import PROFILE, Fault

SOME = 5  # more than one call's sockets, less than three's


class Descriptors(Fault):
    """No socket can be opened any more: the process is started with a few more than it needs."""

    name = "descriptors exhausted"
    expected = "new calls end in words; those that are up go on; then it serves as before"
    most = 12

    async def run(self, scene):
        server = scene.bed.tandem
        used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        await self.again(server, f"prlimit --nofile={used + SOME}:{used + SOME}")
        try:
            calls, ended = [], None
            client = await scene.client(profile=PROFILE)
            while not ended and len(calls) < self.most:
                number = scene.number()
                plan = scene.bed.carrier.expect(number)
                call = await client.call(scene.jid(number))
                answered = await self.answered(plan, call)
                if answered:
                    calls.append((call, answered))
                else:
                    ended = await call.ended(20)
            assert calls and ended, f"{len(calls)} calls, and none was refused"
            await self.still(calls)
            await self.hang_up(calls)
            await scene.alive()
        finally:
            await self.again(server, "")
        return f"after {len(calls)} calls: {ended}"

    @staticmethod
    async def answered(plan, call):
        """The carrier's side of @call once it is up; None: it has not come so far."""
        try:
            theirs = await plan.call(3.0)
        except (AssertionError, TimeoutError):
            return None
        await theirs.answer()
        try:
            await call.wait("media", 5.0)
        except AssertionError:
            return None
        return theirs


FAULTS = (Descriptors,)
