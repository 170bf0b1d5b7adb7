# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones in headless Chromium by SIP.js and JsSIP, the npm packages, registered at a Kamailio over WebSocket.

Nothing of SIP is ours here. npm installs the packages and esbuild bundles them into build/websip."""

import asyncio
import os
import shutil
import subprocess

from . import audio, chromium, jinglexml, proc, tandem, timeline
from .stanzajs import MICROPHONE_HZ

PACKAGES = {"SIP.js": ("sip.js", "0.21.2", "SIPjs"), "JsSIP": ("jssip", "3.13.8", "JsSIP")}
TOOL = "esbuild@0.28.2"
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "websip.js")
BUILD = os.path.join(tandem.ROOT, "build", "websip")
NPM_S, LOGIN_S, ANSWER_S = 240.0, 15.0, 10.0


def _bundle(kind):
    name, version, _ = PACKAGES[kind]
    return os.path.join(BUILD, f"{name}-{version}.js")


def missing():
    """Why there is nothing to test with, or None."""
    if not all(os.path.exists(_bundle(kind)) for kind in PACKAGES) and not shutil.which("npm"):
        return "npm is not installed, and SIP.js and JsSIP not built"
    return chromium.missing()


def _run(argv):
    try:
        done = subprocess.run(argv, cwd=BUILD, capture_output=True, text=True, timeout=NPM_S, check=False)
    except subprocess.TimeoutExpired:
        raise proc.Absent(f"{argv[0]} took longer than {NPM_S} s") from None
    if done.returncode:
        raise proc.Absent(f"SIP.js and JsSIP could not be built: {done.stderr.strip()[:300]}")


def build():
    """Make the bundles, once for this tree; proc.Absent when npm cannot have the packages."""
    if all(os.path.exists(_bundle(kind)) for kind in PACKAGES):
        return
    os.makedirs(BUILD, exist_ok=True)
    _run(["npm", "install", "--prefix", BUILD, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", TOOL,
          *(f"{name}@{version}" for name, version, _ in PACKAGES.values())])
    for kind, (name, _, symbol) in PACKAGES.items():
        entry = os.path.join(BUILD, f"{symbol}.js")
        with open(entry, "w", encoding="ascii") as file:
            file.write(f'export * from "{name}";\n')
        _run([f"{BUILD}/node_modules/.bin/esbuild", entry, "--bundle", "--format=iife", f"--global-name={symbol}",
              "--define:global=globalThis", f"--outfile={_bundle(kind)}.new"])
        os.replace(_bundle(kind) + ".new", _bundle(kind))


class Browser(chromium.Browser):
    """A browser whose page has both packages."""

    def __init__(self, node):
        super().__init__(node, audio.Tone(MICROPHONE_HZ))

    async def start(self):
        build()
        await super().start()
        for kind in PACKAGES:
            await self.load(_bundle(kind))
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
