# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dialogs of a process that was killed, over UDP, TCP and TLS, IPv4 and IPv6, in both roles: what other software got wrong
after a restart (FreeSWITCH's issues, by number) is a test of each of them. All twelve are up together and go through one death,
in the first test that asks for them; what came of each is read by all.

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
        self.talks = None  # those that went through the death, by name
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
             own_number("u50"): {"owner": "u50@example.org", "trunk": "tcp6"}}), pytest.mark.alone, pytest.mark.limit(120)]

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)


class Way:
    """How a user's trunk is reached: its transport, our address towards it and its own."""

    def __init__(self, user, phone, transport, ours, theirs):
        self.user, self.phone, self.transport, self.ours, self.theirs = user, phone, transport, ours, theirs
        self.port = 5061 if transport == "tls" else 5060
        self.family = 6 if ":" in ours else 4

    def routes(self):
        """Two proxies, both of which are the telephone itself: in the order of Record-Route (the last hop first)."""
        suffix = {"udp": "", "tcp": ";transport=tcp", "tls": ";transport=tls"}[self.transport]
        host = sipmsg.bracket(self.theirs)
        return [f"<sip:{name}@{host}:{self.port}{suffix};lr>" for name in ("last", "first")]


WAYS = [Way("bob", "carrier", "udp", GATEWAY, CARRIER), Way("dave", "pbx", "tcp", GATEWAY, PBX),
        Way("alice", "safe", "tls", GATEWAY, SAFE), Way("erin", "safe6", "tls", GATEWAY6, SAFE6),
        Way("frank", "udp6", "udp", GATEWAY6, UDP6), Way("u50", "tcp6", "tcp", GATEWAY6, TCP6)]


class Talk:
    """One call of a way, in one of the roles, and what came of it."""

    def __init__(self, way, outbound):
        self.way, self.outbound, self.mine, self.theirs, self.routes = way, outbound, None, None, []
        self.we_end = (WAYS.index(way) + outbound) % 2
        self.highest = 0  # of our CSeq, before
        self.described = None  # our first offer
        self.unasked, self.requests = [], []  # of ours since the new start: by themselves, and those that were asked for
        self.statuses = {}  # of the telephone's requests, by what they are
        self.failure = None

    @property
    def name(self):
        """For what is said of it."""
        return f"{self.way.transport}{self.way.family}-{'out' if self.outbound else 'in'}"

    async def begin(self, scene, client):
        """Up, through two proxies."""
        telephone, headers = getattr(scene.bed, self.way.phone), [("Record-Route", route) for route in self.way.routes()]
        if self.outbound:
            self.mine, self.theirs = await scene.propose(client=client, carrier=telephone)
            await self.theirs.answer(headers=headers)
            self.highest, self.described = self.theirs.invite.cseq[0], self.theirs.invite.body
            self.routes = list(reversed(self.way.routes()))  # RFC 3261 12.1.2
        else:
            gateway = sipmsg.bracket(self.way.ours)
            self.theirs = await telephone.dial(f"sip:{own_number(self.way.user)}@{gateway}:{self.way.port}",
                                               (self.way.transport, self.way.ours, self.way.port), headers=headers)
            self.mine = await client.incoming()
            await self.mine.accept()
            await self.theirs.wait("answered")
            self.routes = self.way.routes()  # RFC 3261 12.1.1
        await self.mine.wait("media")

    async def reach(self):
        """The telephone's connections to the process that died are gone: its requests take a new one."""
        self.theirs.peer = await self.theirs.phone.wire.reach(self.way.transport, self.way.ours, self.way.port)

    async def examine(self, before):
        """The client holds and takes back; then the telephone's requests, with a CSeq of before and with the next ones. It had
        had @before requests of ours when the process died."""
        theirs = self.theirs
        self.unasked = [request for request in theirs.requests[before:] if request.method != "ACK"]
        seen = len(theirs.requests)
        self.mine.hold()
        await theirs.told("sendonly", "inactive")
        self.mine.resume()
        await theirs.told("sendrecv")
        await self.reach()
        theirs.cseq -= 2
        self.statuses["repeated"] = (await theirs.info_digit("1")).status
        theirs.cseq += 1
        self.statuses["next"] = (await theirs.info_digit("1")).status
        self.statuses["offer"] = (await theirs.reinvite("sendrecv")).status
        if self.we_end:
            await self.mine.hangup()
        else:
            self.statuses["end"] = (await theirs.hangup()).status
        await asyncio.gather(self.mine.ended(), theirs.wait("ended"))
        self.requests = [request for request in theirs.requests[seen:] if request.method in ("INVITE", "BYE")]

    async def try_examine(self, before):
        """The others have their say though this one fails."""
        try:
            await self.examine(before)
        except AssertionError as error:
            self.failure = error


TALKS = [Talk(way, outbound) for way in WAYS for outbound in (True, False)]


