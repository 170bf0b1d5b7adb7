# SPDX-License-Identifier: AGPL-3.0-or-later
"""What commands change while calls go on: trunks, who is heard and rings, the process itself.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2; another one, which is in no file, 10.77.0.4
"""

import asyncio
import contextlib
import pathlib

import pytest

from bed import audio, database, phone, proc, servers
from bed.commands import ctl
from bed.commandtable import ADD, ADMIN, DELETE, DISABLE, ENABLE, END_SESSION, USERS, commander, fresh_number
from bed.scene import own_number

ADDRESS, USER, PASSWORD = "10.77.0.4", "tandem", "a-password-that-nobody-shall-see"
ACCOUNT = {"proxy": f"sip:{ADDRESS}:5060", "username": USER, "password": PASSWORD, "register": "true"}
pytestmark = [pytest.mark.alone, pytest.mark.parametrize(**servers.EACH)]


class Carrier(phone.Phone):
    """It knows when who was registered has left."""

    left = False

    def _on_register(self, request, peer):
        self.left = "expires=0" in request.get("Contact") or request.get("Expires") == "0"
        super()._on_register(request, peer)


@contextlib.asynccontextmanager
async def another(scene, credentials=None):
    """A carrier that is not in the file; with @credentials it wants a registration."""
    if ADDRESS not in scene.bed.pstn.addresses:
        scene.bed.pstn.add_address(f"{ADDRESS}/24")
    telephone = await Carrier(scene.bed.pstn, ADDRESS, name="another", credentials=credentials).start()
    try:
        yield telephone
    finally:
        for call in telephone.calls:
            if not call.passed("ended"):
                call.finish("end of the test")
        telephone.close()


async def owned(scene, owner, trunk):
    """A client with a number of @trunk's, which it shows."""
    client, number = await commander(scene, None), fresh_number()
    done = await owner.run("number-assign", number=number, owner=f"{client.user}@example.org", trunk=trunk)
    assert "belongs to" in done.text, done.text
    await client.run("my-caller-id", number=number, withhold="0")
    return client, number


async def added(scene, owner, name, **keys):
    """Add a trunk and wait until it takes calls."""
    done = await owner.run("trunk-add", {"name": name}, {"proxy": f"sip:{ADDRESS}:5060", **keys})
    assert f"{name} is added" in done.text, done.text
    await scene.bed.tandem.process.wait_log(rf"trunk={name} \S+ -> up")


async def test_a_trunk_registers_carries_calls_and_outlives_the_process(scene):
    owner, gateway = await commander(scene, "admin", "adds"), scene.bed.tandem
    async with another(scene, (USER, PASSWORD)) as carrier:
        await added(scene, owner, "third", **ACCOUNT, more=["# as its manual says", "expires_s = 600"])
        assert carrier.registrations and not carrier.left
        client, number = await owned(scene, owner, "third")
        mine, theirs = await scene.call_out(client=client, carrier=carrier)
        await scene.heard(mine, theirs)
        assert number[1:] in theirs.invite.get("From") and USER in theirs.invite.get("Contact")
        await mine.hangup()
        assert await ctl(gateway, "reload") == (0, f"{gateway.directory}/tandem.conf is in force.\n")
        theirs = await scene.dial(number, carrier=carrier)
        mine = await client.incoming()
        await theirs.cancel()
        await mine.ended()
        for path in pathlib.Path(gateway.directory).iterdir():
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
        await gateway.kill()
        await gateway.start()
        mine, theirs = await scene.call_out(client=client, carrier=carrier)
        await scene.heard(mine, theirs)
        assert "third" in (await ctl(gateway, "trunks"))[1]
        await mine.hangup()
        assert (await ctl(gateway, "number-release", number))[0] == 0
        assert (await ctl(gateway, "trunk-remove", "third"))[0] == 0
        await proc.until(lambda: carrier.left, 20.0, "the registration is given up")


