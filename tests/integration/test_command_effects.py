# SPDX-License-Identifier: AGPL-3.0-or-later
"""What commands do, on the wire.

    clients c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn 10.77.0.2, PBX 10.77.0.3
"""

import asyncio
import csv
import io
import pathlib
import re

import pytest

from bed import database, ejabberd, prosody
from bed.commands import ANSWER_S, ctl
from bed.commandtable import ADD, ANNOUNCE, DISABLE, ENABLE, UNKNOWN, USERS, asked, commander, fresh_number
from bed.jinglexml import error_of
from bed.scene import CARRIER, DOMAIN, own_number

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")


async def assigned(scene, number, user):
    """That @number rings at @user."""
    client = await scene.client(user, resource=f"rings{number[-4:]}")
    theirs = await scene.dial(number)
    mine = await client.incoming()
    await theirs.cancel()
    await mine.ended()


async def unassigned(scene, number):
    """That @number is nobody's."""
    assert (await (await scene.dial(number)).wait("ended")).startswith("404")


async def test_a_number_is_assigned_and_released(scene):
    operator, number, user = await commander(scene, "oscar", "numbers"), fresh_number(), next(scene.bed.users)
    await unassigned(scene, number)
    done = await operator.run("number-assign", number=number, owner=f"{user}@EXAMPLE.org/phone", trunk="carrier")
    assert done.status == "completed" and number in done.text, done.error
    await assigned(scene, number, user)
    row, = [row for row in (await operator.run("numbers", find=number)).rows if row["number"] == number]
    assert row["owners"] == f"{user}@example.org" and row["trunk"] == "carrier"
    assert number in (await operator.run("number-release", number=number)).text
    await unassigned(scene, number)
    rows = (await operator.run("changes", object=number, count=10)).rows
    assert [(row["who"], row["command"], row["from"], row["to"]) for row in rows] == [
        ("oscar@example.org", "number-release", f"{user}@example.org", ""),
        ("oscar@example.org", "number-assign", "", f"{user}@example.org")]


async def test_the_component_of_a_numbers_texts_is_a_domain(scene):
    operator, number, user = await commander(scene, "oscar", "carries"), fresh_number(), next(scene.bed.users)
    await operator.run("number-assign", number=number, owner=f"{user}@example.org", trunk="carrier")
    for wrong in ("..", "-x", "a@b", "sgx example", DOMAIN, "x" * 300):
        done = await operator.run("number-texts", number=number, component=wrong)
        assert done.notes[0][0] == "error" and "Nothing was changed" in done.text, (wrong, done.text)
    done = await operator.run("number-texts", number=number, component="SGX.example.org")
    assert done.text == f"Texts of {number} go by sgx.example.org."
    row, = (await operator.run("numbers", find=number)).rows
    assert row["texts"] == "sgx.example.org"
    assert (await operator.run("number-release", number=number)).status == "completed"


async def test_files_of_one_moment_have_names_of_their_own(scene):
    words = [("history-export", "party=+1999"), ("backup",)]
    done = await asyncio.gather(*[ctl(scene.bed.tandem, *which) for which in words * 4])
    assert all(status == 0 for status, _ in done), done
    paths = [re.search(r"/\S+?\.(?:csv|db\.backup-\d+)", text)[0] for _, text in done]
    assert len(set(paths)) == 8 and all(pathlib.Path(path).exists() for path in paths), paths


async def test_a_number_of_the_file_is_the_files(scene):
    operator = await commander(scene, "oscar", "file")
    done = await operator.run("number-release", number=own_number("bob"))
    assert done.notes[0][0] == "error" and "tandem.conf" in done.text
    done = await operator.run("number-assign", number=own_number("bob"), owner="alice@example.org", trunk="carrier")
    assert done.notes[0][0] == "error"


async def test_numbers_are_imported_by_tandemctl(scene):
    one, two, user = fresh_number(), fresh_number(), next(scene.bed.users)
    path = pathlib.Path(scene.bed.tandem.directory) / "numbers.csv"
    path.write_text(f"number,owner,trunk\n{one},{user}@example.org,carrier\nrubbish,x,y\n")
    status, text = await ctl(scene.bed.tandem, "number-import", f"csv=@{path}")
    assert status == 1 and "Line 3" in text
    await unassigned(scene, one)
    path.write_text(f'number,owner,trunk\r\n{one},{user}@example.org,carrier\r\n{two},"{user}@example.org",pbx\r\n')
    assert (await ctl(scene.bed.tandem, "number-import", f"csv=@{path}", "check=yes"))[0] == 0
    await unassigned(scene, one)
    assert await ctl(scene.bed.tandem, "number-import", f"csv=@{path}") == (0, "2 numbers are assigned.\n")
    await assigned(scene, one, user)
    status, text = await ctl(scene.bed.tandem, "numbers", user, tabs=True)
    assert f"{two}\t{user}@example.org\tpbx\tall\t\tcommand\n" in text


