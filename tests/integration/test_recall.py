# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process is killed during calls, and the media of one side cannot be taken up as they were: the keys are gone, or a port is
another program's now. A client is called anew while the telephone waits on hold; a telephone is told another port.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio
import contextlib
import os
import socket
import sqlite3
import time

import pytest

from bed import database, media, proc, profiles
from bed.jinglexml import element, reason_element
from bed.scene import GATEWAY, own_number
from bed.jingle import JMI

pytestmark = [pytest.mark.bed_options(sections={"limits": {"calls_per_account": 100}}), pytest.mark.alone, pytest.mark.limit(60)]

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)


def path_of(scene):
    """The database's path."""
    return scene.bed.tandem.sections["db"]["path"]


def forget_the_indices(scene):
    """The file in the runtime directory is gone, as when the machine was started anew."""
    os.unlink(scene.bed.tandem.sections["media"]["keep"])


def damage_the_keys(scene):
    """The sealed keys of all clients are no keys any more."""
    with contextlib.closing(sqlite3.connect(path_of(scene), timeout=5)) as database_:
        database_.execute("UPDATE session SET srtp_tx_key_sealed = x'00112233' WHERE media_ice = 1")
        database_.commit()


def swap_the_keys(scene, clients=1):
    """Those of the clients, or else of the trunks, are others than those that the indices are of."""
    with contextlib.closing(sqlite3.connect(path_of(scene), timeout=5)) as database_:
        rows = database_.execute("SELECT rowid, srtp_tx_key_sealed FROM session WHERE media_ice = ? ORDER BY rowid", (clients,)).fetchall()
        for (row, _), (_, key) in zip(rows, [*rows[1:], rows[0]]):
            database_.execute("UPDATE session SET srtp_tx_key_sealed = ? WHERE rowid = ?", (key, row))
        database_.commit()


async def again(scene, damage):
    """Kill, damage, start."""
    await scene.bed.tandem.kill()
    damage(scene)
    await scene.bed.tandem.start()


def migrate(old, new):
    """What Monal says of a session that it goes on with: XEP-0353, 0.8, existing session."""
    child = element(JMI, "finish", id_=old.sid)
    reason_element("expired", parent=child)
    element(JMI, "migrated", child, to=new.sid)
    old.client.message(old.peer, child)


async def goes_on_by_itself(old, new):
    """Monal."""
    migrate(old, new)
    await new.accept()
    return new


async def is_busy(old, new):
    """Conversations rejects what comes while it talks, and rings once that has ended."""
    await new.reject("busy")
    assert "connectivity-error" in await old.ended()
    new = await old.client.incoming()
    new.ring()
    await new.accept()
    return new


async def says_nothing(old, new):
    """Conversations beside other devices: the proposal of before is what rings in the end."""
    assert "connectivity-error" in await old.ended()
    new.ring()
    await new.accept()
    return new


async def place_out(scene):
    return await scene.call_out(PROFILE)


async def place_in(scene):
    return await scene.call_in(PROFILE)


def name_of(scene, call):
    """The name of a client's @call in the gateway."""
    return database.rows(path_of(scene), f"SELECT call FROM session WHERE jingle_sid = '{call.sid}'")[0][0]


def records(scene, name):
    """(cause, milliseconds talked) of the records of a call."""
    return database.rows(path_of(scene), f"SELECT cause, ended_ms - answered_ms FROM cdr WHERE call = '{name}'")


@pytest.mark.parametrize("place, how", [(place_out, goes_on_by_itself), (place_in, is_busy), (place_out, says_nothing)],
                         ids=lambda one: one.__name__)
async def test_a_client_comes_back_to_its_call(scene, place, how):
    mine, theirs = await place(scene)
    begun = time.monotonic()
    await database.kept(scene.bed.tandem)
    name = name_of(scene, mine)
    await again(scene, forget_the_indices)
    await theirs.told("sendonly", "inactive")
    new = await mine.client.incoming()
    assert new.sid != mine.sid and new.peer == mine.peer, "it is called by the same number"
    new = await how(mine, new)
    await new.wait("media")
    await theirs.told("sendrecv")
    await scene.heard(new, theirs)
    assert (await theirs.hangup()).status == 200
    assert (await new.ended()).startswith("terminate")
    talked = (time.monotonic() - begun) * 1000
    await proc.until(lambda: len(records(scene, name)) == 1, proc.SOON_S, "the call has its record")
    (cause, lasted), = records(scene, name)
    assert cause == "normal" and abs(lasted - talked) < 2000, f"{cause} after {lasted} ms, of {talked:.0f}"


