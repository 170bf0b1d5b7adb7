# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands with the forms of Gajim: those of its library, as Debian has it.

    nbxmpp c1  --  Prosody or ejabberd srv  --  Tandem gw
"""

import pytest

from bed import gajim, servers
from bed.commandtable import ADD, ADMIN, NEEDS, OPERATOR, allowed, commander, fresh_number
from bed.scene import DOMAIN, own_number

pytestmark = [pytest.mark.skipif(bool(gajim.missing()), reason=gajim.missing() or ""),
              pytest.mark.parametrize(**servers.EACH)]


async def login(scene, user):
    """Gajim, as @user, with the list of commands."""
    mine = gajim.Gajim(scene.bed.c1, scene.bed.server_address, user)
    scene.clients.append(mine)
    await mine.start()
    return mine, (await mine.ask("list", jid=DOMAIN))["commands"]


async def test_every_form_is_understood(scene):
    mine, commands = await login(scene, "admin")
    assert set(commands) == allowed("owner") and all(commands.values())
    quiet = {node for node, (_, *words) in NEEDS.items() if node in commands} - {"reload", "backup"}
    for node in sorted(quiet):
        answer = await mine.ask("start", node=node)
        assert answer.get("status") in ("executing", "completed"), (node, answer)
        if answer["status"] == "executing":
            assert answer["fields"] and "cancel" in answer["actions"] and answer["title"] == commands[node], (node, answer)
            assert all(field["label"] or field["type"] == "hidden" for field in answer["fields"].values()), (node, answer)
            assert (await mine.ask("cancel"))["status"] == "canceled"


async def test_steps_tables_and_lists(scene):
    mine, _ = await login(scene, "admin")
    number, other = fresh_number(), next(scene.bed.users)
    account = f"{other}@example.org"
    answer = await mine.run("number-assign", {"number": number, "owner": account, "trunk": "carrier"})
    assert answer["notes"] == [["info", f"{number} belongs to {account} now."]]
    row, = [row for row in (await mine.run("numbers", {"find": number}))["rows"] if row["number"] == number]
    assert row["owners"] == account and row["trunk"] == "carrier"
    await mine.ask("start", node="account-limits")
    step = await mine.ask("next", values={"account": account})
    assert step["actions"] == ["cancel", "complete", "prev"]
    back = await mine.ask("prev")
    assert back["fields"]["account"]["value"] == account
    await mine.ask("next")
    done = await mine.ask("complete", values={"calls": "3", "deny": "+44 +49"})
    assert "calls 3" in done["notes"][0][1] and "+44 +49" in done["notes"][0][1]
    users = [f"gajim{i}@example.org" for i in range(2)]
    for user in users:
        await mine.run(ADD, {"accountjid": user})
    done = await mine.run(f"{ADMIN}delete-user", {"accountjids": users})
    assert [kind for kind, _ in done["notes"]] == ["info", "info"]


async def test_what_is_taken_out_of_a_form(scene):
    """Empty fields are not sent by it: a hyphen takes away what is there."""
    other, user = await commander(scene, None), next(scene.bed.users)
    mine, commands = await login(scene, user)
    assert set(commands) == allowed("user")
    assert not any(node in commands for node, (need, *_) in NEEDS.items() if need == OPERATOR)
    shown = (await mine.ask("start", node="my-settings"))["fields"]
    assert shown["second-call"]["options"] == ["ring", "busy", "next", "forward"]
    done = await mine.ask("complete", values={"forward": other.boundjid.bare, "also": [other.boundjid.bare], "ring-seconds": "9",
                                              "text-digits": False})
    assert f"forward {other.boundjid.bare}, ring 9 s with {other.boundjid.bare}" in done["notes"][0][1]
    assert "digits no" in done["notes"][0][1]
    done = await mine.run("my-settings", {"forward": "-", "also": ["-"], "ring-seconds": "-"})
    assert "forward -, ring usual s, before" in done["notes"][0][1], done
    number = own_number(user)
    assert number in [row["number"] for row in (await mine.run("my-numbers"))["rows"]]
    wrong = await mine.run("do-not-disturb", {"quiet": "times", "hours": "late"})
    assert "hours such as 22:00-07:00" in wrong["error"], wrong
