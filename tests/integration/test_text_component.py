# SPDX-License-Identifier: AGPL-3.0-or-later
"""Numbers whose texts another component carries, as Cheogram's do: addresses, groups, pictures, receipts and errors both ways.

    client c1  --  Prosody or ejabberd srv  --  Tandem tel.example.org gw
                                            --  the component tel2.example.org srv
"""

import asyncio

import pytest

from bed import ejabberd, prosody
from bed.commands import ctl
from bed.jinglexml import element
from bed.scene import DOMAIN, SECRET, SERVER
from bed.sgx import NS, Sgx
from test_message import CLIENT, NICK, ORIGIN, RECEIPTS, body, condition_of, receipt, receipt_request, received

COMPONENT, NUMBER, OTHER = "tel2.example.org", "+15558880031", "+15558880032"
OOB, ADDRESS, STANZAS = "jabber:x:oob", "http://jabber.org/protocol/address", "urn:ietf:params:xml:ns:xmpp-stanzas"
PROXY = rf"alice\40example.org@{DOMAIN}"
PICTURE = "https://example.org/cat.jpg"
WAIT_S = 10.0
pytestmark = [pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module"),
              pytest.mark.bed_options(numbers={"+15557654321": {"owner": "bob@example.org", "trunk": "carrier"},
                                               "+15558880034": {"owner": "carol@example.org", "texts": COMPONENT, "trunk": "carrier"},
                                               NUMBER: {"owner": "alice@example.org", "trunk": "carrier", "texts": COMPONENT}}),
              pytest.mark.alone]


async def both(scene):
    """The component and alice's client."""
    return await Sgx(scene.bed.srv, SERVER, COMPONENT, SECRET).start(), await scene.client("alice")


async def got(sgx):
    """The next message that the component gets."""
    return await asyncio.wait_for(sgx.messages.get(), WAIT_S)


def words(text):
    """A <body/> of a component."""
    child = element(NS, "body")
    child.text = text
    return child


def link(namespace=OOB, url=PICTURE):
    """XEP-0066."""
    box = element(namespace, "x")
    element(namespace, "url", box).text = url
    return box


def addresses(*numbers):
    """XEP-0033."""
    box = element(ADDRESS, "addresses")
    for number in numbers:
        element(ADDRESS, "address", box, type="to", uri=f"sms:{number}")
    return box


async def test_a_text_its_receipt_and_an_answer(scene):
    sgx, client = await both(scene)
    try:
        client.message(f"{OTHER}@{DOMAIN}", body("Grüße", "de"), receipt_request(), id_="t1")
        out = await got(sgx)
        assert out.get("to") == f"{OTHER}@{COMPONENT}" and out.get("from") == f"{PROXY}/phone"
        assert out.get("id") == "t1" and out.get("type") == "chat"
        assert out.findtext(f"{{{NS}}}body") == "Grüße" and out.find(f"{{{RECEIPTS}}}request") is not None
        sgx.say(out.get("from"), element(RECEIPTS, "received", id_="t1"), sender=OTHER, id_="r1")
        await receipt(client, "t1")

        for _ in range(2):  # the second time it is a repetition
            sgx.say(PROXY, words("hello"), receipt_request(), sender=OTHER, id_="in1")
        sgx.say(PROXY, words("again"), sender=OTHER, id_="in2")
        sgx.say(PROXY, words("another"), sender=OTHER, id_="in2")  # which is not to be taken for the one before when it comes back
        first, second, third = await received(client), await received(client), await received(client)
        assert first.get("from") == f"{OTHER}@{DOMAIN}" and first.get("type") == "chat" and first.get("id") == "in1"
        assert [one.findtext(f"{{{CLIENT}}}body") for one in (first, second, third)] == ["hello", "again", "another"]
        assert second.get("id") == "in2" and third.get("id") not in (None, "", "in1", "in2")
        client.message(first.get("from"), element(RECEIPTS, "received", id_="in1"))
        told = await got(sgx)
        assert told.get("to") == f"{OTHER}@{COMPONENT}" and told.find(f"{{{RECEIPTS}}}received").get("id") == "in1"
        assert told.get("from").startswith(PROXY)
    finally:
        await sgx.close()


async def test_an_error_comes_back_to_who_wrote(scene):
    sgx, client = await both(scene)
    try:
        asked = asyncio.ensure_future(client.ask(f"{OTHER}@{DOMAIN}", body("hello")))
        out = await got(sgx)
        error = element(NS, "error", type="cancel")
        element(STANZAS, "item-not-found", error)
        element(STANZAS, "text", error).text = "Not a mobile number."
        sgx.say(out.get("from"), error, sender=OTHER, id_=out.get("id"), kind="error")
        answer = await asked
        assert condition_of(answer) == ("item-not-found", "Not a mobile number.")
        assert answer.get("from") == f"{OTHER}@{DOMAIN}"
    finally:
        await sgx.close()


