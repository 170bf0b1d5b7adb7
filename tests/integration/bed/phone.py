# SPDX-License-Identifier: AGPL-3.0-or-later
"""A SIP telephone, carrier or PBX for the trunk side: it does what a test tells it to, call by call."""

import asyncio

from . import sipmsg, sipwire, timeline
from .sipcall import ALLOW, ANSWER_S, USUAL, Call


class Expected:
    """A number that a test waits for calls to."""

    def __init__(self, number, record):
        self.number, self.timeline = number, record
        self.calls = asyncio.Queue()

    async def call(self, timeout=ANSWER_S):
        """The next call to this number."""
        try:
            return await asyncio.wait_for(self.calls.get(), timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"no INVITE for {self.number} reached the telephone within {timeout} s") from None


class Phone:
    """A SIP user agent at one address. Numbers nobody expects are answered 404, as a carrier does."""

    def __init__(self, node, host, port=5060, name="phone", credentials=None, tls=None):
        self.node, self.host, self.port, self.name = node, host, port, name
        self.credentials = credentials  # (user, password) that INVITE and REGISTER must prove, or None
        self.realm, self.nonce = "test", sipmsg.token(16)
        self.expected, self.dialogs, self.calls = {}, {}, []
        self.registrations = {}
        self.options = 0
        self.texts = {}  # number -> queue of the MESSAGEs to it
        self.text_answers = {}  # number -> statuses that its next MESSAGEs get; None: silence
        self.shared = timeline.Timeline()
        self.wire = sipwire.Wire(node, host, port, self.on_request, self._timeline_of, tls)

    async def start(self):
        """Listen; returns self."""
        await self.wire.start()
        return self

    def close(self):
        """End all calls at once, without telling anybody."""
        for call in self.calls:
            if not call.passed("ended"):
                call.finish("the telephone was closed")
        self.wire.close()

    def contact(self, peer):
        """Our Contact value towards @peer."""
        transport = peer[0] if peer else "udp"
        suffix = "" if transport == "udp" else f";transport={transport}"
        return f"<sip:{self.name}@{sipmsg.bracket(self.host)}:{self.port + (transport == 'tls')}{suffix}>"

    def expect(self, number):
        """Take calls to @number from now on, for the running test."""
        self.expected[number] = Expected(number, timeline.current())
        return self.expected[number]

    def _timeline_of(self, message):
        call = self.dialogs.get(message.call_id)
        if call:
            return call.timeline
        plan = self.expected.get(sipmsg.user_of(message.uri or ""))
        return plan.timeline if plan else self.shared

    async def dial(self, uri, peer, caller="+15550001111", codecs=USUAL, offer=True, body=None, headers=(), display="", local=None,
                   kind="application/sdp", extra=lambda call: ()):
        """Call @uri through @peer ("udp", host, port) and return the Call at once. @local: the whole of From instead of @caller; @extra
        makes lines of its description."""
        call = Call(self, f"{self.name} {caller}", timeline.current())
        call.codecs = list(codecs)
        call.peer = await self.wire.reach(*peer)
        call.call_id, call.target = sipmsg.token(20), uri
        call.local, call.remote = local or f"{display}<sip:{caller}@{sipmsg.bracket(self.host)}>", f"<{uri}>"
        self.dialogs[call.call_id] = call
        self.calls.append(call)
        await call.open_media()
        call.invite = call.build("INVITE")
        for name, value in headers:
            call.invite.add(name, value)
        if offer:
            call.invite.add("Content-Type", kind)
            call.invite.body = body if body is not None else call.describe(extra=extra(call))
        call.client = self.wire.request(call.invite, call.peer)
        call.tasks.append(asyncio.ensure_future(call.follow()))
        return call

    async def described(self, **options):
        """A description of a call that nobody makes, as octets."""
        call = Call(self, "described", timeline.current())
        await call.open_media()
        body = call.describe(**options)
        call.finish("it was for the description alone")
        return body

    def on_request(self, request, peer):
        """A request that is no retransmission."""
        call = self.dialogs.get(request.call_id)
        if call and (request.method != "INVITE" or sipmsg.tag_of(request.get("To"))):
            call.on_request(request, peer)
        elif request.method == "INVITE":
            self._on_invite(request, peer)
        elif request.method == "REGISTER":
            self._on_register(request, peer)
        elif request.method == "MESSAGE":
            self._on_text(request, peer)
        elif request.method == "OPTIONS":
            self.options += 1
            self.wire.respond(request, peer, 200, "OK", tag=sipmsg.token(), headers=[("Allow", ALLOW)])
        elif request.method != "ACK":
            self.wire.respond(request, peer, 481, "Call/Transaction Does Not Exist", tag=sipmsg.token())

    def _proven(self, request, header):
        if self.credentials is None:
            return True
        return sipmsg.credentials_fit(request.get(header), request.method, *self.credentials, self.nonce)

    def _challenge(self):
        return f'Digest realm="{self.realm}", nonce="{self.nonce}", algorithm=MD5, qop="auth"'

    def _on_register(self, request, peer):
        if not self._proven(request, "Authorization"):
            self.wire.respond(request, peer, 401, "Unauthorized", tag=sipmsg.token(),
                              headers=[("WWW-Authenticate", self._challenge())])
            return
        contact = request.get("Contact")
        self.registrations[sipmsg.uri_of(request.get("To"))] = contact
        self.wire.respond(request, peer, 200, "OK", tag=sipmsg.token(),
                          headers=[("Contact", contact + ("" if "expires=" in contact else ";expires=300"))])

    def texts_to(self, number):
        """The queue of the MESSAGEs to @number."""
        return self.texts.setdefault(number, asyncio.Queue())

    def make_text(self, uri, peer, body, caller="+15550001111", kind="text/plain;charset=utf-8", headers=(), again=None):
        """A MESSAGE; @again: the same as that request, anew."""
        request = sipmsg.Message("MESSAGE", uri)
        request.add("Via", self.wire.via(peer[0])).add("Max-Forwards", 70)
        request.add("From", again.get("From") if again else f"<sip:{caller}@{sipmsg.bracket(self.host)}>;tag={sipmsg.token()}")
        request.add("To", f"<{uri}>").add("Call-ID", again.call_id if again else sipmsg.token(20)).add("CSeq", "1 MESSAGE")
        for name, value in headers:
            request.add(name, value)
        request.add("Content-Type", kind)
        request.body = body if isinstance(body, bytes) else body.encode()
        return request

    async def send_text(self, request, peer, timeout=sipwire.TRANSACTION_S):
        """Send it; its final response."""
        return await self.wire.request(request, await self.wire.reach(*peer)).final(timeout)

    async def text(self, uri, peer, body, **options):
        """Make and send a MESSAGE; returns (its final response, the request)."""
        request = self.make_text(uri, peer, body, **options)
        return await self.send_text(request, peer), request

    def _on_text(self, request, peer):
        number = sipmsg.user_of(request.uri)
        answers = self.text_answers.get(number)
        status = answers.pop(0) if answers else 200
        if status is not None:
            self.wire.respond(request, peer, status, "As told", tag=sipmsg.token())
        self.texts_to(number).put_nowait(request)

    def _on_invite(self, request, peer):
        if not self._proven(request, "Proxy-Authorization"):
            self.wire.respond(request, peer, 407, "Proxy Authentication Required", tag=sipmsg.token(),
                              headers=[("Proxy-Authenticate", self._challenge())])
            return
        number = sipmsg.user_of(request.uri)
        plan = self.expected.get(number)
        if plan is None:
            self.wire.respond(request, peer, 404, "Not Found", tag=sipmsg.token())
            return
        self.wire.respond(request, peer, 100, "Trying")
        call = Call(self, f"{self.name} {number}", plan.timeline)
        call.incoming, call.invite, call.peer, call.call_id = True, request, peer, request.call_id
        call.remote_tag = sipmsg.tag_of(request.get("From"))
        call.remote, call.local = request.get("From").partition(";tag=")[0], request.get("To")
        call.target, call.routes = sipmsg.uri_of(request.get("Contact")), request.all("Record-Route")
        self.dialogs[call.call_id] = call
        self.calls.append(call)
        call.take(request.body)
        call.milestones.reach("invite", request.get("From"))
        plan.calls.put_nowait(call)
