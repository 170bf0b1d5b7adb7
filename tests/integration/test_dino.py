# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dino as Debian has it, on a display and with a microphone, used as a person uses it.

    Dino c1 (Xvfb, PulseAudio, D-Bus)  --  Prosody or ejabberd srv (TLS)  --  Tandem gw  --  carrier pstn

Its voice processing takes any lasting tone for noise, so the way from its microphone is judged less strictly."""

import asyncio
import shutil

import pytest

from bed import audio, certificate, dino, ejabberd, media, proc, prosody, xmppserver
from bed.scene import Bed

USER, NUMBER = "alice", "+15557654321"
CONTACT = "+15553334444"
ONLINE_S, STATE_S, FAINT_DB = 20.0, 5.0, -25.0
CALLS, ATTEMPTS = 6, 4

pytestmark = [pytest.mark.alone, pytest.mark.limit(120),
              pytest.mark.skipif(bool(dino.missing()), reason=dino.missing() or "")]


class Desk(Bed):
    """A Bed whose server has TLS, and a desk in c1 with Dino on it."""

    def __init__(self, server, **options):
        self.identity = proc.directory("identity")
        certificate.write(self.identity, xmppserver.HOST)
        self.dino = None
        super().__init__(server=type("Encrypted", (server,), {"identity": self.identity}), **options)

    async def _start(self):
        await super()._start()
        self.dino = dino.Dino(self.c1, self.server_address, USER, f"{self.identity}/cert.pem")
        await self.dino.start()

    async def stop(self, check=True):
        if self.dino:
            await self.dino.stop()
        shutil.rmtree(self.identity, ignore_errors=True)
        await super().stop(check)


pytestmark.append(pytest.mark.parametrize("bed", [{"stage": Desk, "server": server} for server in (prosody.Prosody, ejabberd.Ejabberd)],
                                          ids=lambda bed: bed["server"].name, indirect=True, scope="module"))


async def at_the_desk(scene):
    """(Dino, another device of its account) when both are online."""
    mine = scene.bed.dino
    mine.timeline = mine.audio.timeline = scene.timeline
    other = await scene.client(USER, resource="other")
    await proc.until(lambda: f"{other.boundjid.bare}/dino" in other.presences, ONLINE_S, "Dino is online")
    return mine, other


async def call_out(scene):
    """An answered call of Dino's to a contact."""
    mine, other = await at_the_desk(scene)
    other.presence("subscribe", to=scene.jid(CONTACT))
    plan = scene.bed.carrier.expect(CONTACT)
    for _ in range(CALLS):
        await mine.call(scene.jid(CONTACT))
        theirs = await plan.call()
        await theirs.ring()
        await theirs.answer()
        await theirs.wait("acked")
        if await mine.speaks():
            break
        await theirs.hangup()
    return mine, theirs


async def call_in(scene):
    """A call to Dino that it has accepted."""
    mine, _ = await at_the_desk(scene)
    for _ in range(CALLS):
        theirs = await scene.dial(NUMBER)
        await mine.rings()
        await mine.accept()
        await theirs.wait("answered")
        if await mine.speaks():
            break
        await theirs.hangup()
    return mine, theirs


BOTH_WAYS = pytest.mark.parametrize("place", [call_out, call_in], ids=["out", "in"])


async def heard(scene, mine, theirs):
    """Judge the way to the loudspeaker in full, that from the microphone by its frequency and by some loudness.

    On a busy machine PulseAudio and Dino get their time in pieces: one of so many attempts has to be good."""
    for _ in range(ATTEMPTS):
        _, _, (spoken, played) = await media.measure((mine.audio, theirs.audio), (theirs.audio, mine.audio))
        close = abs(spoken.frequency - mine.audio.tone.frequency) < audio.FREQUENCY_TOLERANCE_HZ
        if played.good and close and spoken.level_db > FAINT_DB:
            return
    raise AssertionError(f"Dino is heard as {spoken}, and plays {played}")


@BOTH_WAYS
async def test_hangs_up(scene, place):
    mine, theirs = await place(scene)
    await heard(scene, mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


@BOTH_WAYS
async def test_is_hung_up_on(scene, place):
    mine, theirs = await place(scene)
    await heard(scene, mine, theirs)
    assert (await theirs.hangup()).status == 200
    await scene.alive()


async def test_rejects(scene):
    mine, _ = await at_the_desk(scene)
    theirs = await scene.dial(NUMBER)
    await mine.rings()
    await mine.reject()
    assert (await theirs.wait("ended")).startswith(("603", "486"))


async def test_misses_a_call(scene):
    mine, _ = await at_the_desk(scene)
    theirs = await scene.dial(NUMBER)
    await mine.rings()
    await theirs.wait("ringing")
    await theirs.cancel()
    await proc.until(lambda: mine.state() == dino.MISSED, STATE_S, "Dino has missed the call")


async def test_another_device_answers(scene):
    mine, other = await at_the_desk(scene)
    theirs = await scene.dial(NUMBER)
    call = await other.incoming()
    await mine.rings()
    await call.accept()
    await asyncio.gather(theirs.wait("answered"), call.wait("media"))
    await proc.until(lambda: mine.state() == dino.OTHER_DEVICE, STATE_S, "Dino knows who has the call")
    await scene.heard(call, theirs)
    await call.hangup()
    await theirs.wait("ended")
