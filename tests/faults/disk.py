# SPDX-License-Identifier: AGPL-3.0-or-later
"""The database: locked by another program, corrupt, on a disk that is full."""

import asyncio
import glob
import os
import sqlite3
import subprocess

from fault import PROFILE, Fault

from bed import database, proc, tandem


def path_of(scene):
    """The database's path."""
    return scene.bed.tandem.sections["db"]["path"]


def records(scene):
    """How many call records there are."""
    return database.rows(path_of(scene), "SELECT count(*) FROM cdr")[0][0]


class Locked(Fault):
    """A backup that locks the whole file, or an operator's shell that was left in a transaction."""

    name = "database locked for 3 s"
    expected = "calls go on and come; their records are written afterwards"
    locked_s = 3.0

    async def run(self, scene):
        calls = await self.talk(scene, each=1)
        before = records(scene)
        other = sqlite3.connect(path_of(scene), isolation_level=None, timeout=5)
        other.execute("BEGIN IMMEDIATE")
        try:
            new = await scene.call_out(PROFILE)
            await calls[0][0].hangup()
            await calls[0][1].wait("ended")
            await asyncio.sleep(self.locked_s)
            await self.still([calls[1], new])
            await self.logs(scene, r"<[34]>db=")
        finally:
            other.execute("ROLLBACK")
            other.close()
        await self.hang_up([calls[1], new])
        await proc.until(lambda: records(scene) >= before + 3, 10, "all three calls have records")
        return "a call came and one ended meanwhile; 3 records"


class Full(Fault):
    """The file system of the database takes nothing more."""

    name = "disk full"
    expected = "calls go on and come; records are kept in memory until there is room"

    async def run(self, scene):
        directory = proc.directory("full", tandem.USER)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0777", "tmpfs", directory], check=True)
        server, before = scene.bed.tandem, dict(scene.bed.tandem.sections["db"])
        await server.process.stop()
        try:
            server.sections["db"] = {"path": os.path.join(directory, "tandem.db")}
            await server.start()
            calls = await self.talk(scene, each=1)
            self._fill(directory)
            new = await scene.call_out(PROFILE)
            await calls[0][0].hangup()
            await calls[0][1].wait("ended")
            await self.still([calls[1], new])
            await self.logs(scene, r"<3>db=")
            os.unlink(os.path.join(directory, "fill"))
            await self.hang_up([calls[1], new])
            await proc.until(lambda: records(scene) >= 3, 15, "all three calls have records")
        finally:
            await server.process.stop()
            server.sections["db"] = before
            subprocess.run(["umount", directory], check=True)
            await server.start()
        return "a call came and one ended meanwhile; 3 records once there was room"

    @staticmethod
    def _fill(directory):
        with open(os.path.join(directory, "fill"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass


class Corrupt(Fault):
    """The file is not a database any more when the process starts."""

    name = "database corrupt"
    expected = "set aside, never deleted; a new one is made and service goes on"

    async def run(self, scene):
        path, server = path_of(scene), scene.bed.tandem
        await server.kill()
        with open(path, "r+b") as file:
            file.write(os.urandom(16384))
        await server.start()
        await self.logs(scene, r"db=corrupt .*a new one is made")
        aside = [name for name in glob.glob(path + ".corrupt-*") if os.path.getsize(name)]
        assert aside, "nothing was set aside"
        await scene.alive()
        return f"set aside as {os.path.basename(aside[0])}"


FAULTS = (Locked, Full, Corrupt)
