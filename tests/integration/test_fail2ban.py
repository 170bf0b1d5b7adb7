# SPDX-License-Identifier: AGPL-3.0-or-later
"""The filter in deploy/fail2ban finds scanners in our log, and nobody else.

    stranger c2 10.77.0.12, fd77::12  --SIP-->  Tandem gw
"""

import asyncio
import os
import re
import shutil
import subprocess

import pytest

from bed import phone, proc
from bed.scene import CARRIER, own_number
from bed.tandem import ROOT

FILTER = os.path.join(ROOT, "deploy", "fail2ban", "tandem.conf")
PROGRAM = "fail2ban-regex"

pytestmark = [pytest.mark.bed_options(), pytest.mark.alone,
              pytest.mark.skipif(not shutil.which(PROGRAM), reason="fail2ban is not installed: apt-get install fail2ban")]


def matched(path):
    """The addresses that the filter finds in a file."""
    done = subprocess.run([PROGRAM, "--print-all-matched", "-o", "ip", path, FILTER], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^[0-9a-fA-F.:]+$", done.stdout, re.M))


def stamped(path, lines):
    """@lines as the journal shows them."""
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write("2026-01-02T03:04:05Z " + re.sub(r"^<\d>", "", line) + "\n")


async def test_scanners_are_found(scene):
    stranger = await phone.Phone(scene.bed.c2, "10.77.0.12", port=5066, name='x" count=1 src=10.77.0.2:5060').start()
    for _ in range(3):
        await scene.dial("9011442012345678", carrier=stranger)
    client = await scene.client()
    await scene.dial(own_number(client.user), carrier=stranger)
    await scene.bed.tandem.process.wait_log("event=stranger")
    theirs = await scene.dial("+15550000000")
    await theirs.wait("ended")
    await asyncio.sleep(0)
    stranger.close()
    path = os.path.join(proc.directory("fail2ban"), "log")
    stamped(path, scene.bed.tandem.log.splitlines())
    found = matched(path)
    assert found == {"10.77.0.12"}, found
    assert CARRIER not in found


async def test_addresses_of_both_families_and_no_forged_ones(scene):
    del scene
    path = os.path.join(proc.directory("fail2ban"), "log")
    stamped(path, ['<4>event=stranger src=[2001:db8::7]:5060 method="INVITE" count=1',
                   '<4>event=stranger src=192.0.2.7:40000 method="REGISTER" count=77',
                   '<6>refused=stranger status=403 src=192.0.2.8:5060 from="a" to="b"',
                   '<6>refused=unknown-number status=404 src=192.0.2.9:5060 from="event=stranger src=192.0.2.9:1" to="b"',
                   '<6>call=x event=ended text="event=stranger src=192.0.2.10:1 method=\\"A\\" count=1"'])
    assert matched(path) == {"2001:db8::7", "192.0.2.7", "192.0.2.8"}
