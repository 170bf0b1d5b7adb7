# SPDX-License-Identifier: AGPL-3.0-or-later
"""The minutes that an account may talk on a day: calls at once share them, a killed process forgets none of them.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn (refer = true)
"""

import asyncio
import datetime
import os
import sqlite3

import pytest

from bed import database, proc, profiles
from bed.scene import CARRIER

USED_UP = "The minutes of this day are used up."
MINUTE_S, CALLS = 60, 2
USED_S = 10.0  # a record is in the table by then
PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)
pytestmark = [pytest.mark.bed_options(
    sections={"limits": {"minutes_per_day": 1, "calls_per_account": CALLS}},
    trunks={"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "refer": True}}), pytest.mark.alone]


def today():
    """The number of the day, as the program counts them."""
    return (datetime.date.today() - datetime.date(1970, 1, 1)).days


def has_used(tandem, account, seconds):
    """@account has talked for @seconds today, while there is no process."""
    path = tandem.sections["db"]["path"]
    owner = os.stat(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT OR REPLACE INTO usage (kind, name, day, seconds) VALUES (1, ?, ?, ?)", (account, today(), seconds))
    connection.close()
    os.chown(path, owner.st_uid, owner.st_gid)


def used_s(tandem, kind, name):
    """What is written of it."""
    rows = database.rows(tandem.sections["db"]["path"], f"SELECT seconds FROM usage WHERE kind = {kind} AND name = '{name}'")
    return rows[0][0] if rows else 0


async def talk(scene, client):
    """One more call of @client's: both its ends."""
    mine, theirs = await scene.propose(PROFILE, client=client)
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    return mine, theirs


async def test_calls_at_once_share_what_is_left_of_the_day(scene):
    tandem, client = scene.bed.tandem, await scene.client(profile=PROFILE)
    account = client.boundjid.bare
    calls = [await talk(scene, client) for _ in range(CALLS)]
    # a transfer is no call more than the account may have
    mine, theirs = calls[0]
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    assert (await theirs.send("REFER", headers=[("Refer-To", f"<sip:{number}@{CARRIER}>")])).status == 202
    target = await plan.call()
    await target.answer()
    await theirs.wait("ended")
    calls[0] = mine, target
    await database.kept(tandem, 2 * CALLS)
    await tandem.kill()
    has_used(tandem, account, MINUTE_S - 20)
    await tandem.start()
    for mine, theirs in calls:
        said, ended = await asyncio.wait_for(asyncio.gather(mine.ended(), theirs.wait("ended")), 30.0)
        assert USED_UP in said and 'cause=21;text="Payment Required"' in ended, (said, ended)
    await proc.until(lambda: used_s(tandem, 1, account) >= MINUTE_S, USED_S, "what was used is written")
    assert used_s(tandem, 1, account) <= MINUTE_S + 2
    assert used_s(tandem, 2, "carrier") <= 30, "each second once"
    assert USED_UP in await (await client.call(scene.jid(scene.number()))).ended()
