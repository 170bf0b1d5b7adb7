# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands as Gajim runs them: its library (nbxmpp) in a process of its own, with its reading and filling in of forms."""

import asyncio
import itertools
import json
import os
import subprocess

from . import jinglexml, timeline, xmppserver

ANSWER_S = 20.0
PROGRAM = os.path.join(os.path.dirname(__file__), "gajim_client.py")


def missing():
    """Why there is nothing to test with, or None."""
    try:
        import nbxmpp  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        return "python3-nbxmpp is not installed: make deps-live"
    return None


class Gajim:
    """One login of @user."""

    ids = itertools.count()

    def __init__(self, node, address, user):
        self.node, self.address, self.user = node, address, user
        self.who, self.timeline, self.process = f"{user}/gajim{next(self.ids)}", timeline.current(), None
        self.calls, self.strict = {}, jinglexml.Strict()  # it has no calls

    async def start(self):
        """Log in; returns self."""
        with self.node.enter():
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["/usr/bin/python3", PROGRAM, self.address, str(xmppserver.C2S_PORT), xmppserver.HOST, self.user,
                 xmppserver.PASSWORD, self.who.partition("/")[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert (await self._line())["event"] == "ready"
        return self

    async def _line(self):
        line = await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, self.process.stdout.readline), ANSWER_S)
        assert line, "it has ended"
        self.timeline.add(self.who, "says", line.strip())
        return json.loads(line)

    async def ask(self, do, **request):
        """Something done, and what came of it."""
        self.timeline.add(self.who, do, json.dumps(request))
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        return await self._line()

    async def run(self, node, *steps):
        """A whole command; its forms are filled in with @steps."""
        answer, steps = await self.ask("start", node=node), list(steps)
        while answer.get("status") == "executing":
            answer = await self.ask("default", values=steps.pop(0) if steps else {})
        return answer

    async def close(self):
        """End it."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
