# SPDX-License-Identifier: AGPL-3.0-or-later
"""What systemd does with descriptors that a service wants to find again in its next process (FDSTORE, sd_notify(3))."""

import os

MAX = 253  # of one message
# sd_listen_fds(3): from 3 on, by the process of LISTEN_PID
GIVE = """
import fcntl, os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
fds = [fcntl.fcntl(fd, fcntl.F_DUPFD, 3 + len(fds)) for fd in fds]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(fds)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class Store:
    """The descriptors of one service, each under a name."""

    def __init__(self):
        self.held = []  # (name, descriptor)

    def take(self, message, fds):
        """A notification and what came with it."""
        said = dict(line.split("=", 1) for line in message.decode("utf-8", "replace").split("\n") if "=" in line)
        name = said.get("FDNAME", "stored")
        if said.get("FDSTOREREMOVE") == "1":
            self._drop([one for one in self.held if one[0] == name])
        for fd in fds:
            if said.get("FDSTORE") == "1" and not any(os.path.sameopenfile(fd, other) for _, other in self.held):
                self.held.append((name, fd))
            else:
                os.close(fd)

    def _drop(self, some):
        for one in some:
            self.held.remove(one)
            os.close(one[1])

    def give(self):
        """(The prefix of the command that gets them, the descriptors)."""
        if not self.held:
            return [], ()
        fds = tuple(fd for _, fd in self.held)
        return ["/usr/bin/python3", "-c", GIVE, ",".join(map(str, fds)), ":".join(name for name, _ in self.held)], fds

    def close(self):
        """The service is gone for good."""
        self._drop(list(self.held))
