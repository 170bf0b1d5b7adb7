# SPDX-License-Identifier: AGPL-3.0-or-later
"""One call, or one account, as an operator follows it: live figures, and what is said for it on both sides.

    clients c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2
"""

import asyncio
import json
import os
import pathlib
import re
import shutil
import stat
import time

import pytest

from bed import hep, pcap, proc
from bed.commands import Commander, ctl, ctl_lines
from bed.scene import SERVER, Bed

AGENT, PASSWORD = 2001, "h0mer"


class Captured(Bed):
    """A Bed with a capture server."""

    def make_tandem(self):
        self.sections = {"hep": {"server": f"{SERVER}:{hep.PORT}", "id": AGENT, "password": PASSWORD}}
        return super().make_tandem()

    async def _start(self):
        self.hep = hep.Server()
        await super()._start()
        await self.hep.listen(self.srv, SERVER)

    async def stop(self, check=True):
        await super().stop(check)
        self.hep.close()


pytestmark = pytest.mark.parametrize("bed", [{"stage": Captured}], ids=["Prosody"], indirect=True, scope="module")

FIGURES = re.compile(r"  (caller \(xmpp|called \(sip), (PCMU|PCMA|G722|opus)/\d+(/2)?\): "
                     r"(\d+\.\d) % lost, jitter \d+ ms, MOS ([1-4]\.\d)$", re.M)


async def commander(scene, user, resource):
    """A device of @user that runs commands."""
    return await scene.client(user, kind=Commander, resource=resource)


async def figures(read):
    """The first text of @read with the figures of both directions."""
    for _ in range(10):
        text = await read()
        if len(FIGURES.findall(text)) >= 2:
            return text
    raise AssertionError(text)


async def name_of(call, client):
    """What Tandem calls @call, which came from a client."""
    row, = [row for row in (await client.run("calls")).rows if row["account"] == f"{call.client.user}@example.org"]
    return row["call"]


# live figures

async def test_a_call_is_watched_in_conversation_until_it_ends(scene):
    reader = await commander(scene, "rita", "watches")
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    call = await name_of(mine, reader)
    await reader.say(f"watch {call} every=2")
    text = await figures(reader.heard)
    assert re.match(r"up 0:\d\d \S+@\S+ > \+\d+ by carrier\n", text), text
    assert {"no-store", "no-copy"} <= {hint.tag.partition("}")[2] for hint in reader.last if "urn:xmpp:hints" in hint.tag}
    assert "Still at work" in await reader.say("status")
    await mine.hangup()
    while FIGURES.search(text) or "Still" in text:
        text = await reader.heard()
    assert text == "The call was hung up."
    assert (await reader.say("watch " + call)) == "There is no such call now."


async def test_a_watch_of_all_calls_by_a_form_goes_on_as_messages_until_it_is_stopped(scene):
    reader = await commander(scene, "rita", "forms")
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    done = await reader.run("watch", every=2)
    assert done.status == "completed" and "write: stop" in done.text
    assert mine.client.user in await figures(reader.heard)
    assert await reader.say("stop") == "Cancelled."


@pytest.mark.alone  # what is told to who has gone, his other devices hear meanwhile
async def test_who_has_gone_is_told_no_more(scene):
    """Offline messages of a server are no place for it."""
    reader = await commander(scene, "rita", "goes")
    await reader.say("watch every=2")
    await reader.heard()
    await reader.heard()
    await reader.disconnect()
    await scene.bed.tandem.process.wait_log(r'command=watch abandoned=unheard to="rita@example.org/goes"')


@pytest.mark.alone
async def test_who_loses_the_right_is_told_no_more(scene):
    reader, gateway = await commander(scene, "rita", "loses"), scene.bed.tandem
    await reader.say("watch every=2")
    path = gateway.write()
    text = pathlib.Path(path).read_text(encoding="utf-8")
    pathlib.Path(path).write_text(text.replace("rita@example.org", "nobody@example.org"), encoding="utf-8")
    assert (await ctl(gateway, "reload"))[0] == 0
    while "not for you" not in (said := await reader.heard()):
        assert "No call" in said or ":" in said, said
    gateway.write()
    assert (await ctl(gateway, "reload"))[0] == 0


