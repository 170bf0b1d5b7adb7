# SPDX-License-Identifier: AGPL-3.0-or-later
"""That Tandem and its numbers are found: what they say of themselves, and how they are written.

    clients c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn
"""

import base64
import datetime
import hashlib

import pytest

from bed import ejabberd, proc, prosody
from bed.jinglexml import element, error_of, initiate_element, local
from bed.scene import DOMAIN, own_number
from bed.seen import named, spy

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")

CLIENT, STANZAS = "jabber:client", "urn:ietf:params:xml:ns:xmpp-stanzas"


def gone(answer):
    """The address that the error @answer names."""
    return answer.findtext(f".//{{{STANZAS}}}gone")


# numbers in another form than ours

WRITTEN = (("5551234567", "+15551234567"), ("15551234567", "+15551234567"), ("555-123-4567", "+15551234567"),
           ("(555)\\20123-4567", "+15551234567"), ("tel\\3a+49-30-1234567", "+49301234567"), ("004930123456", "+4930123456"))


async def test_a_text_to_a_number_without_its_country_code_is_told_the_right_address(scene):
    client = await scene.client()
    for written, number in WRITTEN:
        body = element(CLIENT, "body")
        body.text = "hello"
        answer = await client.ask(f"{written}@{DOMAIN}", body)
        assert error_of(answer) == "gone", written
        assert gone(answer) == f"xmpp:{number}@{DOMAIN}"


async def test_a_session_with_a_number_without_its_country_code_is_told_the_right_address(scene):
    client = await scene.client()
    for written, number in WRITTEN:
        answer = await client.request(initiate_element("s1"), f"{written}@{DOMAIN}/sip")
        assert error_of(answer) == "gone" and gone(answer) == f"xmpp:{number}@{DOMAIN}", written


async def test_a_proposal_to_a_number_without_its_country_code_is_rejected_with_the_right_address(scene):
    client = await scene.client()
    for written, number in WRITTEN:
        call = await client.call(f"{written}@{DOMAIN}")
        ended = await call.ended()
        assert ended.startswith("reject gone") and f"{number}@{DOMAIN}" in ended, ended


async def test_what_is_no_number_has_no_other_address(scene):
    client = await scene.client()
    for written in ("alice", "12345", "5551234567\\40nowhere"):
        answer = await client.request(initiate_element("s2"), f"{written}@{DOMAIN}/sip")
        assert error_of(answer) in ("item-not-found", "forbidden") and gone(answer) is None, written


# what the domain and its numbers say of themselves

CALLABLE = {"urn:xmpp:jingle:1", "urn:xmpp:jingle-message:0", "urn:xmpp:jingle:apps:dtls:0", "urn:xmpp:jingle:apps:rtp:1",
            "urn:xmpp:jingle:apps:rtp:audio", "urn:xmpp:jingle:transports:ice-udp:1"}  # what the call buttons of all clients ask for
NUMBER = f"+15551234567@{DOMAIN}"
CAPS = "http://jabber.org/protocol/caps"


async def test_the_domain_is_a_gateway(scene):
    client = await scene.client()
    identities, features = await client.disco(DOMAIN)
    assert {("gateway", "pstn"), ("gateway", "sip"), ("gateway", "sms")} <= set(identities)
    assert {"jabber:iq:gateway", "jabber:iq:register", "jid\\20escaping", "urn:xmpp:ping", "urn:xmpp:extdisco:2",
            "vcard-temp"} <= set(features)
    assert not CALLABLE & set(features)