async def test_a_number_is_assigned_in_conversation(scene):
    operator, number, user = await commander(scene, "oscar", "talks"), fresh_number(), next(scene.bed.users)
    assert (await operator.say("number assign")).startswith("Number?")
    wrong = await operator.say("nonsense")
    assert wrong == "Number: a number such as +15551234567, please.\nTo leave it, write: cancel", wrong
    assert (await operator.heard()).startswith("Number?")
    assert (await operator.say(number)).startswith("Owner?")
    choices = await operator.say(f"{user}@example.org")
    assert choices.startswith("Trunk?")
    choice = re.search(r"(\d+): carrier", choices)[1]
    assert await operator.say(choice) == f"{number} belongs to {user}@example.org now."
    await assigned(scene, number, user)
    assert await operator.say(f"Number-release {number}") == f"{number} is released."
    await unassigned(scene, number)
    assert await operator.say("bogus") == UNKNOWN
    assert (await operator.say("help number-release")).startswith("number-release: ")


async def test_a_call_is_hung_up_on_both_sides(scene):
    operator = await commander(scene, "oscar", "hangs")
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    row, = [row for row in (await operator.run("calls")).rows if row["account"] == f"{mine.client.user}@example.org"]
    assert row["state"] == "up" and row["trunk"] == "carrier" and "lost" in row["caller"] and row["caller-codec"]
    stage = await operator.step("call-hangup")
    assert row["call"] in stage.options("call")
    done = await operator.run("call-hangup", call=row["call"])
    assert done.status == "completed" and done.notes[0][0] == "info"
    ended, bye = await asyncio.gather(mine.ended(), theirs.wait("ended"))
    assert ended.startswith("terminate success") and "BYE" in bye
    assert row["call"] not in [r["call"] for r in (await operator.run("calls")).rows]
    assert (await operator.run("call-hangup", call=row["call"])).notes[0][0] == "error"


async def test_an_account_is_disabled(scene):
    operator, client = await commander(scene, "oscar", "disables"), await commander(scene, None)
    account = f"{client.user}@example.org"
    await operator.run(DISABLE, accountjids=account)
    theirs = await scene.dial(own_number(client.user))
    assert (await theirs.wait("ended")).startswith(("480", "404", "403"))
    assert (await (await client.call(scene.jid(scene.number()))).ended()).startswith("reject")
    assert error_of((await client.listed())[1]) == "item-not-found"
    await operator.run(ENABLE, accountjids=account)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await theirs.cancel()
    await mine.ended()


async def test_an_account_is_limited(scene):
    operator, client = await commander(scene, "oscar", "limits"), await scene.client()
    account = f"{client.user}@example.org"
    done = await operator.run("account-limits", {"account": account}, {"deny": "+1555", "calls": "2"})
    assert "calls 2" in done.text
    assert (await (await client.call(scene.jid("+15551239999"))).ended()).startswith("reject")
    await scene.bed.tandem.process.wait_log(rf"refused=destination from=\"?{client.user}@")
    stage = await operator.step("account-limits")
    stage = await operator.step("account-limits", "next", stage.sessionid, {"account": account})
    assert stage.value("deny") == "+1555" and stage.value("calls") == "2"
    done = await operator.step("account-limits", "complete", stage.sessionid, {"deny": "", "calls": ""})
    assert "configured limits hold" in done.text
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    await (await plan.call()).refuse(486, "Busy Here")
    await mine.ended()


@pytest.mark.alone
async def test_a_drained_trunk_takes_no_calls_and_its_options_say_so(scene):
    operator = await commander(scene, "oscar", "trunks")
    dave = await scene.client("dave")
    assert "answered OPTIONS with 200" in (await operator.run("trunk-test", trunk="pbx")).text
    assert await asked(scene.bed.pbx, "OPTIONS") == 200
    assert (await operator.run("trunk-drain", trunk="pbx", drain="true")).text == "pbx takes no new calls."
    assert await asked(scene.bed.pbx, "OPTIONS") == 503
    theirs = await scene.dial(own_number("dave"), carrier=scene.bed.pbx)
    assert (await theirs.wait("ended")).startswith("503")
    assert (await (await dave.call(scene.jid(scene.number()))).ended()).startswith("reject")
    row, = [row for row in (await operator.run("trunks")).rows if row["trunk"] == "pbx"]
    assert row["state"].endswith(", drained")
    assert (await ctl(scene.bed.tandem, "trunk-drain", "pbx", "no"))[1] == "pbx takes calls.\n"
    assert await asked(scene.bed.pbx, "OPTIONS") == 200
    theirs = await scene.dial(own_number("dave"), carrier=scene.bed.pbx)
    mine = await dave.incoming()
    await theirs.cancel()
    await mine.ended()


