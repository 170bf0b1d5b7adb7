# SPDX-License-Identifier: AGPL-3.0-or-later
"""What users do with their own account: have themselves called, take it to another address.

    clients c1  --  Prosody srv  --  Tandem gw
"""

import pytest

from bed import media, servers
from bed.commands import ctl
from bed.commandtable import UNKNOWN, commander, fresh_number
from bed.scene import DOMAIN, own_number

pytestmark = pytest.mark.parametrize(**servers.EACH)


async def test_the_user_has_himself_called(scene):
    client = await scene.client()
    user = await commander(scene, client.user, "commands")
    stage = await user.step("my-test-call")
    assert stage.value("seconds") == "30"
    done = await user.step("my-test-call", "complete", stage.sessionid, {"seconds": "60"})
    assert "You are being called" in done.text, done.text
    mine = await client.incoming()
    assert mine.peer.split("/")[0] == f"echo@{DOMAIN}"
    mine.ring()
    again = await user.run("my-test-call", seconds=60)
    assert again.notes == [("error", "You cannot be called now: Too many calls at once.")]
    await mine.accept()
    await mine.wait("media")
    verdict, = await media.listen((mine.audio, mine.audio))
    assert verdict.delay_s < 0.3
    await mine.hangup()
    row, = (await user.run("my-calls", party="echo")).rows
    assert row["from"] == "echo" and row["to"] == user.boundjid.bare


async def test_a_test_call_that_nobody_takes_ends(scene):
    client = await scene.client()
    user = await commander(scene, client.user, "commands")
    assert (await user.run("my-test-call", seconds=4)).error == "bad-request bad-payload"
    await user.run("my-test-call", seconds=5)
    mine = await client.incoming()
    await mine.ended()
    await user.run("my-test-call", seconds=60)
    mine = await client.incoming()
    await mine.reject()


async def asks_to_move(old, new):
    """The code for it."""
    done = await old.run("my-move", to=new.boundjid.bare)
    assert f"write from {new.boundjid.bare} to {DOMAIN}: my-take {done.value('code')}" in done.text, done.text
    return done.value("code")


@pytest.mark.alone
async def test_a_test_call_outlives_the_process(scene):
    client = await scene.client()
    user = await commander(scene, client.user, "commands")
    await user.run("my-test-call", seconds=60)
    mine = await client.incoming()
    await mine.accept()
    await mine.wait("media")
    await media.listen((mine.audio, mine.audio))
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await media.listen((mine.audio, mine.audio))
    await mine.hangup()


@pytest.mark.alone
async def test_an_account_moves_with_proof_from_both(scene):
    operator = await commander(scene, "oscar", "moves")
    old, new = await commander(scene, "carol", "old"), await commander(scene, "nina", "new")
    number, theirs, ours = fresh_number(), old.boundjid.bare, new.boundjid.bare
    assert (await new.step("my-take")).error == "service-unavailable"  # there is nothing for it
    assert "belongs to" in (await operator.run("number-assign", number=number, owner=theirs, trunk="carrier")).text
    await old.run("my-block", party="+19995550100")
    await old.run("do-not-disturb", quiet="times", days="mon", hours="00:00-00:01")
    assert (await old.run("my-move", to=f"x@{DOMAIN}")).notes[0][0] == "error"
    assert (await old.run("my-move", to=theirs)).notes[0][0] == "error"

    code = await asks_to_move(old, new)
    nodes, _ = await new.listed()
    assert nodes == ["my-take"]
    for wrong in range(5):
        said = (await new.run("my-take", code=f"wrong{wrong}")).text
        assert said == ("This code is wrong, and nothing is moved." if wrong == 4 else "This code is wrong.")
    assert (await new.step("my-take", "complete", None, {"code": code})).error == "service-unavailable"

    code = await asks_to_move(old, new)
    assert (await old.say(f"my-take {code}")) == UNKNOWN
    assert await new.say(f"my-take {code}") == f"All that {theirs} had here is yours."
    assert await old.heard() == f"Your account and its numbers are {ours}'s now."
    assert (await old.step("my-numbers")).error == "service-unavailable"
    assert [row["number"] for row in (await new.run("my-numbers")).rows] == [number]
    assert "+19995550100" in (await new.run("my-blocks")).text + str((await new.run("my-blocks")).rows)
    assert (await new.step("do-not-disturb")).value("hours") == "00:00-00:01"
    assert "my-take" not in (await new.listed())[0]
    for restarts in (True, False):  # on the wire, and after a restart
        telephone = await scene.dial(number)
        mine = await new.incoming()
        await telephone.cancel()
        await mine.ended()
        if restarts:
            await scene.bed.tandem.kill()
            await scene.bed.tandem.start()
    row = (await operator.run("changes", object=theirs, count=1)).rows[0]
    assert (row["who"], row["command"], row["from"], row["to"]) == (ours, "my-take", theirs, ours), row
    assert (await ctl(scene.bed.tandem, "account-remove", ours))[0] == 0


async def test_a_number_of_the_file_does_not_move(scene):
    client = await commander(scene, None)
    done = await client.run("my-move", to="nina@example.org")
    assert done.notes[0][0] == "error" and f"{own_number(client.user)} is named in the gateway's configuration" in done.text
