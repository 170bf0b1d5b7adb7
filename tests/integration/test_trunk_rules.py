# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who calls whom and as whom: numbers as each trunk writes them, identity, routes, limits, emergency numbers.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2 (UDP), PBX 10.77.0.3 (TCP)
"""

import asyncio
import itertools
import re

import pytest

from bed import database, proc, sipmsg
from bed.commands import ctl
from bed.scene import CARRIER, DOMAIN, PBX, own_number

RATE = 4
DEVICES = itertools.count()
HIDDEN = own_number("erin")
pytestmark = pytest.mark.bed_options(
    sections={"limits": {"calls_per_minute": RATE},
              "emergency": {"numbers": ["112", "911"], "trunk": "carrier"},
              'route "germany"': {"prefixes": ["+49"], "trunks": ["pbx", "carrier"]}},
    trunks={"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "headers": ["X-Token: s3cret"],
                        "rewrite_out": ["+49=>049", "+=>00"], "rewrite_out_caller": ["+=>"],
                        "rewrite_in": ["00=>+", "1=>+1", "0=>+1"], "rewrite_in_caller": ["00=>+", "0=>+49"],
                        "short_codes": ["411"], "refuse": ["TN-Validation-Failed"], "deny_prefixes": ["+47"]},
            "pbx": {"proxy": f"sip:{PBX}:5060;transport=tcp", "allow": [f"{PBX}/32"], "identity": "rpid",
                    "trust_identity": False, "token": "X-Trunk: yes"}},
    numbers={HIDDEN: {"owner": "erin@example.org", "trunk": "carrier", "withhold": True, "display": "Erin"},
             own_number("frank"): {"owner": "frank@example.org", "trunk": "carrier", "display": "Frank \"F\""}})


async def called(scene, number, written, user=None, telephone=None):
    """A client calls @number, and the trunk is asked for @written: (client's call, trunk's call)."""
    plan = (telephone or scene.bed.carrier).expect(written)
    client = await scene.client(user, resource=f"device{next(DEVICES)}")  # tests run side by side
    mine = await client.call(scene.jid(number))
    return mine, await plan.call()


async def refused(scene, number, client):
    """What a client hears that calls @number and is refused."""
    return await (await client.call(scene.jid(number))).ended()


async def test_numbers_are_written_as_the_trunk_wants(scene):
    number = scene.number()
    mine, theirs = await called(scene, number, "00" + number[1:], "frank")
    ours = own_number("frank")[1:]
    assert sipmsg.user_of(sipmsg.uri_of(theirs.invite.get("From"))) == ours
    assert theirs.invite.get("From").startswith('"Frank \\"F\\""'), theirs.invite.get("From")
    assert sipmsg.user_of(sipmsg.uri_of(theirs.invite.get("P-Asserted-Identity"))) == ours
    assert theirs.invite.get("X-Token") == "s3cret"
    assert not theirs.invite.get("Privacy")
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await mine.hangup()


async def test_a_number_that_is_not_to_be_seen(scene):
    number = scene.number()
    mine, theirs = await called(scene, number, "00" + number[1:], "erin")
    invite = theirs.invite
    assert "anonymous@anonymous.invalid" in invite.get("From")
    assert HIDDEN[1:] not in invite.get("From") + invite.get("Contact")
    assert invite.get("Privacy") == "id"
    assert HIDDEN[1:] in invite.get("P-Asserted-Identity")
    await theirs.refuse(486, "Busy Here")
    assert (await mine.ended()).startswith("reject busy")


async def test_the_next_trunk_takes_what_the_first_cannot(scene):
    number = "+49301234567"
    first, second = scene.bed.pbx.expect(number), scene.bed.carrier.expect("049301234567")
    client = await scene.client()
    mine = await client.call(scene.jid(number))
    one = await first.call()
    rpid = one.invite.get("Remote-Party-ID")
    assert own_number(client.user) in rpid and "screen=yes" in rpid and not one.invite.get("P-Asserted-Identity")
    await one.refuse(503, "Service Unavailable")
    two = await second.call()
    await two.ring()
    await mine.wait("ringing")
    await two.answer()
    await asyncio.gather(mine.wait("media"), two.wait("acked"))
    await scene.heard(mine, two)
    await mine.hangup()
    assert "BYE" in await two.wait("ended")


async def test_a_route_of_the_file_is_the_files(scene):
    done, text = await ctl(scene.bed.tandem, "route-put", "germany", "+49", "carrier")
    assert done != 0 and "germany is in " in text and "tandem.conf: change it there" in text, text
    _, text = await ctl(scene.bed.tandem, "routes", tabs=True)
    assert text.strip() == "germany\t+49\tpbx carrier\tmon-sun\t00:00-24:00\tfirst\tin use\ttandem.conf"


@pytest.mark.parametrize("caller,shown", [("0049301234567", "+49301234567"), ("030-1234567", "+49301234567"),
                                          ("+1(555)1112222", "+15551112222"), ("bob", "bob\\40carrier")])
async def test_callers_are_known_by_e164(scene, caller, shown):
    client = await scene.client()
    number = own_number(client.user)
    theirs = await scene.dial("0" + number[2:], caller=caller)
    mine = await client.incoming()
    assert mine.peer == f"{shown}@{DOMAIN}/sip"
    await theirs.cancel()
    await mine.ended()


async def test_what_the_carrier_says_is_kept(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), caller="+15550001111", headers=[
        ("P-Asserted-Identity", '"Bob" <sip:+15550002222;verstat=TN-Validation-Passed@x>'), ("P-Attestation-Indicator", "A"),
        ("Diversion", "<sip:+15550003333@x>;reason=no-answer"), ("Identity", "abc.def.ghi;info=<https://x>")])
    mine = await client.incoming()
    assert mine.peer.startswith("+15550002222@")
    await theirs.cancel()
    await mine.ended()
    await scene.bed.tandem.process.wait_log(
        r'event=origin name="Bob" verstat=TN-Validation-Passed attestation=A first_called="\+15550003333" diversion=no-answer'
        r' signed=yes')
    path = scene.bed.tandem.sections["db"]["path"]
    query = f"SELECT caller_name, verstat, attestation, first_called FROM cdr WHERE account = '{client.user}@example.org'"
    await proc.until(lambda: database.rows(path, query) == [("Bob", "TN-Validation-Passed", "A", "+15550003333")], proc.SOON_S,
                     "the call's record is written")


async def test_a_caller_whose_number_is_false_is_refused(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), headers=[("X-Twilio-VerStat", "TN-Validation-Failed")])
    assert (await theirs.wait("ended")).startswith("603")
    assert client.proposals.empty()


async def test_another_trunk_asserts_in_vain(scene):
    """And it has to say its token."""
    client = await scene.client("dave")
    headers = [("P-Asserted-Identity", "<sip:+15550002222@x>"), ("Privacy", "none")]
    theirs = await scene.dial(own_number("dave"), carrier=scene.bed.pbx, headers=headers)
    assert (await theirs.wait("ended")).startswith("403")
    theirs = await scene.dial(own_number("dave"), carrier=scene.bed.pbx, headers=[*headers, ("X-Trunk", "yes")])
    mine = await client.incoming()
    assert mine.peer.startswith("+15550001111@")
    await theirs.cancel()
    await mine.ended()


async def test_an_anonymous_caller(scene):
    client = await scene.client()
    theirs = await scene.dial(own_number(client.user), headers=[("Privacy", "id"), ("P-Asserted-Identity", "<sip:+15550002222@x>")])
    mine = await client.incoming()
    assert mine.peer.startswith("anonymous@")
    await theirs.cancel()
    await mine.ended()


@pytest.mark.parametrize("number,what", [("+88212345678", "destination"), ("+4712345678", "destination"),
                                         ("0088212345678\\40carrier", "no-number"), ("*21*15551234567#\\40carrier", "no-number")])
async def test_destinations_that_are_not_allowed(scene, number, what):
    client = await scene.client()
    assert (await refused(scene, number, client)).startswith("reject")
    await scene.bed.tandem.process.wait_log(rf"refused={what} from=\"?{client.user}@")


async def test_calls_in_a_minute(scene):
    client = await scene.client()
    plan = None
    for _ in range(RATE):
        number = scene.number()
        plan = scene.bed.carrier.expect("00" + number[1:])
        mine = await client.call(scene.jid(number))
        await (await plan.call()).refuse(486, "Busy Here")
        await mine.ended()
    assert (await refused(scene, scene.number(), client)).startswith("reject")
    await scene.bed.tandem.process.wait_log(rf"refused=rate from=\"?{client.user}@")


async def test_short_codes_are_the_trunks(scene):
    mine, theirs = await called(scene, "411", "411")
    await theirs.refuse(486, "Busy Here")
    await mine.ended()


@pytest.mark.parametrize("number", ["112", "+911"])
async def test_emergency_calls_go_by_their_trunk(scene, number):
    mine, theirs = await called(scene, number, number.strip("+"), "erin")
    assert HIDDEN[1:] in theirs.invite.get("From"), "who needs help is called back"
    await theirs.refuse(486, "Busy Here")
    await mine.ended()
    assert re.search(r"event=emergency what=placed", scene.bed.tandem.log)


async def test_emergency_calls_of_nobody_are_refused_in_so_many_words(scene):
    client = await scene.client("carol", resource="helpless")
    assert (await refused(scene, "112", client)).startswith("reject")
    await scene.bed.tandem.process.wait_log(r"refused=emergency from=\"?carol@")
