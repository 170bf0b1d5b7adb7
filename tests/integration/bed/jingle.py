# SPDX-License-Identifier: AGPL-3.0-or-later
"""An XMPP account's device that makes and takes calls: slixmpp for the stream, jinglecall.Call for each call."""

import asyncio
import itertools
from xml.etree import ElementTree as ET

import slixmpp
from slixmpp.xmlstream import tostring
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from . import jinglexml, proc, profiles, timeline, xmppserver
from .jinglecall import Call
from .peercall import PeerCall
from .jinglexml import HINTS, JINGLE, JMI, RECEIPTS, element, local

CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
CARBONS, FORWARD = "urn:xmpp:carbons:2", "urn:xmpp:forward:0"
EXTDISCO = "urn:xmpp:extdisco:2"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
IQ_S, LOGIN_S = 10.0, 15.0
SETTLING_PINGS = 3  # what the telephone says to what it was told has time to come too


def bare(jid):
    """The bare JID of @jid."""
    return (jid or "").partition("/")[0]


def summary(xml):
    """One line about a stanza for the timeline."""
    kind = local(xml.tag)
    parts = [kind, xml.get("type") or ""]
    for child in xml:
        name = local(child.tag)
        if name in ("c", "store", "stanza-id", "delay", "origin-id"):
            continue
        parts.append(name)
        if name == "jingle":
            inner = [local(c.tag) for c in child if local(c.tag) not in ("content", "reason", "group")]
            candidates = len(child.findall(f".//{{{jinglexml.ICE}}}candidate"))
            parts.append(f"{child.get('action')} sid={child.get('sid', '')[:8]} {' '.join(inner)}")
            parts.append(f"{candidates} candidates" if candidates else "")
        condition, text = jinglexml.reason_of(child)
        if condition:
            parts.append(f"reason={condition}" + (f" {text!r}" if text else ""))
        if name == "error":
            parts.append("/".join(local(c.tag) for c in child))
    return " ".join(p for p in parts if p)


