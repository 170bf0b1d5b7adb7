# SPDX-License-Identifier: AGPL-3.0-or-later
"""One call of a Jingle client, either way: XEP-0353 around XEP-0166, with the media of webrtc.Transport."""

import asyncio
import dataclasses
import uuid

from . import codec, jinglexml, media, proc, timeline, webrtc
from .jinglexml import DTMF, HINTS, JINGLE, JMI, RTP, RTP_INFO, Content, element, local

ANSWER_S = 10.0
RELAY_PORT = 3478


class Call:
    """Milestones: propose, receipt, ringing, proceed, initiate, accepted, ice, dtls, media, finish, restarted, ended."""

    def __init__(self, client, sid, peer, incoming):
        self.client, self.profile, self.sid = client, client.profile, sid or str(uuid.uuid4())
        self.peer, self.incoming, self.direct = peer, incoming, False
        self.who = f"{client.who} {self.sid[:4]}"
        self.timeline = client.timeline
        self.milestones = timeline.Milestones(self.who, client.timeline)
        self.propose_id = f"jm-propose-{self.sid}"
        self.initiator = not incoming
        self.initiated = self.accepted = False
        self.terminated = False  # by the peer
        self.abandoned = False  # by the test at its end, or because it never began: what answers its end is not looked at
        self.transport = None
        self.local, self.remote = Content(), None
        self.audio = media.AudioStream(self.who, client.timeline, self._transmit, self._transmit_rtcp)
        self.auto_audio = True  # start to send as soon as media is up
        self.infos = []  # session-info payloads, in order
        self.early_candidates = []
        self._accepting = self._connecting = False
        self._restart = None
        self._timer = None

    # waiting

    async def wait(self, name, timeout=ANSWER_S):
        """Wait for a milestone; returns its detail."""
        return await self.milestones.wait(name, timeout)

    def passed(self, name):
        """Whether a milestone has been reached."""
        return self.milestones.passed(name)

    async def informed(self, *names):
        """Wait until session-info has told one of @names."""
        await proc.until(lambda: set(names) & set(self.infos), ANSWER_S, f"{self.who} is informed of {' or '.join(names)}")

    async def ended(self, timeout=ANSWER_S):
        """Wait for the end and return how it came."""
        return await self.milestones.wait("ended", timeout)

    def _arm(self, seconds, why):
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expired, why) if seconds else None

    def _expired(self, why):
        if not self.passed("ended"):
            self.timeline.add(self.who, "GIVES UP", why)
            self.client.spawn(self.hangup("timeout" if self.initiated else "cancel", why))

    # proposal

    def _jmi(self, name, to, reason=None, hint=False):
        child = element(JMI, name, id_=self.sid)
        if name == "propose":
            element(RTP, "description", child, media="audio")
        if reason:
            jinglexml.reason_element(reason, parent=child)
        extra = [element(HINTS, "store")] if hint or name in ("propose", "finish") else []
        identity = {"propose": self.propose_id, "proceed": f"jm-proceed-{self.sid}"}.get(name)
        self.client.message(to, child, *extra, id_=identity)

    def propose(self):
        """Ask the peer's devices whether one of them takes the call."""
        self._jmi("propose", self.peer)
        self._arm(self.profile.discovery_s, "no ringing and no proceed")

    def ring(self):
        """Tell the caller that this device rings."""
        self._jmi("ringing", self.peer)

    def proceed(self):
        """Say that this device takes the call."""
        self._jmi("proceed", self.peer)

    async def accept(self):
        """Take the call: proceed, or (direct) session-accept. Returns when it has been sent."""
        if self.direct:
            await self._accept()
            return
        self._accepting = True
        if self.profile.accept_to_self:
            self._jmi("accept", self.client.boundjid.bare)
        self.proceed()
        self._arm(self.profile.connect_s, "no connection after proceed")

    async def reject(self, reason="busy"):
        """Do not take the call."""
        if self.direct:
            await self.hangup("decline")
            return
        self._jmi("reject", self.client.boundjid.bare, reason)
        self._jmi("reject", self.peer, reason)
        self._finish("we rejected")

    def taken_elsewhere(self, how):
        """Another device of this account has answered or refused."""
        if self.incoming and not self._accepting:
            self._finish(f"another device: {how}")

    def bounced(self, message):
        """The propose came back."""
        self._finish("bounced: " + "/".join(local(c.tag) for e in message if local(e.tag) == "error" for c in e))

    def on_jmi(self, name, child, sender):
        """A message of the peer about this call."""
        reason, text = jinglexml.reason_of(child)
        detail = f"{reason or ''} {text or ''}".strip()
        if name == "ringing":
            self.milestones.reach("ringing", sender)
            if not self.passed("proceed"):
                self._arm(self.profile.ringing_s, "rang too long")
        elif name == "proceed" and not self.incoming and not self.passed("proceed"):
            self.peer = sender
            self.milestones.reach("proceed", sender)
            self._arm(self.profile.connect_s, "no connection after proceed")
            self.client.spawn(self.initiate(), self._failed)
        elif name in ("reject", "retract") and not self.initiated:
            self._finish(f"{name} {detail}".strip())
        elif name == "finish":
            self.milestones.reach("finish", detail)
            if self.profile.ends_on_finish:
                self._finish(f"finish {detail}".strip())

    # session

    def _iq(self, action, *contents, group=False, children=(), **attributes):
        jingle = jinglexml.jingle_element(action, self.sid, contents, group, **attributes)
        jingle.extend(children)
        return self.client.spawn(self._send_iq(action, jingle), self._failed)

    async def _send_iq(self, action, jingle):
        answer = await self.client.request(jingle, self.peer)
        if answer.get("type") != "error":
            return
        names = "/".join(local(e.tag) for box in answer if local(box.tag) == "error" for e in box)
        if action != "session-terminate":
            self.abandoned |= action == "session-initiate"
            raise ConnectionError(f"{action} answered with error {names}")
        # one that crosses the peer's own may be too late
        self.client.strict.need(self.terminated or self.abandoned, f"{action} answered with error {names}")

    async def _open(self, controlling):
        """Make the transport and gather; fills in our content."""
        profile, turn, stun = self.profile, None, None
        if profile.turn or profile.stun:
            for service in await self.client.services():
                where = (service["host"], int(service.get("port") or RELAY_PORT))
                if service["type"] == "turn" and profile.turn:
                    turn = (where, service["username"], service["password"])
                if service["type"] == "stun" and profile.stun:
                    stun = where
        self.transport = webrtc.Transport(
            self.client.node, controlling, self.milestones, self.audio.received, components=profile.components,
            addresses=profile.addresses, ipv4=profile.ipv4, ipv6=profile.ipv6, turn=turn, stun=stun,
            relay_only=profile.relay_only, profiles=profile.srtp)
        candidates = await self.transport.gather()
        agent = self.transport.agent
        self.local.ufrag, self.local.pwd = agent.local_username, agent.local_password
        self.local.candidates = profile.filter_candidates(candidates)
        self.local.fingerprint = webrtc.wrong_fingerprint() if profile.wrong_fingerprint else webrtc.certificate()[2]

    def _contents(self):
        """Our content element, with or without candidates."""
        content = self.local
        if self.profile.trickle:
            content = dataclasses.replace(content, candidates=[])
        return jinglexml.content_element(content)

    def _trickle(self):
        """Our candidates in transport-info, one each."""
        if self.profile.trickle:
            for number, candidate in enumerate(self.local.candidates):
                self._send_candidate(self.local, candidate, number)

    def _send_candidate(self, content, candidate, number):
        one = dataclasses.replace(content, candidates=[candidate])
        xml = jinglexml.content_element(one, description=False)
        for found in xml.iter(f"{{{jinglexml.ICE}}}candidate"):
            found.set("foundation", str(number + 1))
        self._iq("transport-info", xml)

    async def initiate(self):
        """Send session-initiate."""
        if self.profile.disco_first:
            _, features = await self.client.disco(self.peer)
            missing = {jinglexml.JINGLE, jinglexml.ICE} - set(features)
            if missing:
                raise ConnectionError(f"{self.peer} does not announce {missing}")
        await self._offer()
        if self.passed("ended"):
            return
        self.initiated = True
        group = self.profile.group
        self._iq("session-initiate", self._contents(), group=group, initiator=self.client.boundjid.full)
        self._trickle()

    async def _offer(self):
        """Make our media and our content of an offer."""
        self.local = Content(payloads=list(self.profile.payloads), setup="actpass", encryption=self.profile.encryption)
        await self._open(controlling=True)

    async def _answer(self):
        """Make our media and our content of an answer to the offer that has come; False if no codec is common."""
        wanted = {(p.name.lower(), p.clock) for p in self.profile.payloads}
        payloads = [p for p in self.remote.payloads if (p.name.lower(), p.clock) in wanted]
        if self.profile.one_payload:
            payloads = payloads[:1]
        if not any(p.name != "telephone-event" for p in payloads):
            return False
        self.local = Content(self.remote.name, payloads=payloads, setup=self.profile.setup, rtcp_mux=self.remote.rtcp_mux)
        await self._open(controlling=False)
        return True

    async def _accept(self):
        """Send session-accept to the offer that has come."""
        if not await self._answer():
            await self.hangup("unsupported-applications")
            return
        if self.passed("ended"):
            return
        self.accepted = True
        self._iq("session-accept", self._contents(), group=self._offer_grouped, responder=self.client.boundjid.full)
        self._trickle()
        self.milestones.reach("accepted", "sent")
        self.client.spawn(self._connect(self.local.setup == "active"), self._failed)

    _offer_grouped = False

    async def _connect(self, dtls_client):
        transport, remote, self._connecting = self.transport, self.remote, True
        transport.remote_fingerprint, transport.dtls_client = remote.fingerprint, dtls_client
        transport.set_remote(remote.ufrag, remote.pwd)
        if self.profile.components > 1 and remote.rtcp_mux:
            transport.agent.use_one_component()
        for candidate in [*remote.candidates, *self.early_candidates]:
            await transport.add_candidate(candidate)
        self._configure_audio()
        await transport.connect(self.profile.connect_s)
        self._arm(None, "")
        if self.auto_audio and self.audio.codec_name:
            self.audio.start()

    def _configure_audio(self):
        """Choose what to send: the first codec of the peer's list that we have, with an event of its clock."""
        for payload in self.remote.payloads:
            try:
                codec.create(payload.name)
            except KeyError:
                continue
            events = [p for p in self.remote.payloads if p.name == "telephone-event"]
            same = [p for p in events if p.clock == payload.clock] or events
            own = self.local.payloads if self.initiator else self.remote.payloads
            event = (same[0].pt, same[0].clock) if same else (None, 8000)
            self.audio.configure(payload.name, payload.pt, *event, rx_pts={p.pt: p.name for p in own})
            return

    def _failed(self, error):
        """Something of ours went wrong: say so to the peer and end."""
        if not self.passed("ended"):
            reason = "security-error" if "fingerprint" in str(error) else "connectivity-error"
            self.client.spawn(self.hangup(reason, f"client error: {error}"))

    # what the peer's Jingle says

    def on_jingle(self, iq, jingle):
        """An iq of the peer about this session."""
        action = jingle.get("action")
        if action != "session-terminate" or self.profile.acknowledges_terminate:
            self.client.answer(iq)
        handler = getattr(self, "_on_" + action.replace("-", "_"), None)
        if iq.get("from") != self.peer:
            self.client.strict.violations.append(f"{action} from {iq.get('from')}, the session is with {self.peer}")
        if handler:
            handler(iq, jingle)
        else:
            self.timeline.add(self.who, "does not know", action)

    def _on_session_initiate(self, iq, jingle):
        self.peer, self.initiated = iq.get("from"), True
        self._offer_grouped = jingle.find(f"{{{jinglexml.GROUPING}}}group") is not None
        self.client.strict.need(self._offer_grouped, "session-initiate without a BUNDLE group (Movim)")
        self.remote = self._parse_content(jingle, answer=False)
        self.client.strict.need(self.remote.rtcp_mux, "session-initiate without rtcp-mux")
        self.client.strict.need(self.remote.candidates or not self.client.of_gateway, "session-initiate without candidates")
        self.milestones.reach("initiate", f"{[p.name for p in self.remote.payloads]}")
        if self._accepting:
            self.client.spawn(self._accept(), self._failed)

    def _parse_content(self, jingle, answer):
        contents = jingle.findall(f"{{{JINGLE}}}content")
        self.client.strict.need(len(contents) == 1, f"{len(contents)} contents")
        return self.client.strict.content(contents[0], answer)

    def _on_session_accept(self, _iq, jingle):
        if self.accepted or self.incoming:
            self.client.strict.violations.append("session-accept out of order")
            return
        self.accepted = True
        strict = self.client.strict
        self.remote = self._parse_content(jingle, answer=True)
        strict.need(self.remote.candidates or not self.client.of_gateway, "session-accept without candidates")
        strict.need(self.remote.name == self.local.name, f"content name {self.remote.name!r} instead of {self.local.name!r}")
        grouped = jingle.find(f"{{{jinglexml.GROUPING}}}group") is not None
        strict.need(grouped == self.profile.group, "the BUNDLE group was not answered as it was offered")
        offered = {p.pt: p.name.lower() for p in self.local.payloads}
        for payload in self.remote.payloads:
            strict.need(offered.get(payload.pt) == payload.name.lower(), f"payload type {payload.pt} {payload.name} was not offered")
        for extension in self.remote.extensions:
            strict.need(extension in self.local.extensions, f"RTP header extension {extension} was not offered")
        self.milestones.reach("accepted", f"{[p.name for p in self.remote.payloads]}")
        self.client.spawn(self._connect(self.remote.setup == "passive"), self._failed)

    def _on_session_terminate(self, _iq, jingle):
        reason, text = jinglexml.reason_of(jingle)
        self.terminated = True
        self.client.strict.need(reason, "session-terminate without a reason")
        self._finish(f"terminate {reason} {text or ''}".strip())

    def _on_session_info(self, _iq, jingle):
        for child in jingle:
            self.infos.append(local(child.tag))

    def _on_transport_info(self, _iq, jingle):
        content = jingle.find(f"{{{JINGLE}}}content")
        transport = content.find(f"{{{jinglexml.ICE}}}transport")
        read = Content()
        self.client.strict.transport(transport, read, fingerprint=False)
        self.client.strict.need(len(read.candidates) <= 1 or self._restart or (self.remote and read.ufrag != self.remote.ufrag),
                                "more than one candidate in a transport-info")
        if self.remote and read.ufrag == self.remote.ufrag and not self._connecting:
            self.early_candidates += read.candidates
        elif self.remote and read.ufrag == self.remote.ufrag:
            self.remote.candidates = self.remote.candidates + read.candidates
            self.client.spawn(self._add(read.candidates), self._failed)
        elif self._restart and not self._restart.done():
            self._take_credentials(read)
            self._restart.set_result(read)
        elif self.remote and self.accepted:
            self.client.strict.need(not read.candidates, "a restart with candidates: Conversations takes it for an answer")
            self._take_credentials(read)
            self.client.spawn(self._answer_restart(self.transport.prepare_restart(), read), self._failed)
        elif self.profile.drops_early_candidates:
            self.client.strict.violations.append(f"candidates before session-accept: {self.profile.name} loses them")
        else:
            self.early_candidates += read.candidates

    def _take_credentials(self, theirs):
        self.remote.ufrag, self.remote.pwd, self.remote.candidates = theirs.ufrag, theirs.pwd, theirs.candidates

    async def _add(self, candidates):
        for candidate in candidates:
            await self.transport.add_candidate(candidate, self.transport.next_agent)

    # in the call

    def session_info(self, payload, namespace=RTP_INFO, /, **attributes):
        """Send session-info with one payload."""
        return self._iq("session-info", children=[element(namespace, payload, **attributes)])

    def hold(self):
        """Put the peer on hold."""
        self.session_info("hold")
        self.audio.stop()

    def resume(self):
        """Take the peer back."""
        self.session_info("unhold")
        self.audio.start()

    def mute(self, on=True):
        """Send silence (nothing), and say so."""
        self.audio.muted = on
        self.session_info("mute" if on else "unmute", creator="initiator", name=self.local.name)

    def info_digit(self, digit):
        """One digit by XEP-0181 instead of RTP."""
        return self.session_info("dtmf", DTMF, code=digit, duration=160)

    async def restart_ice(self, addresses=None, timeout=ANSWER_S):
        """Restart ICE as Conversations does: new credentials without candidates, then one candidate each."""
        if addresses:
            self.transport.addresses = addresses
        agent = self.transport.prepare_restart()
        candidates = self.profile.filter_candidates(await self.transport.gather(agent))
        fresh = dataclasses.replace(self.local, ufrag=agent.local_username, pwd=agent.local_password, candidates=[])
        self._restart = asyncio.get_running_loop().create_future()
        self.timeline.add(self.who, "restarts ICE", fresh.ufrag)
        self._iq("transport-info", jinglexml.content_element(fresh, description=False))
        try:
            answer = await asyncio.wait_for(self._restart, timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.who}: no answer to the ICE restart within {timeout} s") from None
        await self._follow_restart(agent, answer, fresh, candidates)

    async def _answer_restart(self, agent, offer):
        """The peer restarts ICE."""
        candidates = self.profile.filter_candidates(await self.transport.gather(agent))
        fresh = dataclasses.replace(self.local, ufrag=agent.local_username, pwd=agent.local_password, candidates=[])
        await self._follow_restart(agent, offer, fresh, candidates)

    async def _follow_restart(self, agent, theirs, ours, candidates):
        self.local, self._restart = ours, None
        self.transport.set_remote(theirs.ufrag, theirs.pwd, agent)
        agent.use_one_component()
        for candidate in theirs.candidates:
            await self.transport.add_candidate(candidate, agent)
        for number, candidate in enumerate(candidates):
            self._send_candidate(ours, candidate, number)
        await self.transport.connect_restart(self.profile.connect_s)
        self.milestones.reach("restarted", self.transport.agent.selected())

    def _transmit(self, packet):
        if self.transport:
            self.transport.send_rtp(packet)

    def _transmit_rtcp(self, packet):
        if self.transport:
            self.transport.send_rtcp(packet)

    # the end

    async def hangup(self, reason=None, why="we hung up"):
        """End the call the way its state asks for: retract, reject or session-terminate."""
        if self.passed("ended"):
            return
        if self.initiated:
            reason = reason or ("success" if self.accepted else "cancel")
            jingle = jinglexml.jingle_element("session-terminate", self.sid)
            jingle.append(jinglexml.reason_element(reason))
            self.client.spawn(self._send_iq("session-terminate", jingle))
            if not self.direct:
                self._jmi("finish", self.peer, reason)
        elif self.incoming:
            self._jmi("reject", self.peer, reason or "decline")
        else:
            self._jmi("retract", self.peer, "cancel")
        self._finish(why)

    def _finish(self, why):
        self._arm(None, "")
        self.audio.stop()
        self.milestones.reach("ended", why)
        if self.transport:
            self.client.spawn(self.transport.close())

    async def drop(self):
        """Vanish without a word, as a device that loses its power."""
        self._arm(None, "")
        self.audio.stop()
        if self.transport:
            await self.transport.close()
