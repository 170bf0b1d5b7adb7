# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo that stays: Prosody, Tandem and a telephone on this machine's own address, for people's own clients."""

import asyncio
import errno
import os
import secrets
import signal
import socket
import sys

from bed import certificate, net, proc, prosody, tandem, xmppserver

import guide
import operator_phone
import trouble
from progress import say

ELSEWHERE = ("192.0.2.1", 9)  # never sent to: it only chooses the route (RFC 5737)
LOOPBACK = "127.0.0.1"
SIP_PORT, PHONE_PORT = 5060, 5070
CALLER = "+15550100199"
RING_TIMEOUT_S = 60
PASSWORD = "password"


def own_address():
    """The IPv4 address from which this machine reaches others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
            return probe.getsockname()[0]
        except OSError:
            return LOOPBACK


class Stay:
    """Servers and a telephone at @address of @node. What has to outlive them (certificate, password) is in @directory."""

    numbers = {"alice": "+15550100101", "bob": "+15550100102"}
    media_port = 10000

    def __init__(self, node, address, directory, tell=say):
        self.node, self.address, self.domain = node, address, f"tel.{address}"
        self.directory, self.workers = directory, len(os.sched_getaffinity(0))
        self.password, secret = self._identity(), secrets.token_hex(16)
        self.server = prosody.Prosody(node, address, {self.domain: secret}, host=address, users=tuple(self.numbers),
                                      password=self.password)
        self.server.public = prosody.Public(directory, {user: self._contacts(user) for user in self.numbers})
        self.gateway = tandem.Tandem(
            node, address, domain=self.domain, secret=secret, xmpp=(LOOPBACK, xmppserver.COMPONENT_PORT),
            trunks={"telephone": {"proxy": f"sip:{address}:{PHONE_PORT}", "allow": [f"{address}/32"]}},
            numbers={number: {"owner": f"{user}@{address}", "trunk": "telephone"} for user, number in self.numbers.items()},
            sections={"limits": {"ring_timeout_s": RING_TIMEOUT_S}, "log": {"level": "info"},
                      "media": {"ice_port": self.media_port, "workers": self.workers, "allow_loopback": address == LOOPBACK}})
        self.telephone = operator_phone.Operator(node, address, PHONE_PORT, tell)

    def _identity(self):
        """The password; it and the certificate stay the same, so that clients need to be told about them once."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        if not certificate.fits(self.directory, self.address):
            certificate.write(self.directory, self.address)
        path = os.path.join(self.directory, PASSWORD)
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(9))
        with open(path, encoding="ascii") as file:
            return file.read().strip()

    def _contacts(self, user):
        others = {f"{other}@{self.address}": other for other in self.numbers if other != user}
        return {f"echo@{self.domain}": "Echo", f"{guide.NUMBER}@{self.domain}": "Telephone", **others}

    def _ports(self):
        """(kind, address, port) of everything that will listen."""
        tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
        found = [(tcp, self.address, port) for port in (xmppserver.C2S_PORT, prosody.HTTP_PORT, prosody.HTTPS_PORT)]
        found += [(kind, self.address, port) for kind in (tcp, udp) for port in (SIP_PORT, PHONE_PORT)]
        found += [(udp, self.address, self.media_port + n) for n in range(self.workers)]
        return [*found, (tcp, LOOPBACK, xmppserver.COMPONENT_PORT)]

    def check_ports(self):
        """AssertionError naming the ports that something else has."""
        taken = []
        for kind, address, port in self._ports():
            with self.node.enter(), socket.socket(socket.AF_INET, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    assert error.errno != errno.EADDRNOTAVAIL, f"{address} is no address of this machine"
                    taken.append(f"{'TCP' if kind == socket.SOCK_STREAM else 'UDP'} {address}:{port} is in use ({error.strerror})")
        assert not taken, "\n".join(taken)

    async def start(self):
        """Start everything; returns self."""
        self.check_ports()
        await self.server.start()
        await self.telephone.start()
        await self.gateway.start()
        return self

    async def ring(self, user):
        """The telephone calls @user."""
        await self.telephone.ring(self.numbers[user], (self.address, SIP_PORT), CALLER)

    async def stop(self):
        """End what has been started."""
        if hasattr(self.telephone.wire, "udp"):
            self.telephone.close()
        try:
            await self.gateway.stop()
        finally:
            await self.server.stop()


def _read_command(stay, loop):
    """A line has been typed: who shall be called."""
    line = sys.stdin.readline()
    if not line:
        loop.remove_reader(sys.stdin)
        return
    user = line.strip() or next(iter(stay.numbers))
    if user in stay.numbers:
        loop.create_task(stay.ring(user))
    else:
        say(f"press Enter, or type {' or '.join(stay.numbers)} and Enter")


async def _until_interrupted(stay):
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if sys.stdin and sys.stdin.isatty():
        loop.add_reader(sys.stdin, _read_command, stay, loop)
    while not stopped.is_set():
        stay.gateway.check()
        assert stay.server.process.alive(), f"Prosody ended:\n{stay.server.process.tail()}"
        try:
            await asyncio.wait_for(stopped.wait(), 1.0)
        except asyncio.TimeoutError:
            pass


async def run(directory, address=None):
    """Stay up until a signal comes, with logs in @directory; returns the exit code."""
    proc.Process.logs = directory
    address = address or own_address()
    say(f"starting Prosody, Tandem and a telephone on {address} ...")
    stay = Stay(net.Host(address), address, os.path.join(directory, "keep"))
    try:
        await stay.start()
        print(guide.text(stay), flush=True)
        await _until_interrupted(stay)
        say("ending ...")
    finally:
        trouble.save_logs(directory)
        await stay.stop()
    say(f"ended; the logs are in {directory}")
    return 0
