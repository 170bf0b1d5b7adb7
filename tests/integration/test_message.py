# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts between accounts and telephones (RFC 3428, RFC 7572), and what becomes of those that cannot be delivered.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (UDP)
"""

import asyncio

import pytest

from bed import database, ejabberd, proc, prosody, sipmsg
from bed.commands import ctl
from bed.jingle import CLIENT
from bed.jinglexml import element
from bed.scene import CARRIER, DOMAIN, GATEWAY, SECRET, SERVER, own_number
from bed.seen import named, spy
from bed.sgx import Sgx

FIRST, SECOND = own_number("u59"), "+15558880061"
AWAY, ELSEWHERE = "+15558880062", "tel2.example.org"
NUMBERS = {SECOND: {"owner": "u59@example.org", "trunk": "carrier"}, AWAY: {"owner": f"zoe@{ELSEWHERE}", "trunk": "carrier"},
           **{own_number(user): {"owner": f"{user}@example.org", "trunk": "spare"} for user in ("u57", "u58")}}
TRUNKS = {"spare": {"proxy": f"sip:{CARRIER}:5099"}}  # nobody is there
pytestmark = [pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module"),
              pytest.mark.bed_options(numbers=NUMBERS, trunks=TRUNKS, sections={"limits": {"texts_per_minute": 100}})]

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
RECEIPTS = "urn:xmpp:receipts"
ORIGIN = "urn:xmpp:sid:0"
NICK = "http://jabber.org/protocol/nick"
UDP = ("udp", GATEWAY, 5060)
WAIT_S = 10.0


def body(text, lang=None):
    """A <body/>."""
    child = element(CLIENT, "body")
    child.text = text
    if lang:
        child.set("{http://www.w3.org/XML/1998/namespace}lang", lang)
    return child


def receipt_request():
    return element(RECEIPTS, "request")


def condition_of(error):
    """The condition and the text of a stanza of type error."""
    box = error.find(f"{{{CLIENT}}}error")
    conditions = [child for child in box if child.tag.startswith(f"{{{STANZAS}}}") and not child.tag.endswith("}text")]
    return conditions[0].tag.partition("}")[2], box.findtext(f"{{{STANZAS}}}text")


async def received(client):
    """The next message with a body."""
    return await asyncio.wait_for(client.messages.get(), WAIT_S)


async def nothing(queue, seconds=1.0):
    """Nothing comes."""
    await asyncio.sleep(seconds)
    assert queue.empty(), queue.get_nowait()


async def receipt(client, identity):
    """The receipt of @identity has come."""
    async def look():
        while True:
            if identity in client.receipts:
                return
            await asyncio.sleep(0.05)
    await asyncio.wait_for(look(), WAIT_S)


WORDS = ["Grüße", "مرحبا", "👩‍👩‍👧‍👦 & <b>\"'", "two\nlines", "𝔘𝔫𝔦", " leading and trailing "]


@pytest.mark.parametrize("text", WORDS, ids=[f"words{n}" for n in range(len(WORDS))])
async def test_out_and_in(scene, text):
    client = await scene.client()
    number = scene.number()
    client.message(scene.jid(number), body(text, "de"), receipt_request(), id_="first")
    out = await asyncio.wait_for(scene.bed.carrier.texts_to(number).get(), WAIT_S)
    assert out.body.decode() == text
    assert out.get("Content-Type").replace(" ", "") == "text/plain;charset=utf-8"
    assert out.get("Content-Language") == "de"
    assert sipmsg.user_of(sipmsg.uri_of(out.get("From"))) == own_number(client.user)
    assert not out.get("Contact") and out.cseq == (1, "MESSAGE")
    await receipt(client, "first")

    response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, text, caller=number)
    assert response.status == 200, response.first_line()
    message = await received(client)
    assert message.findtext(f"{{{CLIENT}}}body") == text
    assert message.get("type") == "chat" and message.get("from") == scene.jid(number)
    assert message.get("id")


@pytest.mark.parametrize("status,condition", [(404, "item-not-found"), (403, "forbidden"), (405, "feature-not-implemented"),
                                              (415, "not-acceptable"), (513, "policy-violation"), (603, "recipient-unavailable")])
async def test_refused_by_the_carrier(scene, status, condition):
    client = await scene.client()
    number = scene.number()
    scene.bed.carrier.text_answers[number] = [status]
    error = await client.ask(scene.jid(number), body("hello"), receipt_request())
    name, words = condition_of(error)
    assert name == condition and words and error.get("from") == scene.jid(number)
    assert scene.bed.carrier.texts_to(number).qsize() == 1


@pytest.mark.limit(90)
async def test_tried_again_in_their_order(scene):
    """503 to the first: the second waits behind it, and both come once, the resend as the same request."""
    client = await scene.client()
    number = scene.number()
    scene.bed.carrier.text_answers[number] = [503]
    client.message(scene.jid(number), body("one"), receipt_request(), id_="one")
    client.message(scene.jid(number), body("two"), receipt_request(), id_="two")
    queue = scene.bed.carrier.texts_to(number)
    got = [await asyncio.wait_for(queue.get(), 20) for _ in range(3)]
    assert [request.body for request in got] == [b"one", b"one", b"two"]
    assert got[0].call_id == got[1].call_id and got[0].cseq == got[1].cseq and got[0].get("From") == got[1].get("From")
    assert got[2].call_id != got[1].call_id
    await receipt(client, "two")
    await nothing(queue)


async def test_a_subject_is_not_lost(scene):
    """Telephones show none: it is the first line there, and a subject here (RFC 7572)."""
    client, number = await scene.client(), scene.number()
    subject = element(CLIENT, "subject")
    subject.text = "Grüße"
    client.message(scene.jid(number), subject, body("hello"))
    assert (await asyncio.wait_for(scene.bed.carrier.texts_to(number).get(), WAIT_S)).body.decode() == "Grüße\nhello"
    for kind, octets, headers in (("text/plain", "x", [("Subject", "Grüße")]),
                                  ("message/cpim", CPIM.replace(b"\r\n\r\n", "\r\nSubject: Grüße\r\n\r\n".encode(), 1), [])):
        response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, octets, kind=kind, headers=headers)
        assert response.status == 200
        assert (await received(client)).findtext(f"{{{CLIENT}}}subject") == "Grüße"


async def test_a_repetition_is_delivered_once(scene):
    """A client whose stream was resumed."""
    client = await scene.client()
    number = scene.number()
    for _ in range(2):
        client.message(scene.jid(number), body("once"), element(ORIGIN, "origin-id", id_="o-1"), id_="o-1")
    queue = scene.bed.carrier.texts_to(number)
    await asyncio.wait_for(queue.get(), WAIT_S)
    await nothing(queue)


CPIM = (b"From: <sip:a@example.com>\r\nTo: <sip:b@example.com>\r\nDateTime: 2026-01-01T00:00:00Z\r\n\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe")


@pytest.mark.parametrize("kind,octets,shown", [
    ("text/plain", b"plain", "plain"),
    ("text/plain;charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
    ('Text/Plain; charset="UTF-16BE"', "Grüße".encode("utf-16-be"), "Grüße"),
    ("message/cpim", CPIM, "Grüße"),
    ("text/plain;charset=utf-8", b"bad \xff and \x00 and \x1b[2J", "bad � and � and �[2J"),
])
async def test_bodies_of_carriers(scene, kind, octets, shown):
    client = await scene.client()
    response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, octets, kind=kind)
    assert response.status == 200, response.first_line()
    assert (await received(client)).findtext(f"{{{CLIENT}}}body") == shown


@pytest.mark.parametrize("kind", ["text/html", "application/vnd.3gpp.sms", "text/plain;charset=klingon",
                                  "multipart/mixed;boundary=x"])
async def test_bodies_nobody_can_show_are_refused(scene, kind):
    client = await scene.client()
    response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, b"<p>x</p>", kind=kind)
    assert response.status == 415 and "text/plain" in response.get("Accept")
    await nothing(client.messages, 0.3)


async def test_to_a_number_that_nobody_owns(scene):
    response, _ = await scene.bed.carrier.text(f"sip:+15550009999@{GATEWAY}", UDP, "hello")
    assert response.status == 404


async def test_what_an_account_cannot_send(scene):
    client = await scene.client()
    jid = scene.jid(scene.number())
    refused = [
        ("policy-violation", [body("x" * 1301)]),
        ("not-acceptable", [body("fallback"), element("eu.siacs.conversations.axolotl", "encrypted")]),
        ("feature-not-implemented", [body("new"), element("urn:xmpp:message-correct:0", "replace", id_="m1")]),
        ("feature-not-implemented", [element("urn:xmpp:reactions:0", "reactions", id_="m1")]),
        ("bad-request", [element(CLIENT, "body")]),
    ]
    for condition, children in refused + refused:
        name, words = condition_of(await client.ask(jid, *children))
        assert name == condition and words
    # what clients show no error of is told in words, once
    told = [(await received(client)).findtext(f"{{{CLIENT}}}body") for _ in range(3)]
    assert [word in text for word, text in zip(("encrypted", "changed", "reactions"), told)] == [True] * 3
    await nothing(client.messages, 0.3)
    stranger = await scene.client("carol")
    name, words = condition_of(await stranger.ask(jid, body("hello")))
    assert name == "forbidden" and words
    assert scene.bed.carrier.texts_to(jid.partition("@")[0]).empty()


async def test_states_and_receipts_are_read_over(scene):
    client = await scene.client()
    jid = scene.jid(scene.number())
    client.message(jid, element("http://jabber.org/protocol/chatstates", "composing"))
    client.message(jid, element(RECEIPTS, "received", id_="x"))
    await nothing(scene.bed.carrier.texts_to(jid.partition("@")[0]), 0.5)
    await nothing(client.messages, 0)


async def test_between_two_accounts_no_carrier_is_asked(scene):
    first, second = await scene.client(), await scene.client()
    theirs = own_number(second.user)
    first.message(scene.jid(theirs), body("hello"), receipt_request(), id_="near")
    message = await received(second)
    assert message.get("from") == scene.jid(own_number(first.user))
    assert message.findtext(f"{{{CLIENT}}}body") == "hello"
    await receipt(first, "near")
    assert scene.bed.carrier.texts_to(theirs).empty()


@pytest.mark.alone
async def test_a_carrier_that_missed_our_200_delivers_once(scene):
    client = await scene.client()
    uri = f"sip:{own_number(client.user)}@{GATEWAY}"
    _, request = await scene.bed.carrier.text(uri, UDP, "once")
    identity = (await received(client)).get("id")
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    response, _ = await scene.bed.carrier.text(uri, UDP, "once", again=request)
    assert response.status == 200, response.first_line()
    await client.settled()
    while not client.messages.empty():  # not confirmed when it died: the same message
        assert client.messages.get_nowait().get("id") == identity


@pytest.mark.alone
@pytest.mark.limit(120)
async def test_nothing_is_lost_by_a_death(scene):
    """Killed with texts on their way, in both directions: all arrive, once or as what was not confirmed, in order."""
    client = await scene.client()
    number = scene.number()
    queue = scene.bed.carrier.texts_to(number)
    uri = f"sip:{own_number(client.user)}@{GATEWAY}"
    scene.bed.carrier.text_answers[number] = [None] * 3
    for i in range(20):
        client.message(scene.jid(number), body(f"out {i}"), receipt_request(), id_=f"k{i}")
    taken = []
    for i in range(20):
        response, _ = await scene.bed.carrier.text(uri, UDP, f"in {i}", caller=number)
        assert response.status == 200
        taken.append(f"in {i}")
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await receipt(client, "k19")
    out = []
    while not queue.empty():
        request = queue.get_nowait()
        if (request.call_id, request.body) not in out:
            out.append((request.call_id, request.body))
    assert [text for _, text in out] == [f"out {i}".encode() for i in range(20)]
    got = []
    while not got or got[-1][1] != taken[-1]:
        message = await received(client)
        entry = (message.get("id"), message.findtext(f"{{{CLIENT}}}body"))
        if entry not in got:
            got.append(entry)
    assert [text for _, text in got] == taken


@pytest.mark.alone
@pytest.mark.limit(90)
async def test_what_the_server_sends_back_is_given_to_it_again(scene):
    """The server of the owner is away when the text comes, and we die while it waits."""
    caller, path = scene.number(), scene.bed.tandem.sections["db"]["path"]
    waiting = f"SELECT count(*) FROM again WHERE key LIKE 'zoe@%{caller}@%'"
    for count, text in enumerate(("hello", "and more"), 1):
        response, _ = await scene.bed.carrier.text(f"sip:{AWAY}@{GATEWAY}", UDP, text, caller=caller)
        assert response.status == 200
        # the first is sent back; the second waits behind it
        await proc.until(lambda n=count: database.rows(path, waiting) == [(n,)], 3 * WAIT_S, f"{text!r} waits")
    await scene.bed.tandem.kill()
    other = await Sgx(scene.bed.srv, SERVER, ELSEWHERE, SECRET).start()
    try:
        await scene.bed.tandem.start()
        for text in ("hello", "and more"):
            message = await asyncio.wait_for(other.messages.get(), 4 * WAIT_S)
            assert message.get("to") == f"zoe@{ELSEWHERE}" and message.findtext("{jabber:component:accept}body") == text
            # the second may not have waited long enough to be called late
            assert message.find("{urn:xmpp:delay}delay") is not None or text != "hello"
        await nothing(other.messages)
    finally:
        await other.close()


@pytest.mark.alone
async def test_answers_come_from_the_number_that_was_written_to(scene):
    """Of an account's several: told by the nick, and once by a text where that is another than before."""
    client = await scene.client("u59")
    number = scene.number()
    queue = scene.bed.carrier.texts_to(number)

    async def sent_from(text):
        client.message(scene.jid(number), body(text))
        return sipmsg.user_of(sipmsg.uri_of((await asyncio.wait_for(queue.get(), WAIT_S)).get("From")))

    async def write(to, text):
        response, _ = await scene.bed.carrier.text(f"sip:{to}@{GATEWAY}", UDP, text, caller=number)
        assert response.status == 200, response.first_line()

    assert await sent_from("before") == FIRST
    await write(SECOND, "to the second")
    notice, message = await received(client), await received(client)
    assert SECOND in notice.findtext(f"{{{CLIENT}}}body")
    assert message.findtext(f"{{{CLIENT}}}body") == "to the second"
    assert message.findtext(f"{{{NICK}}}nick") == f"{number} (to {SECOND})"
    assert await sent_from("answer") == SECOND
    await write(SECOND, "again")
    assert (await received(client)).findtext(f"{{{CLIENT}}}body") == "again"
    other = scene.number()
    response, _ = await scene.bed.carrier.text(f"sip:{FIRST}@{GATEWAY}", UDP, "to the first", caller=other)
    assert response.status == 200
    message = await received(client)
    assert message.findtext(f"{{{CLIENT}}}body") == "to the first"
    assert message.findtext(f"{{{NICK}}}nick") == f"{other} (to {FIRST})"
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    assert await sent_from("after a restart") == SECOND


