# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may takes a number by XEP-0077 and gives it back; nobody else learns that it can be done.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import pytest

from bed import servers
from bed.commands import DATA, ctl, form
from bed.commandtable import commander
from bed.jinglexml import element, error_of
from bed.scene import DOMAIN

REGISTER = "jabber:iq:register"
FIRST, SECOND = "+15553110001", "+15553110002"
pytestmark = [pytest.mark.bed_options(sections={"limits": {"calls_per_minute": 20}, "registration": {
    "domain": "example.org", "numbers": [FIRST, SECOND], "trunk": "carrier"}}), pytest.mark.alone,
    pytest.mark.parametrize(**servers.EACH)]


async def asked(client):
    """The query that tells what there is."""
    return (await client.request(element(REGISTER, "query"), DOMAIN, kind="get")).find(f"{{{REGISTER}}}query")


async def sent(client, *children):
    """The error of a set, or None."""
    query = element(REGISTER, "query")
    query.extend(children)
    answer = await client.request(query, DOMAIN)
    return error_of(answer) if answer.get("type") == "error" else None


def phone(number):
    """As clients without forms say it."""
    child = element(REGISTER, "phone")
    child.text = number
    return child


def choice(number):
    """The form, filled in."""
    return form({"FORM_TYPE": REGISTER, "phone": number})


def offered(query):
    """The numbers in the form."""
    return [value.text for value in query.findall(f".//{{{DATA}}}option/{{{DATA}}}value")]


async def test_a_number_is_taken_and_given_back(scene):
    carol, nina = await commander(scene, "carol"), await commander(scene, "nina")
    query = await asked(carol)
    assert offered(query) == [FIRST, SECOND] and query.find(f"{{{REGISTER}}}registered") is None
    remove = element(REGISTER, "remove")
    assert await sent(carol, remove) == "registration-required"
    assert await sent(carol) == "not-acceptable"
    assert await sent(carol, choice("+15550000000")) == "not-acceptable"
    assert await sent(carol, choice(FIRST)) is None
    query = await asked(carol)
    assert query.find(f"{{{REGISTER}}}registered") is not None and query.findtext(f"{{{REGISTER}}}phone") == FIRST
    telephone = await scene.dial(FIRST)
    mine = await carol.incoming()
    await telephone.cancel()
    await mine.ended()

    assert offered(await asked(nina)) == [SECOND]
    assert await sent(nina, phone(FIRST)) == "conflict"
    assert await sent(nina, phone(SECOND)) is None
    assert await sent(nina, phone(FIRST)) == "conflict"  # one each
    assert await sent(nina, remove, phone(FIRST)) == "bad-request"
    assert await sent(nina, remove) is None
    assert (await (await scene.dial(SECOND)).wait("ended")).startswith("404")
    assert offered(await asked(nina)) == [SECOND]
    listed = (await ctl(scene.bed.tandem, "changes", "object=nina@example.org", "count=2", tabs=True))[1]
    assert listed.count("register") >= 2 and SECOND in listed, listed


async def test_what_others_gave_stays(scene):
    alice, nina = await commander(scene, "alice"), await commander(scene, "nina")
    assert await sent(alice, element(REGISTER, "remove")) == "not-allowed"
    assert (await asked(alice)).find(f"{{{REGISTER}}}registered") is not None
    assert await sent(nina, choice(SECOND)) is None
    assert (await ctl(scene.bed.tandem, "account-limits", "nina@example.org", "calls=1"))[0] == 0
    assert await sent(nina, element(REGISTER, "remove")) == "not-allowed"


async def test_not_too_often(scene):
    carol = await commander(scene, "carol")
    said = [await sent(carol, choice("+15550000000")) for _ in range(25)]
    assert said[-1] == "resource-constraint", said
