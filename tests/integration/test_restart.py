# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process is told to end, or is killed, with calls in every state.

    clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn
                                                    --  a trunk that never answers
"""

import asyncio
import collections
import os
import signal
import socket
import time

import pytest

from bed import database, proc, profiles, records
from bed.scene import DOMAIN, PBX, own_number
from bed.tandem import REPORT

SILENT_PORT = 5999
SILENT = {"proxy": f"sip:{PBX}:{SILENT_PORT}", "allow": ["10.77.0.9/32"]}
pytestmark = [pytest.mark.bed_options(sections={"limits": {"calls_per_account": 100, "ring_timeout_s": 60}},
                                      trunks={"silent": SILENT},
                                      numbers={own_number("frank"): {"owner": "frank@example.org", "trunk": "silent"}}),
              pytest.mark.alone]

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)
STOP_S = 5.0
LOST_S = 10.0


async def propose(scene, client):
    """The INVITE is at the carrier; nothing but 100 came back."""
    mine, theirs = await scene.propose(client=client)
    mine.auto_audio = False
    return mine, theirs


async def ringing_out(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.ring()
    await mine.wait("ringing", 20)
    return mine, theirs


async def up_out(scene, client):
    mine, theirs = await propose(scene, client)
    await theirs.answer()
    theirs.audio.stop()
    await mine.wait("media", 20)
    return mine, theirs


async def never_initiated(scene, client):
    """The carrier has answered and the client was told to proceed, but does not."""
    mine, theirs = await propose(scene, client)

    async def nothing():
        return None

    mine.initiate = nothing
    await theirs.answer()
    theirs.audio.stop()
    await mine.wait("proceed", 20)
    return mine, theirs


async def dial(scene, client):
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.auto_audio = False
    mine.ring()
    await theirs.wait("ringing", 20)
    return mine, theirs


async def up_in(scene, client):
    mine, theirs = await dial(scene, client)
    await mine.accept()
    await asyncio.gather(theirs.wait("answered", 20), mine.wait("media", 20))
    theirs.audio.stop()
    return mine, theirs


async def echo(scene, client):
    mine = await client.call(f"echo@{DOMAIN}")
    mine.auto_audio = False
    await mine.wait("media", 20)
    return mine, None


async def up_and_lossy(scene, client):
    """The carrier does not hear the first BYE: it has to be said again."""
    mine, theirs = await up_out(scene, client)
    heard, missed = theirs.on_request, []

    def deaf(request, peer):
        if request.method == "BYE" and not missed:
            missed.append(request)
        else:
            heard(request, peer)

    theirs.on_request = deaf
    return mine, theirs


async def unheard(scene, client):
    """Called through the trunk that never answers: there is nothing that could be cancelled yet."""
    with scene.bed.pstn.inside():
        hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        hole.bind((PBX, SILENT_PORT))
        hole.setblocking(False)
    mine = await client.call(scene.jid(scene.number()))
    invite = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(hole, 65536), proc.SOON_S)
    while not invite.startswith(b"INVITE"):
        invite = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(hole, 65536), proc.SOON_S)
    return mine, hole


async def side_by_side(scene, plan):
    """Calls of the kinds in @plan, {kind: how many}; each kind at a client of its own, so that none mixes with another's.

    A second call of an account to the echo would be its first, moved."""
    found = collections.defaultdict(list)

    async def some(kind, count):
        client = await scene.client("frank" if kind is unheard else None, profile=PROFILE, node=scene.bed.c2 if count % 2 else scene.bed.c1)
        for _ in range(count):
            found[kind].append(await kind(scene, client))

    await asyncio.gather(*(some(kind, count) for kind, count in plan.items()))
    return found


def counted(tandem):
    """(rows of the session table, {cause: call records})."""
    path = tandem.sections["db"]["path"]
    causes = dict(database.rows(path, "SELECT cause, count(*) FROM cdr GROUP BY cause"))
    return database.rows(path, "SELECT count(*) FROM session")[0][0], causes


async def end(tandem, number, within):
    """Send the signal; the status and the log of the process that has ended."""
    process, begun = tandem.process, time.monotonic()
    process.process.send_signal(number)
    await process.wait(within)
    return await process.stop(), process.log(), time.monotonic() - begun


# Of calls that are ended by a signal: cause, whether they rang, whether they were answered.
RECORDED = {propose: ("shutdown", False, False), ringing_out: ("shutdown", True, False), up_out: ("shutdown", False, True),
            up_and_lossy: ("shutdown", False, True), never_initiated: ("shutdown", False, True), dial: ("shutdown", True, False),
            up_in: ("shutdown", True, True), echo: ("shutdown", True, True), unheard: ("shutdown", False, False)}


@pytest.mark.limit(120)
async def test_told_to_end_with_calls_in_every_state(scene):
    tandem, begun = scene.bed.tandem, records.now_ms()
    calls = await side_by_side(scene, {propose: 9, ringing_out: 9, up_out: 8, up_and_lossy: 1, never_initiated: 4, dial: 6, up_in: 9,
                                       echo: 1, unheard: 1})
    total = sum(len(some) for some in calls.values())
    told = records.now_ms()
    status, log, took = await end(tandem, signal.SIGTERM, STOP_S + 10)
    scene.figure(f"SIGTERM with {total} calls", f"{took:.2f} s")
    assert status == 0 and not REPORT.search(log), log[-6000:]
    assert took < STOP_S, f"{took:.1f} s to end"
    for kind, prefix in ((propose, "cancelled"), (ringing_out, "cancelled"), (up_out, "BYE"), (up_and_lossy, "BYE"), (never_initiated, "BYE"), (up_in, "BYE"),
                         (dial, "503")):
        for _, theirs in calls[kind]:
            assert (await theirs.wait("ended", 1)).startswith(prefix), kind.__name__
    for kind, prefix in ((propose, "reject"), (ringing_out, "reject"), (up_out, "terminate"), (up_and_lossy, "terminate"), (up_in, "terminate"), (dial, "retract"),
                         (never_initiated, "reject"), (echo, "terminate"), (unheard, "reject")):
        for mine, _ in calls[kind]:
            assert (await mine.ended(2)).startswith(prefix), kind.__name__
    sessions, causes = counted(tandem)
    assert sessions == 0 and sum(causes.values()) == total, f"{sessions} sessions, {causes}"
    for kind, (cause, rang, answered) in RECORDED.items():
        for record in await records.of(tandem, calls[kind][0][0].client.user, len(calls[kind]), begun):
            record.check(cause, (begun, told), (told, records.now_ms()), rang=rang, answered=answered)
    await tandem.start()
    await scene.alive()


async def want_no_more(client, calls):
    """Each of @calls is proposed anew twice (test_recall.py), and refused."""
    for _ in range(2 * calls):
        await (await client.incoming()).reject("busy")


@pytest.mark.limit(120)
async def test_killed_with_calls_up_of_which_nothing_is_kept(scene):
    """Without the file they cannot go on (test_killed.py): whoever does not come back to them ends them on both sides."""
    tandem = scene.bed.tandem
    _, before = counted(tandem)
    begun = records.now_ms()
    calls = await side_by_side(scene, {up_out: 6, up_in: 6, echo: 1})
    total = sum(len(some) for some in calls.values())
    await proc.until(lambda: counted(tandem)[0] >= 2 * 6 * 2 + 1, proc.SOON_S, "every session is in the table")
    died = records.now_ms()
    status, _, _ = await end(tandem, signal.SIGKILL, 5)
    assert status == -signal.SIGKILL
    os.unlink(tandem.sections["media"]["keep"])
    await tandem.start()
    await asyncio.gather(*(want_no_more(calls[kind][0][0].client, len(calls[kind])) for kind in (up_out, up_in)))
    for kind in (up_out, up_in):
        for _, theirs in calls[kind]:
            assert (await theirs.wait("ended", LOST_S)).startswith("BYE"), kind.__name__
    for some in calls.values():
        for mine, _ in some:
            assert (await mine.ended(LOST_S)).startswith("terminate")
    await proc.until(lambda: counted(tandem)[0] == 0, proc.SOON_S, "the session table is empty")
    _, causes = counted(tandem)
    assert causes.get("lost", 0) - before.get("lost", 0) == total, causes
    for kind, rang in ((up_out, False), (up_in, True), (echo, True)):
        for record in await records.of(tandem, calls[kind][0][0].client.user, len(calls[kind]), begun):
            record.check("lost", (begun, died), (died, records.now_ms()), rang=rang, answered=True)
    await scene.alive()


async def ringing_over_tcp(scene, client):
    """The PBX calls, by a connection that dies with the process."""
    scene.bed.pbx.wire.local = (PBX, 0)
    theirs = await scene.dial(own_number(client.user), carrier=scene.bed.pbx, transport="tcp")
    mine = await client.incoming()
    mine.auto_audio = False
    mine.ring()
    await theirs.wait("ringing", 20)
    return mine, theirs


# What the client is told, what the telephone, and whether it rang and was answered.
IN_SETUP = {propose: ("reject", "cancelled", False, False), ringing_out: ("reject", "cancelled", True, False),
            dial: ("retract", "503", True, False), never_initiated: ("reject", "BYE", False, True)}


@pytest.mark.limit(120)
async def test_killed_with_calls_in_set_up(scene):
    """They cannot go on: each ends on both sides, once, and has its record. A second death, and a third, change nothing."""
    tandem, begun = scene.bed.tandem, records.now_ms()
    calls = await side_by_side(scene, {propose: 2, ringing_out: 2, dial: 2, never_initiated: 1})
    total = sum(len(some) for some in calls.values())
    path, last = tandem.sections["db"]["path"], [(total, len(calls[ringing_out] + calls[dial]), len(calls[never_initiated]))]
    query = "SELECT count(*), sum(ringing_ms > 0), sum(answered_ms > 0) FROM session WHERE sip_invite <> '' OR sip_call_id <> ''"
    await proc.until(lambda: database.rows(path, query) == last, proc.SOON_S, "what ends them is in the table, as it is now")
    died = records.now_ms()
    await end(tandem, signal.SIGKILL, 5)
    await tandem.start()
    for kind, some in calls.items():
        client_told, telephone_told, rang, answered = IN_SETUP[kind]
        for mine, theirs in some:
            assert (await mine.ended(LOST_S)).startswith(client_told), kind.__name__
            assert (await theirs.wait("ended", LOST_S)).startswith(telephone_told), kind.__name__
        for record in await records.of(tandem, some[0][0].client.user, len(some), begun):
            record.check("lost", (begun, died), (died, records.now_ms()), rang=rang, answered=answered)
            assert record.ended_by == "gateway"
    await proc.until(lambda: counted(tandem)[0] == 0, proc.SOON_S, "the session table is empty")
    _, causes = counted(tandem)
    for _ in range(2):
        await end(tandem, signal.SIGKILL, 5)
        await tandem.start()
    assert counted(tandem) == (0, causes)
    await scene.alive()


@pytest.mark.limit(60)
async def test_killed_while_a_pbx_calls_over_tcp(scene):
    """Its connection is gone: the next process opens one to where the Via says (RFC 3261, 18.2.2)."""
    tandem = scene.bed.tandem
    client = await scene.client("dave", profile=PROFILE)
    mine, theirs = await ringing_over_tcp(scene, client)
    path = tandem.sections["db"]["path"]
    await proc.until(lambda: database.rows(path, "SELECT count(*) FROM session WHERE sip_invite <> '' AND ringing_ms > 0") == [(1,)], proc.SOON_S,
                     "what ends it is in the table")
    await end(tandem, signal.SIGKILL, 5)
    await tandem.start()
    assert (await mine.ended(LOST_S)).startswith("retract")
    assert (await theirs.wait("ended", LOST_S)).startswith("503")
    await scene.alive()
