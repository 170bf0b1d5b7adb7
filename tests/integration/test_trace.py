# SPDX-License-Identifier: AGPL-3.0-or-later
"""One call, or one account, as an operator follows it: live figures, and what is said for it on both sides.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2
"""

import asyncio
import re

import pytest

from bed import prosody
from bed.commands import Commander, ctl, ctl_lines

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody], indirect=True, scope="module")

FIGURES = re.compile(r"  (caller \(xmpp|called \(sip), (PCMU|PCMA|G722|opus)/\d+(/2)?\): "
                     r"(\d+\.\d) % lost, jitter \d+ ms, MOS ([1-4]\.\d)$", re.M)


async def commander(scene, user, resource):
    """A device of @user that runs commands."""
    return await scene.client(user, kind=Commander, resource=resource)


async def figures(read):
    """The first text of @read with the figures of both directions."""
    for _ in range(10):
        text = await read()
        if len(FIGURES.findall(text)) >= 2:
            return text
    raise AssertionError(text)


async def name_of(call, client):
    """What Tandem calls @call, which came from a client."""
    row, = [row for row in (await client.run("calls")).rows if row["account"] == f"{call.client.user}@example.org"]
    return row["call"]


# live figures

async def test_a_call_is_watched_in_conversation_until_it_ends(scene):
    reader = await commander(scene, "rita", "watches")
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    call = await name_of(mine, reader)
    await reader.say(f"watch {call} every=2")
    text = await figures(reader.heard)
    assert re.match(r"up 0:\d\d \S+@\S+ > \+\d+ by carrier\n", text), text
    assert "Still at work" in await reader.say("status")
    await mine.hangup()
    while FIGURES.search(text) or "Still" in text:
        text = await reader.heard()
    assert text == "The call was hung up."
    assert (await reader.say("watch " + call)) == "There is no such call now."


async def test_a_watch_of_all_calls_by_a_form_goes_on_as_messages_until_it_is_stopped(scene):
    reader = await commander(scene, "rita", "forms")
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    done = await reader.run("watch", every=2)
    assert done.status == "completed" and "write: stop" in done.text
    assert mine.client.user in await figures(reader.heard)
    assert await reader.say("stop") == "Cancelled."


async def test_tandemctl_prints_as_it_comes_and_ends_with_its_reader(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    async with ctl_lines(scene.bed.tandem, "watch", "every=2", role="read-only") as lines:
        assert re.match(r"up 0:\d\d ", await lines.line())
        seen = [await lines.line() for _ in range(20)]
        assert any(FIGURES.match(line.rstrip()) for line in seen), seen
    status, text = await ctl(scene.bed.tandem, "watch", "none")
    assert status and text == "There is no such call now.\n"
