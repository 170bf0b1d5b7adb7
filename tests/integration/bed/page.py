# SPDX-License-Identifier: AGPL-3.0-or-later
"""What clients and telephones that are npm packages in headless Chromium have in common (stanzajs.py, websip.py).

The browser's fake microphone plays one tone, which is heard in one call at a time; each further call has one of its own, made
in the page: a call that hears another's is not taken for good."""

import asyncio
import os

from . import audio, chromium, jinglexml, timeline

LOGIN_S, ANSWER_S = 15.0, 10.0
MICROPHONE_HZ = 1120  # whole waves in a period of the code, and far from any frequency of audio.Tone()


class Browser(chromium.Browser):
    """A browser whose page has the @packages (npm.Bundle) and runs @script, a file beside this one."""

    packages, script = (), None

    def __init__(self, node):
        super().__init__(node, audio.Tone(MICROPHONE_HZ))
        self.speaker = None  # the call that has the microphone

    async def start(self):
        for package in self.packages:
            package.build()
        await super().start()
        for package in self.packages:
            await self.load(package.path)
        await self.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), self.script))
        return self


class Login:
    """An account or a number that is logged in, with what a Scene and its tests need of jingle.Client."""

    def __init__(self, browser, who):
        self.browser, self.id, self.who, self.timeline = browser, next(browser.ids), who, timeline.current()
        self.milestones = timeline.Milestones(self.who, self.timeline)
        self.calls, self._tasks = {}, set()
        self.strict = jinglexml.Strict()  # the package itself says what it does not take
        browser.peers[self.id] = self

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

    async def _leave(self, function):
        """End the calls, and what @function of the page logs out."""
        for call in self.calls.values():
            await call.close()
        if self.browser.peers.pop(self.id, None):
            await self.browser.run(function, self.id)
        for task in list(self._tasks):
            task.cancel()


class Call(chromium.PagePeer):
    """A call of a Login, either way. Milestones of all: media, ended."""

    def __init__(self, login):
        browser = login.browser
        self._speaks = browser.speaker is None
        if self._speaks:
            browser.speaker = self
        super().__init__(browser, f"{login.who} call", login.timeline, login.spawn,
                         browser.microphone if self._speaks else audio.Tone(below=chromium.TONE_LIMIT_HZ))
        self.milestones = timeline.Milestones(self.who, self.timeline)
        self.audio = self.voice

    @property
    def tone(self):
        """For the page: the frequency of its own tone, None for the microphone's."""
        return None if self._speaks else self.voice.tone.frequency

    async def wait(self, name, timeout=ANSWER_S):
        """Wait for a milestone; returns its detail."""
        return await self.milestones.wait(name, timeout)

    def passed(self, name):
        """Whether a milestone has been reached."""
        return self.milestones.passed(name)

    async def ended(self, timeout=ANSWER_S):
        """Wait for the end and return how it came."""
        return await self.milestones.wait("ended", timeout)

    def on_told(self, told):
        if "pcm" in told:
            super().on_told(told)
        elif told.get("ice") in ("connected", "completed"):
            self.milestones.reach("ice")
        elif told.get("state") == "connected" and not self.passed("media"):
            self.milestones.reach("dtls")
            self.milestones.reach("media")
            self.voice.start()
        else:
            self.timeline.add(self.who, "is", told)

    async def close(self):
        """Forget the call in the page."""
        self.voice.stop()
        if self.browser.speaker is self:
            self.browser.speaker = None
        if self.browser.peers.pop(self.id, None):
            await self._run("close")
