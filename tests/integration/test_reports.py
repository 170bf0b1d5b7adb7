# SPDX-License-Identifier: AGPL-3.0-or-later
"""What becomes of texts at a trunk that reports it (RFC 5438), and long texts in parts.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (UDP)
"""

import asyncio
import datetime

import pytest

from bed import database, ejabberd, proc, prosody
from bed.jingle import CLIENT
from bed.jinglexml import element
from bed.scene import CARRIER, GATEWAY, own_number
from bed.seen import come, named, spy
from test_message import UDP, WAIT_S, body, condition_of, nothing, receipt, receipt_request, received

OCTETS = 100
TRUNKS = {"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "imdn": True, "split_texts": True,
                      "text_octets": OCTETS}}
pytestmark = [pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module"),
              pytest.mark.bed_options(trunks=TRUNKS)]
MARKERS, DELAY = "urn:xmpp:chat-markers:0", "urn:xmpp:delay"
IMDN = "urn:ietf:params:xml:ns:imdn"


def opened(request):
    """A message/cpim in a MESSAGE: (its headers, those of the content, the content)."""
    assert request.get("Content-Type") == "message/cpim"
    parts = request.body.decode().split("\r\n\r\n", 2)
    headers = [dict(line.split(": ", 1) for line in part.split("\r\n")) for part in parts[:2]]
    return *headers, parts[2]


def imdn(identity, kind, status):
    """A report in message/cpim."""
    return (f"From: <sip:a@b>\r\nTo: <sip:c@d>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: r1\r\n\r\n"
            f"Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n"
            f'<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="{IMDN}"><message-id>{identity}</message-id>'
            f"<datetime>2026-01-01T00:00:00Z</datetime><{kind}-notification><status><{status}/></status></{kind}-notification></imdn>")


async def write(scene, client, text, caller, kind="message/cpim"):
    response, _ = await scene.bed.carrier.text(f"sip:{own_number(client.user)}@{GATEWAY}", UDP, text, caller=caller, kind=kind)
    assert response.status == 200, response.first_line()


async def sent(scene, number):
    return await asyncio.wait_for(scene.bed.carrier.texts_to(number).get(), WAIT_S)


# out

async def test_a_receipt_is_the_telephones_own(scene):
    """Not the carrier's 200; and what was seen is told as well. Each once, however often it is reported."""
    client, number = await scene.client(), scene.number()
    seen = spy(client)
    client.message(scene.jid(number), body("Grüße", "de"), receipt_request(), element(MARKERS, "markable"), id_="m1")
    request = await sent(scene, number)
    headers, content, text = opened(request)
    assert text == "Grüße" and content == {"Content-Type": "text/plain;charset=utf-8", "Content-Language": "de"}
    assert own_number(client.user) in headers["From"] and number in headers["To"]
    assert headers["NS"] == "imdn <urn:ietf:params:imdn>"
    assert headers["imdn.Disposition-Notification"] == "positive-delivery, negative-delivery, display"
    datetime.datetime.fromisoformat(headers["DateTime"].replace("Z", "+00:00"))
    identity = headers["imdn.Message-ID"]
    await write(scene, client, imdn("unknown", "delivery", "delivered"), number)
    await write(scene, client, imdn(identity, "delivery", "delivered"), scene.number())  # somebody else
    await write(scene, client, imdn(identity, "processing", "processed"), number)
    assert not named(seen, "received")
    await write(scene, client, imdn(identity, "delivery", "delivered"), number)
    await receipt(client, "m1")
    await write(scene, client, imdn(identity, "delivery", "delivered"), number)
    await write(scene, client, imdn(identity, "display", "displayed"), number)
    await come(seen, "displayed")
    assert [e.get("id") for e in named(seen, "displayed")] == ["m1"] and client.receipts == ["m1"]


async def test_what_the_telephone_did_not_get_is_told(scene):
    client, number = await scene.client(), scene.number()
    error = asyncio.create_task(client.ask(scene.jid(number), body("lost")))
    headers, _, _ = opened(await sent(scene, number))
    assert headers["imdn.Disposition-Notification"] == "negative-delivery"
    await write(scene, client, imdn(headers["imdn.Message-ID"], "delivery", "failed"), number)
    condition, words = condition_of(await asyncio.wait_for(error, WAIT_S))
    assert condition == "recipient-unavailable" and words


@pytest.mark.alone
async def test_a_report_may_come_after_a_restart(scene):
    client, number = await scene.client(), scene.number()
    client.message(scene.jid(number), body("x"), receipt_request(), id_="m2")
    headers, _, _ = opened(await sent(scene, number))
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await write(scene, client, imdn(headers["imdn.Message-ID"], "delivery", "delivered"), number)
    await receipt(client, "m2")


# in

