# SPDX-License-Identifier: AGPL-3.0-or-later
"""SIP transports and transactions of the test's telephone: UDP, TCP and TLS, retransmission, absorption (RFC 3261 17, 18)."""

import asyncio
import os
import ssl

from . import sipmsg

T1_S, T2_S = 0.5, 4.0
TRANSACTION_S = 32.0
MAGIC = "z9hG4bK"


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, wire):
        self.wire = wire

    def datagram_received(self, data, addr):
        self.wire.on_octets(data, ("udp", addr[0], addr[1]))


class _Tcp(asyncio.Protocol):
    def __init__(self, wire, name="tcp"):
        self.wire, self.buffer, self.peer, self.transport, self.name = wire, b"", None, None, name

    def connection_made(self, transport):
        self.transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        self.peer = (self.name, host, port)
        self.wire.connections[self.peer] = transport

    def data_received(self, data):
        self.buffer += data
        while True:
            message, self.buffer = sipmsg.frame(self.buffer)
            if message is None:
                return
            self.wire.on_octets(message, self.peer)

    def connection_lost(self, exc):
        self.wire.connections.pop(self.peer, None)


class Client:
    """One client transaction: yields every response, sends again what UDP may have lost."""

    def __init__(self, wire, request, peer):
        self.wire, self.request, self.peer = wire, request, peer
        self.responses = asyncio.Queue()
        self.task = asyncio.ensure_future(self._send())

    async def _send(self):
        pause, spent = T1_S, 0.0
        while True:
            self.wire.transmit(self.request, self.peer)
            if self.peer[0] != "udp":
                return
            await asyncio.sleep(pause)
            spent += pause
            if spent > TRANSACTION_S:
                return
            pause = min(2 * pause, T2_S) if self.request.method != "INVITE" else 2 * pause

    def on_response(self, response):
        """A response has come: requests are not repeated after it."""
        self.task.cancel()
        self.responses.put_nowait(response)

    async def final(self, timeout=TRANSACTION_S):
        """The final response; AssertionError if none comes."""
        try:
            while True:
                response = await asyncio.wait_for(self.responses.get(), timeout)
                if response.status >= 200:
                    return response
        except asyncio.TimeoutError:
            raise AssertionError(f"no final response to {self.request.first_line()} within {timeout} s") from None
        finally:
            self.task.cancel()


class Wire:
    """Sends and receives SIP at one address; requests go to @on_request(message, peer).

    A peer is ("udp", "tcp" or "tls", host, port). With @tls, a certificate's directory (bed/certificate.py), TLS is spoken at
    the next port, too; whom it is spoken with is not looked at."""

    def __init__(self, node, host, port, on_request, timeline_of, tls=None):
        self.node, self.host, self.port, self.tls, self.secure = node, host, port, tls, None
        self.on_request, self.timeline_of = on_request, timeline_of
        self.connections = {}
        self.local = None  # (address, port) that they are made from, instead of what routing chooses
        self.clients = {}
        self.answered = {}  # (branch, method, peer) -> the last response, for retransmitted requests
        self.stray = []  # what could not be parsed or matched

    async def start(self):
        """Open both transports."""
        loop = asyncio.get_running_loop()
        with self.node.inside():
            self.udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), local_addr=(self.host, self.port))
            self.server = await loop.create_server(lambda: _Tcp(self), self.host, self.port)
            if self.tls:
                self.secure = await loop.create_server(lambda: _Tcp(self, "tls"), self.host, self.port + 1,
                                                       ssl=self._context(ssl.PROTOCOL_TLS_SERVER))

    def _context(self, protocol):
        context = ssl.SSLContext(protocol)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(os.path.join(self.tls, "cert.pem"), os.path.join(self.tls, "key.pem"))
        return context

    def close(self):
        """Close both transports and all connections."""
        for client in self.clients.values():
            client.task.cancel()
        self.udp.close()
        self.server.close()
        if self.secure:
            self.secure.close()
        for transport in list(self.connections.values()):
            transport.close()

    async def reach(self, transport, host, port):
        """The peer to send to, after connecting where the transport needs it."""
        peer = (transport, host, port)
        if transport != "udp" and peer not in self.connections:
            context = self._context(ssl.PROTOCOL_TLS_CLIENT) if transport == "tls" else None
            with self.node.inside():
                await asyncio.get_running_loop().create_connection(lambda: _Tcp(self, transport), host, port, ssl=context,
                                                                      local_addr=self.local)
        return peer

    def transmit(self, message, peer):
        """Send a message now."""
        octets = message if isinstance(message, bytes) else message.encode()
        if not isinstance(message, bytes):
            self.timeline_of(message).add(self.label(message), "SIP ->", message.summary())
        if peer[0] == "udp":
            self.udp.sendto(octets, peer[1:])
        elif peer in self.connections:
            self.connections[peer].write(octets)

    @staticmethod
    def label(message):
        """Who speaks, for the timeline."""
        return "sip " + message.call_id[:12]

    def via(self, transport, branch=None):
        """A Via value of ours."""
        branch = branch or MAGIC + sipmsg.token(16)
        port = self.port + (transport == "tls")
        return f"SIP/2.0/{transport.upper()} {sipmsg.bracket(self.host)}:{port};branch={branch};rport"

    def request(self, message, peer):
        """Start a client transaction for a request whose topmost Via is set."""
        client = Client(self, message, peer)
        self.clients[(message.branch, message.method)] = client
        return client

    def respond(self, request, peer, status, reason, *, tag=None, headers=(), body=b"", contact=None):
        """Answer a request, and again whenever it is repeated."""
        response = sipmsg.Message(status=status, reason=reason)
        for name in ("Via", "Record-Route"):
            for value in request.all(name):
                response.add(name, value)
        response.add("From", request.get("From"))
        to = request.get("To")
        response.add("To", to if status == 100 or sipmsg.tag_of(to) or not tag else f"{to};tag={tag}")
        response.add("Call-ID", request.call_id).add("CSeq", request.get("CSeq"))
        if contact:
            response.add("Contact", contact)
        for name, value in headers:
            response.add(name, value)
        if body:
            response.add("Content-Type", "application/sdp")
            response.body = body
        self.answered[(request.branch, request.method, peer)] = response
        self.transmit(response, peer)
        return response

    def on_octets(self, octets, peer):
        """A message has come from @peer."""
        if not octets.strip():
            return
        try:
            message = sipmsg.parse(octets)
        except (ValueError, UnicodeDecodeError) as error:
            self.stray.append((error, octets))
            return
        self.timeline_of(message).add(self.label(message), "SIP <-", message.summary())
        if message.method:
            earlier = self.answered.get((message.branch, message.method, peer))
            if earlier is not None and message.method != "ACK":
                self.transmit(earlier, peer)
            else:
                self.on_request(message, peer)
            return
        client = self.clients.get((message.branch, message.cseq[1]))
        if client is None:
            self.stray.append(("no transaction", octets))
        else:
            client.on_response(message)
