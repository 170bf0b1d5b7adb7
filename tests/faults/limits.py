# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the system gives no more of: descriptors, memory."""

import os
import re

from fault import PROFILE, Fault


def ends(why):
    """What the log says of a call that ends for it."""
    return rf"<[34]>call=\S+ .*r=-\d+ \({why}\): it cannot go on, and is ended"


class Scarce(Fault):
    """There is enough for some calls and not for the next."""

    expected = "new calls end in words; those that are up go on; then it serves as before"
    most = 40

    async def until_refused(self, scene):
        """Calls until one is refused: (those that are up, how the last ended)."""
        calls, client = [], await scene.client(profile=PROFILE)
        while len(calls) < self.most:
            number = scene.number()
            plan = scene.bed.carrier.expect(number)
            call = await client.call(scene.jid(number))
            answered = await self.answered(plan, call)
            if not answered:
                ended = await self.refusal(call)
                client.strict.violations.clear()  # the end of its own may have crossed ours
                return calls, ended
            calls.append((call, answered))
        raise AssertionError(f"none of {self.most} calls was refused")

    async def refusal(self, call):
        """How it ended."""
        return await call.ended(20)

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


class Descriptors(Scarce):
    """No socket can be opened any more: the process is started with a few more than it needs."""

    name = "descriptors exhausted"
    says = (ends("Too many open files"),)
    some = 5  # more than one call's sockets, less than three's

    async def run(self, scene):
        server = scene.bed.tandem
        used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        await self.again(server, f"/usr/bin/prlimit --nofile={used + self.some}:{used + self.some}")
        try:
            calls, ended = await self.until_refused(scene)
            assert calls, "not even one call"
            await self.still(calls)
            await self.hang_up(calls)
            await scene.alive()
        finally:
            await self.again(server, "")
        return f"after {len(calls)} calls: {ended}"


class Memory(Scarce):
    """The address space may not grow any more while calls are up. (Each allocation of ours that a call's set-up makes is refused by
    tests/unit/gateway/test_no_memory.)"""

    name = "memory refused"
    says = (ends("Cannot allocate memory"),)
    expected = "new calls end, in words where there is memory for words; others go on; then it serves as before"
    spare = 64 * 1024

    async def refusal(self, call):
        try:
            return await super().refusal(call)
        except AssertionError:
            await call.hangup()
            return "silence"

    async def run(self, scene):
        calls = await self.talk(scene, each=1)
        with open(f"/proc/{scene.bed.tandem.process.pid}/status", encoding="ascii") as status:
            size = int(re.search(r"VmSize:\s+(\d+)", status.read()).group(1)) * 1024
        self.limit(scene, **{"as": size + self.spare})
        try:
            new, ended = await self.until_refused(scene)
            await self.still(calls + new)
        finally:
            self.limit(scene, **{"as": "unlimited"})
        downs = scene.bed.tandem.log.count("event=xmpp-down")  # a stanza without memory ends the stream
        if downs:
            await scene.bed.tandem.process.wait_log("event=xmpp-up", 20.0, count=downs)
        await self.hang_up(calls + new)
        await scene.alive()
        return f"after {len(new)} more calls: {ended}"


FAULTS = (Descriptors, Memory)