ASKED = ("From: <sip:a@b>\r\nTo: <sip:c@d>\r\nDateTime: {date}\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk\r\n"
         "imdn.Disposition-Notification: {wants}\r\n\r\nContent-Type: text/plain\r\n\r\nhello")


async def test_a_telephone_learns_what_a_device_has(scene):
    client, number = await scene.client(), scene.number()
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    await write(scene, client, ASKED.format(date=date, wants="positive-delivery, display"), number)
    message = await received(client)
    assert message.findtext(f"{{{CLIENT}}}body") == "hello" and message.find(f"{{{DELAY}}}delay") is None
    assert message.find("{urn:xmpp:receipts}request") is not None and message.find(f"{{{MARKERS}}}markable") is not None
    stranger = await scene.client()
    stranger.message(scene.jid(number), element("urn:xmpp:receipts", "received", id_=message.get("id")))
    for _ in range(2):
        client.message(scene.jid(number), element("urn:xmpp:receipts", "received", id_=message.get("id")))
    headers, content, xml = opened(await sent(scene, number))
    assert content == {"Content-Type": "message/imdn+xml", "Content-Disposition": "notification"}
    assert "<message-id>34jk</message-id>" in xml and date in xml and "<delivered/>" in xml
    assert "imdn.Disposition-Notification" not in headers
    client.message(scene.jid(number), element(MARKERS, "displayed", id_=message.get("id")))
    _, _, xml = opened(await sent(scene, number))
    assert "<displayed/>" in xml
    await nothing(scene.bed.carrier.texts_to(number), 0.3)


async def test_a_text_that_was_written_long_ago_says_when(scene):
    client, number = await scene.client(), scene.number()
    date = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await write(scene, client, ASKED.format(date=date, wants=""), number)
    message = await received(client)
    assert [e.get("stamp") for e in message.findall(f"{{{DELAY}}}delay")] == [date]
    assert message.find("{urn:xmpp:receipts}request") is None


# parts

LONG = " ".join(f"word{i}" for i in range(60))


async def test_a_long_text_goes_in_parts_in_their_order(scene):
    client, number = await scene.client(), scene.number()
    client.message(scene.jid(number), body(LONG), receipt_request(), id_="long")
    client.message(scene.jid(number), body("behind"), id_="short")
    parts, requests = [], []
    while "".join(parts) != LONG + "behind":
        requests.append(await sent(scene, number))
        parts.append(opened(requests[-1])[2])
        assert len(parts[-1].encode()) <= OCTETS
    assert len(parts) > 4 and all(part.endswith(" ") for part in parts[:-2])
    assert len({request.call_id for request in requests}) == len(parts)
    headers = [opened(request)[0] for request in requests]
    assert ["imdn.Disposition-Notification" in h for h in headers] == [False] * (len(parts) - 2) + [True, True]
    await nothing(client.messages, 0.2)
    assert not client.receipts
    await write(scene, client, imdn(headers[-2]["imdn.Message-ID"], "delivery", "delivered"), number)
    await receipt(client, "long")


async def test_a_part_that_is_refused_is_the_text(scene):
    """It is told once, and what is behind goes on."""
    client, number = await scene.client(), scene.number()
    scene.bed.carrier.text_answers[number] = [200, 404]
    error = await client.ask(scene.jid(number), body(LONG))
    assert condition_of(error)[0] == "item-not-found"
    client.message(scene.jid(number), body("next"))
    bodies = [opened(await sent(scene, number))[2] for _ in range(3)]
    assert bodies[2] == "next" and LONG.startswith("".join(bodies[:2]))


@pytest.mark.alone
@pytest.mark.limit(60)
async def test_parts_go_on_where_a_death_ended_them(scene):
    client, number = await scene.client(), scene.number()
    scene.bed.carrier.text_answers[number] = [200, 200, None, None]
    client.message(scene.jid(number), body(LONG))
    parts = {}
    while len(parts) < 3:  # one may come twice
        request = await sent(scene, number)
        parts[request.call_id] = opened(request)[2]
    taken = [*parts][:2]
    octets = sum(len(parts[one].encode()) for one in taken)
    await proc.until(lambda: database.rows(scene.bed.tandem.sections["db"]["path"], "SELECT sent FROM text") == [(octets,)], proc.SOON_S,
                     "what the carrier has taken is on the disk")
    await scene.bed.tandem.kill()
    scene.bed.carrier.text_answers[number] = []
    await scene.bed.tandem.start()
    while "".join(parts.values()) != LONG:
        request = await sent(scene, number)
        parts.setdefault(request.call_id, opened(request)[2])
        assert request.call_id not in taken


async def test_too_long_is_refused_with_the_limit(scene):
    client = await scene.client()
    condition, words = condition_of(await client.ask(scene.jid(scene.number()), body("x" * (20 * OCTETS + 1))))
    assert condition == "policy-violation" and str(20 * OCTETS) in words
