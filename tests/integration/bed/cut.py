# SPDX-License-Identifier: AGPL-3.0-or-later
"""A TCP relay between the gateway and its XMPP server that can be cut, and can speak in the server's place."""

import asyncio


class Cut:
    """Listens on one address of a node and relays to another until it is cut."""

    def __init__(self, node, listen, target):
        self.node, self.listen, self.target = node, listen, target
        self.server, self.pairs, self.connections = None, [], 0

    async def start(self):
        """Listen; returns self."""
        with self.node.inside():
            self.server = await asyncio.start_server(self._accept, *self.listen)
        return self

    async def _accept(self, reader, writer):
        self.connections += 1
        try:
            with self.node.inside():
                far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        self.pairs.append((writer, far_writer))
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self.pairs = [pair for pair in self.pairs if pair[0] is not writer]

    async def _pump(self, reader, writer):
        try:
            while True:
                data = await reader.read(65536)
                if not data:
                    break
                writer.write(data)
        except (ConnectionError, OSError):
            pass
        writer.close()

    async def cut(self):
        """Break every connection and refuse new ones."""
        self.server.close()
        await self.server.wait_closed()
        for pair in self.pairs:
            for writer in pair:
                writer.transport.abort()
        self.pairs = []

    async def heal(self):
        """Accept connections again."""
        await self.start()

    def inject(self, octets):
        """Say @octets to the gateway as if the server had."""
        for writer, _ in self.pairs:
            writer.write(octets)

    async def close(self):
        """End for good."""
        await self.cut()
