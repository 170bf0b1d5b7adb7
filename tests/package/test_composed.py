# SPDX-License-Identifier: AGPL-3.0-or-later
"""compose.yaml brought up as it is, with Prosody's snippet of deploy/: calls, and what `restart` is for.

    gw, with containers of Prosody and Tandem  --  carrier pstn, which wants a password

tests/package/run builds the images and runs this; CONTAINER is the directory of tests/package/container."""

import asyncio
import os
import re
import signal
import subprocess

import pytest
from test_contained import CONFIGURATION, OWNER, environment

from bed import proc, xmppserver
from bed.scene import GATEWAY, SECRET, SERVER, Bed
from bed.tandem import ROOT

READY_S, COMMAND_S, LOOK_S = 60.0, 60.0, 0.2
READY = "event=ready"
# The clients of the tests speak to it without TLS.
PLAIN = 'c2s_require_encryption = false\nallow_unencrypted_plain_auth = true\nmodules_disabled = { "s2s" }\n'


class Nobody:
    """In the place of a server of the bed's."""

    def __init__(self, *_):
        pass

    async def start(self):
        """Nothing is."""
        return self

    async def stop(self):
        """Nothing was."""


class ComposedBed(Bed):
    """A Bed whose server and gateway are containers on one machine."""

    server_address, composed, service = GATEWAY, None, None

    async def _start(self):
        self.server_class = Nobody
        await super()._start()
        self.place = os.path.join(os.environ["CONTAINER"], "tree", "deploy", "container")
        run = proc.directory("run")  # the machine's own may be another Tandem's
        os.chmod(run, 0o700)
        os.chown(run, OWNER, OWNER)
        with open(os.path.join(self.place, "compose.yaml"), encoding="utf-8") as file:
            self.text = file.read().replace("- /run/tandem:", f"- {run}:")
        with open(os.path.join(self.place, "compose.yaml.test"), "w", encoding="utf-8") as file:
            file.write(self.text)
        self._write_files()
        socket = os.path.join(os.environ["CONTAINER"], "composed.sock")
        self.service = proc.Process("podman", ["podman", "system", "service", "--time=0", f"unix://{socket}"], self.gw, env=environment())
        await proc.until(lambda: os.path.exists(socket), READY_S, "podman listens")
        self.host = {"DOCKER_HOST": f"unix://{socket}"}
        self.composed = proc.Process("compose", [*self._compose(), "up"], self.gw, env=self.host)
        await self.ready()
        self.podman("exec", "container_prosody_1", "prosodyctl", "register", "alice", xmppserver.HOST, xmppserver.PASSWORD)

    def _write_files(self):
        config = os.path.join(self.place, "config")
        os.makedirs(os.path.join(config, "tandem"))
        os.mkdir(os.path.join(config, "certs"))
        with open(os.path.join(ROOT, "deploy", "snippets", "prosody.cfg.lua"), encoding="utf-8") as file:
            lua = file.read().replace('"change-me"', f'"{SECRET}"')
        for name, text in (("prosody.cfg.lua", PLAIN + lua), ("tandem/tandem.conf", CONFIGURATION.replace(SERVER, "127.0.0.1")),
                           ("tandem/secret", SECRET + "\n")):
            with open(os.path.join(config, name), "w", encoding="utf-8") as file:
                file.write(text)
        for name in ("", "/tandem.conf", "/secret"):
            os.chown(f"{config}/tandem{name}", 0, OWNER)
        os.chmod(f"{config}/tandem/secret", 0o640)

    async def ready(self, times=1):
        """Wait until Tandem has been ready so often, by the container's own log: docker-compose 1.29 need not follow who was killed."""
        said = ""
        try:
            async with asyncio.timeout(READY_S):
                while said.count(READY) < times:
                    await asyncio.sleep(LOOK_S)
                    said = await asyncio.to_thread(self.said)
        except TimeoutError:
            raise AssertionError(f"not ready {times} times in {READY_S} s:\n{said[-2000:]}\n{self.composed.tail()}") from None

    @staticmethod
    def said():
        """All that Tandem has logged, in all its lives; an error before there is one."""
        return subprocess.run(["podman", "logs", "container_tandem_1"], env={**os.environ, **environment()}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=COMMAND_S, check=False).stdout

    def _compose(self):
        return ["docker-compose", "-f", os.path.join(self.place, "compose.yaml.test"), "-p", "container"]

    def podman(self, *argv):
        """Run podman in the gateway's network."""
        with self.gw.enter():
            done = subprocess.run(["podman", *argv], env={**os.environ, **environment()}, capture_output=True, text=True, timeout=COMMAND_S, check=False)
        assert done.returncode == 0, (argv, done.stdout, done.stderr, self.composed.tail())
        return done.stdout

    async def stop(self, check=True):
        if self.composed:
            subprocess.run([*self._compose(), "down", "-v", "-t", "1"], env={**os.environ, **self.host}, capture_output=True, timeout=COMMAND_S,
                           check=False)
            await self.composed.stop()
        if self.service:
            await self.service.stop()
        await super().stop(check)


pytestmark = [pytest.mark.limit(180), pytest.mark.alone,
              pytest.mark.bed_options(stage=ComposedBed, program=False, credentials=("tandem", "rightpw"))]


@pytest.mark.parametrize("place", ["call_out", "call_in"])
async def test_calls(scene, place):
    mine, theirs = await getattr(scene, place)(client=await scene.client("alice"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_its_image_is_the_one_that_was_built(scene):
    names = scene.bed.podman("ps", "--format", "{{.Names}} {{.Image}}")
    assert "container_tandem_1 localhost/tandem" in names and "container_prosody_1 localhost/tandem-prosody" in names, names
    inside = scene.bed.podman("exec", "container_tandem_1", "cat", "/proc/1/status", "/proc/1/limits")
    assert f"Uid:\t{OWNER}\t" in inside and "CapBnd:\t0000000000000000" in inside and "NoNewPrivs:\t1" in inside, inside
    wanted = re.search(r"nofile: (\d+)", scene.bed.text)[1]
    assert re.search(rf"^Max open files +{wanted} +{wanted} ", inside, re.M), inside


async def test_a_killed_one_goes_on_with_its_calls(scene):
    bed = scene.bed
    mine, theirs = await scene.call_out(client=await scene.client("alice"))
    await scene.heard(mine, theirs)
    before = bed.said().count(READY)
    os.kill(int(bed.podman("inspect", "--format", "{{.State.Pid}}", "container_tandem_1")), signal.SIGKILL)
    await bed.ready(before + 1)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
