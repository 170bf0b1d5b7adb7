# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands by XEP-0050, by conversation and by tandemctl: who may, and what each step answers.

    clients c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn 10.77.0.2, PBX 10.77.0.3
"""

import re

import pytest

from bed import ejabberd, prosody
from bed.commands import COMMANDS, DATA, INFO, ITEMS, ctl
from bed.commandtable import (ADD, CTL_ROLES, DELETE, LIVE, NEEDS, NEW, ROLES, UNKNOWN, USER, WORDS, allowed, anything, commander,
                              fresh_number)
from bed.jinglexml import element, error_of
from bed.scene import DOMAIN, own_number

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")


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
        refused = "for the account that owns" in text or "not for this role" in text
        assert refused != (node in allowed(ROLES[user])), (node, text)
        assert "no such command" not in text


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