async def test_a_repetition_counts_for_nothing(scene):
    """Redelivered more often than an account may write in a minute: what comes then is taken."""
    client = await scene.client()
    number = scene.number()
    queue = scene.bed.carrier.texts_to(number)
    for _ in range(110):
        client.message(scene.jid(number), body("once"), element(ORIGIN, "origin-id", id_="o-2"), id_="o-2")
    client.message(scene.jid(number), body("then"), id_="then")
    assert [(await asyncio.wait_for(queue.get(), WAIT_S)).body for _ in range(2)] == [b"once", b"then"]
    await nothing(queue, 0.3)


async def test_one_id_for_several_texts_loses_none(scene):
    """Clients that number their texts anew at each start."""
    client = await scene.client()
    number = scene.number()
    for words in ("one", "two", "two"):
        client.message(scene.jid(number), body(words), id_="1")
    queue = scene.bed.carrier.texts_to(number)
    assert [(await asyncio.wait_for(queue.get(), WAIT_S)).body for _ in range(2)] == [b"one", b"two"]
    await nothing(queue, 0.3)


async def test_every_link_goes_along(scene):
    client, number = await scene.client(), scene.number()
    links = [element("jabber:x:oob", "x") for _ in range(2)]
    for n, box in enumerate(links):
        element("jabber:x:oob", "url", box).text = f"https://example.org/{n}.jpg"
    client.message(scene.jid(number), body("look: https://example.org/0.jpg"), *links)
    out = await asyncio.wait_for(scene.bed.carrier.texts_to(number).get(), WAIT_S)
    assert out.body.decode() == "look: https://example.org/0.jpg\nhttps://example.org/1.jpg"


