# SPDX-License-Identifier: AGPL-3.0-or-later
"""A billing system: it says whether calls may be, and takes their records; over HTTP or a local socket."""

import asyncio
import json
import os
import socket

PORT = 8700


class Billing:
    """One server in a node. What it answers about a number is in @answers: an object, octets that are none, a number of HTTP
    status, or seconds to wait before (float) and what then, as a pair."""

    def __init__(self):
        self.answers = {}  # number -> what
        self.asked, self.records = [], []  # objects in the order in which they came
        self.headers = []
        self.refusals = []  # numbers of HTTP status for the next records
        self.gone = []  # ids of questions whose asker went away
        self.server = None

    async def listen(self, node, address):
        """Serve HTTP at (@address, PORT) of @node; returns self."""
        with node.enter():
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, PORT))
        self.server = await asyncio.start_server(self._on_http, sock=sock)
        return self

    async def listen_locally(self, path):
        """Serve lines at the socket @path; returns self."""
        self.server = await asyncio.start_unix_server(self._on_lines, path)
        os.chmod(path, 0o777)
        return self

    def close(self):
        """Serve no more."""
        self.server.close()

    def record_of(self, number):
        """The records of calls from or to @number."""
        return [r for r in self.records if number in (r["from"], r["to"])]

    async def _answer(self, body, reader):
        """(status, octets) for a question."""
        self.asked.append(body)
        what = next((self.answers[n] for n in (body["to"], body["from"]) if n in self.answers), {"allow": True})
        if isinstance(what, tuple):
            wait, what = what
            try:
                await asyncio.wait_for(reader.read(1), wait)
                self.gone.append(body["id"])
            except asyncio.TimeoutError:
                pass
        if isinstance(what, int):
            return what, b"{}"
        return 200, what if isinstance(what, bytes) else json.dumps(what).encode()

    def _take(self, body):
        if self.refusals:
            return self.refusals.pop(0)
        self.records.append(body)
        return 204

    async def _on_http(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        fields = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        self.headers.append((head.split("\r\n")[0], fields))
        if body["request"] == "record":
            status, octets = self._take(body), b""
        else:
            status, octets = await self._answer(body, reader)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(octets)}\r\nConnection: close\r\n\r\n".encode() + octets)
        writer.close()

    async def _on_lines(self, reader, writer):
        body = json.loads(await reader.readline())
        if body["request"] == "record":
            writer.write(json.dumps({"taken": self._take(body) == 204}).encode() + b"\n")
        else:
            writer.write((await self._answer(body, reader))[1] + b"\n")
        writer.close()