async def test_a_trunk_is_changed_and_removed_under_a_call(scene):
    owner, gateway = await commander(scene, "admin", "edits"), scene.bed.tandem
    async with another(scene) as carrier:
        await added(scene, owner, "fourth")
        client, number = await owned(scene, owner, "fourth")
        mine, theirs = await scene.call_out(client=client, carrier=carrier)
        stage = await owner.step("trunk-edit")
        assert {"fourth", "carrier", "pbx"} <= set(stage.options("name"))
        stage = await owner.step("trunk-edit", "next", stage.sessionid, {"name": "fourth"})
        assert stage.value("proxy") == f"sip:{ADDRESS}:5060" and stage.value("password") is None
        done = await owner.step("trunk-edit", "complete", stage.sessionid, {"more": ["headers = X-Changed: yes"]})
        assert "fourth is changed" in done.text
        stage = await owner.step("trunk-edit")
        stage = await owner.step("trunk-edit", "next", stage.sessionid, {"name": "fourth"})
        assert (shown := stage.value("more")) == "headers = X-Changed: (as it is)"
        done = await owner.step("trunk-edit", "complete", stage.sessionid, {"more": [shown]})
        assert "fourth is changed" in done.text
        await scene.heard(mine, theirs)
        again, others = await scene.propose(client=client, carrier=carrier)
        assert others.invite.get("X-Changed") == "yes"
        await others.refuse(486, "Busy Here")
        await again.ended()
        done = await owner.run("trunk-remove", name="fourth")
        assert "1 numbers come by fourth" in done.text
        await owner.run("number-release", number=number)
        assert "is removed" in (await owner.run("trunk-remove", name="fourth")).text
        await scene.heard(mine, theirs)
        refused = await scene.dial(number, carrier=carrier)  # a stranger now
        await theirs.hangup()
        assert (await mine.ended()).startswith("terminate success")
        assert not refused.passed("ringing")
        refused.finish("nobody answers strangers")
        assert "fourth" not in (await ctl(gateway, "trunks"))[1]
        rows = (await owner.run("changes", object="fourth", count=10)).rows
        assert [row["command"] for row in rows] == ["trunk-remove", "trunk-edit", "trunk-edit", "trunk-add"]


async def test_what_a_trunk_proves_itself_by_goes_to_no_other_host(scene):
    owner, gateway = await commander(scene, "admin", "keeps"), scene.bed.tandem
    keys = {"proxy": f"sip:{ADDRESS}:5060", "username": USER, "password": PASSWORD, "more": ["headers = X-Key: kept"]}
    assert "is added" in (await owner.run("trunk-add", {"name": "keeper"}, keys)).text

    async def moved(*words):
        return await ctl(gateway, "trunk-edit", "keeper", "proxy=sip:10.77.0.77:5060", *words)

    for words, wanted in [((), "its password and the values of its headers"), (("password=other",), "the values of its headers"),
                          (("more=-",), "its password"), (("username=-",), "the values of its headers"),
                          (("password=other", "more=# headers = X-Key: (as it is)"), "the values of its headers")]:
        code, text = await moved(*words)
        assert code and f"Write {wanted} again. Nothing was changed." in text, text
    assert (await ctl(gateway, "trunk-edit", "keeper", f"proxy=sip:{ADDRESS}"))[0] == 0, "the same host"
    assert (await moved("username=-", "more=-"))[0] == 0, "it proves itself by nothing"
    assert (await ctl(gateway, "trunk-edit", "keeper", f"proxy=sip:{ADDRESS}"))[0] == 0
    code, text = await ctl(gateway, "trunk-edit", "keeper", "more=headers = X-New: (as it is)")
    assert code and "write its value" in text, text
    assert (await ctl(gateway, "trunk-remove", "keeper"))[0] == 0


async def test_what_cannot_be_added_is_told_why(scene):
    owner = await commander(scene, "admin", "errs")
    done = await owner.run("trunk-edit", {"name": "carrier"})
    assert done.status == "completed" and done.notes[0][0] == "error"
    assert f"carrier is in {scene.bed.tandem.directory}/tandem.conf" in done.text
    assert "tandem.conf" in (await owner.run("trunk-remove", name="pbx")).text
    assert "tandem.conf" in (await owner.run("trunk-add", {"name": "pbx"})).text
    for keys, said in [
            ({"proxy": "tel:5"}, 'proxy: "sip:host"'),
            ({"proxy": "sips:carrier.example"}, "sip.certificate"),
            ({"proxy": "sip:[2001:db8::1]"}, "no listener that reaches 2001:db8::1"),
            ({"register": "true"}, "registers without a username"),
            ({"password": "x"}, "has a password without a username"),
            ({"allow": "10.0.0.0/8 nonsense"}, "allow: a network"),
            ({"more": ["srtp require"]}, "lines such as"),
            ({"more": ["srtp = perhaps"]}, "srtp: "),
            ({"more": ["password_file = /etc/shadow"]}, "password_file is no key"),
            ({"more": ["password = wrongpw"]}, "password has a field of its own"),
            ({"more": ["x" * 9000]}, "too long")]:
        done = await owner.run("trunk-add", {"name": "never"}, {"proxy": f"sip:{ADDRESS}", **keys})
        assert said in done.text and "othing was changed" in done.text, done.text
    assert (await owner.run("trunk-add", {"name": "a b"})).error == "bad-request bad-payload"
    assert "never" not in (await ctl(scene.bed.tandem, "trunks"))[1]
    path = scene.bed.tandem.sections["db"]["path"]
    assert database.rows(path, "SELECT count(*) FROM trunk WHERE name = 'never'") == [(0,)]
    operator = await commander(scene, "oscar", "errs")
    assert (await operator.step("trunk-add")).error == "item-not-found"


