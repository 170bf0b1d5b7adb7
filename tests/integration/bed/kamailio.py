# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian's Kamailio before the gateway: for browsers as a registrar and proxy with Record-Route, WebSocket and digest; for a
carrier as a proxy of texts."""

import glob
import os
import shutil
import socket

from . import proc

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = "kamailio"
WEB, START_S = 8080, 15.0
USER, PASSWORD, REALM = "tandem", "k4mailio", "kamailio"


def _modules():
    found = glob.glob("/usr/lib/*/kamailio/modules") + glob.glob("/usr/lib/kamailio/modules")
    return found[0] + "/" if found else None


def missing():
    """Why there is none to test with, or None."""
    modules = _modules()
    if not shutil.which(PROGRAM) or not modules or not os.path.exists(modules + "websocket.so"):
        return "kamailio is not installed: apt-get install kamailio kamailio-websocket-modules"
    return None


class Kamailio:
    """One at @host in a node, for the gateway at @gateway. @template is one of the *.cfg here, @more its further values."""

    def __init__(self, node, host, gateway, template="kamailio.cfg", more=()):
        self.node, self.host = node, host
        self.directory = proc.directory("kamailio")
        with open(os.path.join(HERE, template), encoding="ascii") as file:
            text = file.read()
        for name, value in (("HOST", host), ("WEB", WEB), ("GATEWAY", gateway), ("MODULES", _modules()), ("REALM", REALM),
                            ("PASSWORD", PASSWORD), *dict(more).items()):
            text = text.replace(f"@{name}@", str(value))
        path = os.path.join(self.directory, "kamailio.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        self.process = proc.Process("kamailio", [PROGRAM, "-DD", "-E", "-f", path, "-Y", self.directory, "-m", "32", "-M", "8"],
                                    node, cwd=self.directory)

    @property
    def websocket(self):
        """Where browsers connect to."""
        return f"ws://{self.host}:{WEB}"

    async def start(self):
        """Wait until it listens; returns self."""
        try:
            await proc.until(self._listens, START_S, "kamailio listens")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.process.tail()}") from None
        return self

    def _listens(self):
        assert self.process.alive(), "kamailio has ended"
        with self.node.inside(), socket.socket() as probe:
            return not probe.connect_ex((self.host, WEB))

    async def stop(self):
        """End it."""
        await self.process.stop()
        self.process.remove()
