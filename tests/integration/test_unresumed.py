# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clients whose stream dies and is not resumed: the server gives up, says `unavailable` and returns what it has kept.

    slixmpp c1  --  Prosody or ejabberd srv, which waits three seconds  --  Tandem gw  --  carrier pstn

Presence ends no call: while audio flows it goes on, and without audio it ends with consent (RFC 7675)."""

import pytest

from bed import ejabberd, jinglexml, proc, prosody, resume
from bed.scene import own_number


class BriefProsody(prosody.Prosody):
    """One that waits for lost streams for three seconds."""

    resume_s = 3


class BriefEjabberd(ejabberd.Ejabberd):
    """The same."""

    resume_s = 3


pytestmark = [pytest.mark.limit(90),
              pytest.mark.parametrize("bed", [BriefProsody, BriefEjabberd], ids=lambda server: server.name, indirect=True,
                                      scope="module")]

GONE_S, CONSENT_S, NO_SESSION_S = 8.0, 40.0, 25.0


async def call_out(scene):
    return await scene.call_out(kind=resume.Resumable)


async def call_in(scene):
    return await scene.call_in(kind=resume.Resumable)


BOTH_WAYS = pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])


async def lose(scene, client):
    """The stream of @client dies, and the server gives it up: another device of the account is told."""
    other = await scene.client(client.user, resource="other")
    await client.sever()
    await proc.until(lambda: is_gone(other.presences.get(client.boundjid.full)), GONE_S, "the server gives the stream up")
    return other


def is_gone(presence):
    """Whether the last presence of a device is its end."""
    return presence is not None and presence.get("type") == "unavailable"


@BOTH_WAYS
async def test_audio_goes_on_and_the_telephone_hangs_up(scene, place):
    mine, theirs = await place(scene)
    await lose(scene, mine.client)
    await scene.heard(mine, theirs)
    assert (await theirs.hangup()).status == 200
    await scene.alive()


@BOTH_WAYS
async def test_another_device_ends_the_session(scene, place):
    """Conversations says that its stream is lost from the full JID that it has next."""
    mine, theirs = await place(scene)
    other = await lose(scene, mine.client)
    await scene.heard(mine, theirs, seconds=1.0)
    end = jinglexml.jingle_element("session-terminate", mine.sid)
    end.append(jinglexml.reason_element("connectivity-error"))
    answer = await other.request(end, mine.peer)
    assert answer.get("type") == "result"
    assert "BYE" in await theirs.wait("ended")


@BOTH_WAYS
async def test_without_audio_the_call_ends_with_consent(scene, place):
    mine, theirs = await place(scene)
    await lose(scene, mine.client)
    await mine.drop()
    assert "BYE" in await theirs.wait("ended", CONSENT_S)


async def test_a_caller_that_is_lost_while_it_rings(scene):
    """Who answers then is not left with silence."""
    mine, theirs = await scene.propose(kind=resume.Resumable)
    await theirs.ring()
    await mine.wait("ringing")
    await lose(scene, mine.client)
    if not theirs.passed("ended"):
        await theirs.answer()
        assert "BYE" in await theirs.wait("ended", NO_SESSION_S)


async def test_a_callee_that_is_lost_after_its_proceed(scene):
    client = await scene.client(kind=resume.Resumable)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    mine.proceed()  # and no session-accept
    await mine.wait("initiate")
    await client.sever()
    ended = await theirs.wait("ended", NO_SESSION_S)
    assert ended.startswith(("480", "408")), ended
