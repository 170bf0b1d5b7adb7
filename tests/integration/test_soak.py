# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls of every kind, hundreds of them: nothing of them may stay behind.

    10 clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn

BED_ROUNDS=5 makes it a thousand, and the memory is then compared between the first round and the last. Under a sanitizer
or valgrind (TANDEM, TANDEM_WRAP) what leaks is told when Tandem ends.
"""

import asyncio
import os
import time

import pytest

from bed import database, proc, profiles, weight
from bed.scene import DOMAIN, own_number

ROUNDS = int(os.environ.get("BED_ROUNDS", "1"))
CLIENTS, CALLS_EACH = 10, 20
SLOW_S = 30.0  # under valgrind everything is
# SIP transactions live for 64 * T1 after their end (RFC 3261, 17.2.2), and their memory with them: 12 KiB a call.
SETTLE_S = 36.0
GROWTH_KB = 1024  # in all rounds but the first together

pytestmark = [pytest.mark.bed_options(sections={"limits": {"calls_per_account": 100, "ring_timeout_s": 60},
                                                "log": {"level": "info"}}), pytest.mark.alone, pytest.mark.quiet]


async def propose(scene, client):
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    mine.auto_audio = False
    return mine, await plan.call(SLOW_S)


async def out(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.ring()
    await theirs.answer()
    theirs.audio.stop()
    await mine.wait("media", SLOW_S)
    await mine.hangup()
    await theirs.wait("ended", SLOW_S)


async def out_ended_there(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.answer()
    theirs.audio.stop()
    await mine.wait("media", SLOW_S)
    await theirs.hangup()
    await mine.ended(SLOW_S)


async def busy(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.refuse(486, "Busy Here")
    await mine.ended(SLOW_S)


async def cancelled(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.ring()
    await mine.wait("ringing", SLOW_S)
    await mine.hangup()
    await theirs.wait("ended", SLOW_S)


async def never_initiated(scene, client):
    mine, theirs = await propose(scene, client)
    mine.initiate = mine.hangup
    await theirs.answer()
    theirs.audio.stop()
    await theirs.wait("ended", SLOW_S)


async def dial(scene, client):
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming(SLOW_S)
    mine.auto_audio = False
    mine.ring()
    await theirs.wait("ringing", SLOW_S)
    return mine, theirs


async def into(scene, client):
    mine, theirs = await dial(scene, client)
    await mine.accept()
    await asyncio.gather(theirs.wait("answered", SLOW_S), mine.wait("media", SLOW_S))
    theirs.audio.stop()
    await theirs.hangup()
    await mine.ended(SLOW_S)


async def rejected(scene, client):
    mine, theirs = await dial(scene, client)
    await mine.reject("busy")
    await theirs.wait("ended", SLOW_S)


async def given_up(scene, client):
    mine, theirs = await dial(scene, client)
    await theirs.cancel()
    await mine.ended(SLOW_S)


async def echo(scene, client):
    mine = await client.call(f"echo@{DOMAIN}")
    mine.auto_audio = False
    await mine.wait("media", SLOW_S)
    await mine.hangup()


async def held(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.answer()
    await mine.wait("media", SLOW_S)
    mine.hold()
    await proc.until(lambda: theirs.reinvites, SLOW_S, "the re-INVITE of a hold")
    await theirs.hangup()
    await mine.ended(SLOW_S)


KINDS = (out, into, busy, cancelled, echo, out_ended_there, rejected, given_up, never_initiated, held)


class Footprint:
    """What the process holds."""

    def __init__(self, pid):
        self.rss_kb, self.fds = weight.resident_kb(pid), weight.descriptors(pid)


async def one_round(scene, turn):
    """CLIENTS * CALLS_EACH calls, each client one after the other."""
    clients = [await scene.client(profile=profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=2 * SLOW_S),
                                  node=(scene.bed.c1, scene.bed.c2)[n % 2]) for n in range(CLIENTS)]

    async def some(first, client):
        for number in range(CALLS_EACH):
            await KINDS[(first + number) % len(KINDS)](scene, client)

    begun = time.monotonic()
    await asyncio.gather(*(some(n, client) for n, client in enumerate(clients)))
    scene.figure(f"round {turn + 1}", f"{CLIENTS * CALLS_EACH} calls in {time.monotonic() - begun:.1f} s")
    for client in clients:
        await client.close()
    scene.clients.clear()


@pytest.mark.limit(240 + ROUNDS * 240)
async def test_nothing_is_left_of_calls_of_every_kind(scene):
    tandem = scene.bed.tandem
    path = tandem.sections["db"]["path"]
    client = await scene.client(profile=profiles.ALL_AT_ONCE)
    await echo(scene, client)
    await asyncio.sleep(1.0)
    start, first = Footprint(tandem.process.pid), None
    for turn in range(ROUNDS):
        await one_round(scene, turn)
        await proc.until(lambda: Footprint(tandem.process.pid).fds == start.fds, SLOW_S,
                         f"descriptors are {start.fds} again, now {weight.descriptors(tandem.process.pid)}")
        if ROUNDS > 1:
            await asyncio.sleep(SETTLE_S)
        now = Footprint(tandem.process.pid)
        scene.figure(f"after round {turn + 1}", f"RSS {now.rss_kb} KiB, {now.fds} descriptors")
        first = first or now
    total = 1 + ROUNDS * CLIENTS * CALLS_EACH
    await proc.until(lambda: database.rows(path, "SELECT count(*) FROM cdr") == [(total,)], SLOW_S, f"{total} call records")
    assert database.rows(path, "SELECT count(*) FROM session") == [(0,)]
    if ROUNDS > 1:
        assert weight.grew_less(tandem.process.pid, first.rss_kb, GROWTH_KB), f"{first.rss_kb} KiB after the first round, {now.rss_kb} after the last"
    await scene.alive()
