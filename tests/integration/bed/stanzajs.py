# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts that are logged in by StanzaJS, the npm package, in headless Chromium: a web client as people deploy it.

Nothing of Jingle is ours here: the package speaks it, Chromium's libwebrtc has the media, a fake microphone plays the tone,
and the stream is the server's WebSocket. Proposals (XEP-0353), which it leaves to the application, are stanza.js's."""

import asyncio
import time
from xml.etree import ElementTree as ET

from . import chromium, npm, page, proc, xmppserver
from .jingle import CLIENT, summary
from .page import ANSWER_S, LOGIN_S

PACKAGE = npm.Bundle("stanza", "12.22.1", "StanzaJS")


def missing():
    """Why there is nothing to test with, or None."""
    return PACKAGE.missing() or chromium.missing()


class Browser(page.Browser):
    """A browser whose page has StanzaJS."""

    packages, script = (PACKAGE,), "stanza.js"


class Device(page.Login):
    """One login of an account. @proposals: XEP-0353 is announced. @bosh: over XEP-0124 instead of WebSocket."""

    def __init__(self, browser, server, user, resource="web", proposals=True, bosh=False):
        super().__init__(browser, f"{user}/{resource}")
        self.server, self.user, self.resource, self.jid = server, user, resource, None
        self.proposals, self.bosh, self.online = proposals, bosh, False
        self.sessions = asyncio.Queue()

    async def start(self):
        """Log in and send presence; returns self."""
        await self.browser.run("login", self.id, {
            "jid": f"{self.user}@{xmppserver.HOST}", "password": xmppserver.PASSWORD, "resource": self.resource,
            "proposals": self.proposals,
            "transports": {"websocket": False, "bosh": self.server.bosh} if self.bosh else
                          {"websocket": self.server.websocket, "bosh": False}})
        await self.milestones.wait("ready", LOGIN_S)
        self.online = True
        return self

    def is_connected(self):
        """Whether its stream is up."""
        return self.online

    def on_told(self, told):
        """The page tells of the stream or of a session."""
        event = told["event"]
        if event in ("received", "sent"):
            self._note(told["xml"], event)
        elif event in ("jingle:incoming", "jingle:propose") and told["sid"] not in self.calls:
            self.timeline.add(self.who, event, told["peer"])
            call = self.calls[told["sid"]] = Call(self, told["peer"], told["sid"])
            call.direct = event == "jingle:incoming"
            self.sessions.put_nowait(call)
        elif event.startswith("jingle:"):
            self.timeline.add(self.who, event, told)
            if told["sid"] in self.calls:
                self.calls[told["sid"]].on_event(event.partition(":")[2], told)
        else:
            self.online = self.online and event != "disconnected"
            self.milestones.reach(event.rpartition(":")[2], told.get("jid", ""))

    def _note(self, text, event):
        try:
            xml = ET.fromstring(f'<x xmlns="{CLIENT}" xmlns:stream="s">{text}</x>')[0]
        except (ET.ParseError, IndexError):
            return
        way, other = ("XMPP ->", f"to {xml.get('to')}") if event == "sent" else ("XMPP <-", f"from {xml.get('from')}")
        self.timeline.add(self.who, way, f"{other}: {summary(xml)}")

    async def call(self, number):
        """Call the bare JID of a number and return the Call at once."""
        call = Call(self, f"{number}/sip")
        await call.start()
        return call

    async def subscribe(self, jid):
        """Ask for the presence of @jid, and share ours."""
        await self.browser.run("subscribe", self.id, jid)

    async def sever(self):
        """The connection breaks, unknown to the stream."""
        await self.browser.run("sever", self.id)
        await self.milestones.wait("disconnected", LOGIN_S)

    async def resume(self):
        """Connect again; the package takes the stream up where it broke (XEP-0198)."""
        await self.browser.run("reconnect", self.id)
        await self.milestones.wait("resumed", LOGIN_S)
        self.online = True

    async def incoming(self, timeout=ANSWER_S):
        """The next call that comes in, proposed or as a session at once."""
        try:
            return await asyncio.wait_for(self.sessions.get(), timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.who}: no call came in within {timeout} s") from None

    async def close(self):
        """Log out."""
        self.online = False
        await self._leave("logout")


class Call(page.Call):
    """A session of StanzaJS, either way. A call in is proposed, unless it is @direct.

    Milestones: ringing, accepted, ice, dtls, media, hold, resumed, ended."""

    def __init__(self, device, peer, sid=None):
        super().__init__(device)
        self.device, self.peer, self.sid = device, peer, sid
        self.direct, self.taken = True, False

    async def start(self):
        """Send session-initiate."""
        self.sid = await self._run("call", self.tone, self.device.id, self.peer)
        self.device.calls[self.sid] = self

    def on_event(self, name, told):
        """What StanzaJS tells of the session, or a message says of the proposal."""
        ours = (told.get("peer") or "").startswith(f"{self.device.user}@")
        if name == "incoming":
            self.device.spawn(self._run("accept_session", self.tone, self.device.id, self.sid))
        elif name in ("terminated", "retract") or (ours and not self.taken and name in ("proceed", "accept", "reject")):
            self.milestones.reach("ended", f"{name} {told.get('reason') or ''}".strip())
        else:
            self.milestones.reach(name)

    def _message(self, name):
        return self.browser.run("message", self.device.id, self.peer, name, self.sid)

    def ring(self):
        """Tell the caller that this device rings."""
        self.device.spawn(self.browser.run("ring", self.device.id, self.sid) if self.direct else self._message("ringing"))

    async def accept(self):
        """Take the call: the session, or the proposal and then its session."""
        self.taken = True
        if self.direct:
            await self._run("accept_session", self.tone, self.device.id, self.sid)
        else:
            await self._message("proceed")

    async def hold(self):
        """Put the peer on hold, silent ourselves."""
        await self._run("act", "hold")
        self.voice.stop()

    async def resume(self):
        """Take the peer back."""
        await self._run("act", "resume")
        self.voice.start()

    async def restart_ice(self):
        """Restart ICE as the package does it, and wait until the gateway has answered with new credentials."""
        before = await self._run("remote_ufrag")
        await self._run("act", "restartIce")
        deadline = time.monotonic() + ANSWER_S
        while await self._run("remote_ufrag") == before:
            assert time.monotonic() < deadline, f"{self.who}: no answer to the ICE restart within {ANSWER_S} s"
            await asyncio.sleep(proc.POLL_S)

    async def path(self):
        """(local, remote) addresses of the pair in use."""
        return await self._run("path")

    async def hangup(self, reason="success"):
        """End the call."""
        if not self.passed("ended"):
            await self._run("act", "end", reason)
            self.milestones.reach("ended", "we hung up")
        self.voice.stop()
