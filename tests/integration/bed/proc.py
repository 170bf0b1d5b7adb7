# SPDX-License-Identifier: AGPL-3.0-or-later
"""Processes of a test: each in its own directory, ended by pid, with a log one can wait on."""

import asyncio
import ctypes
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

POLL_S = 0.02
SOON_S = 15.0  # for what comes at once where nothing else runs, and whose time is not what is tested
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Absent(Exception):
    """What a test needs is not on this machine: it is skipped, with this text as the reason."""


def heed():
    """Before a program of a session of its own: it heeds what a shell in the background, or nohup, has its commands ignore."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _begin():
    heed()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def directory(name, user=None):
    """A new directory below the system's temporary one, owned by @user where named."""
    path = tempfile.mkdtemp(prefix=f"tandem-it-{os.getpid()}-{name}-")
    os.chmod(path, 0o755)
    if user:
        shutil.chown(path, user)
    return path


async def until(condition, timeout, what):
    """Wait until @condition() is true and return its value; AssertionError naming @what if it never is."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        await asyncio.sleep(POLL_S)


class Process:
    """A program running in a node of the network, writing its log into its own directory."""

    running = []  # every process alive, for the report of a failing test
    logs = None  # a directory that gets a copy of every log when its process is removed

    def __init__(self, name, argv, node, *, cwd=None, user=None, env=None, fds=()):
        self.name = name
        self.argv = argv
        self.cwd = cwd or directory(name, user)
        self.path = os.path.join(self.cwd, name + ".log")
        self.began = time.monotonic()
        environment = {**os.environ, "HOME": self.cwd, **(env or {})}
        privileges = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
        with open(self.path, "ab") as log, node.enter():
            self._mark = log.tell()
            self.process = subprocess.Popen(
                argv, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True, preexec_fn=_begin, pass_fds=fds, **privileges)
        Process.running.append(self)

    @property
    def pid(self):
        """The process id."""
        return self.process.pid

    def log(self):
        """All this process has written since it was started."""
        with open(self.path, "rb") as log:
            log.seek(self._mark)
            return log.read().decode("utf-8", "replace")

    def tail(self, lines=40):
        """The last lines of the log."""
        return "\n".join(self.log().splitlines()[-lines:])

    def alive(self):
        """Whether it still runs."""
        return self.process.poll() is None

    async def wait_log(self, pattern, timeout=SOON_S, count=1):
        """Wait until @pattern has been logged @count times; returns the last match."""
        expression = re.compile(pattern)

        def found():
            matches = list(expression.finditer(self.log()))
            if len(matches) >= count:
                return matches[-1]
            if not self.alive():
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            return None

        try:
            return await until(found, timeout, f"{self.name} logs /{pattern}/")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    async def wait(self, timeout=SOON_S):
        """Wait until the process has ended by itself and return its status."""
        await until(lambda: not self.alive(), timeout, f"{self.name} ends")
        return self.process.returncode

    async def stop(self, number=signal.SIGTERM, timeout=10.0):
        """End the process and return its status; one that does not end in time is killed: status -9."""
        if self in Process.running:
            Process.running.remove(self)
        if self.alive():
            self.process.send_signal(number)
            try:
                await self.wait(timeout)
            except AssertionError:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def save(self):
        """Copy the log to where logs are wanted."""
        if Process.logs:
            shutil.copyfile(self.path, os.path.join(Process.logs, os.path.basename(self.path)))

    def remove(self):
        """Delete the process's directory, unless BED_KEEP asks for it."""
        self.save()
        if not os.environ.get("BED_KEEP"):
            shutil.rmtree(self.cwd, ignore_errors=True)


def sweep():
    """Delete directories that a killed run has left behind."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), "tandem-it-*")):
        owner = re.match(r"tandem-it-(\d+)-", os.path.basename(path))
        if owner and not os.path.exists(f"/proc/{owner.group(1)}"):
            shutil.rmtree(path, ignore_errors=True)
