# SPDX-License-Identifier: AGPL-3.0-or-later
"""A call of the telephone in phone.py: its dialog, its descriptions and its audio."""

import asyncio
import random

from . import codec, media, proc, sipmsg, sipwire, timeline

PCMU, PCMA, G722 = (0, "PCMU", 8000), (8, "PCMA", 8000), (9, "G722", 8000)
OPUS, G729, EVENTS = (107, "opus", 48000), (18, "G729", 8000), (101, "telephone-event", 8000)
USUAL = (PCMU, PCMA, EVENTS)
MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
ANSWER_S = 10.0
PORTS = (20000, 60000)
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE"


class _Port(asyncio.DatagramProtocol):
    """A UDP port of a call: RTP on the even one, RTCP on the next."""

    def __init__(self, on_packet):
        self.on_packet, self.transport = on_packet, None
        self.packets, self.sources = 0, set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.packets += 1
        self.sources.add(addr[:2])
        self.on_packet(data)


class Call:
    """One dialog of the telephone, either way. Milestones: invite, trying, ringing, progress, answered, acked, ended."""

    def __init__(self, phone, who, record):
        self.phone, self.who = phone, who
        self.milestones = timeline.Milestones(who, record)
        self.timeline = record
        self.audio = media.AudioStream(who, record, self._transmit)
        self.local_tag, self.remote_tag = sipmsg.token(), None
        self.call_id, self.cseq = None, random.randrange(1, 10000)
        self.local, self.remote, self.target, self.routes = "", "", "", []
        self.peer, self.invite, self.client, self.incoming = None, None, None, False
        self.codecs = list(USUAL)
        self.offer, self.sdp = None, None  # the peer's last session description, and ours
        self.session, self.version = sipmsg.session_number(), 1
        self.descriptions, self.directions = [], []  # what the peer has sent: octets, and their directions
        self.info, self.reinvites = [], 0
        self.referred = []  # whom the peer's REFERs name
        self.requests, self.notified = [], []  # all in this dialog; the statuses that NOTIFY told of our REFER
        self.acked = asyncio.Event()
        self.rtp = self.rtcp = None
        self.stubborn = False  # answer with our codecs even if they were not offered
        self.last_response = None  # the failure that has ended it
        self.tasks = []

    # waiting

    async def wait(self, name, timeout=ANSWER_S):
        """Wait for a milestone; returns its detail."""
        return await self.milestones.wait(name, timeout)

    def passed(self, name):
        """Whether a milestone has been reached."""
        return self.milestones.passed(name)

    async def told(self, *directions):
        """Wait until the peer's last session description has one of @directions."""
        await proc.until(lambda: self.directions and self.directions[-1] in directions, ANSWER_S,
                         f"{self.who} is told {' or '.join(directions)}")

    # media

    async def open_media(self):
        """Bind an even port and the next one."""
        if self.rtp:
            return
        loop, host = asyncio.get_running_loop(), self.phone.host
        with self.phone.node.inside():
            while True:
                port = random.randrange(*PORTS, 2)
                try:
                    _, self.rtp = await loop.create_datagram_endpoint(lambda: _Port(lambda data: self.audio.received(data)),
                                                                       (host, port))
                except OSError:
                    continue
                try:
                    _, self.rtcp = await loop.create_datagram_endpoint(lambda: _Port(lambda data: None), (host, port + 1))
                    break
                except OSError:
                    self.rtp.transport.close()

    @property
    def port(self):
        """Our RTP port."""
        return self.rtp.transport.get_extra_info("sockname")[1]

    def _transmit(self, packet):
        if self.offer and self.offer.port and self.rtp and not self.rtp.transport.is_closing():
            self.rtp.transport.sendto(packet, (self.offer.host, self.offer.port))

    def describe(self, direction="sendrecv", codecs=None, extra=()):
        """Our session description as octets; a later one has a higher version."""
        self.sdp = sipmsg.Sdp(self.phone.host, self.port, list(codecs or self.codecs), direction)
        body = sipmsg.format_sdp(self.sdp, self.session, self.version, extra)
        self.version += 1
        return body

    def take(self, body):
        """Read the peer's session description and adapt our audio to it."""
        described = sipmsg.parse_sdp(body)
        if described is None:
            return
        self.offer = described
        self.descriptions.append(body)
        self.directions.append(described.direction)
        ours = {name.upper(): pt for pt, name, _ in self.codecs}
        # what comes has our payload types, or the offer's where we answer with them
        known = {pt: name for pt, name, _ in [*self.codecs, *described.codecs] if name.upper() in ours}
        for pt, name, _ in described.codecs:
            if name.upper() in ours and name != "telephone-event":
                try:
                    codec.create(name)
                except KeyError:
                    continue
                event = described.find("telephone-event") if "TELEPHONE-EVENT" in ours else None
                self.audio.configure(name, pt, *(event or (None, 8000)), rx_pts=known)
                return

    def run_audio(self):
        """Send where the peer's last description lets us."""
        if self.audio.codec_name and self.offer and self.offer.direction in ("sendrecv", "recvonly"):
            self.audio.start()
        else:
            self.audio.stop()

    # answering

    async def reply(self, status, reason, **more):
        """A response to the INVITE."""
        self.phone.wire.respond(self.invite, self.peer, status, reason, tag=self.local_tag, contact=self.phone.contact(self.peer),
                                **more)

    async def ring(self):
        """180 Ringing, without a description."""
        await self.reply(180, "Ringing")

    async def progress(self, codecs=None, status=183, reason="Session Progress"):
        """183 with a description: early media flows from now on."""
        await self.open_media()
        if codecs:
            self.codecs = list(codecs)
            self.take(self.invite.body)
        await self.reply(status, reason, body=self.answer_body())
        self.run_audio()

    def answer_body(self):
        """Our answer to the last offer, or an offer where there was none."""
        offered = {name.upper(): (pt, name, clock) for pt, name, clock in self.offer.codecs} if self.offer else {}
        chosen = [offered.get(name.upper(), (pt, name, clock)) for pt, name, clock in self.codecs
                  if not self.offer or name.upper() in offered or self.stubborn]
        return self.describe(MIRROR[self.offer.direction] if self.offer else "sendrecv", chosen)

    async def answer(self, codecs=None, body=None, stubborn=False, headers=()):
        """200 OK, repeated until the ACK comes; @body replaces the description we would send."""
        await self.open_media()
        self.stubborn = stubborn
        if codecs:
            self.codecs = list(codecs)
            self.take(self.invite.body)
        await self.reply(200, "OK", body=body if body is not None else self.answer_body(),
                          headers=(("Allow", ALLOW), *headers))
        self.milestones.reach("answered")
        self.run_audio()
        self.tasks.append(asyncio.ensure_future(self._repeat_answer(self.invite)))

    async def _repeat_answer(self, invite):
        response = self.phone.wire.answered[(invite.branch, "INVITE", self.peer)]
        pause = sipwire.T1_S
        while pause < sipwire.TRANSACTION_S and self.peer[0] == "udp":
            await asyncio.sleep(pause)
            if self.acked.is_set() or self.passed("ended"):
                return
            self.phone.wire.transmit(response, self.peer)
            pause = min(2 * pause, sipwire.T2_S * 8)

    async def refuse(self, status, reason, headers=()):
        """A final response that is no answer."""
        await self.reply(status, reason, headers=headers)
        self.finish(f"we refused: {status} {reason}")

    # calling and requests in the dialog

    def build(self, method, branch=None):
        """A request of this dialog with the next CSeq (ACK and CANCEL take the INVITE's)."""
        if method not in ("ACK", "CANCEL"):
            self.cseq += 1
        request = sipmsg.Message(method, self.target)
        request.add("Via", self.phone.wire.via(self.peer[0], branch)).add("Max-Forwards", 70)
        for route in self.routes:
            request.add("Route", route)
        request.add("From", f"{self.local};tag={self.local_tag}")
        request.add("To", self.remote + (f";tag={self.remote_tag}" if self.remote_tag else ""))
        request.add("Call-ID", self.call_id).add("CSeq", f"{self.cseq} {method}")
        if method in ("INVITE", "UPDATE"):
            request.add("Contact", self.phone.contact(self.peer)).add("Allow", ALLOW)
        return request

    async def send(self, method, body=b"", content_type="application/sdp", headers=(), timeout=ANSWER_S):
        """A request in the dialog; returns its final response, which is acknowledged where it has to be."""
        request = self.build(method)
        for name, value in headers:
            request.add(name, value)
        if body:
            request.add("Content-Type", content_type)
            request.body = body
        response = await self.phone.wire.request(request, self.peer).final(timeout)
        if method == "INVITE":
            self.acknowledge(response, request)
        return response

    def establish(self, response):
        """Learn the dialog from a response to our INVITE."""
        self.remote_tag = sipmsg.tag_of(response.get("To"))
        contact = response.get("Contact")
        if contact:
            self.target = sipmsg.uri_of(contact)
        self.routes = list(reversed(response.all("Record-Route")))

    def acknowledge(self, response, invite, body=b""):
        """ACK a final response; one for a failure belongs to the INVITE's own transaction."""
        success = response.status < 300
        ack = self.build("ACK", None if success else invite.branch)
        if not success:
            ack.uri = invite.uri
            ack.replace("To", response.get("To"))
        ack.replace("CSeq", f"{invite.cseq[0]} ACK")
        if body:
            ack.add("Content-Type", "application/sdp")
            ack.body = body
        self.phone.wire.transmit(ack, self.peer)

    async def follow(self):
        """Follow the responses to our first INVITE to their end."""
        while True:
            response = await self.client.responses.get()
            if response.status < 200:
                if sipmsg.tag_of(response.get("To")):
                    self.establish(response)
                if b"m=audio" in response.body:
                    self.take(response.body)
                    self.run_audio()
                    self.milestones.reach("progress", response.first_line())
                name = {100: "trying", 180: "ringing", 183: "progress"}.get(response.status, f"{response.status}")
                self.milestones.reach(name, response.first_line())
            elif response.status < 300:
                self.establish(response)
                late = not self.invite.body  # an INVITE without an offer: ours is the answer, in the ACK
                if not self.passed("answered"):
                    self.take(response.body)
                self.acknowledge(response, self.invite, self.answer_body() if late else b"")
                if not self.passed("answered"):
                    self.run_audio()
                    self.milestones.reach("answered", response.first_line())
            else:
                self.acknowledge(response, self.invite)
                self.last_response = response
                self.finish(f"{response.status} {response.reason}")

    async def cancel(self):
        """CANCEL our INVITE and wait for the 487."""
        request = self.build("CANCEL", self.invite.branch)
        request.uri = self.invite.uri
        request.replace("To", self.invite.get("To")).replace("CSeq", f"{self.invite.cseq[0]} CANCEL")
        request.headers = [(n, v) for n, v in request.headers if n != "Route"]
        await self.phone.wire.request(request, self.peer).final()
        await self.milestones.wait("ended")

    async def reinvite(self, direction, codecs=None):
        """Offer again with another direction; returns the answer's response."""
        response = await self.send("INVITE", self.describe(direction, codecs))
        assert response.status == 200, f"{self.who}: re-INVITE got {response.status} {response.reason}"
        self.take(response.body)
        self.run_audio()
        return response

    async def hold(self):
        """Put the peer on hold (RFC 3264 section 8.4): send only, and in fact nothing."""
        response = await self.reinvite("sendonly")
        self.audio.stop()
        return response

    async def resume(self):
        """Take the peer back."""
        return await self.reinvite("sendrecv")

    async def info_digit(self, digit, kind="dtmf-relay"):
        """One digit by INFO, as older equipment sends it; returns the response."""
        body = f"Signal={digit}\r\nDuration=160\r\n" if kind == "dtmf-relay" else digit
        return await self.send("INFO", body.encode(), f"application/{kind}")

    async def hangup(self, headers=()):
        """BYE; returns the response."""
        self.audio.stop()
        response = await self.send("BYE", headers=headers)
        self.finish("we hung up")
        return response

    def finish(self, why):
        """The call is over."""
        self.audio.stop()
        for task in self.tasks:
            task.cancel()
        for port in (self.rtp, self.rtcp):
            if port:
                port.transport.close()
        self.milestones.reach("ended", why)

    # requests of the peer

    def on_request(self, request, peer):
        """A request inside this dialog, or the CANCEL of its INVITE."""
        wire, method = self.phone.wire, request.method
        self.requests.append(request)
        if method == "ACK":
            if not self.acked.is_set():
                self.acked.set()
                self.milestones.reach("acked")
            if request.body:
                self.take(request.body)
                self.run_audio()
        elif method == "CANCEL":
            wire.respond(request, peer, 200, "OK", tag=self.local_tag)
            if not self.passed("answered") and not self.passed("ended"):
                self.phone.wire.respond(self.invite, self.peer, 487, "Request Terminated", tag=self.local_tag)
                self.finish("cancelled by the peer " + request.get("Reason"))
        elif method == "BYE":
            wire.respond(request, peer, 200, "OK")
            self.finish("BYE of the peer " + request.get("Reason"))
        elif method == "INVITE":
            self._on_reinvite(request, peer)
        elif method == "INFO":
            self.info.append((request.get("Content-Type"), request.body.decode("utf-8", "replace")))
            wire.respond(request, peer, 200, "OK")
        elif method == "NOTIFY":
            self.notified.append(int(request.body.split()[1]))
            wire.respond(request, peer, 200, "OK")
        elif method == "REFER":
            self.referred.append(request.get("Refer-To"))
            wire.respond(request, peer, 202, "Accepted", contact=self.phone.contact(peer))
        elif method in ("UPDATE", "OPTIONS"):
            wire.respond(request, peer, 200, "OK", contact=self.phone.contact(peer))
        else:
            wire.respond(request, peer, 405, "Method Not Allowed", headers=[("Allow", ALLOW)])

    def _on_reinvite(self, request, peer):
        self.reinvites += 1
        self.target = sipmsg.uri_of(request.get("Contact"))  # RFC 3261 section 12.2.2: it may have moved
        if request.body:
            self.take(request.body)
        body = self.answer_body()
        self.invite, self.peer = request, peer
        self.acked.clear()
        self.phone.wire.respond(request, peer, 200, "OK", body=body, contact=self.phone.contact(peer))
        self.run_audio()
        self.tasks.append(asyncio.ensure_future(self._repeat_answer(request)))