async def test_tandemctl_prints_as_it_comes_and_ends_with_its_reader(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    async with ctl_lines(scene.bed.tandem, "watch", "every=2", role="read-only") as lines:
        assert re.match(r"[a-z-]+ \d+:\d\d \S+@", await lines.line())
        seen = [await lines.line() for _ in range(20)]
        assert any(FIGURES.match(line.rstrip()) for line in seen), seen
    status, text = await ctl(scene.bed.tandem, "watch", "none")
    assert status and text == "There is no such call now.\n"


# traces

LINE = re.compile(r"^(\d\d:\d\d:\d\d\.\d{6}) (<-|->|  ) (.*)$", re.M)
KEYS = re.compile(r"inline:(?!x+)|ice-pwd:(?!x+)|pwd='(?!x+')|key-params='(?!x+')")


async def start(scene, what, **fields):
    """A trace of @what; its number."""
    words = [f"{name}={value}" for name, value in fields.items()]
    status, text = await ctl(scene.bed.tandem, "trace-start", what, *words)
    assert not status, text
    return re.match(r"Trace (\d+) follows ", text)[1]


async def traces(scene):
    """A line for each trace."""
    return (await ctl(scene.bed.tandem, "traces", tabs=True))[1].splitlines()


async def stop(scene, trace):
    """It is heard of no more."""
    status, text = await ctl(scene.bed.tandem, "trace-stop", trace)
    assert not status and "is stopped" in text


async def shown(scene, trace, *words):
    """What a trace has heard."""
    status, text = await ctl(scene.bed.tandem, "trace-show", trace, *words)
    assert not status, text
    return text


def in_order(text, *patterns):
    """Each of @patterns in a line behind that of the one before."""
    lines, at = text.splitlines(), 0
    for pattern in patterns:
        found = next((i for i in range(at, len(lines)) if re.search(pattern, lines[i])), None)
        assert found is not None, (pattern, text)
        at = found + 1


async def whole_call(scene, client):
    """A call of @client's from beginning to end."""
    mine, theirs = await scene.call_out(client=client)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def until_shown(scene, trace, pattern):
    """What the trace has once it has @pattern."""
    deadline = asyncio.get_running_loop().time() + 15.0
    while not re.search(pattern, text := await shown(scene, trace)):
        assert asyncio.get_running_loop().time() < deadline, (pattern, text)
    return text


async def test_an_account_is_followed_on_both_sides_by_time(scene):
    client = await scene.client()
    trace = await start(scene, f"{client.user}@example.org")
    await whole_call(scene, client)
    text = await until_shown(scene, trace, r"<- udp \S+ SIP/2.0 200 .*\(BYE\)")
    in_order(text, r"<- xmpp message .* / propose ", r"call new \+ .* -> ", r"-> udp 10\.77\.0\.2:5060 INVITE sip:\+1555",
             r"<- udp 10\.77\.0\.2:5060 SIP/2\.0 180 .*\(INVITE\)", r"<- udp .* SIP/2\.0 200 .*\(INVITE\)",
             r"-> xmpp message .* / proceed ", r"<- xmpp iq .*session-initiate", r"-> xmpp iq .*session-accept",
             r"caller \(xmpp\): ICE has chosen 10\.77\.", r"-> up", r"-> udp .* BYE sip:", r"SIP/2\.0 200 .*\(BYE\)")
    for media in ("caller (xmpp): DTLS is done after", "caller (xmpp): the first packet has come", "caller (xmpp): the first packet has gone",
                  "called (sip): the first packet has come", "called (sip): the first packet has gone", "called (sip): packets go to 10.77.0.2:"):
        assert media in text, (media, text)
    times = [match[1] for match in LINE.finditer(text)]
    assert times == sorted(times) and len(times) > 25
    await stop(scene, trace)
    count = len(times)
    await whole_call(scene, client)
    assert len(LINE.findall(await shown(scene, trace))) == count


async def test_a_number_is_followed_however_it_is_written(scene):
    number = scene.number()
    trace = await start(scene, f"({number[2:5]}) {number[5:8]}-{number[8:]}")
    client = await scene.client()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    theirs = await plan.call()
    await theirs.refuse(486, "Busy Here")
    await mine.ended()
    text = await until_shown(scene, trace, r"ACK sip:")
    in_order(text, r"<- xmpp message .* / propose ", r"INVITE sip:", r"SIP/2\.0 486", r"-> closed", r"/ reject ")
    await stop(scene, trace)


async def test_a_call_is_followed_by_its_name(scene):
    mine, theirs = await scene.call_out()
    trace = await start(scene, await name_of(mine, await commander(scene, "rita", "names")))
    await mine.hangup()
    await theirs.wait("ended")
    text = await until_shown(scene, trace, r"\(BYE\)")
    in_order(text, r"session-terminate", r"-> closed", r"BYE sip:", r"\(BYE\)")
    await stop(scene, trace)


async def test_secrets_and_words_are_not_kept(scene):
    client = await scene.client()
    trace = await start(scene, client.boundjid.bare)
    await whole_call(scene, client)
    await until_shown(scene, trace, r"\(BYE\)")
    text = await shown(scene, trace, "yes")
    assert "a=rtpmap" in text and "pwd='xxx" in text and not KEYS.search(text), KEYS.search(text)
    await stop(scene, trace)


async def test_who_is_not_followed_is_not_heard(scene):
    client, other = await scene.client(), await scene.client()
    trace = await start(scene, other.boundjid.bare)
    await whole_call(scene, client)
    text = await shown(scene, trace)
    assert client.user not in text and "INVITE" not in text
    await stop(scene, trace)


async def test_a_capture_file_is_for_its_owner_and_is_read_by_others(scene):
    client = await scene.client()
    trace = await start(scene, client.boundjid.bare)
    await whole_call(scene, client)
    await until_shown(scene, trace, r"<- udp \S+ SIP/2.0 200 .*\(BYE\)")
    await stop(scene, trace)
    status, text = await ctl(scene.bed.tandem, "trace-save", trace)
    assert not status, text
    path = re.search(r"is in (\S+)\.$", text.strip())[1]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, "rb") as f:
        pdus = pcap.parse(f.read())
    assert [p.at for p in pdus] == sorted(p.at for p in pdus)
    assert {p.dissector for p in pdus} == {"sip", "xmpp", "syslog"}
    invite = next(p for p in pdus if p.payload.startswith(b"INVITE "))
    assert invite.target == ("10.77.0.2", 5060) and invite.source[1] == 5060
    await read_by_wireshark(path)
    os.unlink(path)


