# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process dies under clients that are Chromium with StanzaJS: libwebrtc has its own replay window, consent and ICE."""

import asyncio
import struct
import time

import process
from fault import Fault

from bed import capture, chromium, database, indices, media, proc, stanzajs, wrap

CHROMIUM = "10.77.0.11"
WIDE = 400  # numbers before the wrap: some seconds
EVENTS_S = 10.0
STRAGGLERS_S = 0.1  # what was under way when the process died


class Wire:
    """What the gateway sends to the browser."""

    def __init__(self, scene):
        self.capture = capture.Capture(scene.bed.gw, kept=indices.WHOLE)

    def sent(self):
        """The packets of audio so far."""
        return [packet for packet in self.capture.packets if packet.out and packet.target[0] == CHROMIUM and len(packet.payload) >= 12
                and packet.payload[0] >> 6 == 2 and not 192 <= packet.payload[1] <= 223]

    def last(self):
        """The number of the last one."""
        return struct.unpack_from("!H", self.sent()[-1].payload, 2)[0]

    def gap(self):
        """The longest time between two of them, in seconds."""
        at = [packet.at for packet in self.sent()]
        return max(after - before for before, after in zip(at, at[1:]))

    def used(self):
        """Ends the recording."""
        return indices.Used([packet for packet in self.capture.stop() if packet.target[0] == CHROMIUM], lambda target: True)


class KilledUnderChromium(Fault):
    """One call is killed before, at and after the wrap of what it is sent, after digits and after a change of source; then each side
    holds, the browser restarts ICE, and the telephone hangs up. In a second one the browser does."""

    name = "killed six times under Chromium"
    expected = "heard within 2 s of each new start; no index twice; hold, ICE restart, both ends work"
    says = (process.RECOVERED % 1,)
    bed = {"browser": stanzajs.Browser}
    limit_s = 300.0
    within_s = 2.0

    def __init__(self):
        super().__init__()
        self.gaps = []

    @staticmethod
    def missing():
        return stanzajs.missing()

    async def place(self, scene):
        """A call out, heard."""
        device = stanzajs.Device(scene.bed.browser, scene.bed.server, next(scene.bed.users), "one")
        scene.clients.append(device)
        mine, theirs = await scene.call_out(client=await device.start())
        await self.judged(mine, theirs)
        return mine, theirs

    @staticmethod
    async def judged(mine, theirs):
        """Both hear each other's tone, once libwebrtc's jitter buffer has settled."""
        await chromium.listen((mine.audio, theirs.audio), (theirs.audio, mine.audio), peers=[mine], seconds=1.0)

    async def killed(self, scene, mine, theirs):
        """SIGKILL now, and a new start: the telephone hears within the time, and both in the end."""
        tandem = scene.bed.tandem
        await tandem.kill()
        died = theirs.audio.rx.packets[-1][0] + STRAGGLERS_S
        begun = time.monotonic()
        starting = asyncio.ensure_future(tandem.start())
        await media.flowing(theirs.audio, self.within_s, packets=1, after=max(begun, died))
        self.gaps.append(next(at for at, _ in theirs.audio.rx.packets if at > died) - died + STRAGGLERS_S)
        await starting
        await self.judged(mine, theirs)

    async def moments(self, scene, mine, theirs, wire):
        """Each of them, and a death at once."""
        await wrap.advance(theirs.audio, wrap.WRAP - WIDE, wire.last)
        await self.killed(scene, mine, theirs)
        assert wire.last() > wrap.WRAP // 2, "that was not before the wrap"
        await wrap.advance(theirs.audio, wrap.WRAP - 20, wire.last)
        await proc.until(lambda: wire.last() >= wrap.WRAP - 2 or wire.last() < wrap.WRAP // 2, 10, "the wrap is here")
        await self.killed(scene, mine, theirs)
        await proc.until(lambda: wire.last() < wrap.WRAP // 2, 10, "the wrap is over")
        await self.killed(scene, mine, theirs)
        await mine.digits("15#")
        await proc.until(lambda: theirs.audio.events.digits == "15#" and theirs.audio.events.ended[-1], EVENTS_S, "the digits arrive")
        await self.killed(scene, mine, theirs)
        theirs.audio.ssrc ^= 0x5A5A5A5A
        theirs.audio.seq, theirs.audio.ts = 65400, 77777
        await asyncio.sleep(0.3)
        await self.killed(scene, mine, theirs)

    async def afterwards(self, mine, theirs):
        """Hold from each side, and an ICE restart."""
        await theirs.hold()
        await mine.wait("hold")
        await theirs.resume()
        await self.judged(mine, theirs)
        await mine.hold()
        await theirs.told("sendonly", "inactive")
        await mine.resume()
        await theirs.told("sendrecv")
        await mine.restart_ice()
        await self.judged(mine, theirs)

    async def run(self, scene):
        wire = Wire(scene)
        try:
            mine, theirs = await self.place(scene)
            await database.kept(scene.bed.tandem)
            await self.moments(scene, mine, theirs, wire)
            gap = wire.gap()
            await self.afterwards(mine, theirs)
            assert (await theirs.hangup()).status == 200
            await mine.ended()
        finally:
            used = wire.used()
        assert len(used.rtp) == 1, f"the browser was sent SSRCs {sorted(used.rtp)}"
        assert not used.repeated(), f"used twice under one key: {used.repeated()[:20]}"
        mine, theirs = await self.place(scene)
        await database.kept(scene.bed.tandem)
        await self.killed(scene, mine, theirs)
        await mine.hangup()
        assert "BYE" in await theirs.wait("ended")
        count = sum(len(indices_) for indices_ in (*used.rtp.values(), *used.rtcp.values()))
        return f"gaps of {min(self.gaps):.2f} to {max(self.gaps):.2f} s to the telephone, {gap:.2f} s at most to Chromium; {count} indices"


FAULTS = (KilledUnderChromium,)
