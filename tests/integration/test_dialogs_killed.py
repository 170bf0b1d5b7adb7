# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dialogs of a process that was killed, over UDP, TCP and TLS, IPv4 and IPv6, in both roles: what other software got wrong
after a restart (FreeSWITCH's issues, by number) is asked of every one of them.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier 10.77.0.2 UDP, PBX 10.77.0.3 TCP
                                                --  "safe" 10.77.0.7 TLS, "safe6" [fd77::7] TLS
                                                --  "udp6" [fd77::8] UDP, "tcp6" [fd77::9] TCP
"""

import asyncio

import pytest

from bed import database, media, phone, proc, profiles, sipmsg
from bed.scene import CARRIER, GATEWAY, PBX, own_number
from test_tls import GATEWAY6, SAFE, SAFE6, Stage as Encrypted

UDP6, TCP6 = "fd77::8", "fd77::9"


class Stage(Encrypted):
    """And two telephones without encryption, over IPv6."""

    async def _start(self):
        self.udp6 = self.tcp6 = None
        await super()._start()
        for address in (UDP6, TCP6):
            self.pstn.add_address(f"{address}/64")
        self.udp6 = await phone.Phone(self.pstn, UDP6, name="udp6").start()
        self.tcp6 = await phone.Phone(self.pstn, TCP6, name="tcp6").start()

    def make_tandem(self):
        self.sections["sip"]["listen"] += [f"udp:[{GATEWAY6}]:5060", f"tcp:[{GATEWAY6}]:5060"]
        return super().make_tandem()

    async def stop(self, check=True):
        for telephone in (self.udp6, self.tcp6):
            if telephone:
                telephone.close()
        await super().stop(check)


pytestmark = [pytest.mark.bed_options(
    stage=Stage, sections={"media": {"address": "0.0.0.0"}, "limits": {"calls_per_account": 100}},
    trunks={"safe": {"proxy": f"sips:{SAFE}", "allow": [f"{SAFE}/32"]},
            "safe6": {"proxy": f"sips:[{SAFE6}]", "allow": [f"{SAFE6}/128"]},
            "udp6": {"proxy": f"sip:[{UDP6}]", "allow": [f"{UDP6}/128"]},
            "tcp6": {"proxy": f"sip:[{TCP6}];transport=tcp", "allow": [f"{TCP6}/128"]}},
    numbers={own_number("alice"): {"owner": "alice@example.org", "trunk": "safe"},
             own_number("erin"): {"owner": "erin@example.org", "trunk": "safe6"},
             own_number("frank"): {"owner": "frank@example.org", "trunk": "udp6"},
             own_number("u50"): {"owner": "u50@example.org", "trunk": "tcp6"}}), pytest.mark.alone]

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)


class Way:
    """How a user's trunk is reached: its transport, our address towards it and its own."""

    def __init__(self, user, phone, transport, ours, theirs):
        self.user, self.phone, self.transport, self.ours, self.theirs = user, phone, transport, ours, theirs
        self.port = 5061 if transport == "tls" else 5060

    def routes(self):
        """Two proxies, both of which are the telephone itself: in the order of Record-Route (the last hop first)."""
        suffix = {"udp": "", "tcp": ";transport=tcp", "tls": ";transport=tls"}[self.transport]
        host = sipmsg.bracket(self.theirs)
        return [f"<sip:{name}@{host}:{self.port}{suffix};lr>" for name in ("last", "first")]


WAYS = [Way("bob", "carrier", "udp", GATEWAY, CARRIER), Way("dave", "pbx", "tcp", GATEWAY, PBX),
        Way("alice", "safe", "tls", GATEWAY, SAFE), Way("erin", "safe6", "tls", GATEWAY6, SAFE6),
        Way("frank", "udp6", "udp", GATEWAY6, UDP6), Way("u50", "tcp6", "tcp", GATEWAY6, TCP6)]


class Talk:
    """One call of a way, in one of the roles."""

    def __init__(self, way, outbound):
        self.way, self.outbound, self.mine, self.theirs, self.routes = way, outbound, None, None, []

    @property
    def name(self):
        """For what is said of it."""
        return f"{self.way.transport} {self.way.theirs} {'out' if self.outbound else 'in'}"

    async def begin(self, scene, client):
        """Up, through two proxies."""
        phone, headers = getattr(scene.bed, self.way.phone), [("Record-Route", route) for route in self.way.routes()]
        if self.outbound:
            self.mine, self.theirs = await scene.propose(client=client, carrier=phone)
            await self.theirs.answer(headers=headers)
            self.routes = list(reversed(self.way.routes()))  # RFC 3261 12.1.2
        else:
            gateway = sipmsg.bracket(self.way.ours)
            self.theirs = await phone.dial(f"sip:{own_number(self.way.user)}@{gateway}:{self.way.port}",
                                           (self.way.transport, self.way.ours, self.way.port), headers=headers)
            self.mine = await client.incoming()
            await self.mine.accept()
            await self.theirs.wait("answered")
            self.routes = self.way.routes()  # RFC 3261 12.1.1
        await self.mine.wait("media")

    async def reach(self):
        """The telephone's connections to the process that died are gone: its requests take a new one."""
        self.theirs.peer = await self.theirs.phone.wire.reach(self.way.transport, self.way.ours, self.way.port)

    async def request(self):
        """The re-INVITE that holding makes, and the one that takes the call back."""
        seen = len(self.theirs.requests)
        self.mine.hold()
        await self.theirs.told("sendonly", "inactive")
        self.mine.resume()
        await self.theirs.told("sendrecv")
        return [request for request in self.theirs.requests[seen:] if request.method == "INVITE"]


async def all_talking(scene):
    """Every way in both roles, in the table."""
    for way in WAYS:  # who calls is known by its address
        getattr(scene.bed, way.phone).wire.local = (way.theirs, 0)
    talks = [Talk(way, outbound) for way in WAYS for outbound in (True, False)]
    clients = {way.user: await scene.client(way.user, profile=PROFILE) for way in WAYS}
    for talk in talks:
        await talk.begin(scene, clients[talk.way.user])
    await database.kept(scene.bed.tandem, 2 * len(talks))
    return talks


def check_request(talk, request, highest):
    """What a request of ours says, dialog by dialog."""
    theirs = talk.theirs
    assert sipmsg.tag_of(request.get("From")) == theirs.remote_tag, "#2037: From and To are the other way round"
    assert sipmsg.tag_of(request.get("To")) == theirs.local_tag, "#1141: From and To are the other way round"
    assert request.cseq[0] > highest, f"#1833: CSeq {request.cseq[0]} after {highest}"
    assert request.all("Route") == talk.routes, f"#2443: the route is {request.all('Route')}"
    assert len(request.all("Via")) == 1 and not request.all("Record-Route"), "#2922: headers of before are sent again"
    assert request.get("Via").startswith(f"SIP/2.0/{talk.way.transport.upper()} {sipmsg.bracket(talk.way.ours)}"), \
        f"#1679: the transport is {request.get('Via')}"
    family = "IP6" if ":" in talk.way.ours else "IP4"
    assert f"c=IN {family} {talk.way.ours}" in request.body.decode(), "#2400: SDP is missing or of another family"
    assert sipmsg.bracket(talk.way.ours) in request.get("Contact"), "#253: the address is another"


def version(body):
    """(id, version) of the o= line."""
    words = next(line for line in body.decode().splitlines() if line.startswith("o=")).split()
    return words[1], int(words[2])


@pytest.mark.limit(120)
async def test_no_bug_of_others_is_ours_over_any_transport_in_either_role(scene):
    talks = await all_talking(scene)
    path = scene.bed.tandem.sections["db"]["path"]
    for talk in talks:
        assert (await talk.theirs.info_digit("1")).status == 200
    await proc.until(lambda: {row[0] for row in database.rows(path, "SELECT sip_remote_cseq FROM session WHERE sip_call_id <> ''")}
                     == {talk.theirs.cseq for talk in talks}, proc.SOON_S, "the peers' CSeq are in the table")
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await media.listen(*((t.mine.audio, t.theirs.audio) for t in talks), *((t.theirs.audio, t.mine.audio) for t in talks))
    for talk in talks:
        theirs = talk.theirs
        described = theirs.invite.body if talk.outbound else None
        highest = theirs.invite.cseq[0] if talk.outbound else 0
        requests = await talk.request()
        assert len(requests) >= 2, talk.name
        for request in requests:
            check_request(talk, request, highest)
            highest = request.cseq[0]
        if described:
            assert version(requests[0].body)[0] == version(described)[0] and version(requests[0].body)[1] > version(described)[1]
        await talk.reach()
        theirs.cseq -= 2
        assert (await theirs.info_digit("1")).status == 500, f"{talk.name}: CSeq of the peer's was forgotten"
        theirs.cseq += 1
        assert (await theirs.info_digit("1")).status == 200, talk.name
        assert (await theirs.reinvite("sendrecv")).status == 200, talk.name
    await asyncio.gather(*(talk.theirs.hangup() if talk.outbound else talk.mine.hangup() for talk in talks))
    for talk in talks:
        await asyncio.gather(talk.mine.ended(), talk.theirs.wait("ended"))
