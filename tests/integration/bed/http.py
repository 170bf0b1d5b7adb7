# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP/1.1 by hand from a node: one request a connection, and every octet of the answer."""

import asyncio
import base64
import socket
from dataclasses import dataclass

TIMEOUT_S = 15.0


@dataclass
class Response:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        """The body as text."""
        return self.body.decode("utf-8")


def basic(user, password):
    """The header field of RFC 7617."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token):
    """The header field of RFC 6750."""
    return {"Authorization": f"Bearer {token}"}


async def connect(node, address):
    """(reader, writer) of a connection from @node to @address, (host, port)."""
    with node.enter():
        sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, address)
    return await asyncio.open_connection(sock=sock)


def parse(data):
    """The answer in @data."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *fields = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return Response(int(first.split()[1]), headers, body)


async def fetch(node, address, path="/", method="GET", headers=None):
    """The answer to one request."""
    reader, writer = await connect(node, address)
    fields = {"Host": f"{address[0]}:{address[1]}", "Connection": "close", **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    try:
        return parse(await asyncio.wait_for(reader.read(-1), TIMEOUT_S))
    finally:
        writer.close()
