# SPDX-License-Identifier: AGPL-3.0-or-later
"""What carriers send beside calls: mailboxes, texts inside a call, questions; and what tells two trunks at one address apart.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (UDP): trunks "carrier" and "strict"
"""

import asyncio

import pytest

from bed import sipmsg
from bed.jingle import CLIENT
from bed.scene import CARRIER, DOMAIN, GATEWAY, own_number

PREFIX = "88*"
pytestmark = pytest.mark.bed_options(
    trunks={"strict": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "called_prefix": PREFIX, "prack": True,
                       "unsolicited_notify": False, "contact_user": "tandem-7"}},
    numbers={own_number("erin"): {"owner": "erin@example.org", "trunk": "strict"}})
UDP = ("udp", GATEWAY, 5060)
WAIT_S = 10.0


async def ask(scene, method, user, headers=(), body=b"", kind="application/simple-message-summary", to=None):
    """A request outside of calls to @user; its final response."""
    carrier = scene.bed.carrier
    uri = f"sip:{user}@{GATEWAY}:5060" if user else f"sip:{GATEWAY}:5060"
    request = sipmsg.Message(method, uri)
    request.add("Via", carrier.wire.via("udp")).add("Max-Forwards", 70)
    request.add("From", f"<sip:carrier@{CARRIER}>;tag={sipmsg.token()}").add("To", f"<{to or uri}>")
    request.add("Call-ID", sipmsg.token(20)).add("CSeq", f"1 {method}").add("Contact", carrier.contact(UDP))
    for name, value in headers:
        request.add(name, value)
    if body:
        request.add("Content-Type", kind)
        request.body = body
    return await carrier.wire.request(request, await carrier.wire.reach(*UDP)).final()


async def mailbox(scene, number, fresh, old=0, user=None):
    """A mailbox is told of, in the Request-URI or with Message-Account."""
    account = f"Message-Account: sip:{number}@{CARRIER}\r\n" if user else ""
    text = f"Messages-Waiting: {'yes' if fresh else 'no'}\r\n{account}Voice-Message: {fresh}/{old} (0/0)\r\n"
    response = await ask(scene, "NOTIFY", user or number, [("Event", "message-summary"), ("Subscription-State", "active")],
                         text.encode())
    assert response.status == 200, response.first_line()


async def written(client):
    """The next message: (from, text)."""
    message = await asyncio.wait_for(client.messages.get(), WAIT_S)
    return message.get("from"), message.findtext(f"{{{CLIENT}}}body")


async def test_a_mailbox_is_told_once(scene):
    client = await scene.client()
    number = own_number(client.user)
    await mailbox(scene, number, 2, 5)
    assert await written(client) == (DOMAIN, f"The mailbox of {number} has 2 new messages (5 old).")
    await mailbox(scene, number, 2, 5)  # with each registration
    await mailbox(scene, number, 1, 6)  # one was heard
    await mailbox(scene, number, 0, 7)
    await mailbox(scene, number, 1, 7, user="anything")
    assert await written(client) == (DOMAIN, f"The mailbox of {number} has 1 new message (7 old).")
    assert client.messages.empty()


async def test_a_text_inside_a_call(scene):
    mine, theirs = await scene.call_out()
    response = await theirs.send("MESSAGE", b"Bring milk & bread", "text/plain")
    assert response.status == 200, response.first_line()
    client = scene.clients[-1]
    assert await written(client) == (mine.peer.partition("/")[0], "Bring milk & bread")
    response = await theirs.send("MESSAGE", b"\x00\x01", "application/octet-stream")
    assert response.status == 415 and "text/plain" in response.get("Accept"), response.first_line()
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_trunks_at_one_address_have_their_own_policies(scene):
    """They are told apart by the prefix of what is called."""
    for user, strict in ((PREFIX + own_number("erin"), True), (own_number("frank"), False)):
        response = await ask(scene, "OPTIONS", user)
        assert response.status == 200 and ("PRACK" in response.get("Allow")) == strict, response.get("Allow")
        response = await ask(scene, "NOTIFY", user, [("Event", "keep-alive")])
        assert response.status == (489 if strict else 200), response.first_line()
        response = await ask(scene, "INVITE", user, [("Require", "100rel"), ("Content-Length", "0")])
        assert (response.status == 420) == (not strict), response.first_line()


async def test_a_busy_number_is_busy_to_options(scene):
    """RFC 3261 11.2; a user that is no number asks for the gateway."""
    client = await scene.client("frank")
    calls = []
    for _ in range(4):  # limits.calls_per_account
        mine, theirs = await scene.propose(client=client)
        calls.append(theirs)
    assert (await ask(scene, "OPTIONS", own_number("frank"))).status == 486
    for user in ("", "ping", own_number("bob")):
        assert (await ask(scene, "OPTIONS", user)).status == 200
    for theirs in calls:
        await theirs.refuse(486, "Busy Here")
    assert (await mine.ended()).startswith("reject busy")
    assert (await ask(scene, "OPTIONS", own_number("frank"))).status == 200


async def test_contact_says_what_is_configured(scene):
    client = await scene.client("erin")
    _, theirs = await scene.propose(client=client)
    contact = theirs.invite.all("Contact")
    assert len(contact) == 1 and sipmsg.user_of(sipmsg.uri_of(contact[0])) == "tandem-7"
    await theirs.refuse(486, "Busy Here")


@pytest.mark.parametrize("code", ["*67", "#31#"])
async def test_one_call_hides_the_number(scene, code):
    client = await scene.client()
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(code + number))
    theirs = await plan.call()
    assert "anonymous.invalid" in theirs.invite.get("From") and theirs.invite.get("Privacy") == "id"
    assert own_number(client.user) in theirs.invite.get("P-Asserted-Identity")
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
