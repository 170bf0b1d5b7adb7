# SPDX-License-Identifier: AGPL-3.0-or-later
"""The part of a text gateway of Cheogram's kind that hands calls to its voice gateway, as singpolyma/cheogram's Main.hs does.

Users know a number as +15551234567@GATEWAY. Towards the voice gateway a user alice@example.org/phone is
alice\\40example.org@GATEWAY/CHEOGRAM%outbound-sip%phone, and the number is `number\\40proxy`, where the proxy is what the
component that carries the user's number answered to XEP-0215 (or what the user gave to sip-proxy-set)."""

import asyncio
import itertools

from .component import LOGIN_S, NS, Component
from .jinglexml import JINGLE, JMI, element, local

EXTDISCO = "urn:xmpp:extdisco:2"
OUTBOUND = "CHEOGRAM%outbound-sip%"
ESCAPES = ((" ", "20"), ('"', "22"), ("&", "26"), ("'", "27"), ("/", "2f"), (":", "3a"), ("<", "3c"), (">", "3e"), ("@", "40"))


def escape(text):
    """XEP-0106."""
    return "".join("\\" + dict(ESCAPES)[c] if c in dict(ESCAPES) else c for c in text)


def unescape(text):
    """The text that was escaped."""
    for plain, digits in ESCAPES:
        text = text.replace("\\" + digits, plain)
    return text


def split(jid):
    """(local, domain, resource)."""
    bare, _, resource = jid.partition("/")
    head, at, tail = bare.partition("@")
    return (head, tail, resource) if at else ("", bare, resource)


class TextGateway(Component):
    """The component @domain with the voice gateway @voice."""

    ids = itertools.count(1)

    def __init__(self, node, server, domain, secret, voice):
        super().__init__(node, server, domain, secret)
        self.voice, self.proxies, self.waiting = voice, {}, {}
        self.addresses = set()  # of the voice gateway, as users saw them

    async def find_proxy(self, user):
        """Ask the component that carries @user's number where its telephones are; None: nowhere."""
        xml = element(NS, "iq", type="get", to=self.voice, from_=f"{escape(user)}@{self.domain}/x", id_=f"p{next(self.ids)}")
        element(EXTDISCO, "services", xml, type="sip")
        self.waiting[xml.get("id")] = asyncio.get_running_loop().create_future()
        self.post(xml)
        answer = await asyncio.wait_for(self.waiting[xml.get("id")], LOGIN_S)
        del self.waiting[xml.get("id")]
        hosts = [s.get("host") for s in answer.iter(f"{{{EXTDISCO}}}service") if s.get("type") == "sip"]
        self.proxies[user] = hosts[0] if hosts else None
        return self.proxies[user]

    def take(self, xml):
        """Every stanza passes here, and most go on."""
        waiting = self.waiting.get(xml.get("id"))
        if waiting and split(xml.get("from"))[1] == self.voice:
            waiting.set_result(xml)
        elif split(xml.get("from"))[1] == self.voice:
            self._to_user(xml)
        else:
            self._to_voice(xml)

    def _pass(self, xml, sender, receiver):
        xml.set("from", sender)
        xml.set("to", receiver)
        for jingle in xml.findall(f"{{{JINGLE}}}jingle"):
            for name in ("initiator", "responder"):
                if jingle.get(name):
                    jingle.set(name, sender)
        self.post(xml)

    def _to_user(self, xml):
        """The number's plain address, and in the resource the way back."""
        user, _, resource = split(xml.get("to"))
        number = split(xml.get("from"))[0].partition("\\40")[0]
        back = "sip:" + escape(xml.get("from"))
        if resource.startswith(OUTBOUND):
            resource, back = resource[len(OUTBOUND):], "tel"
        self.addresses.add(xml.get("from"))
        self._pass(xml, f"{number}@{self.domain}/{back}", unescape(user) + (f"/{resource}" if resource else ""))

    def _to_voice(self, xml):
        user, _, device = xml.get("from").partition("/")
        number, _, resource = split(xml.get("to"))
        propose = xml.find(f"{{{JMI}}}propose")
        if resource.startswith("sip:"):
            self._pass(xml, f"{escape(user)}@{self.domain}/{device}", unescape(resource[4:]))
        elif propose is not None:
            reply = element(NS, "message", to=xml.get("from"), from_=f"{number}@{self.domain}/tel", type="normal",
                            id_=f"proceed%{propose.get('id')}")
            element(JMI, "proceed", reply, id_=propose.get("id"))
            self.post(reply)
        elif local(xml.tag) == "iq" and number and self.proxies.get(user):
            self._pass(xml, f"{escape(user)}@{self.domain}/{OUTBOUND}{device}",
                       f"{escape(number + '@' + self.proxies[user])}@{self.voice}/sip")
