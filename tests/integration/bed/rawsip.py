# SPDX-License-Identifier: AGPL-3.0-or-later
"""SIP that a test writes itself, octet by octet, and what comes back: sockets and requests of which anything may be wrong."""

import asyncio
import ssl

from . import sipmsg
from .scene import CARRIER, GATEWAY, own_number

ANSWER_S = 10.0
PORT, TLS_PORT = 5060, 5061


class Line(asyncio.DatagramProtocol):
    """Octets to Tandem and back, by UDP, TCP or TLS, from @host in @node: `async with Line(node) as line`."""

    def __init__(self, node, kind="udp", host=CARRIER, gateway=GATEWAY, port=None, number=None):
        self.node, self.kind, self.host, self.gateway = node, kind, host, gateway
        self.peer = (gateway, port or (TLS_PORT if kind == "tls" else PORT))
        self.number = number or own_number("alice")  # whom requests are for
        self.got = asyncio.Queue()  # datagrams, or messages of the stream
        self.transport = self.reading = None

    async def __aenter__(self):
        loop, source = asyncio.get_running_loop(), (self.host, 0)
        with self.node.inside():
            if self.kind == "udp":
                self.transport, _ = await loop.create_datagram_endpoint(lambda: self, source)
                return self
            context = None
            if self.kind == "tls":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            reader, writer = await asyncio.open_connection(*self.peer, local_addr=source, ssl=context)
        self.transport = writer
        self.reading = asyncio.ensure_future(self._read(reader))
        return self

    async def __aexit__(self, *_):
        if self.reading:
            self.reading.cancel()
        self.transport.close()

    def datagram_received(self, data, addr):
        self.got.put_nowait(data)

    async def _read(self, reader):
        buffer = b""
        try:
            while data := await reader.read(65536):
                message, buffer = sipmsg.frame(buffer + data)
                while message is not None:
                    self.got.put_nowait(message)
                    message, buffer = sipmsg.frame(buffer)
        except ConnectionError:
            pass

    @property
    def port(self):
        """Our own."""
        return self.transport.get_extra_info("sockname")[1]

    @property
    def here(self):
        """Our address as it stands in a URI."""
        return f"{sipmsg.bracket(self.host)}:{self.port}"

    def send(self, octets):
        """As they stand."""
        if self.kind == "udp":
            self.transport.sendto(octets, self.peer)
        else:
            self.transport.write(octets)

    async def renew(self):
        """Another connection: a malformed request costs the one that it came by."""
        if self.kind != "udp":
            await self.__aexit__()
            await self.__aenter__()

    async def response(self, call_id=None, timeout=ANSWER_S):
        """The next final response (to the request of @call_id), or None."""
        end = asyncio.get_running_loop().time() + timeout
        while True:
            try:
                octets = await asyncio.wait_for(self.got.get(), end - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                return None
            message = sipmsg.parse(octets.decode("utf-8", "replace").encode())
            if message.status and message.status >= 200 and call_id in (None, message.call_id):
                return message


class Request:
    """A request from @line as octets: headers are (name, value), and may be twice or not at all; @start is all of the first line."""

    def __init__(self, line, method, uri=None, body=b"", version="SIP/2.0", length=None, without=(), more=(), branch=None, call_id=None,
                 start=None, **instead):
        self.call_id, self.uri = call_id or sipmsg.token(20), uri or f"sip:{line.number}@{sipmsg.bracket(line.gateway)}"
        self.branch = branch or f"z9hG4bK{sipmsg.token()}"
        headers = {"Via": f"SIP/2.0/{line.kind.upper()} {line.here};branch={self.branch};rport", "Max-Forwards": "70",
                   "From": f"<sip:+15550002222@{sipmsg.bracket(line.host)}>;tag=f{self.call_id[:8]}", "To": f"<{self.uri}>",
                   "Call-ID": self.call_id, "CSeq": f"1 {method}", "Contact": f"<sip:carrier@{line.here};transport={line.kind}>"}
        if body:
            headers["Content-Type"] = "application/sdp"
        headers.update({name.replace("_", "-"): value for name, value in instead.items()})
        lines = [start or f"{method} {self.uri} {version}",
                 *(f"{name}: {value}" for name, value in headers.items() if name not in without), *more]
        if length != "":
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.octets = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