@pytest.mark.parametrize("damage", [damage_the_keys, swap_the_keys], ids=lambda damage: damage.__name__)
async def test_keys_that_are_not_those_of_before_are_not_used(scene, damage):
    """And a second death, after it came back, loses nothing."""
    calls = [await scene.call_out(PROFILE), await scene.call_in(PROFILE)]
    await database.kept(scene.bed.tandem, 4)
    await again(scene, damage)
    back = []
    for mine, theirs in calls:
        new = await mine.client.incoming()
        back.append((await goes_on_by_itself(mine, new), theirs))
    await asyncio.gather(*(new.wait("media") for new, _ in back))
    for new, theirs in back:
        await scene.heard(new, theirs)
    await database.kept(scene.bed.tandem, 4)
    await again(scene, lambda scene: None)
    await media.listen(*((a.audio, b.audio) for a, b in back), *((b.audio, a.audio) for a, b in back))
    for new, theirs in back:
        await new.hangup()
        assert "BYE" in await theirs.wait("ended")


async def test_who_does_not_come_back_ends_the_call_for_all(scene):
    mine, theirs = await scene.call_out(PROFILE)
    await database.kept(scene.bed.tandem)
    name = name_of(scene, mine)
    await again(scene, forget_the_indices)
    await (await mine.client.incoming()).reject("busy")
    second = await mine.client.incoming()
    await second.reject("decline")
    assert "BYE" in await theirs.wait("ended")
    bye = next(request for request in theirs.requests if request.method == "BYE")
    assert "cause=41" in bye.get("Reason"), bye.get("Reason")
    await proc.until(lambda: [cause for cause, _ in records(scene, name)] == ["lost"], proc.SOON_S, "the call has its record, with the true cause")
    await scene.alive()


async def test_a_telephone_that_has_left_meanwhile_is_not_called_for(scene):
    """Its dialog is unknown to it: whoever is called anew stops ringing."""
    mine, theirs = await scene.call_out(PROFILE)
    await database.kept(scene.bed.tandem)
    theirs.on_request = lambda request, peer: request.method == "ACK" or scene.bed.carrier.wire.respond(
        request, peer, 481, "Call/Transaction Does Not Exist", tag=theirs.local_tag)
    await again(scene, forget_the_indices)
    new = await mine.client.incoming()
    assert await new.ended()
    assert await mine.ended()


async def test_the_client_hangs_up_instead(scene):
    mine, theirs = await scene.call_out(PROFILE)
    await database.kept(scene.bed.tandem)
    await again(scene, forget_the_indices)
    new = await mine.client.incoming()
    await mine.hangup()
    assert (await new.ended()).startswith("retract")
    assert "BYE" in await theirs.wait("ended")


async def test_two_clients_whose_keys_cannot_go_on_are_told_so(scene):
    """Nobody is there to wait for the other: the call ends on both sides, with its true cause, and either may call again."""
    one, two = await scene.client(profile=PROFILE), await scene.client(profile=PROFILE, node=scene.bed.c2)

    async def call():
        near = await one.call(scene.jid(own_number(two.user)))
        far = await two.incoming()
        await far.accept()
        await asyncio.gather(near.wait("media"), far.wait("media"))
        return near, far

    near, far = await call()
    await database.kept(scene.bed.tandem)
    name = name_of(scene, near)
    await again(scene, forget_the_indices)
    for side in (near, far):
        assert (await side.ended()).startswith("terminate")
    await proc.until(lambda: [cause for cause, _ in records(scene, name)] == ["lost"], 5, "the call has its record, with the true cause")
    assert not one.proposals.qsize() and not two.proposals.qsize()
    near, far = await call()
    await media.listen((near.audio, far.audio), (far.audio, near.audio))
    await near.hangup()
    await far.ended()


@contextlib.contextmanager
def taken_port(scene, port):
    """What makes @port another program's, until the end of the block."""
    thief = None

    def take(_):
        nonlocal thief
        with scene.bed.gw.inside():
            thief = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            thief.bind((GATEWAY, port))

    try:
        yield take
    finally:
        if thief:
            thief.close()


async def test_a_port_that_is_another_programs_now(scene):
    """The telephone is told of another one in the dialog that it has; the client notices nothing."""
    mine, theirs = await scene.call_out(PROFILE)
    await database.kept(scene.bed.tandem)
    port = theirs.offer.port
    with taken_port(scene, port) as take:
        await again(scene, take)
        await proc.until(lambda: theirs.offer.port != port, 10, "the telephone is told of another port")
        await scene.heard(mine, theirs)
        assert not mine.client.proposals.qsize()
        await mine.hangup()
        assert "BYE" in await theirs.wait("ended")
