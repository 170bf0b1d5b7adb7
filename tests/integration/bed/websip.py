# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones in headless Chromium by SIP.js and JsSIP, the npm packages, registered at a Kamailio over WebSocket.

Nothing of SIP is ours here."""

import asyncio
import os

from . import audio, chromium, jinglexml, npm, timeline
from .stanzajs import MICROPHONE_HZ

PACKAGES = {"SIP.js": npm.Bundle("sip.js", "0.21.2", "SIPjs"), "JsSIP": npm.Bundle("jssip", "3.13.8", "JsSIP")}
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "websip.js")
LOGIN_S, ANSWER_S = 15.0, 10.0


def missing():
    """Why there is nothing to test with, or None."""
    return next(filter(None, (package.missing() for package in PACKAGES.values())), None) or chromium.missing()


class Browser(chromium.Browser):
    """A browser whose page has both packages."""

    def __init__(self, node):
        super().__init__(node, audio.Tone(MICROPHONE_HZ))

    async def start(self):
        for package in PACKAGES.values():
            package.build()
        await super().start()
        for package in PACKAGES.values():
            await self.load(package.path)
        await self.load(SCRIPT)
        return self


class Phone:
    """A telephone of @kind, registered as @number. Milestones: registered, invite."""

    def __init__(self, browser, kind, number, server):
        self.browser, self.kind, self.number, self.server = browser, kind, number, server
        self.id, self.who, self.timeline = next(browser.ids), f"{kind} {number}", timeline.current()
        self.milestones = timeline.Milestones(self.who, self.timeline)
        self.calls, self._tasks = {}, set()
        self.strict = jinglexml.Strict()  # no Jingle is spoken here
        browser.peers[self.id] = self

    async def start(self):
        """Register; returns self."""
        await self.browser.run("web_login", self.id, self.kind, {
            "server": self.server.websocket, "uri": f"sip:{self.number}@{self.server.host}"})
        await self.milestones.wait("registered", LOGIN_S)
        return self

    def is_connected(self):
        """Whether it is registered."""
        return self.id in self.browser.peers

    def spawn(self, coroutine):
        """Run @coroutine; what it raises goes into the timeline."""
        async def guarded():
            try:
                await coroutine
            except (AssertionError, ConnectionError) as error:
                self.timeline.add(self.who, "FAILED", repr(error))
        task = asyncio.ensure_future(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def on_told(self, told):
        """The page tells of the registration or of a call that comes in."""
        self.timeline.add(self.who, "is", told)
        self.milestones.reach(told["event"], told.get("from", ""))

    async def call(self, number):
        """Call a number and return the Call at once."""
        call = Call(self)
        self.calls[call.id] = call
        await call.run("web_call", f"sip:{number}@{self.server.host}")
        return call

    async def accept(self):
        """Take the call that comes in: (who calls, Call)."""
        caller = await self.milestones.wait("invite", ANSWER_S)
        call = Call(self)
        self.calls[call.id] = call
        await call.run("web_accept")
        return caller, call

    async def close(self):
        """Unregister."""
        for call in self.calls.values():
            await call.close()
        if self.browser.peers.pop(self.id, None):
            await self.browser.run("web_logout", self.id)
        for task in list(self._tasks):
            task.cancel()


class Call(chromium.PagePeer):
    """A call of such a telephone, either way. Milestones: accepted, media, ended."""

    def __init__(self, phone):
        super().__init__(phone.browser, f"{phone.who} call", phone.timeline, phone.spawn)
        self.phone = phone
        self.milestones = timeline.Milestones(self.who, self.timeline)
        self.audio = self.voice

    def run(self, function, *arguments):
        """Call a function of the page about this call."""
        return self.browser.run(function, self.id, self.phone.id, *arguments)

    async def wait(self, name, timeout=ANSWER_S):
        """Wait for a milestone; returns its detail."""
        return await self.milestones.wait(name, timeout)

    def passed(self, name):
        """Whether a milestone has been reached."""
        return self.milestones.passed(name)

    def on_told(self, told):
        if "pcm" in told:
            super().on_told(told)
        elif "event" in told:
            self.timeline.add(self.who, "is", told)
            self.milestones.reach(told["event"], str(told.get("status") or told.get("cause") or ""))
        elif told.get("state") == "connected" and not self.milestones.passed("media"):
            self.milestones.reach("media")
            self.voice.start()
        else:
            self.timeline.add(self.who, "is", told)

    async def hold(self, on=True):
        """Put the other party on hold, or take it back."""
        await self.run("web_act", "hold", on)

    async def hangup(self):
        """End the call."""
        self.voice.stop()
        await self.run("web_act", "hangup")

    async def close(self):
        """Forget the call in the page."""
        self.voice.stop()
        if self.browser.peers.pop(self.id, None):
            await self._run("close")