@pytest.mark.parametrize("to", ["911", "911;phone-context=ca-us.phone-context.soprani.ca", "+112", "+15551230001,+911"])
async def test_emergency_services_get_no_texts(scene, to):
    """Their writer is told so each time, in words too."""
    client = await scene.client()
    for _ in range(2):
        condition, words = condition_of(await client.ask(f"{to}@{DOMAIN}", body("help")))
        assert condition == "policy-violation" and "call them" in words
        assert "call them" in (await received(client)).findtext(f"{{{CLIENT}}}body")


@pytest.mark.alone
async def test_a_repetition_by_another_trunk_is_delivered_once(scene):
    """A carrier that got no answer by one tries the other, with the same request: its transaction is over with the process."""
    client, number = await scene.client(), scene.number()
    uri = f"sip:{own_number(client.user)}@{GATEWAY}"
    response, request = await scene.bed.carrier.text(uri, UDP, "once", caller=number)
    assert response.status == 200
    identity = (await received(client)).get("id")
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    response, _ = await scene.bed.pbx.text(uri, ("tcp", GATEWAY, 5060), "once", caller=number, again=request)
    assert response.status == 200, response.first_line()
    await client.settled()
    while not client.messages.empty():  # not confirmed when it died: the same message
        assert client.messages.get_nowait().get("id") == identity


