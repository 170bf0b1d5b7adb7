# SPDX-License-Identifier: AGPL-3.0-or-later
"""What carriers and PBXs send, line by line, played by SIPp: each script is one thing that they do, and what they have to get.

    client c1  --  Prosody srv  --  Tandem gw  --  SIPp 10.77.0.3:5070 (out: erin's trunk "sipp"; in: "pbx", "token", "prefix")

    in dialogs      hold in all spellings, re-INVITE that moves the media, late offer, UPDATE, ptime, SDES, RTCP beside RTP, glare, REFER
    before them     offerless INVITE, CANCEL, CANCEL against 200, forked answers, 183 and 180 in both orders, refusals, a call that is cancelled
                    and comes again
    with reasons    Reason and Q.850 both ways, 404, 420, 422, 489, 405 to REFER where it may not be, 403 to strangers
    trunk kinds     registration with 423 and several contacts, address, address and prefix, address and header token, digest with MD5 and SHA-256 offered at once
    who             one Contact, received and rport, P-Called-Party-ID, To; P-Asserted-Identity, Remote-Party-ID and From, Privacy both ways

SIPp plays also: reliable responses, Record-Route strict and loose, redirection, progress, every method outside of dialogs
(test_sipp_dialogs.py); TCP, busy, ptime of baresip (test_sipp.py). Not by SIPp, as they need a DNS or a second telephone: NAPTR and SRV
(test_failover.py), packets of 10 to 60 ms (test_sipp.py: SIPp says a ptime and echoes what it gets, baresip speaks in it), Replaces
(test_transfer.py), session timers that run (test_session_timer.py), TLS (test_tls.py), as Debian's SIPp is built without, ICE and DTLS-SRTP
(test_trunk_srtp.py, test_web_phones.py).
"""

import asyncio
import base64

import pytest

from bed import sipp
from bed.scene import GATEWAY, PBX, Bed, own_number
from bed.sippscript import Script, sdp

USER, PASSWORD = "erin", "secret"
CRYPTO = "crypto:1 {} inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj{}"
GCM_KEY = base64.b64encode(bytes(range(28))).decode()  # RFC 7714 section 11: 16 octets and 12
TOKEN, RETRY_S = "X-Trunk-Token: s3same", 10
STRANGER = "10.77.0.11"

CHALLENGES = tuple(f'WWW-Authenticate: Digest realm="sipp", nonce="abc", algorithm={kind}, qop="auth"' for kind in ("MD5", "SHA-256"))
SHA_256 = 'Authorization: Digest .*algorithm="?SHA-256'

REGISTRAR = Script("registrar", calls=False).hear("REGISTER").answer(401, "Unauthorized", headers=CHALLENGES, contact="") \
    .hear("REGISTER", like=SHA_256).answer(423, "Interval Too Brief", headers=("Min-Expires: 7200",), contact="") \
    .hear("REGISTER", like="[Ee]xpires[:=] *7200").answer(
        200, "OK", headers=("Contact: <sip:another@192.0.2.9>;expires=5", "[last_Contact:]", "Expires: 7200"), contact="")


REGISTRAR.beside("OPTIONS")


class Registering(Bed):
    """A Bed whose Tandem finds SIPp as registrar when it starts."""

    def make_tandem(self):
        self.registrar = sipp.Sipp(self.pstn, REGISTRAR, PBX, 5075, calls=2)
        return super().make_tandem()


pytestmark = [pytest.mark.bed_options(
    stage=Registering,
    trunks={"registered": {"proxy": f"sip:{PBX}:5075", "allow": [f"{PBX}/32"], "username": USER, "password": PASSWORD, "realm": "",
                           "register": True},
            "large": {"proxy": f"sip:{PBX}:5074", "allow": [f"{PBX}/32"], "headers": [f"X-Long-{n}: {'x' * 450}" for n in range(3)]},
            "pbx": {"proxy": f"sip:{PBX}:5060;transport=tcp", "allow": [f"{PBX}/32"], "srtp": "offer"},  # calls in are its
            "sipp": {"proxy": f"sip:{PBX}:5070", "allow": [f"{PBX}/32"], "username": USER, "password": PASSWORD, "realm": "",
                     "srtp": "offer"},
            "token": {"proxy": f"sip:{PBX}:5072", "allow": [f"{PBX}/32"], "token": TOKEN, "refer": True, "retry_s": RETRY_S},
            "prefix": {"proxy": f"sip:{PBX}:5073", "allow": [f"{PBX}/32"], "called_prefix": "77*"}},
    numbers={own_number("erin"): {"owner": "erin@example.org", "trunk": "sipp"},
             own_number("frank"): {"owner": "frank@example.org", "trunk": "large"},
             own_number("dave"): {"owner": "dave@example.org", "trunk": "token"}}), pytest.mark.alone]


