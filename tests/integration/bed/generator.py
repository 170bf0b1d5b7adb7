# SPDX-License-Identifier: AGPL-3.0-or-later
"""The load generator (tests/bench/load): telephones, clients, an XMPP server and Tandem, all in one network namespace; every packet is checked."""

import os
import re
import shutil
import subprocess
import threading

from bed import proc, tandem

LOAD = os.path.join(os.path.dirname(tandem.binary()), "tests", "bench", "load", "load")
START_S = 60.0


def is_built():
    """Whether there is one (make tests)."""
    return os.path.exists(LOAD)


class Generator:
    """One in @node: @arguments are its mode and numbers, its lines of key=value come by steps(), all of them within @limit_s."""

    def __init__(self, node, limit_s, *arguments):
        self.directory = proc.directory("load")
        with node.enter():
            self.process = subprocess.Popen([LOAD, "-b", tandem.binary(), "-d", self.directory, *arguments], stdout=subprocess.PIPE, text=True)
        self.limit = threading.Timer(limit_s, self.process.kill)
        self.limit.start()

    def steps(self):
        """Each step as it ends: {key: value}."""
        for line in self.process.stdout:
            yield dict(re.findall(r"(\w+)=(\S+)", line))

    def close(self):
        """End it."""
        self.limit.cancel()
        self.process.terminate()
        self.process.wait(START_S)
        shutil.rmtree(self.directory, ignore_errors=True)
