# SPDX-License-Identifier: AGPL-3.0-or-later
"""Somebody else says whether a call may be and for how long, and gets the records.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
                       |  HTTP 10.77.0.5:8700
"""

import asyncio
import os
import re
import time

import pytest

from bed import billing, database, http, proc, profiles
from bed.scene import CARRIER, SERVER, Bed, own_number
from bed.seen import spy
from test_texts import text

TIMEOUT_S, RECORD_S = 5.0, proc.SOON_S
TOKEN = "s3same"
WATCH = ("127.0.0.1", 9464)
PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)
SOCKET = "/tmp/tandem-it-billing.sock"
FORWARDING, FORWARD = "+15558880059", "+15551119959"


class Billed(Bed):
    """A Bed with a billing system, and a number that is forwarded to FORWARD while its owner talks."""

    def __init__(self, *args, **options):
        numbers = {FORWARDING: {"owner": "u59@example.org", "trunk": "carrier", "second_call": "forward", "forward": FORWARD}}
        trunks = {"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"], "refer": True}}
        super().__init__(*args, numbers=numbers, trunks=trunks, **options)

    def bill(self, **options):
        """Configure whom to ask."""
        self.sections = {"watch": {"listen": f"{WATCH[0]}:{WATCH[1]}"},
                         "billing": {"timeout_ms": int(TIMEOUT_S * 1000), **options}}

    async def _start(self):
        self.billing = billing.Billing()
        await super()._start()

    async def stop(self, check=True):
        await super().stop(check)
        self.billing.close()


class ByHttp(Billed):
    """Over HTTP, in the node of the XMPP server."""

    def make_tandem(self):
        self.bill(url=f"http://{SERVER}:{billing.PORT}/tandem", token=TOKEN)
        return super().make_tandem()

    async def _start(self):
        await super()._start()
        await self.billing.listen(self.srv, SERVER)


class ByLines(Billed):
    """Over a local socket."""

    def make_tandem(self):
        self.bill(url=f"unix:{SOCKET}", allow_on_failure=False)
        return super().make_tandem()

    async def _start(self):
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        await super()._start()
        await self.billing.listen_locally(SOCKET)


pytestmark = pytest.mark.parametrize("bed", [{"stage": ByHttp}, {"stage": ByLines}], ids=["http", "unix"], indirect=True,
                                     scope="module")


def is_http(scene):
    """Which of the two beds it is."""
    return isinstance(scene.bed, ByHttp)


async def record(scene, number):
    """The record of the one call from or to @number."""
    await proc.until(lambda: scene.bed.billing.record_of(number), RECORD_S, f"the record of a call with {number}")
    rows = scene.bed.billing.record_of(number)
    assert len({row["id"] for row in rows}) == 1  # said again where our answer came late
    return rows[0]


async def call_to(scene, number):
    """A client calls @number: its call."""
    client = await scene.client()
    return await client.call(scene.jid(number))


async def test_a_call_is_asked_about_and_its_record_pushed(scene):
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    theirs = await plan.call()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()
    row, asked = await record(scene, number), next(a for a in scene.bed.billing.asked if a["to"] == number)
    account = mine.client.boundjid.bare
    assert {k: asked[k] for k in ("request", "kind", "direction", "account", "from", "to", "trunk")} == {
        "request": "authorise", "kind": "call", "direction": "outbound", "account": account, "from": account, "to": number,
        "trunk": "carrier"}
    assert row["id"] == asked["id"] and row["cause"] == "normal" and row["account"] == account and row["trunk"] == "carrier"
    assert 900 <= row["talked_ms"] <= row["ended_ms"] - row["started_ms"]
    assert row["caller_media"]["rx_packets"] > 30 and row["callee_media"]["codec"].startswith("PCM")
    if is_http(scene):
        first, fields = scene.bed.billing.headers[0]
        assert first == "POST /tandem/authorise HTTP/1.1" and fields["content-type"] == "application/json"
        assert fields["authorization"] == f"Bearer {TOKEN}" and fields["host"] == f"{SERVER}:{billing.PORT}"


async def test_a_call_out_is_refused_in_words(scene):
    number = scene.number()
    scene.bed.billing.answers[number] = {"allow": False, "reason": "Top up first: <&> \u20ac 0"}
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    assert "Top up first: <&> \u20ac 0" in await mine.ended()
    row = await record(scene, number)
    assert row["cause"] == "credit" and row["reason"] == "Top up first: <&> \u20ac 0" and row["talked_ms"] == 0
    with pytest.raises(AssertionError):
        await plan.call(timeout=0.5)


async def test_a_call_in_is_refused(scene):
    client = await scene.client()
    scene.bed.billing.answers[own_number(client.user)] = {"allow": False}
    theirs = await scene.dial(own_number(client.user))
    assert (await theirs.wait("ended")).startswith("402")
    assert not client.calls


