# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts both ways while everything around them breaks, and a judge that reads both ends (ledger.py).

    accounts c1  --  XMPP server srv  --  Tandem gw  --  (Kamailio proxy)  --  carrier pstn, or SIPp

Every account writes to every number, and every number to every account. The carrier sends a MESSAGE that was not answered again,
as the same request, before the next of its conversation (RFC 3428, 4)."""

import asyncio
import collections
import datetime
import random
import time
from dataclasses import dataclass

from . import database, ejabberd, kamailio, ledger, prosody, sipmsg, sipptexts, writer
from .ledger import IN, OUT
from .scene import DOMAIN, GATEWAY, SERVER, Bed, own_number

PROXY = "10.77.0.4"
AGAIN_S = 0.3
STILL_S = 150.0  # nothing more comes within that: retries of a trunk that was silent take so long
NO_LIMIT = 100000
LOOK_S = 0.5


class ArchivingProsody(prosody.Prosody):
    """It keeps every message (XEP-0313)."""

    more_modules = ("mam",)


class ArchivingEjabberd(ejabberd.Ejabberd):
    """It keeps every message (XEP-0313)."""

    more_modules = "  mod_mam:\n    default: always\n"


SERVERS = {"prosody": ArchivingProsody, "ejabberd": ArchivingEjabberd}


@dataclass
class Plan:
    """How much of what."""

    texts: int = 10000  # each way
    accounts: int = 50
    numbers: int = 1
    rate: float = 60.0  # a second, each way
    kills: int = 20
    restarts: int = 5
    silence_s: float = 60.0
    seed: int = 0

    @property
    def length_s(self):
        """How long they are being written."""
        return self.texts / self.rate

    @property
    def of_each(self):
        """How many a second a conversation writes, each way."""
        return self.rate / (self.numbers * self.accounts)


class TextBed(Bed):
    """A Bed without limits for texts, with Kamailio before the carrier where @proxy says so, or SIPp in its place."""

    sipp_host = "10.77.0.6"

    def __init__(self, server=ArchivingProsody, *, proxy=False, with_sipp=False, log="debug", **options):
        limits = {"texts_per_minute": NO_LIMIT, "texts_in_per_minute": NO_LIMIT, **options.pop("sections", {}).get("limits", {})}
        super().__init__(server, sections={"limits": limits, "log": {"level": log}}, **options)
        self.with_proxy, self.proxy = proxy, None
        self.with_sipp, self.sipp_node = with_sipp, None

    def make_tandem(self):
        made = super().make_tandem()
        if self.with_proxy:
            node = self.network.node("proxy", f"{PROXY}/24")
            self.proxy = kamailio.Kamailio(node, PROXY, GATEWAY, "kamailio_texts.cfg", {"CARRIER": self.carrier.host})
            made.trunks["carrier"].update(proxy=f"sip:{PROXY}:5060", allow=[f"{PROXY}/32"])
        if self.with_sipp:
            self.sipp_node = self.network.node("sipp", f"{self.sipp_host}/24")
            made.trunks["carrier"].update(proxy=f"sip:{self.sipp_host}:5060", allow=[f"{self.sipp_host}/32"])
        return made

    async def stop(self, check=True):
        if self.proxy:
            await self.proxy.stop()
            self.proxy = None
        await super().stop(check)

    async def tandem_is_up(self, timeout=40.0):
        """Wait until the component's stream stands."""
        log = ""
        for _ in range(int(timeout / LOOK_S)):
            log = self.tandem.log
            if log.rfind(" state=up ") > log.rfind(" state=down "):
                return
            await asyncio.sleep(LOOK_S)
        raise AssertionError(f"Tandem is not connected again within {timeout} s\n{log[-2000:]}")

    async def nothing_waits(self, timeout=STILL_S):
        """Wait until the program has nothing to send any more; returns what is left."""
        path, left = self.tandem.sections["db"]["path"], None
        for _ in range(int(timeout / LOOK_S)):
            left = [database.rows(path, f"SELECT count(*) FROM {table}")[0][0] for table in ("text", "outbox WHERE taken_ms = 0", "again")]
            if not any(left):
                break
            await asyncio.sleep(LOOK_S)
        return left


class PhoneEnd:
    """The carrier of a Proof that is the bed's own."""

    def __init__(self, bed, plan, book):
        self.bed, self.plan, self.ledger, self.silent = bed, plan, book, False
        self.random = random.Random(plan.seed + 1)

    def _on_text(self, request, peer):
        """A MESSAGE came."""
        user, number, count = request.body.decode().split()
        self.ledger.arrive(OUT, f"{user} {number}", int(count), request.call_id)
        self.bed.carrier.wire.respond(request, peer, 200, "OK", tag=sipmsg.token())

    async def start(self):
        """Take texts, unless it is silent."""
        carrier = self.bed.carrier
        hear, carrier._on_text = carrier.wire.on_octets, self._on_text

        def on_octets(octets, peer):
            if not self.silent:
                hear(octets, peer)

        carrier.wire.on_octets = on_octets

    def be_silent(self, silent):
        """Hear nothing, or hear again."""
        self.silent = silent

    async def write_all(self, pairs, each):
        """Write @each texts of every conversation; returns when all are taken or refused."""
        await asyncio.gather(*(self._write(*pair, each) for pair in pairs))

    async def _write(self, user, number, each):
        gate = PROXY if self.bed.with_proxy else GATEWAY
        for count in range(each):
            await asyncio.sleep(self.random.expovariate(self.plan.of_each))
            self.ledger.write(IN, f"{user} {number}", count)
            status = await self._deliver(f"sip:{own_number(user)}@{gate}", ("udp", gate, 5060), number, f"{user} {number} {count}")
            if status >= 300:
                self.ledger.report(IN, f"{user} {number}", count, str(status))

    async def _deliver(self, uri, peer, number, body):
        """Until it is taken, or refused for good. As the same request only when its transaction is over: of two at once the
        second would be merged (RFC 3261, 8.2.2.2)."""
        request = self.bed.carrier.make_text(uri, peer, body, number)
        while True:
            if not self.silent:
                try:
                    response = await self.bed.carrier.send_text(request, peer)
                    if response.status not in (408, 500, 503, 504):
                        return response.status
                except AssertionError:
                    pass
            await asyncio.sleep(AGAIN_S)
            request = self.bed.carrier.make_text(uri, peer, body, number, again=request)

    async def stop(self):
        """The bed ends it."""


