# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo that stays: Prosody, Tandem and a telephone on this machine's own address, for people's own clients."""

import asyncio
import secrets
import signal
import socket
import sys

from bed import net, phone, prosody, tandem

PHONE_PORT = 5070
ELSEWHERE = ("192.0.2.1", 9)  # never sent to: it only chooses the route (RFC 5737)
NUMBERS = {"alice": "+15550100001", "bob": "+15550100002"}
CALLER = "+15550199999"
RING_S = 2.0


def own_address():
    """The address from which this machine reaches others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


class Operator(phone.Phone):
    """A telephone that answers every number after two rings and says back what it hears."""

    def on_request(self, request, peer):
        number = phone.sipmsg.user_of(request.uri)
        if request.method == "INVITE" and number and number not in self.expected:
            self.expect(number)
            asyncio.ensure_future(self.serve(number))
        super().on_request(request, peer)

    async def serve(self, number):
        """Answer all calls to @number."""
        while True:
            call = await self.expected[number].calls.get()
            print(f"   the telephone {number} rings", flush=True)
            asyncio.ensure_future(self.answer(call))

    @staticmethod
    async def answer(call):
        """Ring, answer, echo."""
        try:
            await call.ring()
            await asyncio.sleep(RING_S)
            await call.answer()
            echo(call)
            print(f"   answered; ended: {await call.wait('ended', timeout=None)}", flush=True)
        except AssertionError as error:
            print(f"   {error}", flush=True)


def echo(call):
    """Send back what comes instead of a tone."""
    call.audio.stop()
    call.audio.start = lambda: None
    call.audio.received = call._transmit  # pylint: disable=protected-access


async def ring_back(telephone, address, user):
    """The telephone calls @user."""
    call = await telephone.dial(f"sip:{NUMBERS[user]}@{address}:5060", ("udp", address, 5060), caller=CALLER)
    print(f"   the telephone calls {user}", flush=True)
    try:
        await call.wait("answered", 70)
        echo(call)
        print(f"   {user} has answered; ended: {await call.wait('ended', timeout=None)}", flush=True)
    except AssertionError as error:
        print(f"   {error}", flush=True)


def describe(address, domain, password):
    """Tell people how to get in."""
    print(f"""
Everything is up on {address}. Accounts (any XMPP client; the certificate is self-signed; host and port if asked:
{address}, 5222; browsers: ws://{address}:{prosody.WEBSOCKET_PORT}/xmpp-websocket):

    alice@{address}   password {password}   number {NUMBERS['alice']}
    bob@{address}     password {password}   number {NUMBERS['bob']}

Add a contact and call it:

    echo@{domain}            Tandem itself says back what it hears
    +15551234567@{domain}    any number: a telephone behind a SIP trunk rings twice, answers and says back what it hears

Type alice or bob and Enter: the telephone calls them. Ctrl-C ends everything.
""", flush=True)


async def run(address=None):
    """Stay up until a signal comes; returns the exit code."""
    address = address or own_address()
    node, domain = net.Host(address), f"tel.{address}"
    password, secret = secrets.token_urlsafe(9), secrets.token_hex(16)
    server = prosody.Prosody(node, address, {domain: secret}, host=address, users=("alice", "bob"), password=password)
    server.public = True
    gateway = tandem.Tandem(
        node, address, domain=domain, secret=secret, xmpp=(address, 5347),
        trunks={"telephone": {"proxy": f"sip:{address}:{PHONE_PORT}", "allow": [f"{address}/32"]}},
        numbers={number: {"owner": f"{user}@{address}", "trunk": "telephone"} for user, number in NUMBERS.items()},
        sections={"limits": {"ring_timeout_s": 60}, "log": {"level": "info"}})
    telephone = Operator(node, address, port=PHONE_PORT, name="telephone")
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await server.start()
        await telephone.start()
        await gateway.start()
        describe(address, domain, password)
        if sys.stdin and sys.stdin.isatty():
            loop.add_reader(sys.stdin, read_command, telephone, address, loop)
        await stopped.wait()
        return 0
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        telephone.close()
        if gateway.process:
            await gateway.stop()
        await server.stop()


def read_command(telephone, address, loop):
    """A line has been typed."""
    user = sys.stdin.readline().strip()
    if user in NUMBERS:
        loop.create_task(ring_back(telephone, address, user))
    elif user:
        print("   alice or bob", flush=True)
