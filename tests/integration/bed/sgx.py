# SPDX-License-Identifier: AGPL-3.0-or-later
"""A component that carries texts over a carrier's interface of another kind (an SGX of Soprani.ca's): what it is sent is kept,
and it says what a test wants it to."""

import asyncio
from xml.etree import ElementTree as ET

import slixmpp
from slixmpp.xmlstream import tostring

from . import xmppserver
from .jinglexml import element, local

NS = "jabber:component:accept"
LOGIN_S = 15.0


class Sgx(slixmpp.ComponentXMPP):
    """The component @domain."""

    def __init__(self, node, server, domain, secret):
        super().__init__(domain, secret, server, xmppserver.COMPONENT_PORT)
        self.node, self.domain = node, domain
        self.messages = asyncio.Queue()

    async def start(self):
        """Connect; returns self."""
        ready = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda event: ready.done() or ready.set_result(None))
        with self.node.inside():
            self.connect()
            await asyncio.wait_for(ready, LOGIN_S)
        return self

    async def close(self):
        """Log out."""
        await self.disconnect(wait=1.0)

    def incoming_filter(self, xml):
        """Messages are kept here."""
        if local(xml.tag) == "message" and xml.get("from"):
            self.messages.put_nowait(ET.fromstring(ET.tostring(xml)))
            return element(NS, "none")
        return xml

    def say(self, to, *children, sender="", id_=None, kind=None):
        """A message of @sender (a localpart, "" the component itself)."""
        xml = element(NS, "message", to=to, from_=f"{sender}@{self.domain}" if sender else self.domain, id_=id_, type=kind)
        xml.extend(children)
        self.send(tostring(xml, xmlns=NS, top_level=True))