async def test_a_number_can_be_called_bare_full_and_by_its_caps(scene):
    client = await scene.client()
    client.presence("subscribe", to=NUMBER)
    await proc.until(lambda: f"{NUMBER}/sip" in client.presences and client.presences[f"{NUMBER}/sip"].get("type") is None, proc.SOON_S,
                     "presence of the number")
    caps = client.presences[f"{NUMBER}/sip"].find(f"{{{CAPS}}}c")
    for to, node in ((NUMBER, None), (f"{NUMBER}/sip", None), (NUMBER, f"{caps.get('node')}#{caps.get('ver')}"),
                     (f"{NUMBER}/sip", f"{caps.get('node')}#{caps.get('ver')}")):
        identities, features = await client.disco(to, node)
        assert ("client", "phone") in identities and CALLABLE <= set(features)
        assert "urn:xmpp:jingle:apps:rtp:video" not in features
        assert features == sorted(features)
        assert hashed(identities, "Tandem", features) == caps.get("ver")


def hashed(identities, name, features):
    """XEP-0115, 5.1"""
    text = "".join(f"{category}/{kind}//{name}<" for category, kind in sorted(identities))
    text += "".join(feature + "<" for feature in sorted(features))
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


async def test_what_is_announced_is_answered(scene):
    """Every feature that stands for a query has its answer."""
    client = await scene.client()
    queries = {"jabber:iq:version": "query", "urn:xmpp:ping": "ping", "urn:xmpp:time": "time", "vcard-temp": "vCard",
               "urn:ietf:params:xml:ns:vcard-4.0": "vcard", "jabber:iq:gateway": "query", "jabber:iq:register": "query",
               "urn:xmpp:extdisco:2": "services", "http://jabber.org/protocol/disco#info": "query",
               "http://jabber.org/protocol/disco#items": "query"}
    for to in (DOMAIN, NUMBER, f"{NUMBER}/sip", f"echo@{DOMAIN}"):
        _, features = await client.disco(to)
        asked = [feature for feature in features if feature in queries]
        assert len(asked) >= 6
        for feature in asked:
            answer = await client.request(element(feature, queries[feature]), to, "get")
            assert answer.get("type") == "result", f"{to}: {feature}"


async def test_entity_time_is_now(scene):
    client = await scene.client()
    answer = await client.request(element("urn:xmpp:time", "time"), DOMAIN, "get")
    said = datetime.datetime.fromisoformat(answer.findtext(".//{urn:xmpp:time}utc").replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - said).total_seconds()) < 5


async def test_what_is_typed_becomes_an_address(scene):
    client = await scene.client()
    for typed, jid in (("(555) 123-4567", NUMBER), ("tel:+1-555-123-4567", NUMBER), ("sip:alice@10.77.0.2", f"alice\\40carrier@{DOMAIN}")):
        query = element("jabber:iq:gateway", "query")
        element("jabber:iq:gateway", "prompt", query).text = typed
        answer = await client.request(query, DOMAIN)
        assert answer.findtext(".//{jabber:iq:gateway}jid") == jid, typed
    element("jabber:iq:gateway", "prompt", query := element("jabber:iq:gateway", "query")).text = "nobody"
    assert error_of(await client.request(query, DOMAIN)) == "not-acceptable"


async def test_who_has_no_number_is_not_registered(scene):
    one, two = await scene.client(), await scene.client("carol")
    for client, registered in ((one, True), (two, False)):
        answer = await client.request(element("jabber:iq:register", "query"), DOMAIN, "get")
        assert (answer.find(".//{jabber:iq:register}registered") is not None) == registered
        answer = await client.request(element("urn:xmpp:extdisco:2", "services", type="sip"), DOMAIN, "get")
        assert ([s.get("host") for s in answer.iter("{urn:xmpp:extdisco:2}service")] == [DOMAIN]) == registered


# callers

async def test_a_caller_has_a_name(scene):
    client, other = await scene.client(), await scene.client(node=scene.bed.c2)
    seen = spy(client)
    theirs = await scene.dial(own_number(client.user), caller="+15550001234", display='"Bob & Söhne" ')
    mine = await client.incoming()
    nick = [s.findtext("{http://jabber.org/protocol/nick}nick") for s in seen if named([s], "propose")]
    assert nick == ["Bob & Söhne"]
    card = element("vcard-temp", "vCard")
    answer = await client.request(card, f"+15550001234@{DOMAIN}", "get")
    assert answer.findtext(".//{vcard-temp}FN") == "Bob & Söhne"
    answer = await other.request(card, f"+15550001234@{DOMAIN}", "get")
    assert answer.findtext(".//{vcard-temp}FN") == "+1 555-000-1234"
    await mine.reject()
    await theirs.wait("ended")


