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
        self.messages = asyncio.Queue()

    def take(self, xml):
        """Messages are kept."""
        if local(xml.tag) == "message":
            self.messages.put_nowait(xml)

    def say(self, to, *children, sender="", id_=None, kind=None):
        """A message of @sender (a localpart, "" the component itself)."""
        xml = element(NS, "message", to=to, from_=f"{sender}@{self.domain}" if sender else self.domain, id_=id_, type=kind)
        xml.extend(children)
        self.post(xml)
