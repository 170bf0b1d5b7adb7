# SPDX-License-Identifier: AGPL-3.0-or-later
"""SIPp as a carrier of texts, for thousands of them (textproof.py): one that takes, and one that writes each conversation in its
order. What they have done is read from their logs."""

import asyncio
import os

from . import proc, sipp
from .ledger import IN, OUT
from .scene import GATEWAY, own_number

LOOK_S = 0.1
TAKES, WRITES = 5060, 5070


def scenario(directory, name, values):
    """A scenario of ../sipp in @directory, filled in."""
    with open(os.path.join(sipp.SCENARIOS, name + ".xml"), encoding="ascii") as file:
        text = file.read()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    path = os.path.join(directory, name + ".xml")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


class Player:
    """A SIPp at @host:@port of @node that plays a scenario. @heard(words) gets each line that it writes down."""

    def __init__(self, node, host, port, name, heard, *, values=(), lines=(), more=()):
        self.heard, directory = heard, proc.directory("sipp")
        self.log, self._offset, self._rest = os.path.join(directory, "said.log"), 0, b""
        arguments = ["sipp", "-sf", scenario(directory, name, dict(values)), "-i", host, "-p", str(port), "-t", "u1", "-nostdin",
                     "-deadcall_wait", "0", "-trace_logs", "-log_file", self.log, "-trace_err", *more]
        if lines:
            path = os.path.join(directory, "values.csv")
            with open(path, "w", encoding="ascii") as file:
                file.write("SEQUENTIAL\n" + "".join(";".join(line) + "\n" for line in lines))
            arguments[1:1] = ["-inf", path]
        self.process = proc.Process("sipp", arguments, node, cwd=directory)
        self._task = asyncio.ensure_future(self._follow())

    def _read(self):
        if not os.path.exists(self.log):
            return
        with open(self.log, "rb") as file:
            file.seek(self._offset)
            octets = file.read()
        self._offset += len(octets)
        *lines, self._rest = (self._rest + octets).split(b"\n")
        for line in lines:
            if line.strip():
                self.heard(line.decode().split())

    async def _follow(self):
        while True:
            self._read()
            await asyncio.sleep(LOOK_S)

    async def finish(self, timeout):
        """Wait until all is played; AssertionError if it was not."""
        status = await self.process.wait(timeout)
        self._read()
        assert status == 0, f"SIPp ended with {status}\n{self.process.tail()}"

    async def close(self):
        """End it."""
        self._task.cancel()
        await self.process.stop()
        self.process.remove()


class SippEnd:
    """The carrier of a textproof.Proof."""

    def __init__(self, bed, plan, ledger):
        self.node, self.host, self.plan, self.ledger = bed.sipp_node, bed.sipp_host, plan, ledger
        self.players, self.seen, self.blocked = [], set(), None

    def _on_came(self, words):
        """A retransmission is no repetition: its transaction is known."""
        _, call_id, branch, user, number, count = words
        if (call_id, branch) not in self.seen:
            self.seen.add((call_id, branch))
            self.ledger.arrive(OUT, f"{user} {number}", int(count), call_id)

    def _on_said(self, words):
        what, user, number, count = words
        if what == "wrote":
            self.ledger.write(IN, f"{user} {number}", int(count))
        elif what == "refused":
            self.ledger.report(IN, f"{user} {number}", int(count), what)

    async def start(self):
        """Take texts."""
        self.players.append(Player(self.node, self.host, TAKES, "uas_texts", self._on_came))

    async def write_all(self, pairs, each):
        """Write @each texts of every conversation; returns when all are taken or refused."""
        pause_ms = 2000 * len(pairs) / self.plan.rate  # from 0 to that, evenly
        lines = [(user, own_number(user), number) for user, number in pairs]
        values = {"PAUSE": int(pause_ms), "END": each + 1}
        many = str(len(pairs))
        writer = Player(self.node, self.host, WRITES, "uac_texts", self._on_said, values=values, lines=lines,
                        more=("-m", many, "-l", many, "-r", many, f"{GATEWAY}:5060"))
        self.players.append(writer)
        await writer.finish(20 * self.plan.length_s + 600)

    def be_silent(self, silent):
        """Hear nothing, or hear again."""
        if silent:
            self.blocked = self.node.block(protocol="udp")
        else:
            self.blocked.remove()

    async def stop(self):
        """End it."""
        for player in self.players:
            await player.close()
