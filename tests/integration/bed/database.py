# SPDX-License-Identifier: AGPL-3.0-or-later
"""A look into the program's database from outside."""

import os
import shutil
import sqlite3
import tempfile

from . import proc

TABLE_S = proc.SOON_S
COPIES = 5


def rows(path, query):
    """What @query finds. In a copy: a reader that is root would leave files behind that the program cannot open. One that was
    made while the log was written back is of two moments, and made again."""
    for left in reversed(range(COPIES)):
        try:
            return _rows_of_copy(path, query)
        except sqlite3.DatabaseError:
            if not left:
                raise
    return None


def _rows_of_copy(path, query):
    with tempfile.TemporaryDirectory(prefix="tandem-it-db-") as directory:
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copy(path + suffix, directory)
        connection = sqlite3.connect(os.path.join(directory, os.path.basename(path)))
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def _path(tandem):
    return tandem.sections["db"]["path"]


async def kept(tandem, legs=2):
    """Wait until another process would find @legs of calls that are up."""
    query = "SELECT count(*) FROM session WHERE media_ready = 1"
    await proc.until(lambda: rows(_path(tandem), query)[0][0] >= legs, TABLE_S, f"{legs} legs are in the table")


async def over(tandem):
    """Wait until another process would find no call."""
    await proc.until(lambda: rows(_path(tandem), "SELECT count(*) FROM session") == [(0,)], TABLE_S, "the table is empty")
