# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands by XEP-0050, by conversation and by tandemctl: who may, what each step answers, and what they do on the wire.

    clients c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn 10.77.0.2, PBX 10.77.0.3
"""

import asyncio
import csv
import io
import pathlib
import re

import pytest

from bed import database, ejabberd, prosody, sipmsg
from bed.commands import ANSWER_S, COMMANDS, DATA, INFO, ITEMS, Commander, ctl
from bed.jinglexml import element
from bed.scene import DOMAIN, GATEWAY, own_number
from test_malformed import error_of

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")

# Each command and the least that may: with which words tandemctl runs it without a change.
USER, READER, OPERATOR, OWNER = "user", "reader", "operator", "owner"
NEW = "new"  # to whom an account is about to move: none of ROLES
ADMIN = "http://jabber.org/protocol/admin#"  # XEP-0133; the words for the same
ANNOUNCE, USERS = f"{ADMIN}announce", f"{ADMIN}get-registered-users-num"
ADD, DELETE, DISABLE, ENABLE = (f"{ADMIN}{name}" for name in ("add-user", "delete-user", "disable-user", "reenable-user"))
END_SESSION = f"{ADMIN}end-user-session"
RESTART, SHUTDOWN = f"{ADMIN}restart", f"{ADMIN}shutdown"
LISTS = {f"{ADMIN}get-online-users-num": "users-online", f"{ADMIN}get-online-users-list": "users-online-list",
         f"{ADMIN}get-disabled-users-num": "users-disabled", f"{ADMIN}get-active-users-num": "users-active",
         f"{ADMIN}get-registered-users-list": "users-list", f"{ADMIN}get-disabled-users-list": "users-disabled-list",
         f"{ADMIN}get-active-users": "users-active-list"}
WORDS = {ANNOUNCE: "announce", USERS: "users", ADD: "account-add", DELETE: "account-remove", DISABLE: "account-disable",
         ENABLE: "account-enable", END_SESSION: "user-hangup", RESTART: "restart", SHUTDOWN: "shutdown", **LISTS}
NEEDS = {
    "status": (READER,), "calls": (READER,), "watch": (READER, "none"),
    "trace-start": (OPERATOR, "what="), "trace-follow": (OPERATOR, "what="), "traces": (OPERATOR,),
    "trace-show": (OPERATOR, "999999"), "trace-stop": (OPERATOR, "999999"), "trace-save": (OPERATOR, "999999"),
    "call-hangup": (OPERATOR, "none"),
    "numbers": (READER,), "number-assign": (OPERATOR,), "number-release": (OPERATOR, "+19990000000"),
    "number-ring": (OPERATOR, "+19990000000"), "number-texts": (OPERATOR, "+19990000000"),
    "number-import": (OPERATOR, "csv=x"),
    "accounts": (READER,), ADD: (OPERATOR,), DISABLE: (OPERATOR, "nobody@nowhere.example"),
    ENABLE: (OPERATOR, "nobody@nowhere.example"), DELETE: (OPERATOR, "nobody@nowhere.example"),
    END_SESSION: (OPERATOR, "nobody@nowhere.example"), **{node: (READER,) for node in LISTS},
    "account-limits": (OPERATOR, "nobody@nowhere.example"), "account-caller-id": (OPERATOR, "nobody@nowhere.example"),
    RESTART: (OWNER, "delay=x"), SHUTDOWN: (OWNER, "sure=no"),
    "blocks": (READER,), "block": (OPERATOR,), "unblock": (OPERATOR,),
    "trunk-add": (OWNER, "a b"), "trunk-edit": (OWNER,), "trunk-remove": (OWNER,),
    "trunks": (READER,), "trunk-test": (OPERATOR,), "trunk-call": (OPERATOR,), "trunk-drain": (OPERATOR,), "history": (READER,),
    "history-export": (OPERATOR, "since=x"),
    "my-blocks": (USER,), "my-block": (USER,), "my-unblock": (USER,),
    "my-numbers": (USER,), "my-settings": (USER,), "my-caller-id": (USER,), "do-not-disturb": (USER,), "my-calls": (USER,),
    "transfer-call": (USER,), "my-test-call": (USER,), "my-move": (USER,), "my-take": (NEW,),
    "why-failed": (USER,), "reload": (OWNER,), "backup": (OWNER,), "upgrade": (OWNER, "no"), "changes": (READER,),
    ANNOUNCE: (OPERATOR,), USERS: (READER,), "drain": (OWNER, "drain=no"), "log-level": (OWNER, "debug"),
}
LIVE = {"watch"}  # they go on until somebody says stop
LEVELS = [READER, OPERATOR, OWNER]
ROLES = {"admin": OWNER, "oscar": OPERATOR, "rita": READER, "alice": USER, "carol": None}  # alice owns a number
CTL_ROLES = {"admin": "owner", "oscar": "operator", "rita": "read-only"}
UNKNOWN = "I do not know this command. Write: help"


def may(role, need):
    """Whether @role may what asks for @need."""
    if need not in LEVELS or role not in LEVELS:
        return role == need
    return LEVELS.index(role) >= LEVELS.index(need)


def allowed(role):
    """The commands of a role."""
    return {node for node, (need, *_) in NEEDS.items() if may(role, need)}


def anything(role):
    """Whether the domain has commands for @role at all."""
    return role is not None


async def commander(scene, user, resource="phone"):
    """A device of @user that runs commands."""
    return await scene.client(user, kind=Commander, resource=resource)


def fresh_number():
    """A number that nobody has had."""
    fresh_number.last += 1
    return f"+1555300{fresh_number.last:04d}"


fresh_number.last = 0


# who may what: each command, each role, each face

@pytest.mark.alone
@pytest.mark.parametrize("user", ROLES)
async def test_who_may_what_by_forms(scene, user):
    role, client = ROLES[user], await commander(scene, user, "table")
    nodes, answer = await client.listed()
    if anything(role):
        assert set(nodes) == allowed(role)
    else:
        unknown = await client.request(element(ITEMS, "query", node="x"), DOMAIN, kind="get")
        assert error_of(answer) == error_of(unknown) == "item-not-found"
    for node in NEEDS:
        stage = await client.step(node)
        info = await client.request(element(INFO, "query", node=node), DOMAIN, kind="get")
        if node in allowed(role):
            assert stage.status in ("executing", "completed"), (node, stage.error)
            assert info.find(f".//{{{INFO}}}identity").attrib == {
                "category": "automation", "type": "command-node", "name": info.find(f".//{{{INFO}}}identity").get("name")}
            assert {COMMANDS, DATA} <= {feature.get("var") for feature in info.iter(f"{{{INFO}}}feature")}
            if stage.status == "executing":
                assert (await client.step(node, "cancel", stage.sessionid)).status == "canceled"
        else:
            assert stage.error == ("item-not-found" if anything(role) else "service-unavailable"), node
            assert stage.error == (await client.step("no-such-command")).error
            assert error_of(info) == "item-not-found"


@pytest.mark.alone
@pytest.mark.parametrize("user", ROLES)
async def test_who_may_what_by_conversation(scene, user):
    role, client = ROLES[user], await commander(scene, user, "words")
    if not anything(role):
        body = element("jabber:client", "body")
        body.text = "status"
        status = await client.ask(DOMAIN, body)
        body.text = "no-such-command"
        nothing = await client.ask(DOMAIN, body)
        assert error_of(status) == error_of(nothing)
        return
    listed = await client.say("help")
    assert set(re.findall(r"^([a-z-]+): ", listed, re.M)) == {WORDS.get(node, node) for node in allowed(role)}
    for node in NEEDS:
        answer = await client.say(WORDS.get(node, node))
        assert (answer != UNKNOWN) == (node in allowed(role)), (node, answer)
        if "?" in answer.split("\n")[0] or (node in LIVE and node in allowed(role)):
            assert await client.say("cancel") == "Cancelled."


@pytest.mark.parametrize("user", CTL_ROLES)
async def test_who_may_what_by_tandemctl(scene, user):
    for node, (_, *words) in NEEDS.items():
        _, text = await ctl(scene.bed.tandem, node, *words, role=CTL_ROLES[user])
        assert ("no such command" not in text) == (node in allowed(ROLES[user])), (node, text)


async def test_the_table_has_all_commands(scene):
    _, text = await ctl(scene.bed.tandem, "help")
    assert set(re.findall(r"^([a-z-]+): ", text, re.M)) == {
        WORDS.get(node, node) for node, (need, *_) in NEEDS.items() if need not in (USER, NEW)}


async def test_who_may_nothing_sees_a_domain_without_commands(scene):
    client = await commander(scene, "carol", "looks")
    _, features = await client.disco(DOMAIN)
    assert COMMANDS not in features and DATA not in features
    other = await commander(scene, "rita", "looks")
    _, features = await other.disco(DOMAIN)
    assert {COMMANDS, DATA} <= set(features) and features == sorted(features)
    query = element(INFO, "query", node=COMMANDS)
    identity = (await other.request(query, DOMAIN, kind="get")).find(f".//{{{INFO}}}identity")
    assert (identity.get("category"), identity.get("type")) == ("automation", "command-list")
    assert error_of(await client.request(query, DOMAIN, kind="get")) == "item-not-found"


# XEP-0050, step by step

async def test_a_session_has_its_actions(scene):
    client = await commander(scene, "admin", "steps")
    first = await client.step("account-limits")
    assert first.status == "executing" and first.actions == ["next"] and len(first.sessionid) >= 22
    assert (await client.step("account-limits", "prev", first.sessionid)).error == "bad-request bad-action"
    assert (await client.step("account-limits", "complete", first.sessionid)).error == "bad-request bad-action"
    second = await client.step("account-limits", "next", first.sessionid, {"account": "u59@example.org"})
    assert second.sessionid == first.sessionid and second.actions == ["complete", "prev"]
    assert (await client.step("account-limits", "next", first.sessionid)).error == "bad-request bad-action"
    back = await client.step("account-limits", "prev", first.sessionid)
    assert back.value("account") == "u59@example.org" and back.actions == ["next"]
    assert (await client.step("account-limits", "execute", first.sessionid)).value("calls") is None
    assert (await client.step("account-limits", "cancel", first.sessionid)).status == "canceled"
    assert (await client.step("account-limits", "next", first.sessionid)).error == "not-allowed session-expired"


@pytest.mark.parametrize("action,error", [("bogus", "bad-request malformed-action"), ("", "bad-request malformed-action"),
                                          ("EXECUTE", "bad-request malformed-action"), ("next", "bad-request bad-action"),
                                          ("prev", "bad-request bad-action"), ("complete", "bad-request bad-action"),
                                          ("cancel", "bad-request bad-action")])
async def test_actions_without_a_session(scene, action, error):
    client = await commander(scene, "admin", f"action{action}")
    assert (await client.step(ADD, action)).error == error


async def test_sessions_are_of_one_device_and_one_command(scene):
    client, other = await commander(scene, "admin", "mine"), await commander(scene, "admin", "other")
    stage = await client.step(ADD)
    values = {"accountjid": "someone@example.org"}
    unknown = "bad-request bad-sessionid"
    assert (await other.step(ADD, "complete", stage.sessionid, values)).error == unknown
    assert (await client.step(DELETE, "complete", stage.sessionid, values)).error == unknown
    assert (await client.step(ADD, "complete", stage.sessionid + "x", values)).error == unknown
    assert (await client.step(ADD, "complete", "", values)).error == unknown
    assert (await other.step(ADD, "cancel", stage.sessionid)).error == unknown
    assert (await client.step(ADD, "cancel", stage.sessionid)).status == "canceled"
    assert (await other.step(ADD, "cancel", stage.sessionid)).error == unknown


async def test_a_completed_session_has_expired(scene):
    client = await commander(scene, "rita", "done")
    stage = await client.step("status")
    assert stage.status == "completed" and stage.sessionid
    for action in (None, "execute", "next", "prev", "complete", "cancel"):
        assert (await client.step("status", action, stage.sessionid)).error == "not-allowed session-expired", action


async def test_bad_forms(scene):
    client = await commander(scene, "admin", "forms")
    stage = await client.step("number-assign")
    number, bad = fresh_number(), "bad-request bad-payload"
    well = {"number": number, "owner": "bob@example.org", "trunk": "carrier"}
    assert stage.fields["number"].find(f"{{{DATA}}}required") is not None
    validate = stage.fields["number"].find("{http://jabber.org/protocol/xdata-validate}validate")
    assert validate.get("datatype") == "xs:string" and re.fullmatch(validate[0].text, number)
    assert {"carrier", "pbx"} <= set(stage.options("trunk"))

    async def refused(values, kind="submit"):
        answer = await client.step("number-assign", "complete", stage.sessionid, values, kind)
        assert answer.error == bad, (values, answer.error)
        return answer.iq.findtext(".//{urn:ietf:params:xml:ns:xmpp-stanzas}text")

    assert "Number" in await refused({k: v for k, v in well.items() if k != "number"})
    await refused({**well, "number": "+1555x"})
    await refused({**well, "owner": "nobody"})
    await refused({**well, "trunk": "nowhere"})
    await refused({**well, "trunk": ["carrier", "pbx"]})
    await refused(well, "form")
    await refused(well, "result")
    await refused({})
    assert (await client.step("number-assign", "complete", stage.sessionid, well, "cancel")).status == "canceled"
    assert (await client.step("number-assign", "complete", stage.sessionid, well)).error == "not-allowed session-expired"


async def test_bad_forms_of_a_command_that_tells_as_it_goes(scene):
    client, bad = await commander(scene, "rita", "live-forms"), "bad-request bad-payload"
    stage = await client.step("watch")
    for values, kind in (({"minutes": "5"}, "result"), ({"minutes": "0"}, "submit"), ({"every": "often"}, "submit"),
                         ({"every": "-"}, "submit"), ({"minutes": ""}, "submit")):
        answer = await client.step("watch", "complete", stage.sessionid, values, kind)
        assert answer.error == bad, (values, kind, answer.error)
    assert (await client.step("watch", "complete", stage.sessionid, {"minutes": "1"})).status == "completed"
    assert await client.heard() and await client.say("stop") == "Cancelled."


@pytest.mark.parametrize("lang,well", [("de", True), ("en-GB", True), ("zh-Hant-TW", True), ("not a language", False), ("1", False),
                                       ("en-", False)])
async def test_languages(scene, lang, well):
    client = await commander(scene, "rita", f"lang{len(lang)}")
    stage = await client.step("status", lang=lang)
    if well:
        assert stage.status == "completed"
        assert stage.command.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    else:
        assert stage.error == "bad-request bad-locale"


async def test_what_is_no_request(scene):
    client = await commander(scene, "admin", "odd")
    assert error_of(await client.request(element(COMMANDS, "command"), DOMAIN)) == "bad-request"
    assert error_of(await client.request(element(COMMANDS, "command", node="status"), DOMAIN, kind="get")) == "bad-request"
    assert (await client.step("account-add")).error == "item-not-found"  # a word, not its node
    assert error_of(await client.request(element(INFO, "query", node="account-add"), DOMAIN, kind="get")) == "item-not-found"
    number = f"{own_number('alice')}@{DOMAIN}"
    assert error_of(await client.request(element(COMMANDS, "command", node="status"), number)) == "service-unavailable"


@pytest.mark.alone
async def test_an_account_has_few_sessions_and_the_oldest_gives_way(scene):
    client, other = await commander(scene, "admin", "many"), await commander(scene, "admin", "more")
    devices = [client, other] * 9
    stages = [await device.step(ADD) for device in devices]
    assert len({stage.sessionid for stage in stages}) == 18
    answers = [await device.step(ADD, "cancel", stage.sessionid) for device, stage in zip(devices, stages)]
    assert [answer.error for answer in answers[:2]] == ["not-allowed session-expired"] * 2
    assert [answer.status for answer in answers[2:]] == ["canceled"] * 16


# what commands do, on the wire

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
    for wrong in ("..", "-", "a@b", "sgx example", DOMAIN, "x" * 300):
        done = await operator.run("number-texts", number=number, component=wrong)
        assert done.notes[0][0] == "error" and "Nothing was changed" in done.text, (wrong, done.text)
    assert (await operator.run("number-texts", number=number, component="SGX.example.org")).text == f"Texts of {number} go by sgx.example.org."
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
    assert (await operator.say("nonsense")) == "Number: a number such as +15551234567, please."
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


async def asked(telephone, method):
    """What Tandem answers to a request of @telephone outside of dialogs."""
    peer = await telephone.wire.reach("udp", GATEWAY, 5060)
    request = sipmsg.Message(method, f"sip:{GATEWAY}")
    request.add("Via", telephone.wire.via(peer[0])).add("Max-Forwards", 70)
    request.add("From", f"<sip:pbx@{telephone.host}>;tag={sipmsg.token()}").add("To", f"<sip:{GATEWAY}>")
    request.add("Call-ID", sipmsg.token(20)).add("CSeq", f"1 {method}")
    return (await telephone.wire.request(request, peer).final(ANSWER_S)).status


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
