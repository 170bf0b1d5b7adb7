# SPDX-License-Identifier: AGPL-3.0-or-later
"""Audio to the trunk that others cannot hear: SDES-SRTP (RFC 4568, RFC 8643) and DTLS-SRTP with ICE, against baresip.

    client c1  --  Prosody srv  --  Tandem gw  --  baresip 10.77.0.3:508x, each a trunk of its own
"""

import contextlib
import re

import pytest

from bed import baresip, database
from bed.scene import GATEWAY, PBX, own_number

# name: (port, user whose number it has, our srtp, baresip's mediaenc, its medianat)
TRUNKS = {"require": (5081, "erin", "require", "srtp-mand", ""),
          "offer": (5082, "frank", "offer", "srtp", ""),
          "plain": (5083, "bob", "offer", "", ""),
          "dtls": (5084, "alice", "dtls", "dtls_srtp", "ice")}
USERS = [name for name, (_, user, *_) in TRUNKS.items()]
CRYPTO = "AES_CM_128_HMAC_SHA1_80 inline:" + "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwN"

pytestmark = [pytest.mark.bed_options(
    trunks={**{name: {"proxy": f"sip:{PBX}:{port}", "allow": [f"{PBX}/32"], "srtp": srtp, "called_prefix": f"{port}"}
               for name, (port, _, srtp, *_) in TRUNKS.items()},
            "carrier": {"proxy": "sip:10.77.0.2:5060", "allow": ["10.77.0.2/32"], "srtp": "require"},
            "pbx": {"proxy": f"sip:{PBX}:5060", "allow": [f"{PBX}/32"]}},
    numbers={own_number(user): {"owner": f"{user}@example.org", "trunk": name} for name, (_, user, *_) in TRUNKS.items()}),
    pytest.mark.alone]


@contextlib.asynccontextmanager
async def telephone(scene, name):
    """The baresip of a trunk."""
    port, _, _, encryption, nat = TRUNKS[name]
    options = (f";mediaenc={encryption}" if encryption else "") + (f";medianat={nat}" if nat else "")
    peer = await baresip.Baresip(scene.bed.pstn, PBX, port, f"+1555888{port}", options, rtcp_mux=bool(nat)).start()
    try:
        yield peer
    finally:
        await peer.stop()


async def echoed(scene, call):
    """The client hears itself from baresip's echo."""
    await call.wait("media")
    await baresip.echoes(call)


def suite(scene, side):
    """What the trunk's side of the last call was encrypted with: B of calls out, A of calls in."""
    found = re.findall(rf"event=media-ready side={side} remote=\S+ srtp=(\S+)", scene.bed.tandem.log)
    return found[-1] if found else None


@pytest.mark.parametrize("name,expected", [("require", "AES_CM_128_HMAC_SHA1_80"), ("offer", "AES_CM_128_HMAC_SHA1_80"),
                                           ("plain", "none")])
async def test_calls_out_with_sdes(scene, name, expected):
    client = await scene.client(TRUNKS[name][1])
    async with telephone(scene, name):
        call = await client.call(scene.jid(f"+1555888{TRUNKS[name][0]}"))
        await echoed(scene, call)
        assert suite(scene, "B") == expected
        await call.hangup()


async def test_calls_out_with_ice_and_dtls(scene):
    client = await scene.client("alice")
    async with telephone(scene, "dtls"):
        call = await client.call(scene.jid(f"+1555888{TRUNKS['dtls'][0]}"))
        await echoed(scene, call)
        assert suite(scene, "B") not in (None, "none")
        await call.hangup()


@pytest.mark.parametrize("name", USERS)
async def test_calls_in(scene, name):
    port, user, _, encryption, _ = TRUNKS[name]
    client = await scene.client(user)
    async with telephone(scene, name) as peer:
        await peer.dial(f"sip:{port}{own_number(user)}@{GATEWAY}:5060")
        call = await client.incoming()
        await call.accept()
        await echoed(scene, call)
        assert (suite(scene, "A") == "none") == (not encryption)
        await call.hangup()


