# SPDX-License-Identifier: AGPL-3.0-or-later
"""The XMPP server's side of a component stream (XEP-0114), as octets: what a test writes is all that Tandem gets, and all that it
writes comes to the devices of the test. Nothing in between mends or refuses anything."""

import asyncio
import hashlib
import itertools
from xml.etree import ElementTree as ET

from . import proc, xmppserver
from .jinglexml import local

NS, STREAMS = "jabber:component:accept", "http://etherx.jabber.org/streams"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
OPEN = f"<stream:stream xmlns='{NS}' xmlns:stream='{STREAMS}' from='{{}}' id='wire1'>"


def bare(jid):
    """The bare JID of @jid."""
    return (jid or "").partition("/")[0]


def told(stanza):
    """A stanza in a line: its kind, its type, and its payloads with what tells them apart."""
    words = [local(stanza.tag), stanza.get("type")]
    for child in stanza:
        name = local(child.tag)
        inner = [local(c.tag) for c in child if local(c.tag) != "text"]
        if name == "error":
            words.append("/".join([child.get("type", ""), *inner]))
        elif name == "jingle":
            words += [child.get("action"), *(f"{local(c.tag)}={'/'.join(local(g.tag) for g in c if local(g.tag) != 'text')}"
                                             if local(c.tag) == "reason" else local(c.tag) for c in child)]
        elif name in ("propose", "ringing", "proceed", "reject", "retract", "finish"):
            words += [name, *(local(g.tag) for c in child if local(c.tag) == "reason" for g in c if local(g.tag) != "text")]
        else:
            words.append(name)
    return " ".join(word for word in words if word)


class Device:
    """A full JID that says what it is told to, and keeps what is said to it."""

    ids = itertools.count(1)

    def __init__(self, server, jid):
        self.server, self.jid, self.got = server, jid, []
        server.devices.append(self)

    def say(self, text):
        """Write stanzas: {me} and {bare} stand for the device."""
        self.server.write(text.replace("{me}", self.jid).replace("{bare}", bare(self.jid)).encode())

    async def settled(self, domain="tel.example.org", turns=3):
        """Return when Tandem has done all about what was said before: pings keep the order."""
        for _ in range(turns):
            identity = f"settled{next(self.ids)}"
            self.say(f"<iq type='get' id='{identity}' from='{{me}}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
            await proc.until(lambda: any(s.get("id") == identity for s in self.got), proc.SOON_S,  # pylint: disable=cell-var-from-loop
                             "a ping is answered")
            self.got = [s for s in self.got if s.get("id") != identity]

    def fresh(self):
        """The stanzas that came since this was asked last."""
        found, self.got = self.got, []
        return found

    async def hears(self, text, turns=1):
        """Say @text; what comes of it, each stanza in a line."""
        self.fresh()
        self.say(text)
        await self.settled(turns=turns)
        return [told(s) for s in self.got]

    async def come(self, wanted, timeout=proc.SOON_S):
        """Wait for a stanza whose line begins with @wanted, or that @wanted says yes to."""
        fits = wanted if callable(wanted) else lambda stanza: told(stanza).startswith(wanted)
        try:
            return (await proc.until(lambda: [s for s in self.got if fits(s)], timeout, wanted))[0]
        except AssertionError:
            raise AssertionError(f"{wanted} did not come, but {[told(s) for s in self.got]}") from None


class Server:
    """What a Bed takes for an XMPP server."""

    name, process = "wire", None

    def __init__(self, node, address, components, turn=None):
        del turn
        self.node, self.address, self.components = node, address, components
        self.devices, self.streams, self.connections = [], [], 0
        self.errors, self.listener = [], None

    async def start(self):
        """Listen; returns self."""
        with self.node.inside():
            self.listener = await asyncio.start_server(self._accept, self.address, xmppserver.COMPONENT_PORT)
        return self

    async def stop(self):
        """End it."""
        self.listener.close()
        for writer in self.streams:
            writer.transport.abort()

    def write(self, octets):
        """Say @octets to the gateway."""
        self.streams[-1].write(octets)

    def device(self, jid):
        """A new device."""
        return Device(self, jid)

    async def _accept(self, reader, writer):
        parser, depth, stack = ET.XMLPullParser(("start", "end")), 0, []
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                for event, xml in parser.read_events():
                    depth += 1 if event == "start" else -1
                    if event == "start" and depth == 1:
                        stack.append(xml)
                        writer.write(OPEN.format(xml.get("to")).encode())
                    elif event == "end" and depth == 1:
                        stack[0].remove(xml)
                        self._take(xml, writer)
        except (ConnectionError, ET.ParseError) as error:
            self.errors.append(repr(error))
        if writer in self.streams:
            self.streams.remove(writer)
        writer.close()

    def _take(self, xml, writer):
        if local(xml.tag) == "handshake":
            right = {hashlib.sha1(f"wire1{secret}".encode()).hexdigest() for secret in self.components.values()}
            assert xml.text in right, xml.text
            writer.write(b"<handshake/>")
            self.streams.append(writer)
            self.connections += 1
        elif xml.tag.startswith(f"{{{STREAMS}}}"):
            self.errors.append("/".join(local(c.tag) for c in xml))
        else:
            self._route(xml, writer)

    def _route(self, xml, writer):
        to = xml.get("to") or ""
        if bare(to).rpartition("@")[2] in self.components:
            ET.register_namespace("", NS)
            writer.write(ET.tostring(xml))
        for device in self.devices:
            if to in (device.jid, bare(device.jid)):
                device.got.append(xml)


__all__ = ["Device", "Server", "bare", "told"]