async def test_an_encoding_is_refused(scene):
    """RFC 3261, 20.12: nobody is shown compressed octets."""
    client = await scene.client()
    response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, b"\x1f\x8b\x08",
                                               headers=[("Content-Encoding", "gzip")])
    assert response.status == 415 and response.get("Accept-Encoding") == "identity"
    await nothing(client.messages, 0.3)


@pytest.mark.alone
async def test_of_an_account_that_is_removed_no_text_stays(scene):
    """It waits for a trunk where nobody is."""
    client = await scene.client("u58")
    assert (await ctl(scene.bed.tandem, "account-add", "u58@example.org"))[0] == 0
    client.message(scene.jid(scene.number()), body("waits"))
    path = scene.bed.tandem.sections["db"]["path"]

    def waiting():
        return database.rows(path, "SELECT count(*) FROM text WHERE sender LIKE 'u58@%'")[0][0]

    await proc.until(waiting, WAIT_S, "it is on disk")
    await ctl(scene.bed.tandem, "account-remove", "u58@example.org")
    await proc.until(lambda: not waiting(), WAIT_S, "it is gone")


BLOCKING = "urn:xmpp:blocking"


async def test_who_is_blocked_is_not_heard(scene):
    """Set as a server passes it on (XEP-0191): the carrier is told, other owners go on hearing."""
    client = await scene.client()
    number, other = scene.number(), scene.number()

    async def write(caller):
        response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, "hello", caller=caller)
        return response

    def items(name, *jids):
        query = element(BLOCKING, name)
        for jid in jids:
            element(BLOCKING, "item", query, jid=jid)
        return query

    domain = scene.jid(number).partition("@")[2]
    assert (await client.request(items("block", scene.jid(number), "spam@elsewhere.org"), domain)).get("type") == "result"
    listed = await client.request(items("blocklist"), domain, "get")
    assert [item.get("jid") for item in listed.iter(f"{{{BLOCKING}}}item")] == [scene.jid(number)]
    assert (await write(number)).status == 403
    theirs = await scene.dial(own_number(client.user), caller=number)
    assert "480" in await theirs.wait("ended")
    assert (await write(other)).status == 200
    assert (await received(client)).get("from") == scene.jid(other)
    assert (await client.request(items("unblock"), domain)).get("type") == "result"
    assert (await write(number)).status == 200
    assert (await received(client)).get("from") == scene.jid(number)


