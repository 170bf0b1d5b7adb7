# SPDX-License-Identifier: AGPL-3.0-or-later
"""Trunks that are added, changed and removed by commands while calls go on.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2; another one, which is in no file, 10.77.0.4
"""

import contextlib
import pathlib

import pytest

from bed import database, phone, proc
from bed.commands import ctl
from test_commands import commander, fresh_number

ADDRESS, USER, PASSWORD = "10.77.0.4", "tandem", "a-password-that-nobody-shall-see"
ACCOUNT = {"proxy": f"sip:{ADDRESS}:5060", "username": USER, "password": PASSWORD, "register": "true"}
pytestmark = pytest.mark.alone


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
        assert [row["command"] for row in rows] == ["trunk-remove", "trunk-edit", "trunk-add"]


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
            ({"more": ["x" * 9000]}, "too long")]:
        done = await owner.run("trunk-add", {"name": "never"}, {"proxy": f"sip:{ADDRESS}", **keys})
        assert said in done.text and "othing was changed" in done.text, done.text
    assert (await owner.run("trunk-add", {"name": "a b"})).error == "bad-request bad-payload"
    assert "never" not in (await ctl(scene.bed.tandem, "trunks"))[1]
    path = scene.bed.tandem.sections["db"]["path"]
    assert database.rows(path, "SELECT count(*) FROM trunk WHERE name = 'never'") == [(0,)]
    operator = await commander(scene, "oscar", "errs")
    assert (await operator.step("trunk-add")).error == "item-not-found"