async def test_history_and_why_a_call_failed(scene):
    client = await commander(scene, None)
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    await (await plan.call()).refuse(486, "Busy Here")
    await mine.ended()
    failed = await client.run("why-failed")
    assert "busy" in failed.text.lower() and failed.value("to") == number
    row, = (await client.run("my-calls", party=number)).rows
    assert row["to"] == number and row["ended-by"] == "busy"
    reader = await commander(scene, "rita", "history")
    row, = (await reader.run("history", party=number, failed="true", since="2020-01-01", cause="busy")).rows
    assert row["account"] == f"{client.user}@example.org" and row["trunk"] == "carrier" and row["sip-status"] == "486"
    assert "no such calls" in (await reader.run("history", party=number, until="2020-01-01 10:00")).text
    operator = await commander(scene, "oscar", "exports")
    done = await operator.run("history-export", party=number)
    path = pathlib.Path(re.fullmatch(r"1 records are in (\S+\.csv)\.", done.text)[1])
    record, = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    assert record["callee"] == number and record["cause"] == "busy" and record["trunk"] == "carrier"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "busy" in (await client.say("why failed")).lower()
    status, text = await ctl(scene.bed.tandem, "my-calls", number, account=f"{client.user}@example.org", role="none", tabs=True)
    assert status == 0 and f"\t{number}\t\tbusy\n" in text


async def test_a_call_that_was_refused_at_once_is_explained_too(scene):
    client, denied = await commander(scene, None), "+8821612345678"  # a satellite's
    assert "None of your calls" in (await client.run("why-failed")).text
    mine = await client.call(scene.jid(denied))
    await mine.ended()
    failed = await client.run("why-failed")
    assert failed.value("to") == denied and failed.value("from") == client.boundjid.bare and len(failed.text) > 20, failed.text
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    await (await plan.call()).refuse(486, "Busy Here")
    await mine.ended()
    assert (await client.run("why-failed")).value("to") == number


async def test_do_not_disturb_and_forwarding(scene):
    client, other = await commander(scene, None), await scene.client()
    number = own_number(client.user)
    assert (await client.run("do-not-disturb", quiet="on")).text == "Do not disturb: on."
    assert (await (await scene.dial(number)).wait("ended")).startswith("486")
    done = await client.run("my-settings", second_call="ring", forward=f"{other.user}@example.org", forward_all="false")
    assert done.status == "completed", done.error
    theirs = await scene.dial(number)
    mine = await other.incoming()
    await theirs.cancel()
    await mine.ended()
    assert (await client.run("do-not-disturb", quiet="off")).status == "completed"
    theirs = await scene.dial(number)
    mine = await client.incoming()
    await theirs.cancel()
    await mine.ended()
    await client.run("my-settings", second_call="ring", forward=f"{other.user}@example.org", forward_all="true")
    theirs = await scene.dial(number)
    mine = await other.incoming()
    await theirs.cancel()
    await mine.ended()
    plan = scene.bed.carrier.expect("reception")
    done = await client.run("my-settings", second_call="ring", forward=f"sip:reception@{CARRIER}", forward_all="true")
    assert f"forward sip:reception@{CARRIER} every call" in done.text, done.text
    theirs = await scene.dial(number)
    await (await plan.call()).refuse(486, "Busy Here")
    assert (await theirs.wait("ended")).startswith("486")
    assert (await client.run("my-settings", second_call="ring", forward="", forward_all="true")).notes[0][0] == "error"
    assert (await client.run("my-settings", second_call="bogus")).error == "bad-request bad-payload"
    shown = await client.run("my-numbers")
    assert shown.rows[0]["number"] == number
    bad = await client.run("do-not-disturb", quiet="times", days="noday", hours="22:00-07:00")
    assert bad.notes[0][0] == "error"
    good = await client.run("do-not-disturb", quiet="times", days="mon-fri, sun", hours="22:00-07:00")
    assert good.text == "Do not disturb: mon-fri, sun 22:00-07:00."


