# SPDX-License-Identifier: AGPL-3.0-or-later
"""`make demo` as it is run, and `make demo KEEP=1` as a person with a client of their own meets it.

    client c1  --TLS, DTLS-SRTP-->  gw: Prosody, Tandem and the telephone, all at one address
"""

import os
import shutil
import ssl
import sys
import urllib.request
import wave

import numpy as np
import pytest

from bed import jingle, media, proc, profiles, prosody, readme, tandem
from bed.scene import GATEWAY

sys.path.insert(0, os.path.join(tandem.ROOT, "tests", "demo"))

import guide  # noqa: E402  pylint: disable=wrong-import-position
import keep  # noqa: E402  pylint: disable=wrong-import-position

pytestmark = [pytest.mark.bed_options(program=False), pytest.mark.alone, pytest.mark.quiet]

PROFILE = profiles.replace(profiles.PLAIN, ipv6=False)


@pytest.fixture(autouse=True)
def program():
    """The demo starts a Tandem of its own."""
    if tandem.missing():
        pytest.skip(tandem.missing())


FILES = {"call-out-alice-to-telephone.wav", "call-out-telephone-to-alice.wav", "call-in-alice-to-telephone.wav",
         "call-in-telephone-to-alice.wav", "echo-alice-to-alice.wav", "calls.png", "timeline.txt", "tandem.log", "prosody.log"}


@pytest.mark.limit(150)
async def test_the_demo_passes_and_leaves_its_recordings(scene):
    directory = proc.directory("demo")
    demo = proc.Process("demo", [sys.executable, "-B", os.path.join(tandem.ROOT, "tests", "demo"), "--out", directory], scene.bed.c2)
    status = await demo.wait(140)
    assert status == 0 and "PASSED: 3 calls, 5 tones sent and heard" in demo.log(), demo.log()
    assert not readme.absent("make demo", demo.log()), (readme.absent("make demo", demo.log()), demo.log())
    for name in FILES:
        assert os.path.getsize(os.path.join(directory, name)) > 1000, name
    with wave.open(os.path.join(directory, "call-in-alice-to-telephone.wav")) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert len(sides) > 3 * file.getframerate() and np.array_equal(sides[:, 0], sides[:, 1]), "sent and heard differ"
    await demo.stop()
    demo.remove()
    shutil.rmtree(directory)


async def test_a_demo_without_a_gateway_that_works_fails_and_says_why(scene):
    directory = proc.directory("demo")
    demo = proc.Process("demo", [sys.executable, "-B", os.path.join(tandem.ROOT, "tests", "demo"), "--out", directory], scene.bed.c2,
                        env={"TANDEM": "/bin/false"})
    assert await demo.wait(40) == 1
    assert "FAILED" in demo.log() and "tandem ended with 1" in demo.log() and "What to do" in demo.log(), demo.log()
    await demo.stop()
    demo.remove()
    shutil.rmtree(directory)


class Guest:
    """A demo that stays, and alice's client in it."""

    def __init__(self, scene, tell):
        self.scene, self.stay, self.client = scene, None, None
        self.directory, self.tell = proc.directory("keep"), tell

    async def __aenter__(self):
        self.stay = keep.Stay(self.scene.bed.gw, GATEWAY, self.directory, self.tell)
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _start(self):
        await self.stay.start()
        self.client = jingle.Client(self.scene.bed.c1, GATEWAY, "alice", profile=PROFILE, host=GATEWAY,
                                    password=self.stay.password, trust=os.path.join(self.directory, "cert.pem"))
        self.scene.clients.append(self.client)
        await self.client.start()

    async def __aexit__(self, *error):
        await self.scene.close()
        await self.stay.stop()
        shutil.rmtree(self.directory)


async def hears_itself(call):
    """What the client sends comes back."""
    await call.wait("media", 15)
    await media.listen((call.audio, call.audio), seconds=1.0)


async def test_contacts_are_online_and_answer(scene):
    async with Guest(scene, lambda line: None) as guest:
        for local in ("echo", guide.NUMBER):
            jid = f"{local}@{guest.stay.domain}"
            await proc.until(lambda j=jid: any(jingle.bare(full) == j for full in guest.client.presences), 5.0, f"{jid} is online")
            call = await guest.client.call(jid)
            await hears_itself(call)
            await call.hangup()


async def test_the_telephone_calls(scene):
    told = []
    async with Guest(scene, told.append) as guest:
        ringing = guest.client.spawn(guest.stay.ring("alice"))
        call = await guest.client.incoming()
        call.ring()
        await call.accept()
        await hears_itself(call)
        await call.hangup()
        await ringing
    assert any("has answered" in line for line in told) and "ended" in told[-1], told


async def test_the_certificate_offered_for_download_is_the_server_s(scene):
    async with Guest(scene, lambda line: None) as guest:
        with scene.bed.c1.enter():  # nothing here awaits: the servers are processes of their own
            with urllib.request.urlopen(f"http://{GATEWAY}:{prosody.HTTP_PORT}/{prosody.CERTIFICATE}", timeout=5) as answer:
                offered = answer.read().decode()
            context = ssl.create_default_context(cadata=offered)
            for path in ("http-bind", "xmpp-websocket"):
                url = f"https://{GATEWAY}:{prosody.HTTPS_PORT}/{path}"
                with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                    assert answer.status == 200
        assert guest.stay.password not in offered


async def test_a_port_in_use_is_named(scene):
    async with Guest(scene, lambda line: None) as guest:
        second = keep.Stay(scene.bed.gw, GATEWAY, guest.directory)
        with pytest.raises(AssertionError, match=r"TCP 10\.77\.0\.1:5222 is in use"):
            await second.start()
        await second.stop()


async def test_certificate_and_password_outlive_a_run(scene):
    async with Guest(scene, lambda line: None) as guest:
        with open(os.path.join(guest.directory, "cert.pem"), "rb") as file:
            before = file.read()
        again = keep.Stay(scene.bed.gw, GATEWAY, guest.directory)
        with open(os.path.join(guest.directory, "cert.pem"), "rb") as file:
            assert file.read() == before
        assert again.password == guest.stay.password
        await again.stop()