@pytest.mark.parametrize("name", ["require", "dtls"])
async def test_the_gateway_is_killed_and_the_trunk_hears_nothing_but_a_gap(scene, name):
    """baresip keeps its keys, its rollover counter and its replay window, and so do we."""
    port, user, *_ = TRUNKS[name]
    tandem = scene.bed.tandem
    client = await scene.client(user)
    async with telephone(scene, name):
        call = await client.call(scene.jid(f"+1555888{port}"))
        await echoed(scene, call)
        await database.kept(tandem)
        await tandem.kill()
        await tandem.start()
        await echoed(scene, call)
        await call.hangup()


async def test_what_is_not_encrypted_is_refused(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user))
    assert (await theirs.wait("ended")).startswith("488")
    assert client.proposals.empty()
    await scene.bed.tandem.process.wait_log(r"refused=plain-rtp trunk=carrier srtp=require")


async def offered(scene, user, telephone, lines, profile=b"RTP/SAVP"):
    """A call of @telephone to @user with lines of its own in SDP."""
    body = await telephone.described(extra=lines)
    return await scene.dial(own_number(user), carrier=telephone, body=body.replace(b"RTP/AVP", profile))


@pytest.mark.parametrize("parameter", ["UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP", "KDR=1", "UNKNOWN=1"])
async def test_session_parameters_that_weaken_are_refused(scene, parameter):
    """RFC 4568 6.3: a line with one that we do not take is no offer."""
    client = await scene.client()
    theirs = await offered(scene, client.user, scene.bed.carrier, (f"a=crypto:1 {CRYPTO} {parameter}",))
    assert (await theirs.wait("ended")).startswith("488")
    assert client.proposals.empty()


async def test_session_parameters_that_do_no_harm(scene):
    """The first line has a key identifier, which we do not take."""
    client = await scene.client()
    theirs = await offered(scene, client.user, scene.bed.carrier, (
        f"a=crypto:1 {CRYPTO}|2^20|1:4", f"a=crypto:2 {CRYPTO}|2^31 WSH=128 KDR=0 -x"))
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    assert b"RTP/SAVP" in theirs.descriptions[0] and b"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" in theirs.descriptions[0]
    await mine.hangup()


async def test_keys_under_a_plain_profile_are_taken(scene):
    """RFC 8643, where the trunk's srtp has it."""
    client = await scene.client()
    theirs = await offered(scene, client.user, scene.bed.carrier, (f"a=crypto:1 {CRYPTO}",), b"RTP/AVP")
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    assert b"RTP/AVP" in theirs.descriptions[0] and b"a=crypto:1 " in theirs.descriptions[0]
    await mine.hangup()


async def test_keys_under_a_plain_profile_are_passed_over(scene):
    """By a trunk without srtp: the call is plain."""
    client = await scene.client("dave")
    theirs = await offered(scene, "dave", scene.bed.pbx, (f"a=crypto:1 {CRYPTO}",), b"RTP/AVP")
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    assert b"RTP/AVP" in theirs.descriptions[0] and b"a=crypto" not in theirs.descriptions[0]
    await mine.hangup()


@pytest.mark.parametrize("user,first", [("dave", b"RTP/SAVP"), ("u59", b"RTP/AVP")])
async def test_the_same_audio_offered_twice(scene, user, first):
    """With keys and without: the one that the trunk's srtp takes, wherever it stands."""
    client = await scene.client(user)
    telephone = scene.bed.pbx if user == "dave" else scene.bed.carrier
    head, _, rest = (await telephone.described()).partition(b"m=audio")
    plain = b"m=audio" + rest
    keyed = plain.replace(b"RTP/AVP", b"RTP/SAVP") + f"a=crypto:1 {CRYPTO}\r\n".encode()
    theirs = await scene.dial(own_number(user), carrier=telephone, body=head + (plain + keyed if first == b"RTP/AVP" else keyed + plain))
    mine = await client.incoming()
    await mine.accept()
    await theirs.wait("answered")
    refused, taken = re.findall(rb"^m=audio (\d+) (\S+)", theirs.descriptions[0], re.M)
    assert refused == (b"0", first) and taken[0] != b"0", theirs.descriptions[0]
    await mine.hangup()


async def test_a_trunk_without_srtp_takes_no_keys(scene):
    """They would stand in clear text (the default)."""
    client = await scene.client("dave")
    theirs = await offered(scene, "dave", scene.bed.pbx, (f"a=crypto:1 {CRYPTO}",))
    assert (await theirs.wait("ended")).startswith("488")
    assert client.proposals.empty()