def called(name, body=None, *, headers=(), like=None, **options):
    """SIPp calls, and is answered."""
    return Script(name).invite(sdp() if body is None else body or None, headers=headers, **options) \
        .take(100, optional=True).take(180, optional=True).take(183, optional=True).take(200, like=like)


def ended(script):
    """… and hangs up."""
    return script.request("BYE").take(200)


def agreed(script, direction, answer, **options):
    """A re-INVITE with @direction; it gets @answer."""
    script.invite(sdp(direction, **options)).take(100, optional=True).take(200, like=rf"a={answer}[[:space:]]")
    return script.ack()


def holds():
    """Every spelling of hold (RFC 3264, 8.4; RFC 2543, B.5), and back after each."""
    script, version = called("hold").ack(), 2
    for direction, answer, options in (("sendonly", "recvonly", {}), ("sendrecv", "sendrecv", {}), ("inactive", "inactive", {}),
                                       ("sendrecv", "sendrecv", {}), ("sendrecv", "(recvonly|inactive|sendrecv)", {"address": "0.0.0.0"}),
                                       ("sendrecv", "sendrecv", {})):
        agreed(script, direction, answer, version=version, **options)
        version += 1
    return ended(script)


def refused(name, status, like=None, **options):
    """An INVITE that gets @status."""
    return Script(name).invite(sdp(), **options).take(100, optional=True).take(status, like=like).ack(refused=True)


def secured(suite, parameters=""):
    """A call in SRTP by SDES (RFC 4568): its suite is answered."""
    lines = (CRYPTO.format(suite, parameters),)
    return ended(called(f"sdes {suite}", sdp(profile="RTP/SAVP", lines=lines), like=f"RTP/SAVP.*a=crypto:1 {suite} inline:").ack())


def secured_by_gcm():
    """The same with a suite whose keys are shorter."""
    suite = "AEAD_AES_128_GCM"
    body = sdp(profile="RTP/SAVP", lines=(f"crypto:1 {suite} inline:{GCM_KEY}",))
    return ended(called("sdes gcm", body, like=f"RTP/SAVP.*a=crypto:1 {suite} inline:").ack())


CALLS = {
    "hold": holds(),
    "moved media": ended(agreed(called("moved").ack(), "sendrecv", "sendrecv", version=2, port="7776")),
    "late offer": ended(called("late").ack().invite().take(100, optional=True).take(200, like="m=audio [1-9]").ack(sdp(version=2))),
    "offerless": ended(called("offerless", "", like="m=audio [1-9]").ack(sdp())),
    "update": ended(called("update", like="Allow:.*UPDATE").ack().request("UPDATE", sdp("sendonly", version=2)).take(200, like="a=recvonly")
                    .request("UPDATE").take(200, unlike="m=audio")),
    **{f"ptime {ms}": ended(called(f"ptime {ms}", sdp(lines=(f"ptime:{ms}",)), like="m=audio").ack()) for ms in (10, 20, 30, 40, 60)},
    "sdes 80": secured("AES_CM_128_HMAC_SHA1_80"),
    "sdes 32": secured("AES_CM_128_HMAC_SHA1_32"),
    "sdes gcm": secured_by_gcm(),
    "sdes lifetime": secured("AES_CM_128_HMAC_SHA1_80", "|2^20"),
    "session timer, SIPp refreshes": ended(called("timer", headers=("Supported: timer", "Session-Expires: 900;refresher=uac"),
                                                  like="Session-Expires: *900 *; *refresher=uac").ack()),
    "session timer, Tandem refreshes": ended(called("timer", headers=("Supported: timer", "Session-Expires: 900;refresher=uas"),
                                                    like="Session-Expires: *900 *; *refresher=uas").ack()),
    "REFER where it may not be": ended(called("refer").ack().request("REFER", headers=("Refer-To: <sip:+15551230000@x>",))
                                       .take(405, like="Allow:")),
    "INFO, SUBSCRIBE, NOTIFY, PUBLISH and OPTIONS inside": ended(
        called("inside").ack().request("INFO", "Signal=5\nDuration=160\n", kind="application/dtmf-relay").take(200)
        .request("SUBSCRIBE", headers=("Event: nonsense",)).take(489).request("NOTIFY", headers=("Event: refer",)).take(481)
        .request("PUBLISH", headers=("Event: presence",)).take(405).request("OPTIONS").take(200, like="Allow:")),
    "RTCP beside RTP": ended(called("mux", sdp(lines=("rtcp-mux",)), like="a=rtcp-mux").ack()),
    "one Contact": ended(called("contact", like="Contact: *<sip:[^>]+>").ack().request("UPDATE").take(200, unlike="Contact:.*Contact:")),
    "received and rport": ended(called("rport", like="Via:.*;rport=5070").ack()),
    "by P-Called-Party-ID": ended(called("called", service="nobody", to="nobody",
                                         headers=(f"P-Called-Party-ID: <sip:{own_number('erin')}@[remote_ip]>",)).ack()),
    "by To": ended(called("to", service="nobody").ack()),
    "by a prefix": ended(called("prefix", service="77*[service]").ack()),
    "by a token": ended(called("token", headers=(TOKEN,)).ack()),
    "hangs up for a reason": called("reason").ack().request("BYE", headers=('Reason: Q.850;cause=31;text="Normal"',)).take(200),
}

