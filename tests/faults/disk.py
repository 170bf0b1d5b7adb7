# SPDX-License-Identifier: AGPL-3.0-or-later
"""The database: locked by another program, corrupt, on a disk that is full."""

import contextlib
import glob
import os
import sqlite3
import subprocess

from fault import Fault, Outage, path_of

from bed import proc, tandem


KEPT = r"<3>db=failing error=.*kept in memory and tried again"
WRITTEN = r"db=writing jobs=\d+: what was kept in memory is on the disk"


class Locked(Outage):
    """A backup that locks the whole file, or an operator's shell that was left in a transaction."""

    name = "database locked for 3 s"
    expected = "calls go on and come; records are written afterwards"
    says = (KEPT, WRITTEN)
    lasts_s = 3.0
    other = None

    async def begin(self, scene):
        self.other = sqlite3.connect(path_of(scene), isolation_level=None, timeout=5)
        self.other.execute("BEGIN IMMEDIATE")

    async def end(self, scene):
        self.other.execute("ROLLBACK")
        self.other.close()


class Full(Outage):
    """The file system of the database takes nothing more."""

    name = "disk full"
    expected = "calls go on and come; records are kept in memory until there is room"
    says = (KEPT, WRITTEN)

    async def run(self, scene):
        directory = proc.directory("full", tandem.USER)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0777", "tmpfs", directory], check=True)
        server, before = scene.bed.tandem, dict(scene.bed.tandem.sections["db"])
        await server.process.stop()
        try:
            server.sections["db"] = {"path": os.path.join(directory, "tandem.db")}
            await server.start()
            return await super().run(scene)
        finally:
            await server.process.stop()
            server.sections["db"] = before
            subprocess.run(["umount", directory], check=True)
            await server.start()

    def fill(self, scene):
        """The file that takes all the room."""
        return os.path.join(os.path.dirname(path_of(scene)), "fill")

    async def begin(self, scene):
        with open(self.fill(scene), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    async def end(self, scene):
        os.unlink(self.fill(scene))


class FileTooLarge(Outage):
    """The process may write no larger file (LimitFSIZE), which the kernel says by a signal that ends programs. Nor can the log be written,
    which is a file here."""

    name = "file size limit reached"
    expected = "as a full disk: the signal does not end the process; the log says what it has not"
    says = (r"log=gap lines=\d+ \(File too large\): .*are in no log", WRITTEN)
    says_meanwhile = False

    async def begin(self, scene):
        self.limit(scene, fsize=4096)

    async def end(self, scene):
        self.limit(scene, fsize="unlimited")


class Corrupt(Fault):
    """The file is not a database any more when the process starts."""

    name = "database corrupt"
    expected = "set aside, never deleted; a new one is made and service goes on"
    says = (r"db=corrupt .*a new one is made",)

    async def run(self, scene):
        path, server = path_of(scene), scene.bed.tandem
        await server.kill()
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.write(os.urandom(size))
        os.unlink(path + "-wal")  # what was written last would stand in for what is damaged
        await server.start()
        aside = [name for name in glob.glob(path + ".corrupt-*[0-9]") if os.path.getsize(name)]
        assert aside, "nothing was set aside"
        await scene.alive()
        return f"set aside as {os.path.basename(aside[0])}"


class CorruptInUse(Outage):
    """The file is spoilt under the process: most of it is zeros all of a sudden, as on a disk that goes."""

    name = "database corrupt while in use"
    expected = "set aside, and what can be read taken along; calls and their rows go on in a new one"
    says = (r"<3>db=corrupt .*a new one is made",)
    page = 4096

    async def begin(self, scene):
        path = path_of(scene)
        # who else writes makes the process read again what it knows, and the journal goes
        with contextlib.closing(sqlite3.connect(path, timeout=5)) as other:
            other.execute("CREATE TABLE spoilt (n)")
            other.execute("DROP TABLE spoilt")
            other.commit()
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(path, "r+b") as file:
            file.seek(self.page)
            file.write(bytes(os.path.getsize(path) - self.page))

    async def end(self, scene):
        aside = [name for name in glob.glob(path_of(scene) + ".corrupt-*[0-9]") if os.path.getsize(name)]
        assert aside, "nothing was set aside"

    async def run(self, scene):
        server = scene.bed.tandem
        await server.process.stop()
        for part in ("", "-wal", "-shm"):  # the records of faults before would be lost
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path_of(scene) + part)
        await server.start()
        seen = await super().run(scene)
        # and the next process takes up calls from the new one
        calls = await self.talk(scene, each=1)
        await scene.bed.tandem.kill()
        await scene.bed.tandem.start()
        await self.heard_again(calls, 2.0)
        return seen


FAULTS = (Locked, Full, FileTooLarge, Corrupt, CorruptInUse)