CODE, BANK = "12345;phone-context=ca-us.phone-context.soprani.ca", "36354845;phone-context=alphanumeric.phone-context.soprani.ca"


async def test_short_codes_and_senders_with_letters(scene):
    """In Cheogram's forms; a code is answered, a name is not."""
    client = await scene.client()
    uri, bank = f"sip:{own_number(client.user)}@{GATEWAY}", "\"My Bank\" <sip:BANK@10.77.0.2>"
    for caller, headers, shown, nick in (("12345", [], CODE, None), ("BANK", [], BANK, "BANK"),
                                         ("x", [("P-Asserted-Identity", bank)], BANK, "My Bank")):
        response, _ = await scene.bed.carrier.text(uri, UDP, "your code is 1", caller=caller, headers=headers)
        assert response.status == 200
        message = await received(client)
        assert message.get("from") == scene.jid(shown) and message.findtext(f"{{{NICK}}}nick") == nick
    client.message(scene.jid(CODE), body("STOP"), receipt_request(), id_="stop")
    out = await asyncio.wait_for(scene.bed.carrier.texts_to("12345").get(), WAIT_S)
    assert out.body == b"STOP" and sipmsg.user_of(sipmsg.uri_of(out.get("To"))) == "12345"
    await receipt(client, "stop")
    condition, words = condition_of(await client.ask(scene.jid(BANK), body("hello")))
    assert condition == "feature-not-implemented" and "answers" in words


