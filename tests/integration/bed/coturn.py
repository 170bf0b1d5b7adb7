# SPDX-License-Identifier: AGPL-3.0-or-later
"""A throw-away coturn, with the credentials of XEP-0215 (a shared secret) or one fixed user."""

import base64
import hashlib
import hmac
import time

from . import proc

REALM = "example.org"


class Coturn:
    """A STUN and TURN server on UDP at one address of a node."""

    user = "turnserver"

    def __init__(self, node, host, port=3478, secret="turnsecret"):
        self.node, self.host, self.port, self.secret = node, host, port, secret
        self.process = None

    async def start(self):
        """Start and wait until it listens; returns self."""
        path = proc.directory("coturn", self.user)
        self.process = proc.Process("coturn", [
            "turnserver", "-n", "--listening-ip", self.host, "--relay-ip", self.host, "--listening-port", str(self.port),
            "--min-port", "49152", "--max-port", "50152", "--realm", REALM, "--fingerprint", "--use-auth-secret",
            "--static-auth-secret", self.secret, "--no-tls", "--no-dtls", "--no-tcp", "--no-cli", "--no-software-attribute",
            "--log-file", "stdout", "--simple-log", "--verbose", "--pidfile", path + "/pid", "--userdb", path + "/db"],
            self.node, cwd=path, user=self.user)
        await self.process.wait_log(r"(?i)IPv4\. UDP listener opened on", 10)
        return self

    def credentials(self, lifetime_s=3600):
        """(user name, password) as a server makes them from the shared secret."""
        username = f"{int(time.time()) + lifetime_s}:test"
        password = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(password).decode()

    async def stop(self):
        """End it and delete its directory."""
        await self.process.stop()
        self.process.remove()
