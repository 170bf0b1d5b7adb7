# SPDX-License-Identifier: AGPL-3.0-or-later
"""A component of the XMPP server beside Tandem, which takes each stanza as it stands."""

import asyncio
from xml.etree import ElementTree as ET

import slixmpp
from slixmpp.xmlstream import tostring

from . import xmppserver
from .jinglexml import element, local

NS = "jabber:component:accept"
LOGIN_S = 15.0


class Component(slixmpp.ComponentXMPP):
    """The component @domain; who is one has take(xml)."""

    def __init__(self, node, server, domain, secret):
        super().__init__(domain, secret, server, xmppserver.COMPONENT_PORT)
        self.node, self.domain = node, domain

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
        """Every stanza passes here, and none goes on."""
        if local(xml.tag) in ("iq", "message", "presence") and xml.get("from"):
            self.take(ET.fromstring(ET.tostring(xml)))
            return element(NS, "none")
        return xml

    def take(self, xml):
        """A stanza for it."""
        raise NotImplementedError

    def post(self, xml):
        """Send a stanza."""
        self.send(tostring(xml, xmlns=NS, top_level=True))
