# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a component owes its server's users beside calls (RFC 6120, 6121): each iq has one answer, presence none too many.

    client c1  --  Prosody srv  --  Tandem gw
"""

import asyncio
import time

import pytest

from bed import proc
from bed.jinglexml import JINGLE, JMI, element, error_of, initiate_element, local
from bed.scene import DOMAIN
from bed.seen import spy

NUMBER = "+15551230000"


def raw(client, text, reply):
    """Send @text; a future of the stanza with the id @reply."""
    client._pending[reply] = asyncio.get_running_loop().create_future()
    client.send_raw(text)
    return asyncio.wait_for(client._pending[reply], proc.SOON_S)


async def test_an_iq_has_one_payload(scene):
    client = await scene.client()
    for kind in ("get", "set"):
        for inside in ("", "<a xmlns='urn:a'/><b xmlns='urn:b'/>"):
            answer = await raw(client, f"<iq type='{kind}' id='p1' to='{NUMBER}@{DOMAIN}/sip'>{inside}</iq>", "p1")
            assert error_of(answer) == "bad-request"


@pytest.mark.parametrize("to", [DOMAIN, f"{NUMBER}@{DOMAIN}", f"{NUMBER}@{DOMAIN}/sip"])
async def test_an_unknown_iq_gets_an_error(scene, to):
    client = await scene.client()
    for kind in ("get", "set"):
        answer = await client.request(element("urn:test:nothing", "query"), to, kind)
        assert answer.get("type") == "error"
        assert error_of(answer) in ("service-unavailable", "feature-not-implemented"), error_of(answer)


async def test_a_stanza_too_large_is_refused_and_costs_nobody_the_stream(scene):
    """Prosody lets users send 256 KiB: more than Tandem takes."""
    client = await scene.client()
    padded = element("urn:test:nothing", "query")
    padded.text = "x" * 150000
    answer = await client.request(padded, DOMAIN, "get")
    assert error_of(answer) == "policy-violation"
    assert "-> down why=" not in scene.bed.tandem.log


async def test_nobody_lives_at_an_unknown_localpart(scene):
    client = await scene.client()
    for payload in (element("urn:xmpp:ping", "ping"), element("http://jabber.org/protocol/disco#info", "query"),
                    element("urn:test:nothing", "query")):
        answer = await client.request(payload, f"nobody@{DOMAIN}", "get")
        assert error_of(answer) == "item-not-found"
    assert error_of(await client.request(initiate_element("to-nobody"), f"nobody@{DOMAIN}/sip")) == "item-not-found"


async def test_answers_are_not_answered(scene):
    client = await scene.client()
    seen = spy(client)
    to = f"{NUMBER}@{DOMAIN}/sip"
    for stanza in (f"<iq type='result' id='r1' to='{to}'/>", f"<iq type='error' id='r2' to='{to}'><x xmlns='urn:x'/></iq>",
                   f"<iq type='result' id='r3' to='{to}'><jingle xmlns='{JINGLE}' action='session-info' sid='r'/></iq>",
                   f"<message type='error' id='r4' to='{to}'><body>x</body></message>",
                   f"<message type='headline' id='r5' to='{to}'><body>x</body></message>",
                   f"<message type='error' id='r6' to='{to}'><proceed xmlns='{JMI}' id='r'/></message>",
                   f"<message type='error' id='r7' to='{to}'><propose xmlns='{JMI}' id='r'/></message>",
                   f"<presence type='error' id='r8' to='{to}'/>"):
        client.send_raw(stanza)
    await client.settled()
    assert [s.get("id") for s in seen if (s.get("from") or "").endswith("/sip")] == []


async def test_addresses_as_long_as_they_may_be(scene):
    """RFC 7622 3.3.1: 1023 octets; one more is malformed, and the server's to refuse."""
    client = await scene.client()
    for local_part in ("y" * 1023, "\\\\40" * 200, "\u00fc" * 500):
        call = await client.call(f"{local_part}@{DOMAIN}")
        assert (await call.ended()).startswith(("reject gone", "bounced")), local_part[:10]
        assert error_of(await client.request(initiate_element("long"), f"{local_part}@{DOMAIN}/{'r' * 1000}")) == "item-not-found"


async def presences(client, to, kind, *wanted):
    """Send presence of @kind and return the types that come back: those that are @wanted, and what else has come by then."""
    seen = spy(client)
    client.presence(kind, to=to)
    end = time.monotonic() + proc.SOON_S

    def types():
        return [s.get("type") or "available" for s in seen if local(s.tag) == "presence" and (s.get("from") or "").startswith(to)]

    while set(wanted) - set(types()) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    await client.settled()
    return sorted(types())


async def test_subscriptions(scene):
    """Both ways, and the second time without asking back: two gateways would ask each other for ever."""
    client = await scene.client()
    client.auto_authorize = client.auto_subscribe = None
    for to in (f"{NUMBER}@{DOMAIN}", f"echo@{DOMAIN}", DOMAIN):
        came = await presences(client, to, "subscribe", "subscribe", "available")
        assert "subscribe" in came and "available" in came, f"{to}: {came}"


async def test_nobody_can_be_subscribed_to(scene):
    client = await scene.client()
    came = await presences(client, f"nobody@{DOMAIN}", "subscribe")
    assert "available" not in came and "subscribe" not in came and "subscribed" not in came, came


async def test_presence_of_clients_is_not_answered(scene):
    client = await scene.client()
    for kind in (None, "unavailable", "unsubscribed", "subscribed"):
        assert await presences(client, f"{NUMBER}@{DOMAIN}", kind) == [], kind
