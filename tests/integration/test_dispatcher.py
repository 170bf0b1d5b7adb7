# SPDX-License-Identifier: AGPL-3.0-or-later
"""A carrier calls Tandems, and they him, through a Kamailio with the configuration that deploy/guides/kamailio.txt shows. The
first Tandem of its list is not there.

    client c1  --  Prosody srv  --  Tandem gw  --  Kamailio kam 10.77.0.4: 10.77.0.99 (nobody), gw  --  carrier pstn 10.77.0.2
"""

import asyncio
import os
import shutil

import pytest

from bed import kamailio, proc
from bed.commands import ctl
from bed.scene import CARRIER, GATEWAY, Bed, own_number
from bed.tandem import ROOT

SNIPPETS = os.path.join(ROOT, "deploy", "snippets")
KAMAILIO, NOBODY = "10.77.0.4", "10.77.0.99"
NUMBER = "+15551237777"
READY_S = 20.0
ADDRESSES = (("192.0.2.10", KAMAILIO), ("192.0.2.21", NOBODY), ("192.0.2.22", GATEWAY), ("198.51.100.7", CARRIER))
# Beside the snippet's own lines: that it is seen to listen, and where its modules are.
BESIDE = 'log_stderror=yes\nlisten=tcp:@HOST@:@WEB@\nmpath="@MODULES@"\nloadmodule "tm.so"'


def adapted(name, directory, *changes):
    """A snippet with the addresses of this stage, in @directory; its path."""
    with open(os.path.join(SNIPPETS, name), encoding="utf-8") as file:
        text = file.read()
    for before, after in (*ADDRESSES, *changes):
        assert before in text or before in dict(ADDRESSES), before
        text = text.replace(before, after)
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class DispatcherBed(Bed):
    """A Bed whose trunk is the Kamailio."""

    kamailio = directory = None

    async def _start(self):
        await super()._start()
        self.directory = proc.directory("dispatcher")
        servers = adapted("kamailio-dispatcher.list", self.directory)
        template = adapted("kamailio-dispatcher.cfg", self.directory, ('loadmodule "tm.so"', BESIDE), ("log_stderror=no\n", ""),
                           ("/etc/kamailio/dispatcher.list", servers), ('"ds_ping_interval", 10', '"ds_ping_interval", 1'))
        node = self.network.node("kam", f"{KAMAILIO}/24")
        self.kamailio = await kamailio.Kamailio(node, KAMAILIO, GATEWAY, template).start()

    async def stop(self, check=True):
        if self.kamailio:
            await self.kamailio.stop()
            shutil.rmtree(self.directory)
        await super().stop(check)


WHY = kamailio.missing()
pytestmark = [
    pytest.mark.alone, pytest.mark.skipif(bool(WHY), reason=WHY or ""),
    pytest.mark.bed_options(stage=DispatcherBed, trunks={"carriers": {"proxy": f"sip:{KAMAILIO}:5060", "allow": [f"{KAMAILIO}/32"]}},
                            numbers={own_number("alice"): {"owner": "alice@example.org", "trunk": "carriers"}})]


async def call_in(scene, client):
    """(client's call, carrier's call), answered."""
    theirs = await scene.dial(own_number("alice"), gateway=KAMAILIO)
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    return mine, theirs


async def test_a_call_in_goes_to_the_one_that_is_there(scene):
    client = await scene.client("alice")
    mine, theirs = await call_in(scene, client)
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_a_call_out_goes_to_the_carrier(scene):
    client = await scene.client("alice")
    plan = scene.bed.carrier.expect(NUMBER)
    mine = await client.call(scene.jid(NUMBER))
    theirs = await plan.call()
    await theirs.ring()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_who_drains_gets_no_new_calls_and_keeps_his(scene):
    client = await scene.client("alice")
    mine, theirs = await call_in(scene, client)
    await ctl(scene.bed.tandem, "drain", "yes")
    try:
        refused = await scene.dial(own_number("alice"), gateway=KAMAILIO)
        assert "503" in await refused.wait("ended", READY_S)
        await scene.heard(mine, theirs)
    finally:
        await ctl(scene.bed.tandem, "drain", "no")
    await theirs.hangup()
    await mine.ended()


async def test_a_stranger_is_refused(scene):
    theirs = await scene.dial(own_number("alice"), carrier=scene.bed.pbx, gateway=KAMAILIO)
    assert "403" in await theirs.wait("ended")
