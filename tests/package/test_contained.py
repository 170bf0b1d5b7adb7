# SPDX-License-Identifier: AGPL-3.0-or-later
"""The image of the container file, run as compose.yaml has it: the host's network, no root, a root that is not written.

    Prosody srv  --  gw, the container  --  carrier pstn, which wants a password

tests/package/run builds it and runs this; CONTAINER is the directory of tests/package/container."""

import glob
import json
import os
import subprocess

import pytest

from bed import proc
from bed.scene import CARRIER, DOMAIN, SECRET, SERVER, Bed, own_number

READY_S, DOCTOR_S = 30.0, 30.0
OWNER = 5060  # compose.yaml and kubernetes.yaml name it
CONFIGURATION = f"""xmpp {{ host = "{SERVER}"  domain = "{DOMAIN}"  secret_file = "/etc/tandem/secret" }}
trunk "carrier" {{ proxy = "sip:{CARRIER}"  username = "tandem"  password = "rightpw"  register = true }}
number "{own_number('alice')}" {{ owner = "alice@example.org"  trunk = "carrier" }}
"""


def environment():
    """Of the commands that have the store that the images are in."""
    with open(os.path.join(os.environ["CONTAINER"], "environment"), encoding="utf-8") as file:
        return dict(line.strip().split("=", 1) for line in file)


class ContainedBed(Bed):
    """A Bed whose gateway is in a container."""

    container = None

    async def _start(self):
        await super()._start()
        said = subprocess.run(["buildah", "inspect", "--type", "image", "localhost/tandem"], env={**os.environ, **environment()},
                              capture_output=True, text=True, check=True).stdout
        self.image = json.loads(said)["OCIv1"]["config"]
        self.places = {"/etc/tandem": proc.directory("etc"), "/var/lib/tandem": proc.directory("data"), "/run/tandem": proc.directory("run")}
        for name, text in (("tandem.conf", CONFIGURATION), ("secret", SECRET + "\n")):
            path = os.path.join(self.places["/etc/tandem"], name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o640)
            os.chown(path, 0, OWNER)
        for place in ("/var/lib/tandem", "/run/tandem"):
            os.chown(self.places[place], OWNER, OWNER)
            os.chmod(self.places[place], 0o700)
        volumes = [f"--volume={here}:{there}{':ro' if there == '/etc/tandem' else ''}" for there, here in self.places.items()]
        self.container = proc.Process(
            "container", ["buildah", "run", "--isolation", "chroot", f"--user={self.image['User']}", *volumes, "tandem", "--",
                          *self.image["Entrypoint"], *self.image["Cmd"]], self.gw, env=environment())
        await self.container.wait_log(r"\bevent=ready\b", READY_S)

    def beside(self, *argv):
        """A process beside the one that the container is of, as the same user."""
        inner = self.container.pid
        while children := self._children(inner):
            inner = children[0]
        return proc.Process("beside", ["nsenter", "--target", str(inner), "--mount", "--root", "--wd", f"--setuid={OWNER}", f"--setgid={OWNER}",
                                       *argv], self.gw)

    @staticmethod
    def _children(pid):
        """Those that any of its threads has started."""
        found = []
        for path in glob.glob(f"/proc/{pid}/task/*/children"):
            with open(path, encoding="ascii") as children:
                found += children.read().split()
        return found

    async def stop(self, check=True):
        if self.container:
            await self.container.stop()
        await super().stop(check)


pytestmark = [pytest.mark.limit(120), pytest.mark.alone,
              pytest.mark.bed_options(stage=ContainedBed, program=False, credentials=("tandem", "rightpw"))]


async def test_its_user_is_the_one_that_is_named(scene):
    assert scene.bed.image["User"] == "tandem" and "/var/lib/tandem" in scene.bed.image["Volumes"]
    asked = scene.bed.beside("/usr/bin/stat", "-c", "%u:%g %a", "/var/lib/tandem", "/var/lib/tandem/tandem.db")
    assert await asked.wait(READY_S) == 0 and asked.log().split()[:3] == [f"{OWNER}:{OWNER}", "700", f"{OWNER}:{OWNER}"], asked.log()
    await asked.stop()


@pytest.mark.parametrize("place", ["call_out", "call_in"])
async def test_calls(scene, place):
    mine, theirs = await getattr(scene, place)(client=await scene.client("alice"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_the_doctor_finds_all_well(scene):
    doctor = scene.bed.beside("/usr/sbin/tandem", "doctor")
    await doctor.wait(DOCTOR_S)
    assert "All is well." in doctor.log() and "ok    process" in doctor.log(), doctor.log()
    await doctor.stop()


async def test_tandemctl_reaches_it(scene):
    asked = scene.bed.beside("/usr/sbin/tandemctl", "status")
    assert await asked.wait(DOCTOR_S) == 0 and "Trunks up: 1 of 1" in asked.log(), asked.log()
    await asked.stop()
