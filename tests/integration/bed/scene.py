# SPDX-License-Identifier: AGPL-3.0-or-later
"""The usual stage of a test: one network, one XMPP server, one Tandem, one carrier, and clients that come and go.

    srv 10.77.0.5     XMPP server          c1 10.77.0.11, fd77::11   clients
    gw  10.77.0.1     Tandem               c2 10.77.0.12, fd77::12   clients
    pstn 10.77.0.2    carrier, SIP/UDP     turn 10.77.0.6            coturn, where asked for
         10.77.0.3    a PBX, SIP/TCP       home 192.168.77.2         clients behind NAT (10.77.0.30), where asked for

All are on one bridge 10.77.0.0/24 and fd77::/64. A Bed lives as long as a test module; a Scene is what one test adds.
"""

import asyncio
import itertools
import random

from . import coturn, cut, jingle, media, net, phone, profiles, prosody, sipcall, tandem, timeline

DOMAIN = "tel.example.org"
GATEWAY, CARRIER, PBX, SERVER, TURN = "10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.5", "10.77.0.6"
SECRET = "s3cret"
CUT_PORT = 5348
NUMBERED_USERS = 60
NAMED = {"alice": "+15557654321", "bob": "+15557654322", "dave": "+15557654323", "erin": "+15557654324",
         "frank": "+15557654325"}


def own_number(user):
    """The number that @user owns; carol owns none."""
    return NAMED.get(user) or f"+155576600{user[1:]}"


class Bed:
    """What the tests of a module share.

    @sections, @trunks and @numbers add to Tandem's configuration; dave's number is on the trunk "pbx" (TCP), all others on
    "carrier". With @credentials (user, password) the carrier wants a registration and proof of every INVITE. @browser is the
    class of a browser in c1."""

    server_address, gateway_address = SERVER, GATEWAY
    tandem_class = tandem.Tandem

    def __init__(self, server=prosody.Prosody, *, turn=False, nat=False, cuttable=False, program=True, sections=None,
                 trunks=None, numbers=None, credentials=None, browser=None):
        self.server_class, self.with_turn, self.with_nat = server, turn, nat
        self.cuttable, self.program, self.browser_class = cuttable, program, browser
        self.sections, self.trunks, self.numbers = sections or {}, trunks or {}, numbers or {}
        self.credentials = credentials
        self.users = itertools.cycle(f"u{n:02d}" for n in range(NUMBERED_USERS))
        self.browser = self.turn = self.cut = self.tandem = self.carrier = self.pbx = self.server = self.network = self.home = None

    async def start(self):
        """Build everything; returns self. What was built is removed again if a part fails."""
        try:
            await self._start()
        except BaseException:
            await self.stop(check=False)
            raise
        return self

    async def _start(self):
        self.network = net.Network()
        self.srv = self.network.node("srv", f"{SERVER}/24", "fd77::5/64")
        self.gw = self.network.node("gw", f"{GATEWAY}/24", "fd77::1/64")
        self.pstn = self.network.node("pstn", f"{CARRIER}/24", "10.77.0.3/24", "fd77::2/64")
        self.c1 = self.network.node("c1", "10.77.0.11/24", "fd77::11/64")
        self.c2 = self.network.node("c2", "10.77.0.12/24", "fd77::12/64")
        if self.with_nat:
            self._make_home()
        if self.with_turn:
            self.turn = await coturn.Coturn(self.network.node("turn", f"{TURN}/24"), TURN).start()
        self.server = await self.server_class(self.srv, SERVER, {DOMAIN: SECRET, "tel2.example.org": SECRET}, self.turn).start()
        self.carrier = await phone.Phone(self.pstn, CARRIER, name="carrier", credentials=self.credentials).start()
        self.pbx = await phone.Phone(self.pstn, PBX, name="pbx").start()
        if self.cuttable:
            self.cut = await cut.Cut(self.gw, (GATEWAY, CUT_PORT), (SERVER, 5347)).start()
        if self.browser_class:
            self.browser = self.browser_class(self.c1)
            await self.browser.start()
        if self.program:
            self.tandem = self.make_tandem()
            await self.tandem.start()

    def _make_home(self):
        """A router with NAT on the bridge, and a node behind it that nobody can reach first."""
        router, self.home = self.network.node("nat", "10.77.0.30/24"), self.network.node("home")
        self.network.link(router, "192.168.77.1/24", self.home, "192.168.77.2/24")
        self.home.ip("route add default via 192.168.77.1")
        router.masquerade("192.168.77.0/24")

    def make_tandem(self):
        """The Tandem of this bed, not started."""
        users = [*NAMED, *(f"u{n:02d}" for n in range(NUMBERED_USERS))]
        username, password = self.credentials or ("", "")
        carrier = {"proxy": f"sip:{CARRIER}:5060", "username": username, "password": password, "realm": "",
                   "register": bool(self.credentials), "allow": [f"{CARRIER}/32", "fd77::2/128"]}
        pbx = {"proxy": f"sip:{PBX}:5060;transport=tcp", "allow": [f"{PBX}/32"]}
        numbers = {own_number(user): {"owner": f"{user}@example.org", "trunk": "pbx" if user == "dave" else "carrier"}
                   for user in users}
        return self.tandem_class(
            self.gw, GATEWAY, domain=DOMAIN, secret=SECRET,
            xmpp=(GATEWAY, CUT_PORT) if self.cuttable else (SERVER, 5347), sections=self.sections,
            trunks={"carrier": carrier, "pbx": pbx, **self.trunks}, numbers={**numbers, **self.numbers})

    async def stop(self, check=True):
        """Remove everything; Tandem has to end cleanly."""
        try:
            if self.tandem:
                if check:
                    await self.tandem.stop()
                elif self.tandem.process:
                    await self.tandem.process.stop()
                    self.tandem.process.remove()
        finally:
            self.tandem = None
            for telephone in (self.carrier, self.pbx):
                if telephone:
                    telephone.close()
            for part in (self.cut and self.cut.close(), self.server and self.server.stop(), self.turn and self.turn.stop(),
                         self.browser and self.browser.stop()):
                if part:
                    await part
            if self.network:
                self.network.close()