class Client(slixmpp.ClientXMPP):
    """One device (full JID) of an account, inside a node."""

    ids = itertools.count(1)

    def __init__(self, node, server, user, resource="phone", profile=profiles.PLAIN, of_gateway=True, *,
                 host=xmppserver.HOST, password=xmppserver.PASSWORD, trust=None):
        super().__init__(f"{user}@{host}/{resource}", password)
        self.ca_certs = trust  # a file with the certificate that the server must show; None: no TLS
        self.node, self.server_address, self.profile = node, server, profile
        self.of_gateway = of_gateway  # the peer is the gateway, which must put every candidate into initiate and accept
        self.timeline = timeline.current()
        self.who = f"{user}/{resource}"
        self.calls, self.proposals = {}, asyncio.Queue()
        self.strict = jinglexml.Strict()
        self.messages = asyncio.Queue()  # those with a body
        self.receipts = []  # the ids of what has arrived (XEP-0184)
        self.presences = {}
        self._pending, self._tasks = {}, set()
        self["feature_mechanisms"].unencrypted_plain = True
        self["feature_mechanisms"].unencrypted_scram = True
        for plugin in ("xep_0030", "xep_0115", "xep_0199"):
            self.register_plugin(plugin)
        # The answer is given by incoming_filter; this only keeps slixmpp from refusing what it does not know.
        self.register_handler(Callback("jingle", MatchXPath(f"{{{CLIENT}}}iq/{{{JINGLE}}}jingle"), lambda stanza: None))

    # life

    async def start(self):
        """Log in and send presence; returns self."""
        ready = asyncio.get_running_loop().create_future()

        def settle(event):
            if not ready.done():
                ready.set_result(event)

        self.add_event_handler("session_start", lambda event: settle(None))
        self.add_event_handler("failed_all_auth", lambda event: settle("authentication failed"))
        self.add_event_handler("connection_failed", lambda event: settle(f"connection failed: {event}"))
        with self.node.inside():
            self.connect((self.server_address, xmppserver.C2S_PORT), disable_starttls=self.ca_certs is None)
            failure = await asyncio.wait_for(ready, LOGIN_S)
        assert failure is None, f"{self.who}: {failure}"
        self["xep_0030"].add_identity(category="client", itype="phone", name="tandem test")
        for feature in jinglexml.FEATURES:
            if feature != JMI or self.profile.jmi:
                self["xep_0030"].add_feature(feature)
        await self["xep_0115"].update_caps()
        await self.request(element(CARBONS, "enable"), to=None)
        self.presence()
        # others may call us once the server has our presence, which it shows to us as well
        await proc.until(lambda: self.boundjid.full in self.presences, LOGIN_S, f"{self.who} is available")
        return self

    def presence(self, kind=None, to=None):
        """Send presence with caps."""
        self.send_presence(ptype=kind, pto=to)

    async def close(self):
        """End calls silently and log out."""
        for call in list(self.calls.values()):
            await call.drop()
        for task in list(self._tasks):
            task.cancel()
        await self.disconnect(wait=1.0)
        if self._run_out_filters:
            self._run_out_filters.cancel()

    def spawn(self, coroutine, on_error=None):
        """Run @coroutine; what it raises goes to @on_error or into the timeline."""
        async def guarded():
            try:
                await coroutine
            except asyncio.CancelledError:
                raise
            except Exception as error:  # pylint: disable=broad-except
                self.timeline.add(self.who, "FAILED", repr(error))
                if on_error:
                    on_error(error)
        task = asyncio.ensure_future(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: coroutine.close())  # if it was cancelled before it began
        return task

    # stanzas

    def transmit(self, xml):
        """Send a stanza built of elements."""
        self.timeline.add(self.who, "XMPP ->", f"to {xml.get('to')}: {summary(xml)}")
        self.send(tostring(xml, xmlns=CLIENT, top_level=True))

    def message(self, to, *children, kind="chat", id_=None):
        """Send a message."""
        xml = element(CLIENT, "message", to=to, type=kind, id_=id_ or f"m{next(self.ids)}")
        xml.extend(children)
        self.transmit(xml)

    async def request(self, child, to, kind="set", timeout=IQ_S):
        """Send an iq and return the answering iq element, result or error."""
        identity = f"q{next(self.ids)}"
        xml = element(CLIENT, "iq", to=to, type=kind, id_=identity)
        xml.append(child)
        self._pending[identity] = asyncio.get_running_loop().create_future()
        self.transmit(xml)
        try:
            return await asyncio.wait_for(self._pending[identity], timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.who}: no answer to {summary(xml)} within {timeout} s") from None
        finally:
            self._pending.pop(identity, None)

    async def settled(self, to="tel.example.org"):
        """Return when the gateway has done all about what was said before, and what it said has come: pings keep the order."""
        for _ in range(SETTLING_PINGS):
            await self.request(element("urn:xmpp:ping", "ping"), to, "get")

    async def ask(self, to, *children, kind="chat", timeout=IQ_S):
        """Send a message that will be refused, and return the error."""
        identity = f"m{next(self.ids)}"
        self._pending[identity] = asyncio.get_running_loop().create_future()
        self.message(to, *children, kind=kind, id_=identity)
        try:
            return await asyncio.wait_for(self._pending[identity], timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.who}: no error for the message to {to} within {timeout} s") from None
        finally:
            self._pending.pop(identity, None)

    def answer(self, iq, error=None, kind="cancel", extra=None):
        """Result or error to an iq."""
        xml = element(CLIENT, "iq", to=iq.get("from"), type="error" if error else "result", id_=iq.get("id"))
        if error:
            box = element(CLIENT, "error", xml, type=kind)
            element(STANZAS, error, box)
            if extra is not None:
                box.append(extra)
        self.transmit(xml)

    def incoming_filter(self, xml):
        """Every stanza passes here first."""
        name = local(xml.tag)
        if name in ("iq", "message", "presence"):
            if not (name == "presence" and bare(xml.get("from")) == self.boundjid.bare):
                self.timeline.add(self.who, "XMPP <-", f"from {xml.get('from')}: {summary(xml)}")
            try:
                getattr(self, "_on_" + name)(xml)
            except Exception as error:  # pylint: disable=broad-except
                self.strict.violations.append(f"{error!r} at {ET.tostring(xml, encoding='unicode')}")
        return xml

    def _on_presence(self, xml):
        self.presences[xml.get("from")] = ET.fromstring(ET.tostring(xml))

    def _on_iq(self, xml):
        waiting = self._pending.get(xml.get("id"))
        if xml.get("type") in ("result", "error"):
            if waiting and not waiting.done():
                waiting.set_result(ET.fromstring(ET.tostring(xml)))
            return
        jingle = xml.find(f"{{{JINGLE}}}jingle")
        if jingle is not None:
            self._on_jingle(ET.fromstring(ET.tostring(xml)))

    def _on_jingle(self, iq):
        jingle = iq.find(f"{{{JINGLE}}}jingle")
        call = self.calls.get(jingle.get("sid"))
        if call is None and jingle.get("action") == "session-initiate":
            call = self.calls[jingle.get("sid")] = self._new_call(jingle.get("sid"), iq.get("from"), incoming=True)
            call.direct = True
            self.proposals.put_nowait(call)
        if call is None:
            self.answer(iq, "item-not-found", extra=element("urn:xmpp:jingle:errors:1", "unknown-session"))
        else:
            call.on_jingle(iq, jingle)

    def _new_call(self, sid, peer, incoming):
        return (PeerCall if self.profile.engine else Call)(self, sid, peer, incoming)

    # messages

    def _on_message(self, xml):
        if xml.get("type") == "error":
            waiting = self._pending.get(xml.get("id"))
            if waiting and not waiting.done():
                waiting.set_result(ET.fromstring(ET.tostring(xml)))
            for call in self.calls.values():
                if xml.get("id") == call.propose_id:
                    call.bounced(ET.fromstring(ET.tostring(xml)))
            return
        carbon = xml.find(f"{{{CARBONS}}}sent/{{{FORWARD}}}forwarded/{{{CLIENT}}}message")
        if carbon is not None:
            self._on_carbon(carbon)
            return
        if xml.find(f"{{{CARBONS}}}received") is not None:
            return
        for child in xml:
            if child.tag.startswith(f"{{{JMI}}}"):
                self._on_jmi(xml, ET.fromstring(ET.tostring(child)))
        receipt = xml.find(f"{{{RECEIPTS}}}received")
        if receipt is not None:
            self.receipts.append(receipt.get("id"))
            for call in self.calls.values():
                if receipt.get("id") == call.propose_id:
                    call.milestones.reach("receipt")
        if xml.find(f"{{{CLIENT}}}body") is not None:
            self.messages.put_nowait(ET.fromstring(ET.tostring(xml)))

    def _on_carbon(self, message):
        """What another device of this account has sent."""
        for child in message:
            call = self.calls.get(child.get("id"))
            if call and child.tag in (f"{{{JMI}}}proceed", f"{{{JMI}}}reject"):
                call.taken_elsewhere(local(child.tag))

    def _on_jmi(self, message, child):
        name, sid, sender = local(child.tag), child.get("id"), message.get("from")
        if bare(sender) == self.boundjid.bare:
            call = self.calls.get(sid)
            if call and name in ("accept", "reject") and sender != self.boundjid.full:
                call.taken_elsewhere(name)
            return
        if name == "propose":
            self._on_propose(message, child, sid, sender)
            return
        call = self.calls.get(sid)
        if call is None:
            return
        if message.get("to") != self.boundjid.full and name in ("ringing", "proceed", "reject") and not call.incoming:
            self.strict.violations.append(f"{name} addressed to {message.get('to')}, not to the full JID: clients ignore it")
            return
        call.on_jmi(name, child, sender)

    def _on_propose(self, message, child, sid, sender):
        self.strict.need(message.get("type") == "chat", f"propose of type {message.get('type')!r}: no carbons")
        self.strict.need(message.find(f"{{{HINTS}}}store") is not None, "propose without a store hint")
        self.strict.need(message.get("to") == self.boundjid.bare, f"propose to {message.get('to')}, not the bare JID")
        self.strict.need("/" in (sender or ""), f"propose from {sender}: no full JID")
        media = [d.get("media") for d in child if local(d.tag) == "description"]
        self.strict.need(media == ["audio"], f"propose with media {media}")
        if not self.profile.jmi or sid in self.calls:
            return
        call = self.calls[sid] = self._new_call(sid, sender, incoming=True)
        call.milestones.reach("propose", sender)
        self.proposals.put_nowait(call)

    # what a user does

    async def call(self, peer, direct_resource="sip"):
        """Call the bare JID @peer and return the Call at once."""
        call = self._new_call(None, peer, incoming=False)
        self.calls[call.sid] = call
        if self.profile.jmi:
            call.propose()
        else:
            call.direct = True
            call.peer = peer if "/" in peer else f"{peer}/{direct_resource}"
            await call.initiate()
        return call

    async def incoming(self, timeout=10.0):
        """The next call that comes in."""
        try:
            return await asyncio.wait_for(self.proposals.get(), timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.who}: no call came in within {timeout} s") from None

    async def disco(self, jid, node=None):
        """(identities, features) of @jid; AssertionError for an error."""
        answer = await self.request(element(DISCO_INFO, "query", node=node), jid, "get")
        assert answer.get("type") == "result", f"disco of {jid}: {summary(answer)}"
        query = answer.find(f"{{{DISCO_INFO}}}query")
        return ([(i.get("category"), i.get("type")) for i in query.findall(f"{{{DISCO_INFO}}}identity")],
                [f.get("var") for f in query.findall(f"{{{DISCO_INFO}}}feature")])

    async def services(self):
        """The STUN and TURN servers the account's server announces (XEP-0215)."""
        answer = await self.request(element(EXTDISCO, "services"), self.boundjid.domain, "get")
        assert answer.get("type") == "result", summary(answer)
        return [s.attrib for s in answer.iter(f"{{{EXTDISCO}}}service")]
