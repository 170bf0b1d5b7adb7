# SPDX-License-Identifier: AGPL-3.0-or-later
"""The machine's clock is set while calls are up: by hand, by NTP after a start without a battery, by a guest's resume."""

import os
import struct
import subprocess

from fault import Outage

from bed import proc, tandem

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")


class Stepped(Outage):
    """By so many seconds; clock.c stands between the process and the kernel."""

    by_s = 0
    expected = "no call ends by it; records have the time that calls took"
    says = (r"event=clock-set by_ms=-?\d{8}: its record has the time that it took",)
    file = None

    async def run(self, scene):
        directory = proc.directory("clock", tandem.USER)
        library, self.file = os.path.join(directory, "clock.so"), os.path.join(directory, "set")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        self.set(0)
        server = scene.bed.tandem
        await self.again(server, f"/usr/bin/env LD_PRELOAD={library} FAULT_CLOCK={self.file}")
        try:
            return await super().run(scene)
        finally:
            await self.again(server, "")

    def set(self, seconds):
        """From now on it is so many seconds later."""
        with open(self.file, "r+b" if os.path.exists(self.file) else "w+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))

    async def begin(self, scene):
        self.set(self.by_s)

    async def end(self, scene):
        pass  # it stays so: the records are written then


class Forward(Stepped):
    """A day and an hour on."""

    name = "clock set a day ahead"
    by_s = 25 * 3600


class Back(Stepped):
    """Before calls began."""

    name = "clock set a day back"
    by_s = -25 * 3600


FAULTS = (Forward, Back)