CALLERS = {
    "P-Asserted-Identity": (("P-Asserted-Identity: <sip:+15550004444@x>", "Remote-Party-ID: <sip:+15550005555@x>"), "+15550004444"),
    "Remote-Party-ID": (("Remote-Party-ID: <sip:+15550005555@x>",), "+15550005555"),
    "From": ((), "+15550003333"),
    "nobody": (("Privacy: id", "P-Asserted-Identity: <sip:+15550004444@x>"), "anonymous"),
}

REFUSED = {
    "a short session": refused("422", 422, "Min-SE:", headers=("Supported: timer", "Session-Expires: 30")),
    "an extension": refused("420", 420, "Unsupported: *teleport", headers=("Require: teleport",)),
    "nobody's number": refused("404", 404, service="+15550009999"),
}


def play(scene, script, port=5070, **options):
    """SIPp, playing @script."""
    target = {"target": f"{GATEWAY}:5060", "number": own_number("erin")} if script.calls else {}
    return sipp.Sipp(scene.bed.pstn, script, PBX, port, hold_ms=100, **{**target, **options})


async def test_registration(scene):
    await scene.bed.registrar.finish()
    await scene.bed.tandem.process.wait_log(r"trunk=registered .*-> up|event=registered|trunk=registered .*registered")


async def test_calls_in(scene):
    client = await scene.client("erin")
    for name, script in CALLS.items():
        peer = play(scene, script)
        call = await client.incoming()
        await call.accept()
        try:
            await peer.finish()
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
        await call.ended()


async def test_who_calls(scene):
    client = await scene.client("erin")
    for name, (headers, shown) in CALLERS.items():
        peer = play(scene, ended(called(name, headers=headers).ack()))
        call = await client.incoming()
        assert call.peer.startswith(f"{shown}@"), f"{name}: {call.peer}"
        await call.accept()
        await peer.finish()
        await call.ended()


async def test_a_stranger(scene):
    await sipp.Sipp(scene.bed.c1, refused("stranger", 403), STRANGER, 5070, target=f"{GATEWAY}:5060", number=own_number("erin")).finish()


async def test_calls_in_that_are_refused(scene):
    await scene.client("erin")
    for script in REFUSED.values():
        await play(scene, script).finish()


async def test_cancelled(scene):
    client = await scene.client("erin")
    script = Script("cancelled").invite(sdp()).take(100, optional=True).take(180).cancel().take(200)
    script.take(487).ack(refused=True)
    peer = play(scene, script)
    call = await client.incoming()
    call.ring()
    assert "retract" in await call.ended()
    await peer.finish()


async def test_a_call_that_is_cancelled_and_comes_again_rings_once(scene):
    client = await scene.client("erin")
    first = Script("first").invite(sdp(), headers=(TOKEN,)).take(100, optional=True).take(180).cancel().take(200).take(487).ack(refused=True)
    peer = play(scene, first)
    call = await client.incoming()
    call.ring()
    await peer.finish()
    again = scene.bed.tandem.log.count("event=again")
    peer = play(scene, ended(called("second", headers=(TOKEN,)).ack()))
    await scene.bed.tandem.process.wait_log("event=again", count=again + 1)
    await call.accept()
    await peer.finish()
    await call.ended()
    assert client.proposals.empty()


async def test_transferred(scene):
    client = await scene.client("dave")
    script = called("transferor", headers=(TOKEN,)).ack().request("REFER", headers=(f"Refer-To: <sip:{scene.number()}@{PBX}>",)).take(202)
    for said in ("SIP/2.0 100", "SIP/2.0 180", "SIP/2.0 200"):
        script.hear("NOTIFY", like=f"Event: *refer.*{said}").answer(200, "OK", tag="")
    script.hear("BYE").answer(200, "OK", tag="")
    target = await play(scene, answered(ringing("target", (180, "Ringing", None, "1"))), port=5072, media_port=6100).start()
    peer = play(scene, script, number=own_number("dave"))
    call = await client.incoming()
    await call.accept()
    await peer.finish()
    await call.wait("media")
    await call.hangup()
    await target.finish()


