# SPDX-License-Identifier: AGPL-3.0-or-later
"""The media transport of a WebRTC client: ICE by aioice, DTLS by OpenSSL, SRTP by libsrtp (RFC 8445, 5763, 5764).

Built from parts instead of on aiortc's RTCPeerConnection, because tests have to do what a browser refuses to: restart ICE
under the same DTLS association, lie about a fingerprint, offer unreachable candidates, send telephone events.
"""

import asyncio
import functools
import secrets

import aioice
import aioice.ice
import pylibsrtp
from OpenSSL import SSL, crypto

from . import certificate as certificates
from . import net

PROFILE_SHA1_80, PROFILE_GCM = b"SRTP_AES128_CM_SHA1_80", b"SRTP_AEAD_AES_128_GCM"
EXPORTER = b"EXTRACTOR-dtls_srtp"
DATAGRAM = 1400
EARLY_LIMIT = 8
CONNECT_S = 20.0


@functools.lru_cache(maxsize=1)
def certificate():
    """(key, certificate, fingerprint) of this run's clients."""
    key, signed = certificates.make("tandem test")
    cert = crypto.X509.from_cryptography(signed)
    return crypto.PKey.from_cryptography_key(key), cert, cert.digest("sha256").decode()


def wrong_fingerprint():
    """A well-formed fingerprint of no certificate."""
    return ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))


class IceAgent(aioice.Connection):
    """One ICE generation. Datagrams that are not STUN go to @on_data at once, nominated pair or not."""

    def __init__(self, on_data, **options):
        super().__init__(**options)
        self._on_data = on_data
        self.local_username = secrets.token_hex(4)
        self.local_password = secrets.token_hex(12)

    def data_received(self, data, component):
        if data is not None:
            self._on_data(data)

    async def get_component_candidates(self, component, addresses, timeout=1):
        return await super().get_component_candidates(component, addresses, timeout)

    async def gather_candidates(self):
        await super().gather_candidates()
        if self._transport_policy == aioice.TransportPolicy.RELAY:
            # aioice only hides its host candidates, and would still check from their sockets
            hidden = [p for p in self._protocols if p.local_candidate.type != "relay"]
            self._protocols = [p for p in self._protocols if p.local_candidate.type == "relay"]
            for protocol in hidden:
                await protocol.close()

    def use_one_component(self):
        """RTCP is muxed: the second component is needed no more."""
        self._components = {1}

    def selected(self):
        """The nominated pair of the first component, or None."""
        return self._nominated.get(1)

    def send_now(self, data):
        """Send on the nominated pair; False while there is none."""
        pair = self._nominated.get(1)
        if pair is None or pair.protocol.transport is None:
            return False
        try:
            pair.protocol.transport.sendto(data, pair.remote_addr)
        except (OSError, AttributeError):
            return False
        return True


class Dtls:
    """A DTLS association over datagrams: bytes in by feed(), bytes out by @transmit."""

    def __init__(self, client, transmit, profiles):
        key, cert, _ = certificate()
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *arguments: True)
        context.use_certificate(cert)
        context.use_privatekey(key)
        context.set_tlsext_use_srtp(profiles)
        self.ssl = SSL.Connection(context)
        self.ssl.set_ciphertext_mtu(DATAGRAM)
        if client:
            self.ssl.set_connect_state()
        else:
            self.ssl.set_accept_state()
        self.client, self.transmit = client, transmit
        self.done = asyncio.get_running_loop().create_future()

    def advance(self):
        """Go on with the handshake and send what it produced."""
        if not self.done.done():
            try:
                self.ssl.do_handshake()
                self.done.set_result(None)
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                self.done.set_exception(ConnectionError(f"DTLS: {error}"))
        self._flush()

    def _flush(self):
        try:
            while True:
                self.transmit(self.ssl.bio_read(DATAGRAM))
        except SSL.Error:
            return

    def feed(self, data):
        """Take one datagram; after the handshake only alerts and repetitions come. True when the peer has closed."""
        self.ssl.bio_write(data)
        if not self.done.done():
            self.advance()
            return False
        try:
            self.ssl.recv(2048)
        except SSL.ZeroReturnError:
            return True
        except SSL.Error:
            pass
        self._flush()
        return False

    async def handshake(self):
        """Run to the end, repeating lost flights by OpenSSL's own timer."""
        self.advance()
        while not self.done.done():
            seconds, micros = SSL._ffi.new("time_t *"), SSL._ffi.new("long *")
            pause = 0.05
            if SSL._lib.Cryptography_DTLSv1_get_timeout(self.ssl._ssl, seconds, micros):
                pause = seconds[0] + micros[0] / 1e6
            await asyncio.wait({self.done}, timeout=max(pause, 0.005))
            if not self.done.done():
                SSL._lib.DTLSv1_handle_timeout(self.ssl._ssl)
                self._flush()
        await self.done

    def peer_fingerprint(self):
        """The sha-256 fingerprint of the peer's certificate."""
        return self.ssl.get_peer_certificate().digest("sha256").decode()

    def profile(self):
        """The name of the SRTP profile agreed on."""
        chosen = SSL._lib.SSL_get_selected_srtp_profile(self.ssl._ssl)
        if chosen == SSL._ffi.NULL:
            raise ConnectionError("DTLS: no SRTP profile was agreed on")
        return SSL._ffi.string(chosen.name)

    def sessions(self):
        """(inbound, outbound) SRTP sessions from the exported keys (RFC 5764 section 4.2)."""
        gcm = self.profile() == PROFILE_GCM
        key, salt = 16, 12 if gcm else 14
        material = self.ssl.export_keying_material(EXPORTER, 2 * (key + salt), None)
        keys = [material[i * key:(i + 1) * key] + material[2 * key + i * salt:2 * key + (i + 1) * salt] for i in (0, 1)]
        local, remote = (0, 1) if self.client else (1, 0)
        policy = pylibsrtp.Policy
        profile = policy.SRTP_PROFILE_AEAD_AES_128_GCM if gcm else policy.SRTP_PROFILE_AES128_CM_SHA1_80

        def session(which, kind):
            return pylibsrtp.Session(policy(key=keys[which], ssrc_type=kind, srtp_profile=profile))

        return session(remote, policy.SSRC_ANY_INBOUND), session(local, policy.SSRC_ANY_OUTBOUND)


