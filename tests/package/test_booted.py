# SPDX-License-Identifier: AGPL-3.0-or-later
"""The package in a Debian with systemd: its unit with the whole sandbox, calls, an upgrade in the middle of one.

    Prosody srv  --  gw, the Debian with the package  --  carrier pstn, which wants a password

tests/package/run makes that Debian and runs this; PACKAGE_ROOT is where it is, with tandem.deb, and newer.deb, an upgrade."""

import os

import pytest
from machine import Machine

from bed import media
from bed.scene import CARRIER, DOMAIN, SECRET, SERVER, Bed, own_number

LOST_MOST = 2
ANSWERS = {"domain": DOMAIN, "server": f"{SERVER}:5347", "secret": SECRET, "public_address": "none", "trunk": f"sip:{CARRIER}",
           "username": "tandem", "password": "rightpw", "number": own_number("alice"), "owner": "alice@example.org"}


class BootedBed(Bed):
    """A Bed whose gateway is a machine."""

    machine = None

    async def _start(self):
        await super()._start()
        self.machine = await Machine(self.gw, os.environ["PACKAGE_ROOT"]).start()

    async def stop(self, check=True):
        if self.machine:
            await self.machine.stop()
        await super().stop(check)


pytestmark = [pytest.mark.limit(180), pytest.mark.alone,
              pytest.mark.bed_options(stage=BootedBed, program=False, credentials=("tandem", "rightpw"))]


# In their order: each begins where the one before has ended.

async def test_it_is_installed_and_waits(scene):
    machine = scene.bed.machine
    await machine.do("dpkg", "-i", "/tandem.deb")
    assert await machine.show("UnitFileState") == "enabled" and await machine.show("ActiveState") == "inactive"
    await machine.do("systemctl", "start", "tandem")  # there is no configuration, which is no failure
    assert await machine.show("ConditionResult") == "no" and await machine.show("ActiveState") == "inactive"


async def test_it_is_set_up_and_starts(scene):
    machine = scene.bed.machine
    await machine.do("tandem", "--setup", *(f"{key}={value}" for key, value in ANSWERS.items()))
    await machine.do("systemctl", "start", "tandem")
    await machine.ready()
    assert await machine.show("ActiveState") == "active" and await machine.show("User") == "tandem"
    said = (await machine.run("tandem", "doctor")).stdout
    assert "ok    user              tandem" in said and "ok    process" in said and "All is well." in said, said
    assert "up" in await machine.do("tandemctl", "status")


async def test_its_sandbox_holds(scene):
    """Of systemd-analyze's measure, from 0 (safe) to 10, and of the process."""
    machine = scene.bed.machine
    verdict = (await machine.do("systemd-analyze", "security", "--no-pager", "tandem")).splitlines()[-1]
    assert float(verdict.split("tandem.service:")[1].split()[0]) < 2.0, verdict
    status = await machine.do("cat", f"/proc/{await machine.show('MainPID')}/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2" and facts["Uid"].split()[0] != "0"
    assert "event=sandbox state=on" in await machine.journal()


async def call_out(scene):
    """An answered call by who has a number."""
    return await scene.call_out(client=await scene.client("alice"))


async def call_in(scene):
    """An answered call to that number."""
    return await scene.call_in(client=await scene.client("alice"))


@pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])
async def test_calls(scene, place):
    mine, theirs = await place(scene)
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_an_upgrade_ends_no_call(scene):
    """The package's next version is installed while both sides talk; another process goes on with the call."""
    machine = scene.bed.machine
    before, times = await machine.show("MainPID"), (await machine.journal()).count("event=ready")
    mine, theirs = await call_out(scene)
    for side in (mine, theirs):
        side.audio.tx = media.Recording()
    await scene.heard(mine, theirs, seconds=1.0)
    await machine.do("dpkg", "-i", "/newer.deb")
    await machine.ready(times + 1)
    await scene.heard(mine, theirs)
    assert await machine.show("MainPID") != before and await machine.show("ActiveState") == "active"
    assert (await machine.do("dpkg-query", "-W", "-f", "${Version}", "tandem")).endswith(".1")
    for sender, receiver in ((mine, theirs), (theirs, mine)):
        sent = sender.audio.tx.packets[:-10]
        arrived, _ = media.unchanged(sent, receiver.audio.rx.packets)
        scene.figure(f"lost of {len(sent)} packets to {receiver.who} over the upgrade", len(sent) - len(arrived))
        assert len(sent) - len(arrived) <= LOST_MOST
    assert (await theirs.hangup()).status == 200  # the dialog is the new process's
    await mine.ended()


async def test_a_killed_one_is_started_again(scene):
    machine = scene.bed.machine
    times = (await machine.journal()).count("event=ready")
    mine, theirs = await call_out(scene)
    await scene.heard(mine, theirs)
    await machine.do("systemctl", "kill", "--signal=KILL", "tandem")
    await machine.ready(times + 1)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_configuration_that_is_wrong_changes_nothing(scene):
    machine = scene.bed.machine
    pid = await machine.show("MainPID")
    await machine.do("sh", "-c", "cp -p /etc/tandem/tandem.conf /root/kept; echo nonsense >>/etc/tandem/tandem.conf")
    assert (await machine.run("systemctl", "reload", "tandem")).returncode != 0
    assert (await machine.run("dpkg", "-i", "/newer.deb")).returncode == 0
    assert await machine.show("MainPID") == pid
    await machine.do("cp", "-p", "/root/kept", "/etc/tandem/tandem.conf")
    client = await scene.client()
    call = await client.call(f"echo@{DOMAIN}")
    await call.wait("media")
    await media.listen((call.audio, call.audio))
    await call.hangup()


async def test_it_is_removed_and_purged(scene):
    machine = scene.bed.machine
    await machine.do("dpkg", "-r", "tandem")
    assert (await machine.run("systemctl", "is-active", "tandem")).returncode != 0
    await machine.do("test", "-e", "/etc/tandem/tandem.conf", "-a", "-e", "/var/lib/tandem/tandem.db")
    await machine.do("dpkg", "-P", "tandem")
    left = (await machine.do("sh", "-c", "find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -name '*tandem*' -print")).split()
    assert set(left) <= {"/tandem.deb"}, left
    assert (await machine.run("getent", "passwd", "tandem")).returncode != 0