def ringing(name, *provisional):
    """SIPp is called, and rings in its way."""
    script = Script(name, calls=False).hear("INVITE")
    for status, phrase, body, tag in provisional:
        script.answer(status, phrase, body, tag=tag)
    return script


def answered(script, tag="1"):
    """… and answers; the client hangs up."""
    return script.answer(200, "OK", sdp(), tag=tag).hear("ACK") \
        .hear("BYE", like="Reason: *Q.850 *; *cause=16").answer(200, "OK", tag="")


def shown(name, like):
    """SIPp is called by who has @like."""
    return answered(Script(name, calls=False).hear("INVITE", like=like))


OUT = {
    "its own number": shown("own", f"From:[^<]*<sip:\\{own_number('erin')}@"),

    "183 then 180": answered(ringing("183 180", (183, "Session Progress", sdp(), "1"), (180, "Ringing", None, "1"))),
    "180 then 183": answered(ringing("180 183", (180, "Ringing", None, "1"), (183, "Session Progress", sdp(), "1"))),
    "forked answers": answered(ringing("forked", (183, "Session Progress", sdp(), "a"), (180, "Ringing", None, "b")), tag="b"),
    "MD5 and SHA-256 at once": answered(Script("digest", calls=False).hear("INVITE").answer(401, "Unauthorized", headers=CHALLENGES)
                                        .hear("ACK").hear("INVITE", like=SHA_256)
                                        .answer(180, "Ringing")),
}


async def test_calls_out(scene):
    client = await scene.client("erin")
    for name, script in OUT.items():
        peer = await play(scene, script).start()
        call = await client.call(scene.jid(scene.number()))
        try:
            await asyncio.wait_for(call.wait("media"), 10.0)
            await call.hangup()
            await peer.finish()
        except (AssertionError, asyncio.TimeoutError) as error:
            raise AssertionError(f"{name}: {error}") from None


async def test_a_number_that_is_not_shown(scene):
    client = await scene.client("erin")
    peer = await play(scene, shown("privacy", "From:[^<]*<sip:anonymous@anonymous.invalid>.*Privacy: *id")).start()
    call = await client.call(scene.jid(f"*67{scene.number()}"))
    await call.wait("media")
    await call.hangup()
    await peer.finish()


async def test_glare(scene):
    """RFC 3261 14.1: 491 to the hold, which comes again after 2.1 to 4 s."""
    client = await scene.client("erin")
    script = ringing("glare").answer(200, "OK", sdp()).hear("ACK")
    script.hear("INVITE", like="a=sendonly").answer(491, "Request Pending", tag="").hear("ACK")
    script.hear("INVITE", like="a=sendonly").answer(200, "OK", sdp("recvonly", version=2), tag="").hear("ACK", note="held")
    peer = await play(scene, script.hear("BYE").answer(200, "OK", tag="")).start()
    call = await client.call(scene.jid(scene.number()))
    await call.wait("media")
    call.hold()
    await peer.noted("held")
    await call.hangup()
    await peer.finish()


async def test_what_is_large_goes_by_tcp(scene):
    client = await scene.client("frank")
    peer = await play(scene, answered(ringing("large")), port=5074, transport="t1").start()
    call = await client.call(scene.jid(scene.number()))
    await call.wait("media")
    await call.hangup()
    await peer.finish()


async def test_a_200_that_meets_our_cancel_is_hung_up(scene):
    client = await scene.client("erin")
    script = Script("late 200", calls=False).hear("INVITE").answer(180, "Ringing").hear("CANCEL").answer(200, "OK", tag="1")
    script.elements.append(script.elements[1].replace("180 Ringing", "200 OK").replace("[last_CSeq:]", "CSeq: [cseq] INVITE"))
    script.hear("ACK").hear("BYE", like="Reason:").answer(200, "OK", tag="")
    peer = await play(scene, script).start()
    call = await client.call(scene.jid(scene.number()))
    await call.wait("ringing")
    await call.hangup()
    await peer.finish()


@pytest.mark.parametrize("status, phrase, q850, end", [(480, "Temporarily Unavailable", 19, "timeout"), (486, "Busy Here", 17, "busy"),
                                                       (404, "Not Found", 1, "gone")])
async def test_refusals_with_a_reason(scene, status, phrase, q850, end):
    client = await scene.client("erin")
    script = Script("refusal", calls=False).hear("INVITE") \
        .answer(status, phrase, headers=(f'Reason: Q.850;cause={q850};text="why"',)).hear("ACK")
    peer = await play(scene, script).start()
    call = await client.call(scene.jid(scene.number()))
    assert f"reject {end}" in await call.ended()
    await peer.finish()
