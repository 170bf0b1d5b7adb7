# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls that are lost after a certain time: session timers (RFC 4028), an ACK that never comes (RFC 3261, 13.3.1.4).

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2
"""

import asyncio
import time

import pytest

from bed import database, proc
from bed.scene import own_number

SHORTEST_S = 90  # RFC 4028 section 5
TIMER = ("Supported", "timer")


def expires(value):
    """Headers of a 2xx that settles a session timer."""
    return [("Require", "timer"), ("Session-Expires", value)]


async def refreshed(theirs, seconds):
    """Wait for a session refresh; returns it."""
    def found():
        return [r for r in theirs.requests if r.method == "UPDATE" or r.method == "INVITE" and r is not theirs.first]
    theirs.first = theirs.invite
    await proc.until(found, seconds, "a session refresh")
    return found()[0]


@pytest.mark.limit(100)
async def test_the_call_that_was_lost_after_fifteen_minutes(scene):
    """Half of 30 minutes, in which no refresh came: here half of the shortest. We refresh with UPDATE, and are heard on."""
    mine, theirs = await scene.propose()
    assert theirs.invite.get("Session-Expires") == "1800" and "timer" in theirs.invite.get("Supported")
    await theirs.answer(headers=expires(f"{SHORTEST_S};refresher=uac"))
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    request = await refreshed(theirs, SHORTEST_S / 2 + 5)
    assert request.method == "UPDATE" and request.get("Session-Expires") == f"{SHORTEST_S};refresher=uac", request.first_line()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone  # others would die with it
@pytest.mark.limit(100)
async def test_we_refresh_when_the_caller_wants_us_to(scene):
    """refresher=uas (RFC 4028 section 9); the process that agreed to it dies meanwhile."""
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), headers=[TIMER, ("Session-Expires", f"{SHORTEST_S};refresher=uas")])
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    begun, path = time.monotonic(), scene.bed.tandem.sections["db"]["path"]
    await proc.until(lambda: database.rows(path, "SELECT count(*) FROM session WHERE media_ready = 1 AND sip_timer_s > 0")[0][0], proc.SOON_S,
                     "the timer is in the table")
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    request = await refreshed(theirs, SHORTEST_S / 2 + 5)
    assert time.monotonic() - begun > SHORTEST_S / 2 - 5, "it was not due yet"
    assert request.get("Session-Expires") == f"{SHORTEST_S};refresher=uac", request.first_line()
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


@pytest.mark.limit(100)
async def test_a_carrier_that_forgets_to_refresh(scene):
    """BYE comes a third of the interval before its end (RFC 4028 section 10)."""
    mine, theirs = await scene.propose()
    await theirs.answer(headers=expires(f"{SHORTEST_S};refresher=uas"))
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    assert "BYE" in await theirs.wait("ended", SHORTEST_S * 2 / 3 + 10)
    await mine.ended()


async def test_too_short_an_interval(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), headers=[TIMER, ("Session-Expires", "30")])
    assert (await theirs.wait("ended")).startswith("422")
    assert theirs.last_response.get("Min-SE") == "90" and client.proposals.empty()


async def test_a_carrier_that_wants_a_longer_interval(scene):
    """422: the call is sent again with what it wants (RFC 4028 section 7.4), and rings on."""
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    await (await plan.call()).refuse(422, "Session Interval Too Small", headers=[("Min-SE", "3600")])
    theirs = await plan.call()
    assert theirs.invite.get("Session-Expires") == "3600" and theirs.invite.get("Min-SE") == "3600"
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.limit(80)
async def test_the_call_that_was_lost_after_thirty_two_seconds(scene):
    """An ACK that took another way than Contact and Record-Route say is none: the answer is repeated, then BYE. Ours arrive."""
    mine, theirs = await scene.call_out()
    client = await scene.client()
    lost = await scene.dial(own_number(client.user))
    lost.acknowledge = lambda *arguments: None
    other = await client.incoming()
    await other.accept()
    await lost.wait("answered")
    assert "BYE" in await lost.wait("ended", 40)
    await other.ended()
    assert not theirs.passed("ended")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
