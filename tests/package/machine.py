# SPDX-License-Identifier: AGPL-3.0-or-later
"""A Debian of its own with systemd in charge, in one node of a test's network (systemd-nspawn)."""

import asyncio
import os
import subprocess

from bed import proc

BOOT_S, COMMAND_S, READY_S = 60.0, 60.0, 30.0
ENVIRONMENT = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
# Neither is there a manager on every machine that runs the tests to tell of it, nor a terminal.
NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off", "--boot"]


class Machine:
    """The Debian in @root, in @node."""

    def __init__(self, node, root):
        self.process = proc.Process("machine", [*NSPAWN, f"--directory={root}"], node)
        self.leader = None

    async def start(self):
        """Boot it; returns self."""
        await proc.until(self._find_leader, BOOT_S, "an init")
        state = await self.run("systemctl", "is-system-running", "--wait")
        assert state.stdout.strip() in ("running", "degraded"), state
        return self

    def _find_leader(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            self.leader = next(iter(children.read().split()), None)
        return self.leader and os.path.exists(f"/proc/{self.leader}/root/run/systemd/private")

    async def run(self, *argv):
        """Run a command there to its end, while the peers of the test, who live in this loop, go on."""
        return await asyncio.to_thread(
            subprocess.run, ["nsenter", "--all", "--target", self.leader, "env", "-i", *ENVIRONMENT, *argv],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_S, check=False)

    async def do(self, *argv):
        """The same, and assert that it goes well; what it has printed."""
        done = await self.run(*argv)
        assert done.returncode == 0, (argv, done.stdout, done.stderr, await self.journal())
        return done.stdout

    async def journal(self):
        """What the service has logged."""
        return (await self.run("journalctl", "--no-pager", "-b", "-o", "cat", "-u", "tandem")).stdout

    async def show(self, what):
        """A property of the service."""
        return (await self.do("systemctl", "show", "--value", "-p", what, "tandem")).strip()

    async def ready(self, times=1):
        """Wait until the service has been ready so often."""
        async with asyncio.timeout(READY_S):
            while (await self.journal()).count("event=ready") < times:
                await asyncio.sleep(proc.POLL_S)

    async def stop(self):
        """Shut it down."""
        if self.leader:
            await self.run("systemctl", "--no-block", "poweroff")
            try:
                await self.process.wait(BOOT_S)
            except AssertionError:
                pass
        await self.process.stop()
