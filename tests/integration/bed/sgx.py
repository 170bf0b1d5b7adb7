# SPDX-License-Identifier: AGPL-3.0-or-later
"""A component that carries texts over a carrier's interface of another kind (an SGX of Soprani.ca's): what it is sent is kept,
and it says what a test wants it to."""

import asyncio

from .component import NS, Component
from .jinglexml import element, local


class Sgx(Component):
    """The component @domain."""

    def __init__(self, node, server, domain, secret):
        super().__init__(node, server, domain, secret)
        self.messages, self.iqs, self.presences = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()

    def take(self, xml):
        """Messages and presence are kept, and what it is asked."""
        if local(xml.tag) == "message":
            self.messages.put_nowait(xml)
        elif local(xml.tag) == "iq" and xml.get("type") in ("get", "set"):
            self.iqs.put_nowait(xml)
        elif local(xml.tag) == "presence":
            self.presences.put_nowait(xml)

    def answer(self, iq, *children, kind="result"):
        """What it says to what it was asked."""
        xml = element(NS, "iq", to=iq.get("from"), from_=iq.get("to"), id_=iq.get("id"), type=kind)
        xml.extend(children)
        self.post(xml)

    def say(self, to, *children, sender="", id_=None, kind=None):
        """A message of @sender (a localpart, "" the component itself)."""
        xml = element(NS, "message", to=to, from_=f"{sender}@{self.domain}" if sender else self.domain, id_=id_, type=kind)
        xml.extend(children)
        self.post(xml)