async def over(scene, client, number, telephone):
    """A call of @client comes to @telephone."""
    plan = telephone.expect(number)
    mine = await client.call(scene.jid(number))
    await (await plan.call()).refuse(486, "Busy Here")
    await mine.ended()


async def restarted(gateway, routes):
    """It dies when its file has @routes, which a busy disk takes a while for, and the next one knows its trunks."""
    path = gateway.sections["db"]["path"]
    await proc.until(lambda: database.rows(path, "SELECT name, enabled FROM route") == routes, proc.SOON_S, "the routes are kept")
    await gateway.kill()
    await gateway.start()
    for trunk in ("carrier", "pbx"):
        await gateway.process.wait_log(rf"trunk={trunk} \S+ -> up")


async def test_a_route_sends_calls_to_another_trunk_until_it_is_gone(scene):
    operator, gateway, client = await commander(scene, "oscar", "routes"), scene.bed.tandem, await scene.client()
    number, carrier, pbx = scene.number(), scene.bed.carrier, scene.bed.pbx
    await over(scene, client, number, carrier)
    done = await operator.run("route-put", {"name": "way"}, {"prefixes": number[:8], "trunks": "pbx carrier"})
    assert done.text == f"way is added: {number[:8]} over pbx carrier, mon-sun 00:00-24:00, position 100.", done.text
    await over(scene, client, number, pbx)
    await restarted(gateway, [("way", 1)])
    await over(scene, client, number, pbx)
    row, = [row for row in (await operator.run("routes")).rows if row["route"] == "way"]
    assert row == {"route": "way", "prefixes": number[:8], "trunks": "pbx carrier", "days": "mon-sun", "hours": "00:00-24:00",
                   "position": "100", "state": "in use", "from": "command"}
    assert (await ctl(gateway, "route-put", "way", "enabled=no"))[0] == 0
    await over(scene, client, number, carrier)
    assert "\toff\tcommand" in (await ctl(gateway, "routes", tabs=True))[1]
    stage = await operator.step("route-put")
    stage = await operator.step("route-put", "next", stage.sessionid, {"name": "way"})
    assert [stage.value(var) for var in ("trunks", "days", "from", "until", "enabled")] == [
        "pbx carrier", "mon-sun", "00:00", "24:00", "false"]
    done = await operator.step("route-put", "complete", stage.sessionid, {"enabled": "true", "position": "7"})
    assert "way is changed" in done.text and "position 7." in done.text, done.text
    await over(scene, client, number, pbx)
    assert "way is removed" in (await operator.run("route-remove", name="way")).text
    await over(scene, client, number, carrier)
    await restarted(gateway, [])
    assert "way" not in (await ctl(gateway, "routes", tabs=True))[1]
    rows = (await operator.run("changes", object="way", count=10)).rows
    was = f"{number[:8]} over pbx carrier, mon-sun 00:00-24:00, position"
    assert [(row["command"], row["from"], row["to"]) for row in rows] == [
        ("route-remove", f"{was} 7", ""), ("route-put", f"{was} 100, not in use", f"{was} 7"),
        ("route-put", f"{was} 100", f"{was} 100, not in use"), ("route-put", "", f"{was} 100")]