class Transport:
    """ICE, DTLS and SRTP of one session. Milestones ice, dtls and media are reached on @milestones."""

    def __init__(self, node, controlling, milestones, on_rtp, *, components=1, addresses=None, ipv4=True, ipv6=True,
                 turn=None, stun=None, relay_only=False, profiles=PROFILE_SHA1_80):
        self.node, self.controlling, self.milestones, self.on_rtp = node, controlling, milestones, on_rtp
        self.addresses = addresses
        self.profiles = profiles
        self.options = {"components": components, "use_ipv4": ipv4, "use_ipv6": ipv6, "stun_server": stun}
        if turn:
            server, username, password = turn
            self.options.update(turn_server=server, turn_username=username, turn_password=password)
        if relay_only:
            self.options["transport_policy"] = aioice.TransportPolicy.RELAY
        self.agent = self._agent()
        self.next_agent = None  # of an ICE restart under way
        self.dtls = self.inbound = self.outbound = None
        self.remote_fingerprint, self.dtls_client = None, None
        self.early = []
        self.up = self.closed = False
        self.rtp_in = self.rtp_out = self.rtp_bad = self.rtp_before_up = 0

    def _agent(self):
        return IceAgent(self._on_data, ice_controlling=self.controlling, **self.options)

    async def gather(self, agent=None):
        """Gather and return local candidates."""
        agent = agent or self.agent
        with self.node.inside(), net.only(self.addresses):
            await agent.gather_candidates()
        return agent.local_candidates

    def set_remote(self, ufrag, pwd, agent=None):
        """The peer's ICE credentials."""
        agent = agent or self.agent
        agent.remote_username, agent.remote_password = ufrag, pwd

    async def add_candidate(self, candidate, agent=None):
        """One more candidate of the peer."""
        await (agent or self.agent).add_remote_candidate(candidate)

    async def connect(self, timeout=CONNECT_S):
        """ICE, then DTLS, then SRTP; ConnectionError with the cause if any of them fails."""
        try:
            await asyncio.wait_for(self._connect(), timeout)
        except asyncio.TimeoutError:
            raise ConnectionError("DTLS timeout" if self.dtls else "ICE timeout") from None

    async def _connect(self):
        with self.node.inside():
            await self.agent.connect()
        self.milestones.reach("ice", self.agent.selected())
        self.dtls = Dtls(self.dtls_client, self._send, self.profiles)
        for data in self.early:
            self.dtls.feed(data)
        self.early = []
        await self.dtls.handshake()
        if self.dtls.peer_fingerprint().upper() != self.remote_fingerprint.upper():
            raise ConnectionError("the peer's certificate has another fingerprint than it signalled")
        self.milestones.reach("dtls", self.dtls.profile().decode())
        self.inbound, self.outbound = self.dtls.sessions()
        self.up = True
        self.milestones.reach("media")

    def prepare_restart(self):
        """Begin a new ICE generation; the old one carries media until connect_restart() has succeeded."""
        self.next_agent = self._agent()
        return self.next_agent

    async def connect_restart(self, timeout=CONNECT_S):
        """Connect the new generation and switch to it."""
        agent = self.next_agent
        with self.node.inside():
            await asyncio.wait_for(agent.connect(), timeout)
        old, self.agent, self.next_agent = self.agent, agent, None
        asyncio.ensure_future(old.close())

    def _send(self, data):
        self.agent.send_now(data)

    def send_rtp(self, packet):
        """Protect and send an RTP packet; dropped while there are no keys."""
        if self.up and not self.closed:
            self.rtp_out += 1
            self._send(self.outbound.protect(packet))

    def send_rtcp(self, packet):
        """Protect and send an RTCP packet."""
        if self.up and not self.closed:
            self._send(self.outbound.protect_rtcp(packet))

    def _on_data(self, data):
        if not data or self.closed:
            return
        if 20 <= data[0] < 64:
            self._on_dtls(data)
        elif 128 <= data[0] < 192:
            self._on_srtp(data)

    def _on_dtls(self, data):
        if self.dtls is None:
            self.early = [*self.early, data][-EARLY_LIMIT:]
        elif self.dtls.feed(data):
            self.milestones.timeline.add(self.milestones.who, "DTLS closed by the peer")

    def _on_srtp(self, data):
        if not self.up:
            self.rtp_before_up += 1
            return
        try:
            if 192 <= data[1] <= 223:
                plain = self.inbound.unprotect_rtcp(data)
            else:
                plain = self.inbound.unprotect(data)
                self.rtp_in += 1
        except pylibsrtp.Error:
            self.rtp_bad += 1
            return
        self.on_rtp(plain)

    async def close(self):
        """End everything."""
        if self.closed:
            return
        self.closed = True
        if self.dtls and self.dtls.done.done() and not self.dtls.done.exception():
            try:
                self.dtls.ssl.shutdown()
                self.dtls._flush()
            except SSL.Error:
                pass
        for agent in (self.agent, self.next_agent):
            if agent:
                await agent.close()