class Scene:
    """What one test adds to a Bed: clients and calls, ended and checked at its end."""

    def __init__(self, bed):
        self.bed, self.timeline = bed, timeline.begin()
        self.clients, self.figures, self.closed = [], [], False
        self.deaths_before = len(bed.tandem.deaths) if bed.tandem else 0

    async def client(self, user=None, profile=profiles.PLAIN, node=None, resource="phone", of_gateway=True,
                     kind=jingle.Client):
        """A logged-in device of @user (by default of an account that no other test uses now), a @kind of jingle.Client."""
        client = kind(node or self.bed.c1, self.bed.server_address, user or next(self.bed.users), resource, profile, of_gateway)
        client.user = client.boundjid.user
        self.clients.append(client)
        return await client.start()

    def number(self):
        """A number that nobody else dials."""
        return "+1555" + "".join(random.choices("0123456789", k=7))

    def jid(self, number):
        """The JID of a number."""
        return f"{number}@{DOMAIN}"

    async def propose(self, profile=profiles.PLAIN, client=None, carrier=None, **options):
        """A client calls a number of the carrier's. Returns (client's call, carrier's call) with the INVITE there."""
        client = client or await self.client(profile=profile, **options)
        number = self.number()
        plan = (carrier or self.bed.carrier).expect(number)
        call = await client.call(self.jid(number))
        return call, await plan.call()

    async def call_out(self, profile=profiles.PLAIN, codecs=None, **options):
        """An answered call out: (client's call, carrier's call), media up on both sides."""
        mine, theirs = await self.propose(profile, **options)
        await theirs.ring()
        await theirs.answer(codecs)
        await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
        return mine, theirs

    async def dial(self, number, carrier=None, transport="udp", gateway=None, **options):
        """The carrier calls @number through Tandem; returns its call."""
        gateway = gateway or self.bed.gateway_address
        return await (carrier or self.bed.carrier).dial(f"sip:{number}@{gateway}:5060", (transport, gateway, 5060), **options)

    async def call_in(self, profile=profiles.PLAIN, client=None, ring=True, codecs=sipcall.USUAL, **options):
        """An answered call in: (client's call, carrier's call), media up on both sides."""
        client = client or await self.client(profile=profile, **options)
        theirs = await self.dial(own_number(client.user), codecs=codecs)
        mine = await client.incoming()
        if ring and profile.rings:
            mine.ring()
            await theirs.wait("ringing")
        await mine.accept()
        await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
        return mine, theirs

    def figure(self, what, value):
        """Note a measurement; the run prints them all at its end."""
        self.timeline.add("measured", what, value)
        self.figures.append((what, value))

    async def alive(self, client=None):
        """Assert that Tandem still serves: a call to its echo is answered and heard."""
        client = client or await self.client()
        call = await client.call(f"echo@{DOMAIN}")
        await call.wait("media")
        await media.listen((call.audio, call.audio), seconds=1.0)
        await call.hangup()

    async def heard(self, mine, theirs, **options):
        """Judge the audio both ways, as media.listen() does."""
        return await media.listen((mine.audio, theirs.audio), (theirs.audio, mine.audio), **options)

    async def close(self):
        """End what the test has left open; doing so twice does no harm."""
        if self.closed:
            return
        self.closed = True
        for client in self.clients:
            for call in list(client.calls.values()):
                if not call.passed("ended") and client.is_connected():
                    call.abandoned = True
                    await call.hangup()
        for telephone in filter(None, (self.bed.carrier, self.bed.pbx)):
            for call in telephone.calls:
                if call.timeline is self.timeline and not call.passed("ended"):
                    call.finish("end of the test")
        for client in self.clients:
            await client.close()

    def deaths(self):
        """How Tandem ended during this test, if it did."""
        if not self.bed.tandem or not self.bed.tandem.process:
            return []
        last = self.bed.tandem.complaint()
        return self.bed.tandem.deaths[self.deaths_before:] + ([last] if last else [])

    def check(self):
        """Assert that no client has seen what would have offended a real one, and that Tandem lives."""
        if self.bed.tandem:
            self.bed.tandem.check()
        found = [f"{client.who}: {text}" for client in self.clients for text in client.strict.violations]
        assert not found, "what real clients would not take:\n" + "\n".join(found)
