# SPDX-License-Identifier: AGPL-3.0-or-later
"""The snippets of deploy/ for Asterisk, loaded into one that calls and is called.

    Prosody srv  --  Tandem gw  --  Asterisk pstn 10.77.0.3  --  an extension of its, c2

ASTERISK_ROOT is a release that has it (tests/package/run makes one): Debian 12 has none."""

import os
import re
import subprocess

import pytest

from bed import phone, proc
from bed.scene import GATEWAY, PBX, Bed, own_number
from bed.tandem import ROOT

ROOT_OF_ASTERISK = os.environ["ASTERISK_ROOT"]
EXTENSION, READY_S, COMMAND_S = "10.77.0.12", 30.0, 30.0
# A telephone of its own; what a snippet is joined with.
TELEPHONE = f"""
[101]
type=endpoint
transport=transport-udp
context=from-extensions
disallow=all
allow=alaw,ulaw
dtmf_mode=rfc4733
direct_media=no
aors=101

[101]
type=aor
contact=sip:101@{EXTENSION}:5060

[101]
type=identify
endpoint=101
match={EXTENSION}
"""
LOGGER = "[general]\n[logfiles]\nconsole => notice,warning,error,verbose\n"


def snippet(name):
    """With the addresses of the bed."""
    with open(os.path.join(ROOT, "deploy", "snippets", name), encoding="utf-8") as file:
        return file.read().replace("192.0.2.21", GATEWAY).replace("192.0.2.30", PBX).replace("0.0.0.0:5060", f"{PBX}:5060")


class Asterisk:
    """Asterisk of that release, in @node."""

    def __init__(self, node, damage=("", "")):
        self.directory = os.path.join(ROOT_OF_ASTERISK, "etc", "asterisk")
        for name, text in (("pjsip.conf", snippet("asterisk-pjsip.conf").replace(*damage) + TELEPHONE),
                           ("extensions.conf", snippet("asterisk-extensions.conf")), ("logger.conf", LOGGER)):
            with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.process = proc.Process("asterisk", ["chroot", ROOT_OF_ASTERISK, "/usr/sbin/asterisk", "-f", "-n", "-vvv", "-C", "/etc/asterisk/asterisk.conf"], node)

    async def start(self):
        """Wait until it has loaded all; returns self."""
        await proc.until(lambda: "fully booted" in self.ask("core waitfullybooted"), READY_S, "Asterisk is up")
        return self

    def ask(self, command):
        """What its console says."""
        return subprocess.run(["chroot", ROOT_OF_ASTERISK, "/usr/sbin/asterisk", "-r", "-x", command], capture_output=True, text=True, timeout=COMMAND_S,
                              check=False).stdout

    async def stop(self):
        """End it."""
        await self.process.stop()


class BedWithAsterisk(Bed):
    """A Bed in which the PBX is Asterisk."""

    asterisk = None

    async def _start(self):
        await super()._start()
        self.pbx.close()
        self.pbx = None
        self.asterisk = await Asterisk(self.pstn).start()

    async def stop(self, check=True):
        if self.asterisk:
            await self.asterisk.stop()
        await super().stop(check)


TRUNK = {"proxy": f"sip:{PBX}:5060", "allow": [f"{PBX}/32"], "refer": True, "redirect": True, "short_codes": ["100", "101"]}
pytestmark = [pytest.mark.limit(120), pytest.mark.alone, pytest.mark.bed_options(
    stage=BedWithAsterisk, trunks={"pbx": TRUNK}, numbers={own_number("alice"): {"owner": "alice@example.org", "trunk": "pbx"}})]


async def test_it_reads_the_snippets(scene):
    asterisk = scene.bed.asterisk
    endpoint = asterisk.ask("pjsip show endpoint tandem")
    for key, value in (("direct_media", "false"), ("dtmf_mode", "rfc4733"), ("send_pai", "true"), ("trust_id_inbound", "true"), ("context", "from-tandem"),
                       ("allow", r"\(g722\|alaw\|ulaw\)")):
        assert re.search(rf"^ *{key} +: +{value} *$", endpoint, re.M), (key, endpoint)
    assert f"{GATEWAY}/32" in asterisk.ask("pjsip show identifies")
    assert "Dial(PJSIP/${EXTEN}@tandem)" in asterisk.ask("dialplan show from-extensions")
    assert not re.search(r"(?i)(warning|error)\[.*(pjsip|sorcery|config).*(tandem|transport-udp|could not)", asterisk.process.log()), asterisk.process.tail()
    await proc.until(lambda: re.search(r"Contact:  tandem/sip:10\.77\.0\.1:5060 +\S+ +Avail", asterisk.ask("pjsip show contacts")), READY_S,
                     "it finds Tandem by OPTIONS")


async def test_an_extension_is_called(scene):
    extension = await phone.Phone(scene.bed.c2, EXTENSION, name="extension").start()
    client = await scene.client("alice")
    plan = extension.expect("101")
    mine = await client.call(scene.jid("101"))
    theirs = await plan.call()
    assert own_number("alice").strip("+") in theirs.invite.get("From"), theirs.invite.get("From")
    await theirs.ring()
    await theirs.answer()
    await mine.wait("media")
    await theirs.wait("acked")
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
    extension.close()


async def test_an_extension_calls(scene):
    extension = await phone.Phone(scene.bed.c2, EXTENSION, name="extension").start()
    client = await scene.client("alice")
    theirs = await scene.dial(own_number("alice"), carrier=extension, gateway=PBX)
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await mine.accept()
    await theirs.wait("answered")
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()
    extension.close()