class Proof:
    """One run of a Plan on a TextBed that has started."""

    def __init__(self, bed, plan, say=lambda line: None):
        self.bed, self.plan, self.say = bed, plan, say
        self.ledger, self.random = ledger.Ledger(), random.Random(plan.seed)
        self.writers = {}
        self.end = (sipptexts.SippEnd if bed.with_sipp else PhoneEnd)(bed, plan, self.ledger)
        self.done = collections.Counter()  # what was broken
        self.numbers = [f"+1555444{n:04d}" for n in range(plan.numbers)]
        self.users = [f"u{n:02d}" for n in range(plan.accounts)]
        self.each = -(-plan.texts // (plan.numbers * plan.accounts))  # of a conversation

    # both ends

    def _on_message(self, xml):
        """An account was told something."""
        if xml.get("type") == "error" and (xml.get("id") or "").count(" ") == 2:
            user, number, count = xml.get("id").split()
            self.ledger.report(OUT, f"{user} {number}", int(count), writer.condition_of(xml))

    def _on_resent(self, identity):
        user, number, count = identity.split()
        self.ledger.rewrite(OUT, f"{user} {number}", int(count))

    # writing

    async def _pace(self):
        await asyncio.sleep(self.random.expovariate(self.plan.of_each))

    async def _from_account(self, user, number):
        for count in range(self.each):
            await self._pace()
            identity = f"{user} {number} {count}"
            self.ledger.write(OUT, f"{user} {number}", count)
            self.writers[user].text(f"{number}@{DOMAIN}", identity, identity)

    # breaking

    async def _kill(self):
        began = time.time()
        await self.bed.tandem.kill()
        await self.bed.tandem.start()
        self.ledger.fault("kill", began)

    async def _restart(self):
        began = time.time()
        await self.bed.server.process.stop()
        await self.bed.server.restart()
        for one in self.writers.values():
            await one.up()
        await self.bed.tandem_is_up()
        self.ledger.fault("restart", began)

    async def _silence(self):
        began = time.time()
        self.end.be_silent(True)
        await asyncio.sleep(self.plan.silence_s)
        self.end.be_silent(False)
        self.ledger.fault("silence", began)

    async def _break(self):
        """All faults at their random moments; the silent minute beside the others."""
        plan, begun = self.plan, time.monotonic()
        kinds = [self._kill] * plan.kills + [self._restart] * plan.restarts
        self.random.shuffle(kinds)
        moments = sorted(self.random.uniform(0.02, 0.98) * plan.length_s for _ in kinds)
        quiet = asyncio.ensure_future(self._be_silent_once())
        for moment, kind in zip(moments, kinds):
            await asyncio.sleep(max(0.0, begun + moment - time.monotonic()))
            await kind()
            self.done[kind.__name__.strip("_")] += 1
            self.say(f"{time.monotonic() - begun:6.1f} s  {kind.__name__.strip('_'):8}"
                     f" open: {self.ledger.open(OUT)} out, {self.ledger.open(IN)} in")
        await quiet

    async def _be_silent_once(self):
        if self.plan.silence_s:
            await asyncio.sleep(self.plan.length_s / 3)
            await self._silence()
            self.done["silence"] += 1

    # judging

    async def _read_archives(self):
        """What the accounts have, in the order in which it came."""
        for user, one in self.writers.items():
            for stamp, xml in await one.history():
                body = xml.findtext(f"{{{writer.CLIENT}}}body")
                if xml.get("from", "").partition("/")[0].endswith("@" + DOMAIN) and body:
                    when = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
                    self._book(user, body, xml.get("id"), when)

    def _book(self, user, body, identity, when):
        owner, number, count = body.split()
        assert owner == user, f"{user} got what is {owner}'s"
        self.ledger.arrive(IN, f"{user} {number}", int(count), identity, when)

    async def _settle(self):
        """Until nothing is under way any more, or nothing moves."""
        last, since = None, time.monotonic()
        while True:
            now = self.ledger.open(OUT)
            if not now:
                break
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > STILL_S:
                break
            await asyncio.sleep(0.5)
        await self.bed.nothing_waits()

    async def run(self):
        """The Verdicts, (account to trunk, trunk to account)."""
        await self.end.start()
        for user in self.users:
            self.writers[user] = await writer.Writer(self.bed.c1, SERVER, user, self._on_message, self._on_resent).start()
        try:
            pairs = [(user, number) for user in self.users for number in self.numbers]
            await asyncio.gather(self._break(), *(self._from_account(*pair) for pair in pairs),
                                 self.end.write_all(pairs, self.each))
            self.say("all is written")
            for one in self.writers.values():
                await asyncio.wait_for(one.acknowledged_all(), STILL_S)
            await self._settle()
            await self._read_archives()
        finally:
            for one in self.writers.values():
                await one.close()
            await self.end.stop()
        return self.ledger.judge(OUT), self.ledger.judge(IN)
