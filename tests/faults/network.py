# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is at the other end of a connection: the XMPP server, a trunk."""

import asyncio
import time

from fault import PROFILE, Fault, Outage

from bed import names
from bed.scene import CARRIER, Bed


DOWN = r"event=xmpp-down .*why=.*calls in progress go on, connecting again"


class StreamLost(Fault):
    """The component's stream breaks and cannot be built again for a while."""

    name = "component stream lost"
    expected = "calls go on; it connects again; ends of meanwhile are told"
    says = (DOWN, "event=xmpp-up")
    short = True
    bed = {"cuttable": True}
    down_s = 2.0

    async def run(self, scene):
        calls = await self.talk(scene)
        await scene.bed.cut.cut()
        await self.logs(scene, DOWN)
        await calls[0][1].hangup()
        await asyncio.sleep(self.down_s)
        await self.still(calls[1:])
        begun = time.monotonic()
        await scene.bed.cut.heal()
        assert (await calls[0][0].ended(20)).startswith("terminate")
        took = time.monotonic() - begun
        await self.still(calls[1:])
        await self.hang_up(calls[1:])
        return f"back after {took:.1f} s"


class ServerRestarted(Fault):
    """The XMPP server is stopped and started: the clients' streams go with it."""

    name = "XMPP server restarted"
    expected = "media goes on; it connects again and serves"
    says = (DOWN, "event=xmpp-up")

    async def run(self, scene):
        calls = await self.talk(scene)
        begun = time.monotonic()
        await scene.bed.server.process.stop()
        await self.logs(scene, DOWN)
        await self.heard(calls)
        await scene.bed.server.restart(30)
        await self.logs(scene, r"event=xmpp-up", 30)
        took = time.monotonic() - begun
        await self.heard(calls)
        for _, theirs in calls:
            await theirs.hangup()
        await scene.alive()
        return f"back after {took:.1f} s"


class TrunkGone(Fault):
    """The carrier's machine is off: nothing answers, not even with ICMP."""

    name = "trunk gone"
    expected = "new calls end in words; media of others goes on; back by itself"
    says = (r"trunk=carrier .*-> down why=.*: calls go by another one or end in words", "trunk=carrier down -> up")
    limit_s = 180.0

    async def run(self, scene):
        calls = await self.talk(scene, each=1)
        client = await scene.client()
        wall = scene.bed.pstn.block(to=CARRIER, port=5060)
        try:
            begun = time.monotonic()
            how = await (await client.call(scene.jid(scene.number()))).ended(40)
            took = time.monotonic() - begun
            await self.heard(calls)
            await self.logs(scene, self.says[0], 60)
        finally:
            wall.remove()
        await self.logs(scene, self.says[1], 60)
        await self.still(calls)
        await self.hang_up(calls)
        mine, _ = await scene.call_out(PROFILE)
        await mine.hangup()
        return f"ended after {took:.1f} s: {how}"


NAMED = {"proxy": "sip:carrier.test", "allow": [f"{CARRIER}/32"]}


class NamedStage(Bed):
    """The carrier is known by its name alone."""

    async def _start(self):
        self.names = None
        self.program, program = False, self.program
        await super()._start()
        self.program = program
        await self.answer_names()
        self.tandem = await self.make_tandem().start()

    async def answer_names(self):
        """From now on."""
        self.names = await names.Names({("carrier.test", names.A): [CARRIER]}).start(self.pstn, CARRIER)

    async def stop(self, check=True):
        if self.names:
            self.names.close()
        await super().stop(check)


class NamesGone(Outage):
    """The name server is off for longer than what it said holds."""

    name = "DNS gone"
    expected = "the addresses of before stand: calls and texts come and go"
    stage = NamedStage
    bed = {"trunks": {"carrier": NAMED}, "sections": {"sip": {"nameservers": CARRIER}}}
    limit_s = 150.0
    says = (r"trunk=carrier what=\"no address\" .*those of before stand",)

    async def begin(self, scene):
        scene.bed.names.close()
        await self.logs(scene, self.says[0], names.TTL_S + 20)

    async def end(self, scene):
        await scene.bed.answer_names()


FAULTS = (StreamLost, ServerRestarted, TrunkGone, NamesGone)
