# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones in headless Chromium by SIP.js and JsSIP, the npm packages, registered at a Kamailio over WebSocket.

Nothing of SIP is ours here."""

from . import chromium, npm, page
from .page import ANSWER_S, LOGIN_S

PACKAGES = {"SIP.js": npm.Bundle("sip.js", "0.21.2", "SIPjs"), "JsSIP": npm.Bundle("jssip", "3.13.8", "JsSIP")}


def missing():
    """Why there is nothing to test with, or None."""
    return next(filter(None, (package.missing() for package in PACKAGES.values())), None) or chromium.missing()


class Browser(page.Browser):
    """A browser whose page has both packages."""

    packages, script = tuple(PACKAGES.values()), "websip.js"


class Phone(page.Login):
    """A telephone of @kind, registered as @number. Milestones: registered, invite."""

    def __init__(self, browser, kind, number, server):
        super().__init__(browser, f"{kind} {number}")
        self.kind, self.number, self.server = kind, number, server

    async def start(self):
        """Register; returns self."""
        await self.browser.run("web_login", self.id, self.kind, {
            "server": self.server.websocket, "uri": f"sip:{self.number}@{self.server.host}"})
        await self.milestones.wait("registered", LOGIN_S)
        return self

    def is_connected(self):
        """Whether it is registered."""
        return self.id in self.browser.peers

    def on_told(self, told):
        """The page tells of the registration or of a call that comes in."""
        self.timeline.add(self.who, "is", told)
        self.milestones.reach(told["event"], told.get("from", ""))

    async def call(self, number):
        """Call a number and return the Call at once."""
        call = Call(self)
        self.calls[call.id] = call
        await call.run("web_call", call.tone, f"sip:{number}@{self.server.host}")
        return call

    async def accept(self):
        """Take the call that comes in: (who calls, Call)."""
        caller = await self.milestones.wait("invite", ANSWER_S)
        call = Call(self)
        self.calls[call.id] = call
        await call.run("web_accept", call.tone)
        return caller, call

    async def close(self):
        """Unregister."""
        await self._leave("web_logout")


class Call(page.Call):
    """A call of such a telephone, either way. Milestones: accepted, media, ended."""

    def __init__(self, phone):
        super().__init__(phone)
        self.phone = phone

    def run(self, function, *arguments):
        """Call a function of the page about this call."""
        return self.browser.run(function, self.id, self.phone.id, *arguments)

    def on_told(self, told):
        if "event" not in told:
            super().on_told(told)
            return
        self.timeline.add(self.who, "is", told)
        self.milestones.reach(told["event"], str(told.get("status") or told.get("cause") or ""))

    async def hold(self, on=True):
        """Put the other party on hold, or take it back."""
        await self.run("web_act", "hold", on)

    async def restart(self):
        """Offer with new credentials of ICE, and see that the answer has new ones."""
        await self.run("web_restart")

    async def renew(self):
        """Offer another connection with a certificate of its own (RFC 8842 section 4)."""
        await self.run("web_renew")

    async def hangup(self):
        """End the call."""
        self.voice.stop()
        await self.run("web_act", "hangup")