async def test_one_telephone_does_not_flood_a_number(scene):
    """Past the rate its carrier is told to come again; others are heard."""
    client = await scene.client()
    number, other = scene.number(), scene.number()
    statuses = []
    for i in range(62):
        response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, f"{i}", caller=number)
        statuses.append(response.status)
    assert statuses == [200] * 60 + [480] * 2 and response.get("Retry-After")
    response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, "other", caller=other)
    assert response.status == 200


@pytest.mark.alone
async def test_texts_of_a_trunk_that_left_the_configuration(scene):
    """They go by that of their number now; and where there is none, their writer is told."""
    moved, gone = await scene.client("u58"), await scene.client("u57")
    number, tandem = scene.number(), scene.bed.tandem
    trunks, numbers = dict(tandem.trunks), dict(tandem.numbers)
    moved.message(scene.jid(number), body("moved"), receipt_request(), id_="moved")
    error = asyncio.create_task(gone.ask(scene.jid(number), body("gone"), timeout=30))
    path = tandem.sections["db"]["path"]
    await proc.until(lambda: database.rows(path, "SELECT count(*) FROM text WHERE trunk = 'spare'") == [(2,)], WAIT_S, "both texts wait")
    await tandem.kill()
    try:
        del tandem.trunks["spare"], tandem.numbers[own_number("u57")]
        tandem.numbers[own_number("u58")] = {"owner": "u58@example.org", "trunk": "carrier"}
        await tandem.start()
        name, words = condition_of(await error)
        assert name == "item-not-found" and "carrier" in words
        await receipt(moved, "moved")
        queue = scene.bed.carrier.texts_to(number)
        assert queue.get_nowait().body == b"moved" and queue.empty()
    finally:
        tandem.trunks, tandem.numbers = trunks, numbers
        await tandem.kill()
        await tandem.start()


async def test_receipts_are_not_copied(scene):
    """To an account's other devices (XEP-0280); what telephones write is."""
    first = await scene.client()
    second = await scene.client(first.user, resource="tablet")
    seen, others = spy(first), spy(second)
    number = scene.number()
    first.message(scene.jid(number), body("hello"), receipt_request(), id_="carbon")
    await receipt(first, "carbon")
    response, _ = await scene.bed.carrier.text(f"sip:{own_number(first.user)}@{GATEWAY}", UDP, "hi", caller=number)
    assert response.status == 200
    await received(second)
    assert named(seen, "received") and "carbon" not in [
        receipt.get("id") for stanza in others for receipt in stanza.iter(f"{{{RECEIPTS}}}received")]


async def test_an_administrator_blocks_for_all(scene):
    client, gateway = await scene.client(), scene.bed.tandem
    spam, number = "+19005550001", scene.number()

    async def write(caller):
        return (await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, "x", caller=caller))[0].status

    assert await ctl(gateway, "block", "party=+1900*") == (0, "All accounts: calls and texts of +1900* are refused.\n")
    assert (await write(spam), await write(number)) == (403, 200)
    assert (await ctl(gateway, "block", "party=anonymous", f"account={client.user}@example.org"))[0] == 0
    theirs = await scene.dial(own_number(client.user), caller="anonymous", headers=[("Privacy", "id")])
    assert "480" in await theirs.wait("ended")
    assert "+1900*" in (await ctl(gateway, "blocks"))[1]
    assert (await ctl(gateway, "unblock", "party=+1900*"))[0] == 0
    assert await write(spam) == 200
    assert (await ctl(gateway, "block", "party=+1*9"))[0] != 0