async def test_a_call_ends_with_its_credit(scene):
    number = scene.number()
    scene.bed.billing.answers[number] = {"allow": True, "seconds": 2}
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    theirs = await plan.call()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    began = time.monotonic()
    await asyncio.gather(mine.ended(), theirs.wait("ended"))
    assert time.monotonic() - began < 3.5
    row = await record(scene, number)  # its seconds are those since the answer
    assert row["cause"] == "credit" and row["ended_by"] == "gateway" and 1900 <= row["talked_ms"] <= 3500


def asked_about(scene, number):
    """The questions about calls to @number."""
    return [a for a in scene.bed.billing.asked if a["to"] == number]


async def test_a_forwarded_call_is_asked_about_too(scene):
    plan = scene.bed.carrier.expect(FORWARD)
    mine, theirs = await scene.call_out(client=await scene.client("u59"))  # a second call is sent on
    scene.bed.billing.answers[FORWARD] = {"allow": False, "reason": "Top up first."}
    assert (await (await scene.dial(FORWARDING)).wait("ended")).startswith("486")
    scene.bed.billing.answers[FORWARD] = {"allow": True}
    second = await scene.dial(FORWARDING)
    target = await plan.call()
    await target.answer()
    await asyncio.gather(second.wait("answered"), target.wait("acked"))
    await second.hangup()
    await target.wait("ended")
    _refused, question = asked_about(scene, FORWARD)
    assert {k: question[k] for k in ("direction", "part", "account", "from", "trunk")} == {
        "direction": "outbound", "part": "forwarded", "account": "u59@example.org", "from": own_number("u59"), "trunk": "carrier"}
    assert question["id"] == asked_about(scene, FORWARDING)[-1]["id"], "of the same call"
    leg = question["id"] + "-2"
    await proc.until(lambda: any(r["id"] == leg for r in scene.bed.billing.records), RECORD_S, "the leg's record")
    row = next(r for r in scene.bed.billing.records if r["id"] == leg)
    assert (row["account"], row["from"], row["to"], row["direction"]) == ("u59@example.org", own_number("u59"), FORWARD, "outbound")
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_transfer_is_asked_about_too(scene, allowed):
    mine, theirs = await scene.call_out()
    number = scene.number()
    scene.bed.billing.answers[number] = (0.2, {"allow": allowed})
    plan = scene.bed.carrier.expect(number)
    assert (await theirs.send("REFER", headers=[("Refer-To", f"<sip:{number}@{CARRIER}>")])).status == 202
    if allowed:
        target = await plan.call()
        await target.answer()
        await theirs.wait("ended")
        await scene.heard(mine, target)
        await mine.hangup()
        await target.wait("ended")
    else:
        await proc.until(lambda: theirs.notified[-1:] == [603], proc.SOON_S, "the transferor is told")
        await scene.heard(mine, theirs)
        await mine.hangup()
        await theirs.wait("ended")
    question, = asked_about(scene, number)
    assert (question["direction"], question["part"], question["account"]) == ("outbound", "transferred", mine.client.boundjid.bare)


async def test_a_call_is_given_up_while_it_is_asked_about(scene):
    number = scene.number()
    scene.bed.billing.answers[number] = (TIMEOUT_S * 0.8, {"allow": True})
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    await proc.until(lambda: any(a["to"] == number for a in scene.bed.billing.asked), proc.SOON_S, "the question")
    await mine.hangup()
    row = await record(scene, number)
    assert row["cause"] == "cancel" and row["id"] in scene.bed.billing.gone
    with pytest.raises(AssertionError):
        await plan.call(timeout=1.0)


async def test_a_caller_on_the_telephone_gives_up_meanwhile(scene):
    client = await scene.client()
    number = own_number(client.user)
    scene.bed.billing.answers[number] = (TIMEOUT_S * 0.8, {"allow": True})
    theirs = await scene.dial(number)
    await proc.until(lambda: any(a["to"] == number for a in scene.bed.billing.asked), proc.SOON_S, "the question")
    await theirs.cancel()
    assert (await record(scene, number))["cause"] == "cancel"
    assert not client.calls


@pytest.mark.parametrize("answer", [b"no JSON", b"[]", {"allow": "yes"}, {"allow": True, "seconds": -1}, {"allow": True, "seconds": "9"},
                                    {"allow": True, "reason": 7}, b'{"allow": false, "allow": true}', b"x" * 100000,
                                    (TIMEOUT_S + 2, {"allow": True})],
                         ids=["text", "list", "string", "negative", "quoted", "words", "twice", "long", "late"])
async def test_without_a_good_answer_the_default_decides(scene, answer):
    number = scene.number()
    scene.bed.billing.answers[number] = answer
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    if is_http(scene):  # allow_on_failure
        await (await plan.call()).refuse(486, "Busy Here")
        assert (await mine.ended()).startswith("reject busy")
    else:
        assert (await mine.ended()).startswith("reject decline")