async def test_the_number_that_others_see(scene):
    operator, client = await commander(scene, "oscar", "shown"), await commander(scene, None)
    second = fresh_number()
    await operator.run("number-assign", number=second, owner=f"{client.user}@example.org", trunk="carrier")

    async def seen():
        number = scene.number()
        plan = scene.bed.carrier.expect(number)
        mine = await client.call(scene.jid(number))
        theirs = await plan.call()
        await theirs.refuse(486, "Busy Here")
        await mine.ended()
        return theirs.invite.get("From")

    assert own_number(client.user)[1:] in await seen()
    assert (await client.run("my-caller-id", number=second, withhold="0")).text == f"Others see {second}."
    assert second[1:] in await seen()
    assert (await client.run("my-caller-id", number=own_number("bob"))).error == "bad-request bad-payload"
    assert (await client.run("my-caller-id", withhold="1")).text == "Others see no number."
    assert "anonymous" in await seen()
    await client.run("my-caller-id", withhold="0")
    account = {"account": client.boundjid.bare}
    assert (await operator.run("account-caller-id", account, {"number": second})).text == f"Others see {second}."
    assert second[1:] in await seen()
    row = (await operator.run("changes", object=client.boundjid.bare, count=1)).rows[0]
    assert (row["command"], row["to"]) == ("account-caller-id", second)
    assert (await operator.run("account-caller-id", account, {"number": own_number("bob")})).error == "bad-request bad-payload"
    done = await operator.run("account-caller-id", {"account": "nobody@nowhere.example"})
    assert done.notes == [("error", "nobody@nowhere.example has no number.")]
    await operator.run("number-release", number=second)
    assert own_number(client.user)[1:] in await seen()


@pytest.mark.alone
async def test_a_drained_gateway_takes_no_calls(scene):
    owner, client = await commander(scene, "admin", "drains"), await scene.client()
    assert (await owner.run("drain", drain="1")).status == "completed"
    assert ("warn", "Draining: no new calls are taken.") in (await owner.run("status")).notes
    theirs = await scene.dial(own_number(client.user))
    assert (await theirs.wait("ended")).startswith("503")
    assert (await (await client.call(scene.jid(scene.number()))).ended()).startswith("reject")
    assert (await owner.run("drain", drain="false")).text == "Calls are taken again."
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await theirs.cancel()
    await mine.ended()


@pytest.mark.alone
async def test_the_file_is_read_again_while_calls_go_on(scene):
    owner, gateway, number = await commander(scene, "admin", "reloads"), scene.bed.tandem, fresh_number()
    mine, theirs = await scene.call_out()
    user = next(scene.bed.users)
    gateway.numbers[number] = {"owner": f"{user}@example.org", "trunk": "carrier"}
    gateway.write()
    await unassigned(scene, number)
    done = await owner.run("reload")
    assert done.notes[0][0] == "info" and done.text.endswith("tandem.conf is in force."), done.text
    await assigned(scene, number, user)
    await scene.heard(mine, theirs)
    del gateway.numbers[number]
    old, gateway.sections["sip"] = gateway.sections["sip"], {**gateway.sections["sip"], "listen": ["udp:10.77.0.1:5070"]}
    gateway.write()
    assert "sip.listen needs a restart" in (await owner.run("reload")).text
    gateway.sections["sip"] = {**old, "nonsense": 1}
    gateway.write()
    assert "unknown key sip.nonsense" in (await owner.run("reload")).text
    await assigned(scene, number, user)
    gateway.sections["sip"] = old
    gateway.write()
    assert (await ctl(gateway, "reload"))[0] == 0
    await unassigned(scene, number)
    await mine.hangup()


async def test_a_backup_is_a_database(scene):
    owner = await commander(scene, "admin", "backup")
    await owner.run(ADD, accountjid="kept@example.org")
    done = await owner.run("backup")
    path = re.search(r"copied to (\S+)\.", done.text)[1]
    assert database.rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert database.rows(path, "SELECT count(*) FROM account WHERE jid = 'kept@example.org'") == [(1,)]
    assert pathlib.Path(path).stat().st_mode & 0o777 == 0o600


@pytest.mark.alone
async def test_announcements_reach_users_and_users_are_counted(scene):
    operator, user = await commander(scene, "oscar", "announces"), await scene.client()
    done = await operator.run(ANNOUNCE, announcement=["Maintenance", "tonight."])
    assert done.status == "completed" and re.match(r"\d+ accounts are told", done.text), done.error
    message = await asyncio.wait_for(user.messages.get(), ANSWER_S)
    assert message.findtext("{jabber:client}body") == "Maintenance\ntonight." and message.get("from") == DOMAIN
    assert int((await operator.run(USERS)).value("registeredusersnum")) >= 60
