# SPDX-License-Identifier: AGPL-3.0-or-later
"""What users do with their own account: have themselves called.

    clients c1  --  Prosody srv  --  Tandem gw
"""

from bed import media
from bed.scene import DOMAIN
from test_commands import commander


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
