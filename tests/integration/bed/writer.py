# SPDX-License-Identifier: AGPL-3.0-or-later
"""An account's device for thousands of texts: a lean stream that does what a careful client does so that none is lost.

What the server has not acknowledged (XEP-0198) is sent again on the next stream, in its order and with its id. What came is
read from the archive (XEP-0313), as a client does that was away."""

import asyncio
import base64
import collections
import itertools
from xml.etree import ElementTree as ET

from . import jinglexml, xmppserver
from .jinglexml import element, local

CLIENT, STREAMS = "jabber:client", "http://etherx.jabber.org/streams"
SASL, BIND, SM = "urn:ietf:params:xml:ns:xmpp-sasl", "urn:ietf:params:xml:ns:xmpp-bind", "urn:xmpp:sm:3"
MAM, FORWARD, DELAY, RSM = "urn:xmpp:mam:2", "urn:xmpp:forward:0", "urn:xmpp:delay", "http://jabber.org/protocol/rsm"
STANZA_IDS, STANZAS = "urn:xmpp:sid:0", "urn:ietf:params:xml:ns:xmpp-stanzas"
PAGE = 100
STEP_S, AGAIN_S = 15.0, 0.3


def condition_of(message):
    """The condition of a message of type error."""
    names = [local(child.tag) for child in message.find(f"{{{CLIENT}}}error") if child.tag.startswith(f"{{{STANZAS}}}")]
    return next((name for name in names if name != "text"), "none")