async def test_what_is_no_route_is_told_why(scene):
    owner, gateway = await commander(scene, "admin", "ways"), scene.bed.tandem
    good = {"prefixes": "+49", "trunks": "pbx"}
    for keys, said in [({"trunks": "pbx nobody"}, "There is no trunk nobody"), ({"days": "mon-xyz"}, "Days are written as"),
                       ({"from": "08:00", "until": "08:00"}, "From and until are two times"),
                       ({"prefixes": " ".join(["+123456789"] * 100)}, "too long")]:
        done = await owner.run("route-put", {"name": "never"}, {**good, **keys})
        assert done.notes[0][0] == "error" and said in done.text and "othing was changed" in done.text, done.text
    for keys in ({"prefixes": "49a"}, {"trunks": "a/b"}, {"trunks": ""}, {"days": "monday"}, {"from": "24:00"}, {"until": "8"},
                 {"position": "0"}, {"position": "10000"}, {"enabled": "perhaps"}):
        assert (await owner.run("route-put", {"name": "never"}, {**good, **keys})).error, keys
    assert "From: a time such as 08:00, please" in (await ctl(gateway, "route-put", "never", "+49", "pbx", "from=8"))[1]
    assert "never" not in (await ctl(gateway, "routes"))[1]
    assert (await ctl(gateway, "route-remove", "never"))[0] != 0
    assert "is added" in (await owner.run("trunk-add", {"name": "used"}, {"proxy": "sip:10.77.0.77:5060"})).text
    await owner.run("route-put", {"name": "user"}, {**good, "trunks": "used"})
    assert "The route user goes over used" in (await owner.run("trunk-remove", name="used")).text
    assert "is removed" in (await owner.run("route-remove", name="user")).text
    assert "is removed" in (await owner.run("trunk-remove", name="used")).text


async def test_what_a_cancelled_command_works_at_is_answered_too(scene):
    owner = await commander(scene, "admin", "cancels")
    assert "is added" in (await owner.run("trunk-add", {"name": "silent"}, {"proxy": "sip:10.77.0.77:5060"})).text
    stage = await owner.step("trunk-test")
    working = asyncio.ensure_future(owner.step("trunk-test", "complete", stage.sessionid, {"trunk": "silent"}))
    await asyncio.sleep(0)
    assert (await owner.step("trunk-test", "complete", stage.sessionid)).error == "bad-request bad-action"
    assert not working.done()
    assert (await owner.step("trunk-test", "cancel", stage.sessionid)).status == "canceled"
    assert (await working).status == "canceled"
    assert (await owner.step("trunk-test", "cancel", stage.sessionid)).error == "not-allowed session-expired"
    assert "is removed" in (await owner.run("trunk-remove", name="silent")).text


async def test_a_user_blocks_a_telephone(scene):
    client, number = await commander(scene, None), fresh_number()
    own = own_number(client.user)
    assert "Nobody is blocked" in (await client.run("my-blocks")).text
    assert (await client.run("my-block", party=number)).notes[0][0] == "info"
    row, = (await client.run("my-blocks")).rows
    assert row["who"] == number
    theirs = await scene.dial(own, caller=number)
    assert (await theirs.wait("ended")).startswith(("480", "403", "404", "603"))
    assert (await client.run("my-unblock", party=number)).notes[0][0] == "info"
    theirs = await scene.dial(own, caller=number)
    mine = await client.incoming()
    await theirs.cancel()
    await mine.ended()


async def test_it_rings_as_long_as_the_user_wants_and_is_then_forwarded(scene):
    client, other = await commander(scene, None), await scene.client()
    settings = {"second_call": "ring", "before_answer": "default", "text_digits": "true", "forward_all": "false"}
    done = await client.run("my-settings", **settings, ring_seconds="5", forward=f"{other.user}@example.org")
    assert "ring 5 s" in done.text
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    further = await other.incoming()
    await mine.ended()
    await theirs.cancel()
    await further.ended()
    await client.run("my-settings", **settings, ring_seconds="5", forward="")
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    mine.ring()
    assert (await theirs.wait("ended")).startswith(("408", "480"))
    await mine.ended()
    assert (await client.run("my-settings", ring_seconds="4")).error == "bad-request bad-payload"


async def test_calls_are_forwarded_to_what_can_be_called_alone(scene):
    client = await commander(scene, None)
    for wrong, said in [("sips:reception@carrier", "write sip:user@host"), ("sip:x@nobody.example", "no carrier or PBX"),
                        ("nonsense", "neither a number such as"), (scene.jid("echo"), "neither a number"),
                        (own_number(client.user), "your own number"), (client.boundjid.bare, "your own address"),
                        ("sip:911@carrier", "emergency")]:
        done = await client.run("my-settings", forward=wrong, ring_seconds="5")
        assert done.notes[0][0] == "error" and f"Forward to {wrong}: " in done.text, done.text
        assert said in done.text and "Nothing was changed" in done.text, done.text
    assert not (await client.step("my-settings")).value("forward")
    done = await client.run("my-settings", forward="xmpp:Dora@example.org?call", ring_seconds="")
    assert "forward dora@example.org," in done.text, done.text
    done = await client.run("my-settings", forward="tel:+1-555-123-4567")
    assert "forward +15551234567," in done.text, done.text
    await client.run("my-settings", forward="")