async def test_a_status_is_no_answer(scene):
    number = scene.number()
    scene.bed.billing.answers[number] = 500 if is_http(scene) else b"{}"
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    if is_http(scene):
        await (await plan.call()).refuse(486, "Busy Here")
    await mine.ended()
    assert (await record(scene, number))["cause"] == ("busy" if is_http(scene) else "credit")


async def test_texts_are_asked_about_in_their_order(scene):
    client, number, poor = await scene.client(), scene.number(), scene.number()
    scene.bed.billing.answers[number] = (0.3, {"allow": True})
    scene.bed.billing.answers[poor] = {"allow": False, "reason": "No credit for texts."}
    seen, texts = spy(client), scene.bed.carrier.texts_to(number)
    for n in ("1", "2"):
        text(client, scene.jid(number), f"{n} of two", f"t{n}")
    text(client, scene.jid(poor), "refused", "t3")
    assert [(await asyncio.wait_for(texts.get(), 10.0)).body for _ in range(2)] == [b"1 of two", b"2 of two"]
    await proc.until(lambda: any("No credit for texts." in "".join(s.itertext()) for s in seen), proc.SOON_S, "the writer is told")
    assert scene.bed.carrier.texts_to(poor).empty()
    asked = [a for a in scene.bed.billing.asked if a["to"] in (number, poor)]
    assert {(a["kind"], a["from"], a["account"], a["trunk"]) for a in asked} == {
        ("text", own_number(client.user), client.boundjid.bare, "carrier")} and len({a["id"] for a in asked}) == 3


async def test_echo_costs_nothing(scene):
    asked = len(scene.bed.billing.asked)
    await scene.alive()
    assert not [a for a in scene.bed.billing.asked[asked:] if a["to"] == "echo"]


@pytest.mark.alone
@pytest.mark.limit(60)
async def test_records_wait_until_they_are_taken(scene):
    server = scene.bed.billing
    server.refusals = [503, 400, 500] if is_http(scene) else [0, 0]
    client, numbers = await scene.client(), []
    for _ in range(3):
        numbers.append(scene.number())
        plan = scene.bed.carrier.expect(numbers[-1])
        call = await client.call(scene.jid(numbers[-1]))
        await (await plan.call()).refuse(486, "Busy Here")
        await call.ended()
    await proc.until(lambda: not server.refusals, 20.0, "it was tried again")
    await record(scene, numbers[-1])
    rows = {r["id"]: r["to"] for r in server.records if r["to"] in numbers}
    assert [*rows.values()] == numbers  # in their order, none as another call


@pytest.mark.alone
async def test_it_is_measured(scene):
    number = scene.number()
    for answer, result in (({"allow": False}, "denied"), (b"?", "failed")):
        scene.bed.billing.answers[number] = answer
        before = await measured(scene, result)
        plan = scene.bed.carrier.expect(number)
        mine = await call_to(scene, number)
        if is_http(scene) and result == "failed":
            await (await plan.call()).refuse(486, "Busy Here")
        await mine.ended()
        assert await measured(scene, result) == before + 1


async def measured(scene, result):
    """How often the answer was @result, as /metrics says."""
    text = (await http.fetch(scene.bed.gw, WATCH, "/metrics")).text
    return float(re.search(rf'^tandem_billing_answers_total{{result="{result}"}} (\d+)$', text, re.M).group(1))


@pytest.mark.alone
@pytest.mark.limit(60)
async def test_records_outlive_the_process(scene):
    server, number = scene.bed.billing, scene.number()
    server.refusals = [503] * 1000 if is_http(scene) else [0] * 1000
    plan = scene.bed.carrier.expect(number)
    mine = await call_to(scene, number)
    await (await plan.call()).refuse(486, "Busy Here")
    await mine.ended()
    before = len(server.refusals)
    await proc.until(lambda: len(server.refusals) < before, 20.0, "the record was offered")
    await scene.close()
    await scene.bed.tandem.kill()
    assert not server.record_of(number)
    server.refusals = []
    await scene.bed.tandem.start()
    row = await record(scene, number)
    assert row["cause"] == "busy"


@pytest.mark.alone
@pytest.mark.limit(60)
async def test_credit_outlives_the_process(scene):
    client = await scene.client(profile=PROFILE)
    scene.bed.billing.answers[client.boundjid.bare] = {"allow": True, "seconds": 6}
    mine, theirs = await scene.propose(PROFILE, client=client)
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    began = time.monotonic()
    await database.kept(scene.bed.tandem)
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await asyncio.gather(mine.ended(), theirs.wait("ended"))
    assert time.monotonic() - began < 8.0
    row = await record(scene, client.boundjid.bare)
    assert row["cause"] == "credit" and row["talked_ms"] >= 5900