async def test_pictures(scene):
    sgx, client = await both(scene)
    try:
        file = element("urn:xmpp:sfs:0", "file-sharing")
        element("http://jabber.org/protocol/url-data", "url-data", element("urn:xmpp:sfs:0", "sources", file), target=PICTURE)
        for children in ([body(PICTURE), link()], [link()], [body(PICTURE), file]):
            client.message(f"{OTHER}@{DOMAIN}", *children)
            out = await got(sgx)
            assert out.findtext(f"{{{OOB}}}x/{{{OOB}}}url") == PICTURE and out.findtext(f"{{{NS}}}body") == PICTURE
        sgx.say(PROXY, link(), sender=OTHER, id_="p1")
        message = await received(client)
        assert message.findtext(f"{{{CLIENT}}}body") == PICTURE
        assert message.findtext(f"{{{OOB}}}x/{{{OOB}}}url") == PICTURE
    finally:
        await sgx.close()


async def test_groups(scene):
    """Known by the sorted list of the others; who wrote is said in the text, but not of a picture."""
    sgx, client = await both(scene)
    one, two = "+15550000001", "+15550000002"
    try:
        client.message(f"{two},{one}@{DOMAIN}", body("all of you"), id_="g1")
        out = await got(sgx)
        assert out.get("to") == COMPONENT and out.get("from") == f"{PROXY}/phone"
        assert [(a.get("type"), a.get("uri")) for a in out.iter(f"{{{ADDRESS}}}address")] == [("to", f"sms:{one}"),
                                                                                                ("to", f"sms:{two}")]
        sgx.say(PROXY, addresses(NUMBER, one), words("me too"), sender=two, id_="g2")
        message = await received(client)
        assert message.get("from") == f"{one},{two}@{DOMAIN}"
        assert message.findtext(f"{{{CLIENT}}}body") == f"<xmpp:{two}@{DOMAIN}> me too"
        sgx.say(PROXY, addresses(NUMBER, one), words(PICTURE), link(), sender=two, id_="g3")
        assert (await received(client)).findtext(f"{{{CLIENT}}}body") == PICTURE
    finally:
        await sgx.close()


async def test_a_group_counts_as_often_as_it_has_numbers(scene):
    sgx = await Sgx(scene.bed.srv, SERVER, COMPONENT, SECRET).start()
    client = await scene.client("carol")
    group = ",".join(f"+1555000{i:04d}" for i in range(20))
    try:
        client.message(f"{group}@{DOMAIN}", body("all"))
        await got(sgx)
        error = await client.ask(f"{group}@{DOMAIN}", body("again"))
        assert condition_of(error)[0] == "policy-violation" and sgx.messages.empty()
    finally:
        await sgx.close()


async def test_a_group_text_to_our_domain(scene):
    """One stanza for all whom the component knows here (wiki.soprani.ca/SGX/GroupMMS); who has it already does not get it."""
    sgx, client = await both(scene)
    one, two = "+15550000001", "+15550000002"

    def for_(jid, **more):
        box = addresses(NUMBER, one)
        element(ADDRESS, "address", box, type="to", jid=jid, **more)
        return box

    try:
        sgx.say(DOMAIN, for_(PROXY, delivered="true"), words("known"), sender=two, id_="d1")
        sgx.say(DOMAIN, for_(PROXY), words("to all"), sender=two, id_="d2")
        message = await received(client)
        assert message.get("from") == f"{one},{two}@{DOMAIN}" and message.find(f"{{{ADDRESS}}}addresses") is None
        assert message.findtext(f"{{{CLIENT}}}body") == f"<xmpp:{two}@{DOMAIN}> to all"
    finally:
        await sgx.close()


REGISTER = "jabber:iq:register"


def registration(**fields):
    """XEP-0077, with what is said."""
    box = element(REGISTER, "query")
    for name, value in fields.items():
        element(REGISTER, name, box).text = value
    return box


async def test_an_account_registers_with_its_component(scene):
    """What it asks our domain goes there from the address that the component knows it by, and the answer comes from us."""
    sgx, client = await both(scene)
    try:
        asked = asyncio.ensure_future(client.request(registration(), DOMAIN, "get"))
        iq = await asyncio.wait_for(sgx.iqs.get(), WAIT_S)
        assert (iq.get("from"), iq.get("to"), iq.get("type")) == (f"{PROXY}/phone", COMPONENT, "get")
        sgx.answer(iq, registration(instructions="Your carrier's", username="", password=""))
        form = await asked
        assert form.get("type") == "result" and form.get("from") == DOMAIN
        assert form.findtext(f"{{{REGISTER}}}query/{{{REGISTER}}}instructions") == "Your carrier's"

        asked = asyncio.ensure_future(client.request(registration(username="a", password="wrong"), DOMAIN))
        iq = await asyncio.wait_for(sgx.iqs.get(), WAIT_S)
        assert iq.findtext(f"{{{REGISTER}}}query/{{{REGISTER}}}password") == "wrong" and iq.get("type") == "set"
        error = element(NS, "error", type="auth")
        element(STANZAS, "not-authorized", error)
        sgx.answer(iq, error, kind="error")
        refused = await asked
        assert refused.get("type") == "error" and refused.find(f".//{{{STANZAS}}}not-authorized") is not None
    finally:
        await sgx.close()
    assert (await client.request(registration(), DOMAIN, "get")).get("type") == "error"  # nobody is there any more
    bob = await scene.client("bob")
    assert (await bob.request(registration(), DOMAIN, "get")).find(f".//{{{REGISTER}}}registered") is not None


