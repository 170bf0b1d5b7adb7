# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the throw-away XMPP servers have in common: one host, its accounts, and components."""

import os
import shutil

from . import proc

HOST = "example.org"
PASSWORD = "pass"
C2S_PORT, COMPONENT_PORT, HTTP_PORT = 5222, 5347, 5280
USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "admin", "oscar", "rita", "nina", *(f"u{n:02d}" for n in range(60)))


class XmppServer:
    """A server process in a node. Subclasses write the configuration and know how it starts.

    @components maps component domains to secrets; @turn is a coturn.Coturn to be announced by XEP-0215; every account of
    @users on @host has the same @password."""

    name = "xmpp"
    user = None
    websocket_path = bosh_path = None
    identity = None  # or a directory with key.pem and cert.pem: clients may use TLS
    resume_s = 60  # how long a lost stream may be resumed (XEP-0198)
    offline_storage = False  # whether a message to an account without a session is kept instead of refused

    def __init__(self, node, address, components, turn=None, *, host=HOST, users=USERS, password=PASSWORD):
        self.node, self.address, self.components, self.turn = node, address, components, turn
        self.host, self.users, self.password = host, users, password
        self.directory = proc.directory(self.name, self.user)
        self.process = None

    @property
    def websocket(self):
        """Where clients in a browser connect (RFC 7395)."""
        return f"ws://{self.address}:{HTTP_PORT}{self.websocket_path}"

    @property
    def bosh(self):
        """Where they connect by XEP-0124."""
        return f"http://{self.address}:{HTTP_PORT}{self.bosh_path}"

    async def start(self, timeout=30.0):
        """Start, wait until clients and components can connect; returns self."""
        self.configure()
        await self.restart(timeout)
        return self

    async def restart(self, timeout=30.0):
        """Start the process again with the same data."""
        self.process = proc.Process(self.name, self.command(), self.node, cwd=self.directory, user=self.user,
                                    env=self.environment())
        await self.ready(timeout)

    def take_identity(self, directory):
        """A copy of the key and certificate that the server may read."""
        for name in ("key.pem", "cert.pem"):
            path = os.path.join(self.directory, name)
            shutil.copy(os.path.join(directory, name), path)
            os.chmod(path, 0o600)
            if self.user:
                shutil.chown(path, self.user)

    def configure(self):
        """Write the files the server needs."""
        raise NotImplementedError

    def command(self):
        """The argv that runs the server in the foreground."""
        raise NotImplementedError

    def environment(self):
        """Environment variables of the process."""
        return {}

    async def ready(self, timeout):
        """Return when clients can log in."""
        raise NotImplementedError

    async def stop(self):
        """End the process and delete its directory."""
        if self.process:
            await self.process.stop()
            self.process.remove()