async def all_talking(scene):
    """All up, and in the table."""
    for way in WAYS:  # who calls is known by its address
        getattr(scene.bed, way.phone).wire.local = (way.theirs, 0)
    clients = {way.user: await scene.client(way.user, profile=PROFILE) for way in WAYS}
    for talk in TALKS:
        await talk.begin(scene, clients[talk.way.user])
    await database.kept(scene.bed.tandem, 2 * len(TALKS))
    path = scene.bed.tandem.sections["db"]["path"]
    for talk in TALKS:
        assert (await talk.theirs.info_digit("1")).status == 200
    await proc.until(lambda: {row[0] for row in database.rows(path, "SELECT sip_remote_cseq FROM session WHERE sip_call_id <> ''")}
                     == {talk.theirs.cseq for talk in TALKS}, proc.SOON_S, "the peers' CSeq are in the table")


async def go_through(scene):
    """The death, and what comes of each."""
    await all_talking(scene)
    before = [len(talk.theirs.requests) for talk in TALKS]
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await media.listen(*((t.mine.audio, t.theirs.audio) for t in TALKS), *((t.theirs.audio, t.mine.audio) for t in TALKS))
    for talk, requests in zip(TALKS, before):
        await talk.try_examine(requests)


async def survived(scene, talk):
    """@talk, once all have gone through it."""
    if scene.bed.talks is None:
        scene.bed.talks = []  # who fails fails for all
        await go_through(scene)
        scene.bed.talks = TALKS
    assert talk in scene.bed.talks, "the calls did not come through"
    if talk.failure:
        raise talk.failure
    return talk


EACH = pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)


def version(request):
    """(id, version) of the o= line."""
    words = next(line for line in request.decode().splitlines() if line.startswith("o=")).split()
    return words[1], int(words[2])


def offers(talk):
    """Our descriptions since the new start."""
    return [request.body for request in talk.requests if request.method == "INVITE"]


@EACH
async def test_1833_cseq_goes_on_behind_that_of_before(scene, talk):
    await survived(scene, talk)
    highest = talk.highest
    for request in talk.requests:
        assert request.cseq[0] > highest, f"CSeq {request.cseq[0]} after {highest}"
        highest = request.cseq[0]


@EACH
async def test_2037_and_1141_from_and_to_are_not_exchanged(scene, talk):
    await survived(scene, talk)
    for request in talk.requests:
        assert sipmsg.tag_of(request.get("From")) == talk.theirs.remote_tag
        assert sipmsg.tag_of(request.get("To")) == talk.theirs.local_tag


@EACH
async def test_2443_the_route_is_not_the_other_way_round(scene, talk):
    await survived(scene, talk)
    assert all(request.all("Route") == talk.routes for request in talk.requests), [request.all("Route") for request in talk.requests]


@EACH
async def test_2922_and_2403_headers_of_before_are_not_sent_again(scene, talk):
    await survived(scene, talk)
    for request in talk.requests:
        assert len(request.all("Via")) == 1 and not request.all("Record-Route")


@EACH
async def test_1679_the_transport_is_that_of_before(scene, talk):
    await survived(scene, talk)
    due = f"SIP/2.0/{talk.way.transport.upper()} {sipmsg.bracket(talk.way.ours)}"
    assert all(request.get("Via").startswith(due) for request in talk.requests), [request.get("Via") for request in talk.requests]


@EACH
async def test_2400_the_description_is_there_and_of_its_family(scene, talk):
    await survived(scene, talk)
    assert len(offers(talk)) >= 2
    assert all(f"c=IN IP{talk.way.family} {talk.way.ours}" in body.decode() for body in offers(talk)), offers(talk)


@EACH
async def test_253_and_322_the_address_is_that_of_before(scene, talk):
    await survived(scene, talk)
    contacts = [request.get("Contact") for request in talk.requests if request.method == "INVITE"]
    assert all(sipmsg.bracket(talk.way.ours) in contact for contact in contacts), contacts


@EACH
async def test_nothing_is_said_that_nobody_asked_for(scene, talk):
    """Unlike FreeSWITCH, which offers anew: what stands has not changed."""
    await survived(scene, talk)
    assert not talk.unasked, [request.first_line() for request in talk.unasked]


@EACH
async def test_the_version_of_our_description_goes_on(scene, talk):
    """RFC 3264, 8."""
    await survived(scene, talk)
    versions = [version(body) for body in ([talk.described] if talk.described else []) + offers(talk)]
    assert len({session for session, _ in versions}) == 1
    assert [number for _, number in versions] == sorted({number for _, number in versions})


@EACH
async def test_the_telephones_cseq_is_not_forgotten(scene, talk):
    """RFC 3261, 12.2.2: one that is too low gets 500."""
    await survived(scene, talk)
    assert (talk.statuses["repeated"], talk.statuses["next"], talk.statuses["offer"]) == (500, 200, 200)


@EACH
async def test_either_side_ends_it(scene, talk):
    await survived(scene, talk)
    if talk.we_end:
        assert talk.requests[-1].method == "BYE"
    else:
        assert talk.statuses["end"] == 200