async def test_who_rings_as_well_takes_the_call_too(scene):
    client, other, absent = await commander(scene, None), await commander(scene, None), await commander(scene, None)
    also = [other.boundjid.bare, f"{absent.user}@EXAMPLE.org/phone"]
    done = await client.run("my-settings", also=also, ring_seconds="")
    assert f"with {other.boundjid.bare} {absent.boundjid.bare}, " in done.text, done.text
    assert (await client.step("my-settings")).value("also") == other.boundjid.bare
    await absent.run("do-not-disturb", quiet="on")
    theirs = await scene.dial(own_number(client.user))
    mine, others = await client.incoming(), await other.incoming()
    others.ring()
    await others.accept()
    await theirs.wait("answered")
    await mine.ended()
    await scene.heard(others, theirs)
    assert not absent.calls
    await theirs.hangup()
    await others.ended()
    assert "4 addresses" in (await client.run("my-settings", also=[f"u{i}@example.org" for i in range(5)])).text
    assert (await client.step("my-settings")).value("also") == other.boundjid.bare, "and nothing is changed"
    assert (await client.run("my-settings", also=["example.org"])).error == "bad-request bad-payload"
    assert "a telephone is what calls are forwarded to" in (await client.run("my-settings", also=[scene.jid(fresh_number())])).text
    await client.run("my-settings", also=[])


async def test_users_under_the_nodes_of_xep_0133(scene):
    operator = await commander(scene, "oscar", "standard")
    accounts = ["standard1@example.org", "standard2@example.org"]
    for account in accounts:
        stage = await operator.step(ADD)
        assert stage.value("FORM_TYPE") == ADMIN.rstrip("#") and stage.fields["accountjid"].get("type") == "jid-single"
        done = await operator.step(ADD, "complete", stage.sessionid, {"FORM_TYPE": ADMIN.rstrip("#"), "accountjid": account})
        assert f"{account} is added" in done.text

    async def listed(kind, var):
        field = (await operator.run(f"{ADMIN}{kind}")).fields[var]
        return {value.text for value in field if value.text}

    assert set(accounts) <= await listed("get-registered-users-list", "registereduserjids")
    before = int((await operator.run(USERS)).value("registeredusersnum"))
    await operator.run(DISABLE, accountjids=accounts)
    assert set(accounts) <= await listed("get-disabled-users-list", "disableduserjids")
    assert int((await operator.run(f"{ADMIN}get-disabled-users-num")).value("disabledusersnum")) >= 2
    await operator.run(ENABLE, accountjids=accounts[0])
    assert accounts[0] not in await listed("get-disabled-users-list", "disableduserjids")
    done = await operator.run(DELETE, accountjids=[*accounts, "nobody@example.org"])
    assert [kind for kind, _ in done.notes] == ["info", "info", "error"]
    assert int((await operator.run(USERS)).value("registeredusersnum")) == before - 2
    mine, theirs = await scene.call_out()
    account = f"{mine.client.user}@example.org"
    assert account in await listed("get-active-users", "activeuserjids")
    assert int((await operator.run(f"{ADMIN}get-active-users-num")).value("activeusersnum")) >= 1
    assert "1 calls" in (await operator.run(END_SESSION, accountjids=account)).text
    ended, bye = await asyncio.gather(mine.ended(), theirs.wait("ended"))
    assert ended.startswith("terminate") and "BYE" in bye