async def test_a_caller_shows_his_presence_before_he_rings(scene):
    """Whom the callee is not subscribed to: its client learns what can be called back."""
    client = await scene.client()
    seen = spy(client)
    theirs = await scene.dial(own_number(client.user), caller="+15550004321")
    mine = await client.incoming()
    ours = [local(s.tag) for s in seen if (s.get("from") or "").startswith(f"+15550004321@{DOMAIN}/sip")]
    assert ours[:2] == ["presence", "message"]
    assert CALLABLE <= set((await client.disco(f"+15550004321@{DOMAIN}/sip"))[1])
    await mine.reject()
    await theirs.wait("ended")


# presence over the life of the process

def kinds(seen, of):
    """The types of the presence stanzas from @of in @seen."""
    return [s.get("type") or "available" for s in seen if local(s.tag) == "presence" and s.get("from") == of]


async def subscribed(scene, number):
    """A client with presence of the domain and of @number, and what it has seen since."""
    client = await scene.client()
    seen = spy(client)
    for to in (DOMAIN, scene.jid(number)):
        client.presence("subscribe", to=to)
    await proc.until(lambda: kinds(seen, f"{scene.jid(number)}/sip") and kinds(seen, f"{DOMAIN}/gateway"), proc.SOON_S, "presence")
    seen.clear()
    return client, seen


@pytest.mark.alone
async def test_presence_comes_again_with_the_stream(scene):
    number = scene.number()
    before, _ = await subscribed(scene, number)
    await before.close()
    await scene.bed.server.process.stop()
    await scene.bed.server.restart()
    client = await scene.client(before.user)

    def available(jid):
        return jid in client.presences and client.presences[jid].get("type") is None

    await proc.until(lambda: available(f"{DOMAIN}/gateway"), 40.0, "the domain's presence")
    await proc.until(lambda: available(f"{scene.jid(number)}/sip"), 10.0, "the number's presence")


@pytest.mark.alone
async def test_presence_ends_behind_the_calls_and_comes_again_at_the_start(scene):
    number = scene.number()
    client, seen = await subscribed(scene, number)
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    theirs = await plan.call()
    await theirs.answer()
    await mine.wait("media")
    tandem = scene.bed.tandem
    await tandem.process.stop(timeout=20.0)
    await proc.until(lambda: kinds(seen, f"{scene.jid(number)}/sip")[-1:] == ["unavailable"], proc.SOON_S, "unavailable")
    assert kinds(seen, f"{DOMAIN}/gateway")[-1] == "unavailable"
    order = ["call" if local(s.tag) == "iq" else "presence" for s in seen
             if "unavailable" in kinds([s], f"{scene.jid(number)}/sip") or any(c.get("action") == "session-terminate" for c in s)]
    assert order == ["call", "presence"]
    seen.clear()
    await tandem.start()
    await proc.until(lambda: kinds(seen, f"{scene.jid(number)}/sip") == ["available"], proc.SOON_S, "available")
    assert kinds(seen, f"{DOMAIN}/gateway") == ["available"]


async def test_presence_does_not_end_during_a_call(scene):
    number = scene.number()
    client, seen = await subscribed(scene, number)
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    theirs = await plan.call()
    await theirs.answer()
    await mine.wait("media")
    client.presence("unsubscribe", to=scene.jid(number))
    client.presence("unavailable")
    client.presence()
    client.presence("subscribe", to=scene.jid(number))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
    assert "unavailable" not in kinds(seen, f"{scene.jid(number)}/sip")
