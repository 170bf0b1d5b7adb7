# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said by texts around a call: digits that become tones, and calls that were missed.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio

import pytest

from bed import proc, sipcall
from bed.jinglexml import HINTS, RECEIPTS, element
from bed.jingle import CLIENT
from bed.scene import own_number
from bed.seen import SETTLED_S, come, named, never, spy

DIGITS_S = 20.0
NUMBERS = {
    own_number("u40"): {"owner": "u40@example.org", "trunk": "carrier", "chat_digits": False},
    "+15558880011": {"owner": ["u41@example.org", "u42@example.org"], "trunk": "carrier"},
    "+15558880012": {"owner": "u43@example.org", "trunk": "carrier"},
}
pytestmark = pytest.mark.bed_options(numbers=NUMBERS)


def text(client, to, body, id_, receipt=True, kind="chat", *more):
    """Send a text as clients do."""
    content = element(CLIENT, "body")
    content.text = body
    client.message(to, content, *([element(RECEIPTS, "request")] if receipt else []), *more, kind=kind, id_=id_)


async def played(theirs, digits):
    """The telephone has heard @digits as events."""
    events = theirs.audio.events
    await proc.until(lambda: len(events.digits) >= len(digits) and events.ended[-1], DIGITS_S, f"{digits} arrive")
    assert events.digits == digits and all(events.ended)


async def missed(client, timeout=proc.SOON_S):
    """The next text that @client gets."""
    return await asyncio.wait_for(client.messages.get(), timeout)


async def talking(scene, **options):
    """A call out in which both sides hear each other: for Tandem too it is up."""
    mine, theirs = await scene.call_out(**options)
    await scene.heard(mine, theirs)
    return mine, theirs


# digits

async def test_digits_as_a_text_are_played(scene):
    mine, theirs = await talking(scene)
    seen = spy(mine.client)
    text(mine.client, mine.peer.partition("/")[0], "12 3#\n", "t1")
    await played(theirs, "123#")
    await come(seen, "received")
    assert named(seen, "received")[0].get("id") == "t1"
    text(mine.client, mine.peer, "*0", "t2", receipt=False)
    await played(theirs, "123#*0")
    assert len(named(seen, "received")) == 1 and not named(seen, "error")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_digits_wait_for_a_call_that_connects(scene):
    """The telephone has answered, the client is still to begin its session."""
    client = await scene.client()
    mine, theirs = await scene.propose(client=client)
    begin, mine.initiate = mine.initiate, never
    await theirs.ring()
    await theirs.answer()
    mine.peer = await mine.wait("proceed")
    seen = spy(client)
    text(client, mine.peer.partition("/")[0], "31#", "t1")
    text(client, mine.peer.partition("/")[0], "9" * 32, "t2")
    await come(seen, "received")
    await begin()
    await mine.wait("media")
    await played(theirs, "31#" + "9" * 32)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_in_a_call_from_a_telephone_too_and_once(scene):
    """A resumed stream (XEP-0198) delivers again: the second time has its receipt alone."""
    mine, theirs = await scene.call_in()
    seen = spy(mine.client)
    for _ in range(2):
        text(mine.client, mine.peer.partition("/")[0], "789", "twice")
    await played(theirs, "789")
    await asyncio.sleep(SETTLED_S)
    assert theirs.audio.events.digits == "789"
    assert len(named(seen, "received")) == 2
    await mine.hangup()
    await theirs.wait("ended")


async def test_digits_are_digits_only_in_that_call(scene):
    """To another number, from another account, before and after the call, with other text: a text for the carrier."""
    client, other = await scene.client(), await scene.client()
    mine, theirs = await scene.propose(client=client)
    await theirs.ring()
    await mine.wait("ringing")
    number = mine.peer.partition("/")[0]
    seen, others = spy(client), spy(other)
    texts, plain = scene.bed.carrier.texts_to(number.partition("@")[0]), scene.number()
    text(client, number, "1", "before")
    await come(seen, "received")
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    text(client, scene.jid(plain), "2", "elsewhere")
    text(client, number, "call me at 3", "words")
    text(client, number, "4" * 33, "long")
    text(client, number, "5", "old", True, "chat", element("urn:xmpp:delay", "delay", stamp="2026-01-01T00:00:00Z"))
    text(other, number, "6", "stranger")
    await come(others, "received")
    await asyncio.sleep(SETTLED_S)
    assert {r.get("id") for r in named(seen, "received")} == {"before", "elsewhere", "words", "long", "old"}
    assert {texts.get_nowait().body for _ in range(texts.qsize())} == {b"1", b"call me at 3", b"4" * 33, b"5", b"6"}
    assert scene.bed.carrier.texts_to(plain).get_nowait().body == b"2"
    assert theirs.audio.events.digits == ""
    await mine.hangup()
    await theirs.wait("ended")
    text(client, number, "7", "after")
    await proc.until(lambda: "after" in {r.get("id") for r in named(seen, "received")}, proc.SOON_S, "the text is delivered")


