# SPDX-License-Identifier: AGPL-3.0-or-later
"""The telephone of the demo that stays: it answers every number, calls people, and says back what it hears."""

import asyncio

from bed import phone, sipmsg

RING_S, NO_ANSWER_S = 2.0, 70.0


def _echo(call):
    """Send back what comes instead of a tone."""
    call.audio.stop()
    call.audio.start = lambda: None
    call.audio.received = call.audio.transmit


class Operator(phone.Phone):
    """A SIP peer at one address; @tell gets a line for everything that happens."""

    def __init__(self, node, host, port, tell):
        super().__init__(node, host, port, name="telephone")
        self.tell = tell
        self._tasks = set()

    def on_request(self, request, peer):
        number = sipmsg.user_of(request.uri)
        if request.method == "INVITE" and number and number not in self.expected:
            self._spawn(self._serve(self.expect(number)))
        super().on_request(request, peer)

    def close(self):
        for task in self._tasks:
            task.cancel()
        super().close()

    def _spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, plan):
        """Answer all calls to a number."""
        while True:
            self._spawn(self._answer(plan.number, await plan.calls.get()))

    async def _answer(self, number, call):
        try:
            self.tell(f"{sipmsg.user_of(sipmsg.uri_of(call.invite.get('From')))} calls {number}: the telephone rings")
            await call.ring()
            await asyncio.sleep(RING_S)
            await call.answer()
            _echo(call)
            self.tell("the telephone has answered and says back what it hears")
            self.tell(f"the call to {number} has ended: {await call.wait('ended', None)}")
        except AssertionError as error:
            self.tell(str(error))
        finally:
            self.calls.remove(call)
            self.dialogs.pop(call.call_id, None)

    async def ring(self, number, gateway, caller):
        """Call @number through the gateway at (host, port); returns when the call has ended."""
        call = await self.dial(f"sip:{number}@{gateway[0]}:{gateway[1]}", ("udp", *gateway), caller=caller)
        self.tell(f"the telephone {caller} calls {number}")
        try:
            await call.wait("answered", NO_ANSWER_S)
            _echo(call)
            self.tell(f"{number} has answered; the telephone says back what it hears")
            self.tell(f"the call has ended: {await call.wait('ended', None)}")
        except AssertionError as error:
            self.tell(str(error))
        finally:
            self.calls.remove(call)
            self.dialogs.pop(call.call_id, None)