class Writer:
    """The device @user/phone. @on_message(xml) gets every message, @on_resent(id) what is sent again; it stays logged in until
    close()."""

    ids = itertools.count(1)

    def __init__(self, node, server, user, on_message, on_resent):
        self.node, self.server, self.user, self.on_message, self.on_resent = node, server, user, on_message, on_resent
        self.jid = f"{user}@{xmppserver.HOST}"
        self.unacknowledged = collections.deque()
        self.acknowledged = self.heard = 0  # stanzas, since SM was enabled
        self.streams = 0  # so far
        self._writer = self._parser = self._reader = None
        self._up, self._waiting, self._pages, self._task = asyncio.Event(), {}, collections.defaultdict(list), None

    # life

    async def start(self):
        """Log in, and again whenever the stream ends; returns self."""
        self._task = asyncio.ensure_future(self._run())
        await asyncio.wait_for(self._up.wait(), STEP_S)
        return self

    async def close(self):
        """Log out."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._writer:
            self._writer.close()

    async def _run(self):
        while True:
            try:
                await self._log_in()
                while True:
                    self._take(await self._next())
            except (OSError, EOFError, ET.ParseError, asyncio.TimeoutError):
                pass
            self._up.clear()
            for future in self._waiting.values():
                future.cancel()
            if self._writer:
                self._writer.close()
            await asyncio.sleep(AGAIN_S)

    async def _log_in(self):
        with self.node.inside():
            self._reader, self._writer = await asyncio.open_connection(self.server, xmppserver.C2S_PORT)
        await self._open()
        proof = base64.b64encode(f"\0{self.user}\0{xmppserver.PASSWORD}".encode()).decode()
        self._write(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{proof}</auth>")
        answer = await asyncio.wait_for(self._next(), STEP_S)
        if local(answer.tag) != "success":
            raise EOFError(f"{self.user}: {local(answer.tag)}")
        await self._open()
        self._write(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>phone</resource></bind></iq>")
        await asyncio.wait_for(self._next(), STEP_S)
        self._write(f"<enable xmlns='{SM}'/>")
        await self._until("enabled")
        self._resend()
        self.streams += 1
        self._up.set()

    async def _open(self):
        self._parser = ET.XMLPullParser(("start", "end"))
        self._write(f"<?xml version='1.0'?><stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAMS}' version='1.0' "
                    f"to='{xmppserver.HOST}'>")
        self._depth, self._root, self._ready = 0, None, collections.deque()
        await self._until("features")

    async def _until(self, name):
        while local((await asyncio.wait_for(self._next(), STEP_S)).tag) != name:
            pass

    def _resend(self):
        """On the new stream its server has heard of nothing yet."""
        waiting, self.unacknowledged = self.unacknowledged, collections.deque()
        self.acknowledged = self.heard = 0
        self._send("<presence/>", None)
        for text, identity, was_sent in waiting:
            if identity:
                self._send(text, identity)
                if was_sent:
                    self.on_resent(identity)

    # octets

    async def _next(self):
        """The next element of the stream's first level."""
        while not self._ready:
            data = await self._reader.read(65536)
            if not data:
                raise EOFError
            self._parser.feed(data)
            for event, xml in self._parser.read_events():
                self._depth += 1 if event == "start" else -1
                if event == "start" and self._depth == 1:
                    self._root = xml
                elif event == "end" and self._depth == 1:
                    self._ready.append(xml)
                    self._root.clear()
                elif event == "end" and not self._depth:
                    raise EOFError
        return self._ready.popleft()

    def _write(self, text):
        if not self._writer.is_closing():
            self._writer.write(text.encode())

    def _send(self, text, identity):
        """A stanza: kept until the server has it, and sent again if it has an @identity."""
        self.unacknowledged.append((text, identity, True))
        self._write(text)
        self._write(f"<r xmlns='{SM}'/>")

    def _take(self, xml):
        name = local(xml.tag)
        if name == "r":
            self._write(f"<a xmlns='{SM}' h='{self.heard}'/>")
        elif name == "a":
            while self.acknowledged < int(xml.get("h")) and self.unacknowledged:
                self.unacknowledged.popleft()
                self.acknowledged += 1
        elif name in ("message", "iq", "presence"):
            self.heard += 1
            getattr(self, f"_on_{name}", lambda _: None)(xml)
        elif name == "error":
            raise EOFError

    # stanzas

    def _on_message(self, xml):
        result = xml.find(f"{{{MAM}}}result")
        if result is not None:
            self._pages[result.get("queryid")].append(result)
        else:
            self.on_message(xml)

    def _on_iq(self, xml):
        future = self._waiting.pop(xml.get("id"), None)
        if future and not future.done():
            future.set_result(xml)
        elif xml.get("type") in ("get", "set"):
            self._send(f"<iq type='error' id='{xml.get('id')}' to='{xml.get('from')}'><error type='cancel'>"
                       f"<service-unavailable xmlns='{STANZAS}'/></error></iq>", None)

    def text(self, to, body, identity):
        """Write to @to; nobody waits for it."""
        xml = element(CLIENT, "message", to=to, type="chat", id_=identity)
        element(CLIENT, "body", xml).text = body
        element(jinglexml.RECEIPTS, "request", xml)
        element(STANZA_IDS, "origin-id", xml, id_=identity)
        text = ET.tostring(xml, encoding="unicode")
        if self._up.is_set():
            self._send(text, identity)
        else:
            self.unacknowledged.append((text, identity, False))

    async def up(self):
        """Wait until there is a stream."""
        await self._up.wait()

    async def acknowledged_all(self):
        """Ask until the server has all that was sent."""
        while self.unacknowledged:
            await self._up.wait()
            self._write(f"<r xmlns='{SM}'/>")
            await asyncio.sleep(0.2)

    async def _request(self, xml):
        identity = f"w{next(self.ids)}"
        xml.set("id", identity)
        await self._up.wait()
        self._waiting[identity] = asyncio.get_running_loop().create_future()
        self._send(ET.tostring(xml, encoding="unicode"), None)
        return await asyncio.wait_for(self._waiting[identity], STEP_S)

    async def history(self):
        """All messages of the archive in their order: [(when it came, message)]."""
        found, after = [], ""
        while True:
            query_id = f"h{next(self.ids)}"
            iq = element(CLIENT, "iq", type="set")
            query = element(MAM, "query", iq, queryid=query_id)
            page = element(RSM, "set", query)
            element(RSM, "max", page).text = str(PAGE)
            if after:
                element(RSM, "after", page).text = after
            answer = await self._request(iq)
            end = answer.find(f"{{{MAM}}}fin")
            if end is None:
                raise AssertionError(f"{self.user}: no archive: {ET.tostring(answer, encoding='unicode')}")
            results = self._pages.pop(query_id, [])
            for result in results:
                forwarded = result.find(f"{{{FORWARD}}}forwarded")
                found.append((forwarded.find(f"{{{DELAY}}}delay").get("stamp"), forwarded.find(f"{{{CLIENT}}}message")))
            after = end.findtext(f"{{{RSM}}}set/{{{RSM}}}last") or ""
            if end.get("complete") == "true" or not results:
                return found
