# SPDX-License-Identifier: AGPL-3.0-or-later
"""A carrier with several servers, of which the first is dead, silent or overloaded.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn: DNS 10.77.0.2, SRV "a" 10.77.0.66 or .67, then "b" 10.77.0.68;
                                                  or NAPTR: TCP, which nobody speaks, then UDP with two servers of SRV
"""

import time

import pytest

from bed import names, phone, proc
from bed.scene import CARRIER, Bed

DEAD, SILENT, BUSY, ALIVE = "10.77.0.66", "10.77.0.67", "10.77.0.69", "10.77.0.68"
SECONDS = 6.0  # until the second server has the call


def _pool(first):
    return {("_sip._udp.%s.test" % first, names.SRV): [(10, 0, 5060, f"{first}.a.test"), (20, 0, 5060, "b.test")],
            (f"{first}.a.test", names.A): [{"dead": DEAD, "silent": SILENT, "busy": BUSY}[first]]}


CHOSEN = {("chosen.test", names.NAPTR): [(20, 10, "SIP+D2U", "_u.chosen.test"), (10, 50, "SIP+D2T", "_t.chosen.test"),
                                         (1, 1, "E2U+sip", "_e.chosen.test")],
          ("_t.chosen.test", names.SRV): [(1, 0, 5060, "b.test")],
          ("_u.chosen.test", names.SRV): [(20, 0, 5060, "b.test"), (10, 0, 5060, "silent.a.test")]}
RECORDS = {**_pool("dead"), **_pool("silent"), **_pool("busy"), **CHOSEN, ("b.test", names.A): [ALIVE]}


class Stage(Bed):
    """With a name server, the second server, and one that is overloaded."""

    async def _start(self):
        self.names = self.alive = self.busy = None
        self.program, program = False, self.program
        await super()._start()
        self.program = program
        for address in (SILENT, ALIVE, BUSY):
            self.pstn.add_address(f"{address}/24")
        self.pstn.block(to=SILENT)
        self.names = await names.Names(RECORDS).start(self.pstn, CARRIER)
        self.alive = await phone.Phone(self.pstn, ALIVE, name="alive").start()
        self.busy = await Overloaded(self.pstn, BUSY, name="busy").start()
        self.tandem = await self.make_tandem().start()

    async def stop(self, check=True):
        for part in (self.names, self.alive, self.busy):
            if part:
                part.close()
        await super().stop(check)


class Overloaded(phone.Phone):
    """Answers OPTIONS, and refuses every call."""

    invites = 0

    def _on_invite(self, request, peer):
        self.invites += 1
        self.wire.respond(request, peer, 100, "Trying")
        self.wire.respond(request, peer, 503, "Service Unavailable", tag="b", headers=[("Retry-After", "30")])


pytestmark = [pytest.mark.bed_options(
    stage=Stage, sections={"sip": {"nameservers": CARRIER}},
    trunks={**{name: {"proxy": f"sip:{name}.test;transport=udp"} for name in ("dead", "silent", "busy")},
            "chosen": {"proxy": "sip:chosen.test"}},
    numbers={"+15557660051": {"owner": "u51@example.org", "trunk": "dead"},
             "+15557660052": {"owner": "u52@example.org", "trunk": "silent"},
             "+15557660053": {"owner": "u53@example.org", "trunk": "busy"},
             "+15557660054": {"owner": "u54@example.org", "trunk": "chosen"}})]


@pytest.mark.parametrize("user", ["u51", "u52", "u53", "u54"])
async def test_the_second_server_takes_the_call(scene, user):
    client = await scene.client(user)
    started = time.monotonic()
    mine, theirs = await scene.propose(client=client, carrier=scene.bed.alive)
    scene.figure(f"a call of {user} is at the second server after", f"{time.monotonic() - started:.1f} s")
    assert time.monotonic() - started < SECONDS
    await theirs.ring()
    await theirs.answer()
    await mine.wait("media")
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_the_trunk_is_degraded_and_says_so(scene):
    await proc.until(lambda: "trunk=silent unknown -> degraded" in scene.bed.tandem.log, 20.0, "the trunk is degraded")