async def read_by_wireshark(path):
    """Its own dissectors agree."""
    if not shutil.which("tshark"):
        return
    process = await asyncio.create_subprocess_exec(
        "tshark", "-r", path, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "sip.Method", "-e", "sip.CSeq.method",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    rows = [line.split("\t") for line in out.decode().splitlines()]
    assert {"SIP", "SIP/SDP", "Syslog"} <= {row[0] for row in rows}, rows
    assert any("XMPP" in row[0] for row in rows), rows
    assert {"INVITE", "ACK", "BYE"} <= {row[1] for row in rows if len(row) > 1}, rows


async def test_a_capture_server_gets_both_sides_as_one_call(scene):
    client = await scene.client()
    trace = await start(scene, client.boundjid.bare, hep="yes")
    mine, theirs = await scene.call_out(client=client)
    call = await name_of(mine, await commander(scene, "rita", "homer"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
    await proc.until(lambda: any(p["payload"].startswith(b"BYE ") for p in scene.bed.hep.of(call)), 10.0, "the BYE")
    packets = scene.bed.hep.of(call)
    assert {p["type"] for p in packets} == {hep.SIP, hep.XMPP, hep.LOG}
    assert all(p["agent"] == AGENT and p["password"] == PASSWORD.encode() and p["family"] == 2 for p in packets)
    bye = next(p for p in packets if p["payload"].startswith(b"BYE "))
    assert (bye["target"], bye["target_port"], bye["protocol"]) == ("10.77.0.2", 5060, 17)
    assert any(b"session-initiate" in p["payload"] for p in packets if p["type"] == hep.XMPP)
    logs = [json.loads(p["payload"]) for p in packets if p["type"] == hep.LOG]
    assert all(log["call"] == call for log in logs) and any("ICE has chosen" in log["text"] for log in logs)
    await stop(scene, trace)
    assert any(p["payload"].startswith(b"INVITE ") for p in scene.bed.hep.packets)


async def test_a_trace_is_told_as_it_comes(scene):
    client, operator = await scene.client(), await commander(scene, "oscar", "follows")
    async with ctl_lines(scene.bed.tandem, "trace-follow", client.boundjid.bare) as lines:
        done = await operator.run("trace-follow", what=client.boundjid.bare)
        assert "write: stop" in done.text
        await whole_call(scene, client)
        text = ""
        while "INVITE sip:" not in text:
            text += await lines.line()
        heard = ""
        while "INVITE sip:" not in heard:
            heard += await operator.heard()
        assert "propose" in text and "propose" in heard
        assert await operator.say("stop") == "Cancelled."
    deadline, said = time.monotonic() + proc.SOON_S, await traces(scene)
    while [row.split("\t")[3] for row in said if client.user in row] != ["stopped", "stopped"]:
        assert time.monotonic() < deadline, said
        said = await traces(scene)  # that who read the lines has gone is noticed a moment later


async def test_a_capture_is_streamed_to_a_file(scene):
    client = await scene.client()
    async with ctl_lines(scene.bed.tandem, "trace-follow", client.boundjid.bare, "pcap=yes", errors=None) as lines:
        head = await asyncio.wait_for(lines.process.stdout.readexactly(24), 10.0)
        await whole_call(scene, client)
        await until_stopped(scene, client)
        data = head + await lines.rest()
    assert any(p.payload.startswith(b"BYE ") for p in pcap.parse(data))
    operator = await commander(scene, "oscar", "streams")
    assert "tandemctl" in await operator.say(f"trace-follow {client.boundjid.bare} pcap=yes")


async def until_stopped(scene, client):
    """The trace of @client has heard the end of its call, and is stopped."""
    trace = next(row.split("\t")[0] for row in await traces(scene) if client.user in row)
    await until_shown(scene, trace, r"<- udp \S+ SIP/2.0 200 .*\(BYE\)")
    await stop(scene, trace)


async def test_what_is_nothing_is_not_traced(scene):
    for what in ("", "x" * 300, "@"):
        status, text = await ctl(scene.bed.tandem, "trace-start", f"what={what}")
        assert status, text
    status, text = await ctl(scene.bed.tandem, "trace-show", "999999")
    assert status and text == "There is no such trace.\n"
