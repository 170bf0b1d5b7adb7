# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said on the component's stream, and all that is said to it: a row for each.

    the test as the XMPP server srv (bed/wire.py)  --  Tandem gw  --  carrier pstn

No server mends, refuses or orders anything in between."""

import asyncio

import pytest

from bed import wire
from bed.jinglexml import DTLS, GROUPING, ICE, JINGLE, JMI, RTP, RTP_INFO, local
from bed.scene import DOMAIN, own_number

pytestmark = pytest.mark.bed_options(server=wire.Server, trunks={"codes": {"proxy": "sip:10.77.0.2:5060", "short_codes": ["*98"]}},
                                     numbers={"+15558880071": {"owner": "zoe@example.org", "trunk": "codes"}})

NUMBER = f"+15551230000@{DOMAIN}"
WAIT_S = 10.0
DISCO, PUBSUB = "http://jabber.org/protocol/disco", "http://jabber.org/protocol/pubsub"


def device(scene, user=None, resource="one"):
    """A device of an account that no other test uses."""
    return scene.bed.server.device(f"{user or next(scene.bed.users)}@example.org/{resource}")


# questions


def ask(payload, to=DOMAIN, kind="get"):
    """An iq."""
    return f"<iq type='{kind}' id='i1' from='{{me}}' to='{to}'>{payload}</iq>"


PING, FINE = "<ping xmlns='urn:xmpp:ping'/>", ["iq result"]
NO_SERVICE, BAD, NOBODY = (["iq error cancel/service-unavailable"], ["iq error modify/bad-request"], ["iq error cancel/item-not-found"])
ASKED = {
    "a ping": (ask(PING), FINE),
    "a ping of a number's device": (ask(PING, NUMBER + "/sip"), FINE),
    "a ping in the name of an account": (ask(PING).replace("{me}", "{bare}"), FINE),
    "text around the payload": (ask(f"text {PING} text"), FINE),
    "prefixes": (f"<x:iq xmlns:x='{wire.NS}' to='{DOMAIN}' from='{{me}}' id='i1' type='get'><y:ping xmlns:y='urn:xmpp:ping'/></x:iq>", FINE),
    "blanks and entities": (f"<iq\n\ttype = 'get'\r\n id=\"&#x61;&amp;&lt;&quot;\" from='{{me}}' to='{DOMAIN}' >{PING}</iq >", FINE),
    "characters of four octets": (ask(PING).replace("i1", "🦊é"), FINE),
    "a domain in capitals": (ask(PING, DOMAIN.upper()), FINE),
    "a ping that changes something": (ask(PING, kind="set"), NO_SERVICE),
    "a roster": (ask("<query xmlns='jabber:iq:roster'/>"), NO_SERVICE),
    "a file": (ask("<query xmlns='jabber:iq:oob'><url>http://x.org</url></query>", NUMBER, "set"), NO_SERVICE),
    "no type": (ask(PING).replace("type='get'", ""), BAD),
    "another type": (ask(PING, kind="dance"), BAD),
    "no payload": (ask(""), BAD),
    "two payloads": (ask(PING * 2), BAD),
    "a result": (ask("", kind="result"), []),
    "an error": (ask("", kind="error"), []),
    "nobody": (ask(PING, f"nobody@{DOMAIN}"), NOBODY),
    "no localpart": (ask(PING, f"@{DOMAIN}"), ["iq error modify/jid-malformed"]),
    "a blank in the localpart": (ask(PING, f"a b@{DOMAIN}"), ["iq error modify/jid-malformed"]),
    "a number without its country code": (ask(PING, f"5551234567@{DOMAIN}"), ["iq error cancel/gone"]),
    "the same behind a code": (ask(PING, f"*675551234567@{DOMAIN}"), ["iq error cancel/gone"]),
    "a code before a number": (ask(f"<query xmlns='{DISCO}#info'/>", f"*67{NUMBER}"), ["iq result query"]),
    "a node of nobody's": (ask(f"<query xmlns='{DISCO}#info' node='x'/>"), NOBODY),
    "items of a number": (ask(f"<query xmlns='{DISCO}#items'/>", NUMBER), ["iq result query"]),
    "a card that would be changed": (ask("<vCard xmlns='vcard-temp'/>", NUMBER, "set"), ["iq error cancel/not-allowed"]),
    "an avatar": (ask(f"<pubsub xmlns='{PUBSUB}'><items node='urn:xmpp:avatar:metadata'/></pubsub>", NUMBER), NOBODY),
    "a node to follow": (ask(f"<pubsub xmlns='{PUBSUB}'><subscribe node='x' jid='{{bare}}'/></pubsub>", NUMBER, "set"),
                         ["iq error cancel/feature-not-implemented"]),
    "a command of nobody's": (ask("<command xmlns='http://jabber.org/protocol/commands' node='x'/>", kind="set"), NOBODY),
    "a session of nobody's": (ask(f"<jingle xmlns='{JINGLE}' action='session-info' sid='x'/>", NUMBER, "set"),
                              ["iq error cancel/item-not-found/unknown-session"]),
}


async def test_each_question_has_its_answer(scene):
    one, found = device(scene), {}
    for title, (text, _) in ASKED.items():
        found[title] = await one.hears(text)
    assert found == {title: answer for title, (_, answer) in ASKED.items()}


async def test_an_answer_has_the_id_as_it_was_meant(scene):
    one = device(scene)
    await one.hears(ASKED["blanks and entities"][0], turns=0)
    assert (await one.come("iq result")).get("id") == 'a&<"'


# presence


def presence(kind, to=NUMBER):
    """A presence stanza of an account."""
    return f"<presence from='{{bare}}' to='{to}' type='{kind}'/>"


GRANTED, DENIED = ["presence subscribed", "presence subscribe", "presence c"], ["presence unsubscribed"]
SHOWN = (
    (presence("subscribe"), GRANTED),
    (presence("subscribe"), ["presence subscribed", "presence c"]),  # asked back already
    (presence("probe"), ["presence c"]),
    (presence("subscribed"), []),
    (presence("unsubscribed"), []),
    (presence("error"), []),
    (presence("dance"), []),
    (presence("unavailable"), []),
    (presence("unsubscribe"), ["presence unsubscribed", "presence unavailable"]),
    (presence("subscribe", NUMBER + "/sip"), GRANTED),
    (presence("subscribe", f"*67{NUMBER}"), GRANTED),
    (presence("subscribe", f"*98@{DOMAIN}"), GRANTED),
    (presence("subscribe", f"*97@{DOMAIN}"), DENIED),
    (presence("subscribe", f"5551234567@{DOMAIN}"), DENIED),
    (presence("subscribe", f"nobody@{DOMAIN}"), DENIED),
    (presence("unsubscribe", f"nobody@{DOMAIN}"), []),
)


async def test_presence_is_given_and_taken_back(scene):
    one = device(scene, "zoe")
    assert [await one.hears(text) for text, _ in SHOWN] == [answer for _, answer in SHOWN]


# texts


def write(inside, attributes="type='chat' id='m1'", resource=""):
    """A message to a number."""
    return f"<message {attributes} from='{{me}}' to='{{to}}{resource}'>{inside}</message>"


def body(text, lang=None):
    """A body."""
    return f"<body{f' xml:lang={lang!r}' if lang else ''}>{text}</body>"


OOB = "<x xmlns='jabber:x:oob'><url>https://x.org/cat.jpg</url></x>"
WRITTEN = {
    "two languages": (write(body("ahoj", "cs") + body("hello")), ("hello", "")),
    "two languages, both said": (write(body("ahoj", "cs") + body("hello", "en"), "id='m1' xml:lang='en'"), ("hello", "en")),
    "a body of nothing, and one": (write(body("", "cs") + body("hello", "en")), ("hello", "en")),
    "a subject alone": (write("<subject>Call me</subject>", "type='normal' id='m1'"), ("Call me", "")),
    "a subject and a body": (write("<subject>Hi</subject>" + body("there")), ("Hi\nthere", "")),
    "no type, no id": (write(body("hello"), ""), ("hello", "")),
    "an unknown type": (write(body("hello"), "type='tango'"), ("hello", "")),
    "to a device": (write(body("hello"), resource="/sip"), ("hello", "")),
    "cdata and entities": (write(body("a<![CDATA[ <b> & ]]>c&#x1F98A;&amp;&lt;")), ("a <b> & c🦊&<", "")),
    "all line ends": (write(body("one\r\ntwo\n\tthree&#13;four")), ("one\ntwo\n\tthree\nfour", "")),
    "a prefix": (write(f"<b:body xmlns:b='{wire.NS}'>hello</b:body>"), ("hello", "")),
    "a picture": (write(OOB), ("https://x.org/cat.jpg", "")),
    "a picture and its address": (write(body("https://x.org/cat.jpg") + OOB), ("https://x.org/cat.jpg", "")),
    "an old text": (write(body("late") + "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"), ("late", "")),
}
UNWRITTEN = {
    "a body of XHTML": (write("<body xmlns='http://www.w3.org/1999/xhtml'>x</body>"), []),
    "a headline": (write(body("x"), "type='headline'"), []),
    "an error": (write(body("x") + "<error type='cancel'/>", "type='error'"), []),
    "a state": (write("<active xmlns='http://jabber.org/protocol/chatstates'/>"), []),
    "an invitation to a call": (write("<invite xmlns='urn:xmpp:call-invites:0'><jingle sid='s'/></invite>"), []),
    "a later version of XEP-0353": (write("<propose xmlns='urn:xmpp:jingle-message:1' id='s'/>"), []),
    "a room": (write(body("x"), "type='groupchat'"), ["message error cancel/feature-not-implemented"]),
    "nothing": (write(body("")), ["message error modify/bad-request"]),
}


async def test_each_text_goes_as_it_was_meant(scene):
    async def go(text):
        one, number = device(scene), scene.number()
        queue = scene.bed.carrier.texts_to(number)
        one.say(text.replace("{to}", scene.jid(number)))
        got = await asyncio.wait_for(queue.get(), WAIT_S)
        return got.body.decode(), got.get("Content-Language")

    found = await asyncio.gather(*(go(text) for text, _ in WRITTEN.values()))
    assert dict(zip(WRITTEN, found)) == {title: sent for title, (_, sent) in WRITTEN.items()}


async def test_what_is_no_text_goes_nowhere(scene):
    one, number, found = device(scene), scene.number(), {}
    for title, (text, _) in UNWRITTEN.items():
        found[title] = await one.hears(text.replace("{to}", scene.jid(number)))
    assert found == {title: answer for title, (_, answer) in UNWRITTEN.items()}
    assert scene.bed.carrier.texts_to(number).empty()


# offers

PRINT = ":".join(["AA"] * 32)
PCMU, TALK = "<payload-type id='0' name='PCMU' clockrate='8000'/>", "telephone-event"
VP8 = "<payload-type id='96' name='VP8' clockrate='90000'/>"
HOST = "<candidate component='1' foundation='1' generation='0' id='c' ip='{}' network='0' port='{}' priority='1' protocol='{}' type='host'/>"


def payload(pt, name, clock=8000, inside="", **attributes):
    """A payload type."""
    more = "".join(f" {key}='{value}'" for key, value in attributes.items())
    return f"<payload-type id='{pt}' name='{name}' clockrate='{clock}'{more}>{inside}</payload-type>"


def parameters(**given):
    """Those of a payload type."""
    return "".join(f"<parameter name='{name}' value='{value}'/>" for name, value in given.items())


def finger(setup="actpass", name="sha-256", text=PRINT):
    """A fingerprint."""
    return f"<fingerprint xmlns='{DTLS}' hash='{name}'{f' setup={setup!r}' if setup else ''}>{text}</fingerprint>"


def transport(inside=finger(), keys="ufrag='abcd1234' pwd='abcdefghijklmnopqrstuv'"):
    """Of ICE."""
    return f"<transport xmlns='{ICE}' {keys}>{inside}</transport>"


def content(payloads=PCMU, name="0", media="audio", path=transport(), more="<rtcp-mux/>", attributes="creator='initiator' senders='both'"):
    """A medium."""
    return f"<content name='{name}' {attributes}><description xmlns='{RTP}' media='{media}'>{payloads}{more}</description>{path}</content>"


def bundle(*names):
    """All of them in one."""
    return f"<group xmlns='{GROUPING}' semantics='BUNDLE'>" + "".join(f"<content name='{name}'/>" for name in names) + "</group>"


def jingle(action, sid, inside="", to=f"echo@{DOMAIN}/sip", number=0):
    """An iq of a session."""
    return (f"<iq type='set' id='{action}{sid}{number}' from='{{me}}' to='{to}'>"
            f"<jingle xmlns='{JINGLE}' action='{action}' sid='{sid}'>{inside}</jingle></iq>")


def described(stanza):
    """Each content of an answer in a line."""
    lines = []
    for xml in stanza[0].findall(f"{{{JINGLE}}}content"):
        description, path = xml.find(f"{{{RTP}}}description"), xml.find(f"{{{ICE}}}transport")
        codecs = [f"{p.get('id')} {p.get('name')}" + "".join(f" {q.get('name')}={q.get('value')}" for q in p)
                  for p in description.findall(f"{{{RTP}}}payload-type")]
        lines.append(f"{xml.get('name')} {description.get('media')} {xml.get('senders')} {path.find(f'{{{DTLS}}}fingerprint').get('setup')}: "
                     + ", ".join(codecs))
    group = [c.get("name") for c in stanza[0].findall(f"{{{GROUPING}}}group/{{{GROUPING}}}content")]
    return lines + ([f"bundle {' '.join(group)}"] if group else [])


PLAIN = ["0 audio both active: 0 PCMU"]
OFFERED = {
    "Opus and its events": (content(payload(111, "opus", 48000, parameters(minptime=10), channels=2) + payload(110, TALK, 48000)) + bundle("0"),
                            ["0 audio both active: 111 opus minptime=10, 110 telephone-event", "bundle 0"]),
    "events first, with a list": (content(payload(126, TALK, inside="<parameter value='0-15'/>") + PCMU),
                                  ["0 audio both active: 0 PCMU, 126 telephone-event"]),
    "a number alone": (content("<payload-type id='0'/>"), PLAIN),
    "a number twice": (content(payload(97, "PCMA") + payload(97, "PCMU")), ["0 audio both active: 97 PCMA"]),
    "parameters without a name, or a value": (content(payload(111, "opus", 48000, "<parameter value='x'/>" + parameters(a="", b="1"), channels=2)),
                                              ["0 audio both active: 111 opus b=1"]),
    "parameters that are too many": (content(payload(111, "opus", 48000, parameters(a="1" * 100, b="2" * 100, c="3"), channels=2)),
                                     [f"0 audio both active: 111 opus a={'1' * 100} c=3"]),
    "a parameter with a semicolon": (content(payload(0, "PCMU", inside=parameters(a="b;c=d"))), PLAIN),
    "feedback, extensions, sources, SDES": (content(more=(
        "<rtcp-mux/><rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:x'/><bandwidth type='AS'>64</bandwidth>"
        "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'/><encryption><crypto tag='1'/></encryption>")), PLAIN),
    "active": (content(path=transport(finger("active"))), ["0 audio both passive: 0 PCMU"]),
    "passive": (content(path=transport(finger("passive"))), PLAIN),
    "no role": (content(path=transport(finger(None))), ["0 audio both passive: 0 PCMU"]),
    "capitals and small letters": (content(path=transport(finger("ACTPASS", "SHA-256", PRINT.lower()))), PLAIN),
    "two fingerprints": (content(path=transport(finger(name="sha-1", text=PRINT[:59]) + finger())), PLAIN),
    "SHA-512": (content(path=transport(finger(name="sha-512", text=f"{PRINT}:{PRINT}"))), PLAIN),
    "audio, video": (content(name="a") + content(VP8, "v", "video") + bundle("a", "v"),
                     ["a audio both active: 0 PCMU", "v video none active: 96 VP8", "bundle a v"]),
    "video, audio": (content(VP8, "v", "video") + content(name="a") + bundle("v", "a"),
                     ["v video none active: 96 VP8", "a audio both active: 0 PCMU", "bundle v a"]),
    "video, audio, no bundle": (content(VP8, "v", "video") + content(name="a"), ["a audio both active: 0 PCMU"]),
    "audio twice": (content(name="a") + content(name="b") + bundle("a", "b"),
                    ["a audio both active: 0 PCMU", "b audio none active: 0 PCMU", "bundle a b"]),
    "audio, data": (content(name="a") + f"<content name='d'><description xmlns='urn:x'/>{transport()}</content>" + bundle("a", "d"),
                    ["a audio both active: 0 PCMU", "bundle a"]),
    "a group of strangers": (content() + bundle("0", "x"), PLAIN + ["bundle 0"]),
    "only to be heard": (content(attributes="senders='initiator'"), ["0 audio initiator active: 0 PCMU"]),
    "held": (content(attributes="senders='none'"), ["0 audio none active: 0 PCMU"]),
    "a name of people": (content(name="the voice ü"), ["the voice ü audio both active: 0 PCMU"]),
    "candidates that cannot be": (content(path=transport(finger() + HOST.format("10.77.0.9", 9, "tcp") + HOST.format("x.local", 9, "udp")
                                                         + HOST.format("fd77::9", 5000, "udp") * 40)), PLAIN),
}
REFUSED = {
    "Speex": (content(payload(112, "speex", 16000)), "incompatible-parameters"),
    "no codec": (content(""), "incompatible-parameters"),
    "events alone": (content(payload(126, TALK)), "incompatible-parameters"),
    "video alone": (content(VP8, media="video"), "unsupported-applications"),
    "a file": (f"<content name='f'><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/>{transport()}</content>", "unsupported-applications"),
    "no description": (f"<content name='0'>{transport()}</content>", "unsupported-applications"),
    "no transport": (content(path=""), "unsupported-transports"),
    "SOCKS5": (content(path="<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='x'/>"), "unsupported-transports"),
    "raw UDP": (content(path="<transport xmlns='urn:xmpp:jingle:transports:raw-udp:1'/>"), "unsupported-transports"),
    "no fingerprint": (content(path=transport("")), "security-error"),
    "SHA-1": (content(path=transport(finger(name="sha-1", text=PRINT[:59]))), "security-error"),
    "a short fingerprint": (content(path=transport(finger(text="AA:BB"))), "security-error"),
    "a role that is none": (content(path=transport(finger("holdconn"))), "security-error"),
    "no pwd": (content(path=transport(keys="ufrag='abcd1234'")), "security-error"),
}
MALFORMED = ("", content(name="n" * 65), content(name=""), content() * 2, content(path=transport(keys="ufrag='a b' pwd='c'")))


def is_accept(stanza):
    """Whether it is a session-accept."""
    return wire.told(stanza).startswith("iq set session-accept")


async def begin(one, sid, offer):
    """Call the echo; its session-accept."""
    one.say(jingle("session-initiate", sid, offer))
    return await one.come(is_accept)


async def test_offers_are_answered_as_the_standards_want_it(scene):
    one, found = device(scene), {}
    for title, (offer, _) in OFFERED.items():
        found[title] = described(await begin(one, f"s{len(found)}", offer))
        assert await one.hears(jingle("session-terminate", f"s{len(found) - 1}", "<reason><success/></reason>")) == FINE
    assert found == {title: answer for title, (_, answer) in OFFERED.items()}


async def test_who_is_addressed_answers(scene):
    """A client holds its session with the JID that it has called."""
    one = device(scene)
    for sid, to in (("full", f"echo@{DOMAIN}/that one"), ("bare", f"echo@{DOMAIN}")):
        one.say(jingle("session-initiate", sid, content(), to=to))
        accept = await one.come(is_accept)
        assert accept.get("from") == accept[0].get("responder") == (to if "/" in to else f"{to}/sip")
        assert await one.hears(jingle("session-terminate", sid, to=to)) == FINE


async def test_offers_that_cannot_be_end_with_the_true_reason(scene):
    one, found = device(scene), {}
    for title, (offer, _) in REFUSED.items():
        found[title] = await one.hears(jingle("session-initiate", f"r{len(found)}", offer), turns=3)
    assert found == {title: FINE + [f"iq set session-terminate reason={reason}"] for title, (_, reason) in REFUSED.items()}
    for n, offer in enumerate(MALFORMED):
        assert await one.hears(jingle("session-initiate", f"m{n}", offer)) == BAD, offer


# in a session


def info(name, namespace=RTP_INFO, **attributes):
    """A payload of session-info."""
    return f"<{name} xmlns='{namespace}'" + "".join(f" {key.rstrip('_')}='{value}'" for key, value in attributes.items()) + "/>"


def path(inside="", keys="ufrag='abcd1234' pwd='abcdefghijklmnopqrstuv'", name="0"):
    """A content of transport-info."""
    return f"<content creator='initiator' name='{name}'>{transport(inside, keys)}</content>"


CANDIDATE = HOST.format("10.77.0.99", 5001, "udp")
UNKNOWN = ["iq error cancel/feature-not-implemented/unsupported-info"]
LATE = ["iq error wait/unexpected-request/out-of-order"]
SAID = (
    ("session-info", "", FINE),
    *(("session-info", info(name), FINE) for name in ("active", "hold", "unhold", "ringing")),
    ("session-info", info("mute", creator="initiator", name_="0"), FINE),
    ("session-info", info("waltz"), UNKNOWN),
    ("session-info", info("hold", "urn:x"), UNKNOWN),
    ("session-info", info("dtmf", "urn:xmpp:jingle:dtmf:0", code="5"), FINE),
    ("session-info", info("dtmf", "urn:xmpp:jingle:dtmf:0", code="55"), ["iq error cancel/feature-not-implemented"]),
    *(("transport-info", path(inside, keys), FINE) for inside in ("", CANDIDATE, CANDIDATE * 2, "<gathering-complete/>", "<remote-candidate/>",
                                                                  "<end-of-candidates/>", finger("active"))
      for keys in ("ufrag='abcd1234' pwd='abcdefghijklmnopqrstuv'", "ufrag='abcd1234'", "")),
    ("transport-info", path(name="nobody"), FINE),
    ("transport-info", "<content creator='initiator' name='0'/>", FINE),
    ("transport-info", "<content creator='initiator'/>", BAD),
    ("transport-info", "", BAD),
    ("transport-info", path(keys="ufrag='a b' pwd='abcdefghijklmnopqrstuv'"), BAD),
    ("transport-info", path(keys="ufrag='anew1234' pwd='abcdefghijklmnopqrstuw'"), FINE + ["iq set transport-info content"]),
    ("description-info", content(), FINE),
    ("content-modify", "<content creator='initiator' name='0' senders='initiator'/>", FINE),
    ("content-modify", "<content creator='initiator' name='0' senders='both'/>", FINE),
    ("content-add", content(VP8, "1", "video"), FINE + ["iq set content-reject content"]),
    ("content-add", "", BAD),
    ("content-remove", "<content creator='initiator' name='1'/>", FINE),
    ("transport-replace", "<content creator='initiator' name='0'/>", FINE + ["iq set transport-reject content"]),
    ("security-info", "", ["iq error cancel/feature-not-implemented"]),
    *((action, content(name="1"), LATE) for action in ("content-accept", "content-reject", "transport-accept", "transport-reject",
                                                       "session-accept", "session-initiate")),
    ("dance", "", BAD),
)


async def test_all_that_is_said_in_a_session_is_answered_once(scene):
    one = device(scene)
    await begin(one, "talk", content() + bundle("0"))
    found = [await one.hears(jingle(action, "talk", inside, number=n)) for n, (action, inside, _) in enumerate(SAID)]
    assert found == [answer for _, _, answer in SAID]
    two, other = device(scene, wire.bare(one.jid).partition("@")[0], "two"), device(scene)
    for stranger in (two, other):
        for action, inside in (("session-info", ""), ("transport-info", path(CANDIDATE))):
            assert await stranger.hears(jingle(action, "talk", inside)) == ["iq error cancel/item-not-found/unknown-session"]
    assert await other.hears(jingle("session-terminate", "talk")) == ["iq error cancel/item-not-found/unknown-session"]
    assert await two.hears(jingle("session-terminate", "talk", "<reason><connectivity-error/></reason>")) == FINE
    assert await one.hears(jingle("session-info", "talk", number="late")) == ["iq error cancel/item-not-found/unknown-session"]


# proposals

AUDIO = f"<description xmlns='{RTP}' media='audio'/>"


def say(name, sid, to, inside=""):
    """XEP-0353."""
    return f"<message type='chat' id='{name}{sid}' from='{{me}}' to='{to}'><{name} xmlns='{JMI}' id='{sid}'>{inside}</{name}></message>"


def came_back(stanza, sender="me"):
    """The stanza, as somebody would not take it."""
    return (f"<message type='error' id='{stanza.get('id')}' from='{{{sender}}}' to='{stanza.get('from')}'><error type='cancel'>"
            f"<service-unavailable xmlns='{wire.STANZAS}'/></error></message>")


async def rung(scene, user):
    """A telephone calls: (the account's devices, the proposal, its sid, the telephone's call)."""
    one, two = device(scene, user, "one"), device(scene, user, "two")
    theirs = await scene.dial(own_number(user), caller=scene.number())
    propose = await two.come("message chat propose")
    return one, two, propose, next(c.get("id") for c in propose if local(c.tag) == "propose"), theirs


@pytest.mark.parametrize("word", ["retract", "finish", "reject"])
async def test_a_caller_gives_up_in_any_word(scene, word):
    one, number = device(scene), scene.number()
    plan = scene.bed.carrier.expect(number)
    one.say(say("propose", f"out-{word}", scene.jid(number), AUDIO))
    theirs = await plan.call()
    await theirs.ring()
    ringing = await one.come("message chat ringing")
    one.say(say(word, f"out-{word}", ringing.get("from"), f"<reason xmlns='{JINGLE}'><cancel/></reason>"))
    assert "cancelled" in await theirs.wait("ended")


async def test_what_one_device_cannot_take_another_can(scene):
    """Its server's error is that of all of them."""
    one, two, propose, sid, theirs = await rung(scene, "u56")
    assert await one.hears(came_back(propose)) == []
    two.say(say("ringing", sid, propose.get("from")))
    await theirs.wait("ringing")
    two.fresh()
    two.say(say("proceed", sid, propose.get("from")))
    await two.come("iq set session-initiate")
    two.say(say("reject", sid, propose.get("from")))
    assert (await theirs.wait("ended")).startswith("603")
    one, _, propose, _, theirs = await rung(scene, "u57")
    one.say(came_back(propose, "bare"))
    assert (await theirs.wait("ended")).startswith("480")
