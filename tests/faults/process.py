# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process itself: killed, or stopped for a while."""

import asyncio
import ctypes
import os
import re
import shutil
import signal
import tempfile
import time

from fault import PROFILE, Fault

from bed import database, proc, tandem


RECOVERED = r"event=recovered resumed=%s ended=0 .*the process before this one ended .*those resumed go on"


class Killed(Fault):
    """SIGKILL in the middle of calls, and a new start by whoever watches over it."""

    name = "process killed (SIGKILL)"
    expected = "calls go on within 2 s of the new start"
    says = (RECOVERED % 4,)
    short = True
    within_s = 2.0

    async def run(self, scene):
        calls = await self.place(scene)
        await scene.bed.tandem.kill()
        starting = asyncio.ensure_future(scene.bed.tandem.start())
        took = await self.heard_again(calls, self.within_s)
        await starting
        return f"all heard after {took:.2f} s"

    async def place(self, scene):
        """The calls."""
        return await self.talk(scene)


class KilledWithOne(Killed):
    """Nothing else is in the table, or in the file of the media."""

    name = "process killed with 1 call"
    says = (RECOVERED % 1,)
    short = False

    async def place(self, scene):
        calls = [await scene.call_out(PROFILE)]
        await database.kept(scene.bed.tandem)
        await self.heard(calls)
        return calls


class KilledWithMany(Fault):
    """The same with 500 calls, of the load generator (tests/bench/load), on a machine of its own."""

    name = "process killed with 500 calls"
    expected = "all heard again within 2 s of the new start, numbers unbroken"
    calls = 500
    says = (RECOVERED % calls,)
    within_ms = 2000.0

    async def run(self, scene):
        load = os.path.join(os.path.dirname(tandem.binary()), "tests", "bench", "load", "load")
        directory = tempfile.mkdtemp(prefix="tandem-it-load-", dir="/dev/shm")
        try:
            process = proc.Process("load", [load, "-b", tandem.binary(), "-d", directory, "tandem", "start", str(self.calls)],
                                   scene.bed.network.node("load"))
            await process.wait(60.0)
            found = dict(re.findall(r"(\w+)=(\S+)", process.log()))
            process.remove()
            with open(os.path.join(directory, "tandem.log"), encoding="utf-8") as log:
                self.log_elsewhere = log.read()
        finally:
            shutil.rmtree(directory)
        self.calls_lost = self.calls - int(found.get("heard", 0))
        assert not self.calls_lost and found["rebased"] == "0", found
        assert float(found["heard_ms"]) < self.within_ms, found
        return f"all heard after {float(found['heard_ms']) / 1000:.2f} s"


class Stopped(Fault):
    """SIGSTOP: a debugger, a snapshot of the machine, a disk that hangs."""

    name = "process stopped for 10 s (SIGSTOP)"
    expected = "calls go on when it runs again"
    says = (r"event=stood-still ms=\d{4,5}: the process was stopped, .*calls go on",)
    stopped_s, within_s = 10.0, 5.0

    async def run(self, scene):
        calls = await self.talk(scene)
        scene.bed.tandem.process.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.stopped_s)
        scene.bed.tandem.process.process.send_signal(signal.SIGCONT)
        took = await self.heard_again(calls, self.within_s)
        await scene.alive()
        return f"all heard {took:.2f} s after it"


class WorkerStuck(Fault):
    """A media thread stands still; the others do not."""

    name = "a worker thread stuck"
    expected = "noticed within 10 s; calls go on in the next process"
    says = (r"event=media-stuck .*the process ends, and all calls go on in the next one", RECOVERED % 4)
    within_s = 3.0
    seize, interrupt = 0x4206, 0x4207  # ptrace(2)
    all_threads = 0x40000000  # __WALL of waitpid(2)

    async def run(self, scene):
        server = scene.bed.tandem
        calls = await self.talk(scene)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long] * 4
        begun = time.monotonic()
        thread = self.thread(server.process.pid)
        for request in (self.seize, self.interrupt):
            assert libc.ptrace(request, thread, 0, 0) == 0, os.strerror(ctypes.get_errno())
        await self.logs(scene, self.says[0])
        noticed = time.monotonic() - begun
        while not os.WIFSIGNALED(os.waitpid(thread, self.all_threads)[1]):  # who traces it buries it
            pass
        await server.process.wait(5.0)
        await server.process.stop()
        starting = asyncio.ensure_future(server.start())
        took = await self.heard_again(calls, self.within_s)
        await starting
        return f"noticed after {noticed:.1f} s, all heard {took:.2f} s after the new start"

    @staticmethod
    def thread(pid):
        """Of the first worker."""
        for tid in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
            with open(f"/proc/{pid}/task/{tid}/comm", encoding="ascii") as comm:
                if comm.read().strip() == "media":
                    return tid
        raise AssertionError("no thread of that name")


FAULTS = (Killed, KilledWithOne, KilledWithMany, Stopped, WorkerStuck)
