# SPDX-License-Identifier: AGPL-3.0-or-later
"""Profanity, Debian's XMPP client for terminals, typed at as a person does. Its screen is read by a terminal emulator."""

import asyncio
import fcntl
import os
import re
import shutil
import struct
import termios
import time

from . import jinglexml, proc, timeline, xmppserver

PROGRAM = "/usr/bin/profanity"
COLUMNS, LINES = 200, 100
LOGIN_S, ANSWER_S, AGAIN_S = 15.0, 10.0, 0.5
ACCOUNT = """\
[me]
enabled=true
jid={user}@{host}
resource=profanity
password={password}
server={address}
port={port}
tls.policy=disable
"""
SETTINGS = """\
[ui]
splash=false
roster=false
[logging]
chlog=false
"""


def missing():
    """Why there is nothing to test with, or None."""
    try:
        import pyte  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        return "python3-pyte is not installed: make deps-live"
    return None if os.access(PROGRAM, os.X_OK) else "profanity is not installed: make deps-live"


class Profanity:
    """One login of @user in a terminal of its own."""

    def __init__(self, node, address, user):
        import pyte  # pylint: disable=import-outside-toplevel
        self.node, self.address, self.user = node, address, user
        self.who, self.timeline = f"{user}/profanity", timeline.current()
        self.directory, self.calls = proc.directory("profanity"), {}  # it has no calls
        self.strict = jinglexml.Strict()
        self.process = self._terminal = None
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    async def start(self):
        """Log in; returns self."""
        for name, text in (("data/profanity/accounts", ACCOUNT.format(
                user=self.user, host=xmppserver.HOST, password=xmppserver.PASSWORD, address=self.address,
                port=xmppserver.C2S_PORT)), ("config/profanity/profrc", SETTINGS)):
            path = os.path.join(self.directory, name)
            os.makedirs(os.path.dirname(path))
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o600)
        self._terminal, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = proc.Process(
            "profanity", ["bash", "-c", f"exec {PROGRAM} -a me <&{its} >&{its} 2>&{its}"], self.node,
            cwd=self.directory, fds=(its,), env={
                "TERM": "xterm", "LANG": "C.UTF-8", "XDG_DATA_HOME": f"{self.directory}/data",
                "XDG_CONFIG_HOME": f"{self.directory}/config", "XDG_CACHE_HOME": f"{self.directory}/cache"})
        os.close(its)
        os.set_blocking(self._terminal, False)
        asyncio.get_running_loop().add_reader(self._terminal, self._read)
        await self.shows(r"logged in successfully", LOGIN_S)
        return self

    def _read(self):
        try:
            self._stream.feed(os.read(self._terminal, 65536))
        except OSError:  # it has ended
            asyncio.get_running_loop().remove_reader(self._terminal)

    def screen(self):
        """What is to be seen, without empty lines."""
        return "\n".join(line.rstrip() for line in self._screen.display if line.strip())

    def type(self, line):
        """Type a line."""
        self.timeline.add(self.who, "types", line)
        os.write(self._terminal, line.encode() + b"\r")

    async def insist(self, line, pattern):
        """Type @line until it shows @pattern."""
        async def repeat():
            while True:
                self.type(line)
                await asyncio.sleep(AGAIN_S)

        typing = asyncio.ensure_future(repeat())
        try:
            await self.shows(pattern)
        finally:
            typing.cancel()

    async def shows(self, pattern, timeout=ANSWER_S):
        """Wait until it shows @pattern, and return the match."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.screen())):
            if time.monotonic() > deadline or not self.process.alive():
                raise AssertionError(f"{self.who} does not show /{pattern}/, but:\n{self.screen()}\n{self.process.tail()}")
            await asyncio.sleep(proc.POLL_S)
        self.timeline.add(self.who, "shows", found.group(0))
        return found

    async def close(self):
        """End it."""
        if self.process:
            await self.process.stop()
            self.process.save()
            asyncio.get_running_loop().remove_reader(self._terminal)
            os.close(self._terminal)
        shutil.rmtree(self.directory, ignore_errors=True)
