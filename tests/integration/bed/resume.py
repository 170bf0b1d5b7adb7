# SPDX-License-Identifier: AGPL-3.0-or-later
"""A device whose stream dies without a word and is resumed (XEP-0198), by slixmpp's own plugin."""

import asyncio

from . import jingle, xmppserver

RESUME_S = 15.0


class Resumable(jingle.Client):
    """A Client with stream management. It keeps what it has sent, to send it again as one that was not told of its arrival.

    slixmpp 1.8.3 forgets on resumption what the server has not acknowledged, and loses what is sent without a connection:
    both are sent here then."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.register_plugin("xep_0198")
        self.sent, self.repeated = [], 0
        self._seen, self._heard = set(), None
        self._resumed = self._lost = None
        self._unacknowledged, self._held, self._severed = [], [], False
        self.add_event_handler("session_resumed", self._on_resumed)
        self.add_event_handler("sm_failed", lambda event: self._resumed and self._resumed.set_exception(
            AssertionError(f"{self.who}: the stream was not resumed")))
        self.add_event_handler("disconnected", lambda event: self._lost and not self._lost.done() and self._lost.set_result(None))

    async def start(self):
        """Log in, and wait until the stream may be resumed."""
        enabled = asyncio.get_running_loop().create_future()
        self.add_event_handler("sm_enabled", lambda event: enabled.set_result(event["resume"]))
        await super().start()
        assert await asyncio.wait_for(enabled, jingle.LOGIN_S), f"{self.who}: the server does not let streams be resumed"
        return self

    def transmit(self, xml):
        """Send a stanza built of elements, so that slixmpp counts it and keeps it until it is acknowledged."""
        self.timeline.add(self.who, "XMPP ->", f"to {xml.get('to')}: {jingle.summary(xml)}")
        self.sent.append(xml)
        if self._severed:
            self._held.append(self._build_stanza(xml))
        else:
            self.send(self._build_stanza(xml))

    def repeat(self, xmls):
        """Send stanzas of before once more, as they were."""
        for xml in xmls:
            self.transmit(xml)

    def acknowledge_nothing(self):
        """From now on the server is not told what has come, and will send it again."""
        manager = self["xep_0198"]
        self._heard, manager.send_ack = manager.handled, lambda: None

    async def sever(self):
        """The connection breaks, unknown to the stream."""
        self.timeline.add(self.who, "stream", "severed")
        self._lost = asyncio.get_running_loop().create_future()
        self._severed = True
        self._unacknowledged = list(self["xep_0198"].unacked_queue)
        self.transport.abort()
        await asyncio.wait_for(self._lost, RESUME_S)

    def _on_resumed(self, resumed):
        self._severed = False
        for number, stanza in self._unacknowledged:
            if number > resumed["h"]:
                self.send(stanza, use_filters=False)
        for stanza in self._held:
            self.send(stanza)
        self._unacknowledged, self._held = [], []
        self._resumed.set_result(None)

    async def resume(self):
        """Connect again and take the stream up where it broke."""
        manager = self["xep_0198"]
        if self._heard is not None:
            manager.handled, self._heard = self._heard, None
            del manager.send_ack
        self._resumed = asyncio.get_running_loop().create_future()
        with self.node.inside():
            self.connect((self.server_address, xmppserver.C2S_PORT), disable_starttls=True)
            await asyncio.wait_for(self._resumed, RESUME_S)
        self.timeline.add(self.who, "stream", "resumed")

    def _on_jingle(self, iq):
        """What comes again is answered again, and does nothing."""
        identity = iq.get("from"), iq.get("id")
        if identity in self._seen:
            self.timeline.add(self.who, "again", identity)
            self.repeated += 1
            self.answer(iq)
            return
        self._seen.add(identity)
        super()._on_jingle(iq)

    async def close(self):
        if self.is_connected():
            await super().close()
            return
        for call in list(self.calls.values()):
            await call.drop()
        for task in list(self._tasks):
            task.cancel()
        self.cancel_connection_attempt()
        if self._run_out_filters:
            self._run_out_filters.cancel()