async def test_the_process_is_replaced_and_ended_by_command(scene):
    gateway = scene.bed.tandem
    mine, theirs = await scene.call_out()
    assert await ctl(gateway, "upgrade", "no") == (0, "Nothing was done.\n")
    await database.kept(gateway)
    status, text = await ctl(gateway, "upgrade")
    assert status == 0 and "Another process takes the place" in text
    await gateway.process.wait(15)
    assert await gateway.process.stop() == 0
    await gateway.start()
    await scene.heard(mine, theirs)
    owner, number = await commander(scene, "admin", "restarts"), scene.number()
    plan = scene.bed.carrier.expect(number)
    tested = asyncio.ensure_future(owner.run("trunk-call", trunk="carrier", number=number))
    probe = await plan.call()
    await probe.ring()
    stage = await owner.step(f"{ADMIN}restart")
    assert stage.value("FORM_TYPE") == ADMIN.rstrip("#") and "900" in stage.options("delay")
    done = await owner.step(f"{ADMIN}restart", "complete", stage.sessionid, {"delay": "0", "announcement": ["Back soon."]})
    assert "begins its restart in 0 s" in done.text and "accounts are told" in done.text
    assert "cancelled by the peer" in await probe.wait("ended")
    assert "given up" in (await tested).text
    await gateway.process.wait(15)
    assert await gateway.process.stop() == 0
    await gateway.start()
    await scene.heard(mine, theirs)
    row, = (await owner.run("history", party=number)).rows
    assert row["ended-by"] == "cancel" and row["trunk"] == "carrier"
    status, text = await ctl(gateway, "drain", "yes", "end=yes")
    assert status == 0 and "ends with the last of 1" in text
    assert (await (await scene.dial(own_number("erin"))).wait("ended")).startswith("503")
    await theirs.hangup()
    await gateway.process.wait(15)
    assert await gateway.process.stop() == 0
    await gateway.start()
    await scene.alive()
    mine, theirs = await scene.call_out()
    assert (await owner.run(f"{ADMIN}shutdown", delay="0", sure="false")).text == "Nothing was done."
    assert "begins its shutdown" in (await owner.run(f"{ADMIN}shutdown", delay="0", sure="true")).text
    ended, bye = await asyncio.gather(mine.ended(), theirs.wait("ended"))
    assert ended.startswith("terminate") and "BYE" in bye
    await gateway.process.wait(15)
    assert await gateway.process.stop() == 3  # the service manager starts it no more
    await gateway.start()
    await scene.alive()


@pytest.mark.limit(90)
async def test_a_test_call_tells_what_was_heard(scene):
    operator, number = await commander(scene, "oscar", "tests"), scene.number()

    async def tested(answers):
        plan = scene.bed.carrier.expect(number)
        stage = await operator.step("trunk-call")
        assert "carrier" in stage.options("trunk")
        answer = asyncio.ensure_future(
            operator.step("trunk-call", "complete", stage.sessionid, {"trunk": "carrier", "number": number}))
        theirs = await plan.call()
        await theirs.ring()
        await answers(theirs)
        return theirs, await answer

    async def refuses(theirs):
        await theirs.refuse(486, "Busy Here")

    async def plays(theirs):
        theirs.audio.tone = audio.Tone(1500)  # not the test call's own, 850 Hz
        await theirs.answer()

    async def echoes(theirs):
        await theirs.answer()
        theirs.audio.stop()
        theirs.audio.received = theirs.audio.transmit

    async def says_nothing(theirs):
        await theirs.answer()
        theirs.audio.stop()

    theirs, done = await tested(refuses)
    assert done.notes == [("error", done.text)] and f"{number} was refused with 486" in done.text
    theirs, done = await tested(plays)
    assert "Sound is heard" in done.text, done.text
    assert "BYE" in await theirs.wait("ended")
    theirs, done = await tested(echoes)
    assert done.notes[0][0] == "info" and "Audio goes both ways: our tone came back" in done.text, done.text
    theirs, done = await tested(says_nothing)
    assert done.notes[0][0] == "error" and "No audio came" in done.text, done.text
    assert await ctl(scene.bed.tandem, "trunk-call", "carrier", "+88216123") == (
        1, "+88216123 may not be called over carrier now (destination).\n")
    assert await ctl(scene.bed.tandem, "trunk-call", "carrier", "911") == (
        1, "911 may not be called over carrier now (emergency).\n")
    for text, why in [("011 8821612345678", "destination"), ("900-555-1234", "destination"), ("*21*5551234", "neither a number nor"),
                      ("+1 (112)", "neither a number nor")]:
        status, said = await ctl(scene.bed.tandem, "trunk-call", "carrier", f"number={text}")
        assert status == 1 and why in said, (text, said)
    rows = (await operator.run("history", party=number)).rows
    assert [row["ended-by"] for row in rows] == ["normal", "normal", "normal", "busy"]
    assert rows[0]["sip-status"] == "200" and rows[1]["talked"] and rows[3]["sip-status"] == "486"
