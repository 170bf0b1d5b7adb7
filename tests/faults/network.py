# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is at the other end of a connection: the XMPP server, a trunk."""

import asyncio
import time

from fault import PROFILE, Fault

from bed.scene import CARRIER


class StreamLost(Fault):
    """The component's stream breaks and cannot be built again for a while."""

    name = "component stream lost"
    expected = "calls go on; it connects again; ends of meanwhile are told"
    short = True
    bed = {"cuttable": True}
    down_s = 2.0

    async def run(self, scene):
        calls = await self.talk(scene)
        await scene.bed.cut.cut()
        await self.logs(scene, r"event=xmpp-down")
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

    async def run(self, scene):
        calls = await self.talk(scene)
        begun = time.monotonic()
        await scene.bed.server.process.stop()
        await self.logs(scene, r"event=xmpp-down")
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
            await self.logs(scene, r"trunk=carrier .*-> down", 60)
        finally:
            wall.remove()
        await self.logs(scene, r"trunk=carrier down -> up", 60)
        await self.still(calls)
        await self.hang_up(calls)
        mine, _ = await scene.call_out(PROFILE)
        await mine.hangup()
        return f"ended after {took:.1f} s: {how}"


FAULTS = (StreamLost, ServerRestarted, TrunkGone)