async def test_an_account_may_not_want_it(scene):
    client = await scene.client("u40")
    mine, theirs = await talking(scene, client=client)
    seen = spy(client)
    text(client, mine.peer, "1", "t1")
    await come(seen, "received")
    assert theirs.audio.events.digits == ""
    await mine.hangup()
    await theirs.wait("ended")


async def test_digits_reach_a_telephone_without_events(scene):
    """The trunk takes no telephone-event: SIP INFO."""
    mine, theirs = await talking(scene, codecs=(sipcall.PCMU,))
    text(mine.client, mine.peer, "42", "t1")
    await proc.until(lambda: len(theirs.info) == 2, DIGITS_S, "two INFO requests come")
    await mine.hangup()
    await theirs.wait("ended")


# missed calls

async def test_a_missed_call_leaves_a_message(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), caller="+15559870777")
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await theirs.cancel()
    await mine.ended()
    message = await missed(client)
    body = message.find(f"{{{CLIENT}}}body").text
    assert body.startswith(f"Missed call from +15559870777 to {own_number(client.user)}, 20") and "UTC: the caller hung up." in body
    assert message.get("from") == mine.peer and message.get("type") == "chat"
    assert message.find(f"{{{HINTS}}}store") is not None
    await client.settled()
    assert client.messages.empty()


async def test_the_reason_is_told_and_a_caller_who_tries_again_leaves_one(scene):
    client = await scene.client()
    for _ in range(2):
        theirs = await scene.dial(own_number(client.user), caller="+15559870778")
        await client.incoming()
        await theirs.wait("ended", 15) if _ == 0 else await theirs.cancel()
        await asyncio.sleep(0.2)
    assert "nobody answered" in (await missed(client)).find(f"{{{CLIENT}}}body").text
    await client.settled()
    assert client.messages.empty()


async def test_nothing_is_left_where_somebody_answered_or_refused(scene):
    one, two = await scene.client("u41"), await scene.client("u42", node=scene.bed.c2)
    theirs = await scene.dial("+15558880011", caller="+15559870779")
    first, second = await asyncio.gather(one.incoming(), two.incoming())
    await first.accept()
    await asyncio.gather(first.wait("media"), theirs.wait("answered"))
    await second.ended()
    await first.hangup()
    await theirs.wait("ended")
    theirs = await scene.dial("+15558880011", caller="+15559870780")
    first, second = await asyncio.gather(one.incoming(), two.incoming())
    await first.reject("decline")
    await one.settled()
    await theirs.cancel()
    await second.ended()
    assert "+15559870780" in (await missed(two)).find(f"{{{CLIENT}}}body").text
    await asyncio.gather(one.settled(), two.settled())
    assert one.messages.empty() and two.messages.empty()


async def test_which_of_several_numbers_was_called(scene):
    """In the nick of the proposal (XEP-0172), and in the message."""
    client = await scene.client("u43")
    seen = spy(client)
    theirs = await scene.dial("+15558880012", caller="+15559870781",
                              headers=[("P-Asserted-Identity", "\"Zoe\" <sip:+15559870781@10.77.0.2>")])
    await client.incoming()
    nick = named(seen, "nick")[-1]
    assert nick.text == "Zoe (to +15558880012)" and nick.tag.startswith("{http://jabber.org/protocol/nick}")
    await theirs.cancel()
    body = (await missed(client)).find(f"{{{CLIENT}}}body").text
    assert body.startswith("Missed call from Zoe (+15559870781) to +15558880012, ")