async def test_a_component_shares_presence_with_its_accounts(scene):
    """Some ask for it: who they know is here."""
    sgx, _ = await both(scene)
    try:
        sgx.post(element(NS, "presence", to=PROXY, from_=COMPONENT, type="subscribe"))
        said = {(await asyncio.wait_for(sgx.presences.get(), WAIT_S)).get("type") for _ in range(2)}
        assert "subscribed" in said
    finally:
        await sgx.close()


CODE, BANK = "12345;phone-context=ca-us.phone-context.soprani.ca", "68678077;phone-context=alphanumeric.phone-context.soprani.ca"


async def test_short_codes_and_senders_with_letters(scene):
    """As cheogram makes them of what its backends write."""
    sgx, client = await both(scene)
    try:
        client.message(f"{CODE}@{DOMAIN}", body("STOP"))
        assert (await got(sgx)).get("to") == f"{CODE}@{COMPONENT}"
        for sender, shown, nick in ((CODE, CODE, None), ("12345", CODE, None), (BANK, BANK, None), ("bank", BANK, "bank")):
            sgx.say(PROXY, words("your code is 1"), sender=sender)
            message = await received(client)
            assert message.get("from") == f"{shown}@{DOMAIN}" and message.findtext(f"{{{NICK}}}nick") == nick
        assert condition_of(await client.ask(f"{BANK}@{DOMAIN}", body("hello")))[0] == "feature-not-implemented"
        assert sgx.messages.empty()
    finally:
        await sgx.close()


async def test_who_has_no_number_there(scene):
    """The component speaks to an account whose number it does not carry; an account of a trunk writes to a group."""
    sgx, client = await both(scene)
    bob = await scene.client("bob")
    try:
        sgx.say(rf"bob\40example.org@{DOMAIN}", words("hello"), sender=OTHER, id_="x1")
        refused = await got(sgx)
        assert refused.get("type") == "error" and condition_of_component(refused) == "item-not-found"
        assert condition_of(await bob.ask(f"+15550000001,+15550000002@{DOMAIN}", body("all")))[0] == "feature-not-implemented"
        assert bob.messages.empty() and client.messages.empty()
    finally:
        await sgx.close()


async def test_a_number_of_run_time_may_have_its_texts_there(scene):
    """Which is kept: it goes on after a death."""
    number, rita = "+15558880036", rf"rita\40example.org@{DOMAIN}"
    for words_ in (("number-assign", number, "rita@example.org", "carrier"), ("number-texts", number, COMPONENT)):
        assert (await ctl(scene.bed.tandem, *words_))[0] == 0
    sgx, client = await Sgx(scene.bed.srv, SERVER, COMPONENT, SECRET).start(), await scene.client("rita")
    try:
        client.message(f"{OTHER}@{DOMAIN}", body("by the component"))
        assert (await got(sgx)).get("from") == f"{rita}/phone"
        await scene.bed.tandem.kill()
        await scene.bed.tandem.start()
        sgx.say(rita, words("hello"), sender=OTHER, id_="r1")
        assert (await received(client)).get("from") == f"{OTHER}@{DOMAIN}"
    finally:
        await sgx.close()
        await ctl(scene.bed.tandem, "number-release", number)


def condition_of_component(error):
    """The condition of an error that the component got."""
    return [child.tag.partition("}")[2] for child in error.find(f"{{{NS}}}error") if child.tag.startswith(f"{{{STANZAS}}}")][0]


async def test_a_death_loses_nothing_of_it(scene):
    """Killed with texts on their way to the component and from it: each comes, and what comes twice has the same id."""
    sgx, client = await both(scene)
    try:
        for i in range(20):
            client.message(f"{OTHER}@{DOMAIN}", body(f"out {i}"), element(ORIGIN, "origin-id", id_=f"k{i}"), id_=f"k{i}")
            sgx.say(PROXY, words(f"in {i}"), sender=OTHER, id_=f"i{i}")
        await scene.bed.tandem.kill()
        await scene.bed.tandem.start()
        for queue, prefix, ids in ((sgx.messages, "out", "k"), (client.messages, "in", "i")):
            seen = {}
            while len(seen) < 20:
                message = await asyncio.wait_for(queue.get(), WAIT_S)
                text = message.findtext(f"{{{CLIENT}}}body") or message.findtext(f"{{{NS}}}body")
                assert seen.setdefault(text, message.get("id")) == message.get("id")
            assert list(seen.items()) == [(f"{prefix} {i}", f"{ids}{i}") for i in range(20)]
    finally:
        await sgx.close()
