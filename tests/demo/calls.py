# SPDX-License-Identifier: AGPL-3.0-or-later
"""The calls of the demo: placed, listened to, measured and ended."""

import time
from dataclasses import dataclass, field

from bed import audio, capture, media, profiles
from bed.scene import CARRIER, DOMAIN, Scene

from progress import say, watch

LISTEN_S = 4.0
PROFILE = profiles.replace(profiles.PLAIN, ipv6=False)  # the packets are captured over IPv4


@dataclass
class Direction:
    """What went from one side of a call to the other while it was listened to."""

    sender: str
    receiver: str
    out: media.AudioStream
    into: media.AudioStream
    entering: tuple  # (address, port) that the packets come from on their way into Tandem
    leaving: tuple  # and that they go to when they leave it
    verdict: audio.Verdict = None
    begin: float = 0.0
    end: float = 0.0
    sent: list = field(default_factory=list)  # (time, rtp.Packet)
    received: list = field(default_factory=list)  # those of them that arrived, as they arrived
    unchanged: int = 0  # packets that arrived with the payload they were sent with
    delays: list = field(default_factory=list)  # seconds that packets spent in Tandem
    jitter: tuple = ()  # seconds, before and behind Tandem

    @property
    def lost(self):
        """Packets sent that never arrived."""
        return len(self.sent) - len(self.received)

    @property
    def good(self):
        """Whether the right tone was heard, and Tandem left the packets as they were."""
        return self.verdict.good and self.unchanged == len(self.received)

    def take(self, packets):
        """Take the figures from the @packets captured at Tandem."""
        every = self.out.tx.packets
        same, offset = media.unchanged(every, self.into.rx.packets)
        arrived = {(packet.seq - (offset or 0)) % 0x10000: (at, packet) for at, packet in self.into.rx.packets}
        self.sent = self.out.tx.between(self.begin, self.end)
        self.received = [arrived[packet.seq] for _, packet in self.sent if packet.seq in arrived]
        self.unchanged = sum(packet.seq in same for _, packet in self.sent)
        clock = media.codec.create(self.out.codec_name).clock

        def entering(packet):
            return packet.source == self.entering

        def leaving(packet):
            return packet.target == self.leaving

        self.delays = capture.delays(packets, entering, leaving, offset)
        self.jitter = (capture.jitter(packets, False, entering, clock), capture.jitter(packets, True, leaving, clock))


@dataclass
class Call:
    """A call of the demo; @failure says why it could not be finished."""

    title: str
    name: str
    scene: Scene
    directions: list = field(default_factory=list)
    mine: object = None  # the client's call, and the telephone's if there is one
    theirs: object = None
    log: list = field(default_factory=list)  # what Tandem logged about it
    failure: str = None

    @property
    def good(self):
        """Whether it went well in every direction."""
        return not self.failure and bool(self.directions) and all(d.good for d in self.directions)


async def out(call):
    """alice calls a telephone number."""
    call.mine, call.theirs = await call.scene.call_out(PROFILE, user="alice")


async def into(call):
    """The telephone calls alice's number."""
    call.mine, call.theirs = await call.scene.call_in(PROFILE, user="alice")


async def echo(call):
    """alice calls the built-in number that says back what it hears."""
    client = await call.scene.client("alice", PROFILE)
    call.mine = await client.call(f"echo@{DOMAIN}")
    await call.mine.wait("media")


CALLS = (("call out: alice, an XMPP user, calls a telephone number", "call-out", out),
         ("call in: the telephone calls alice's number", "call-in", into),
         (f"echo: alice calls echo@{DOMAIN}, where Tandem itself says back what it hears", "echo", echo))


def _directions(call):
    client = call.mine.transport.agent.selected().local_addr
    if call.theirs is None:
        return [Direction("alice", "alice", call.mine.audio, call.mine.audio, client, client)]
    trunk = (CARRIER, call.theirs.port)
    return [Direction("alice", "telephone", call.mine.audio, call.theirs.audio, client, trunk),
            Direction("telephone", "alice", call.theirs.audio, call.mine.audio, trunk, client)]


async def _listen(bed, call):
    """Listen to all directions of @call while the packets at Tandem are captured."""
    found = _directions(call)
    for direction in found:
        direction.out.tx = media.Recording()
    seen = capture.Capture(bed.gw)
    try:
        begin, end, verdicts = await media.measure(*((d.out, d.into) for d in found), seconds=LISTEN_S)
    finally:
        packets = seen.stop()
    for direction, verdict in zip(found, verdicts):
        direction.verdict, direction.begin, direction.end = verdict, begin, end
        direction.take(packets)
    call.directions = found


async def one(bed, title, name, place):
    """Place a call, listen, hang up; the Call tells how it went."""
    say(title)
    call, begin, logged = Call(title, name, Scene(bed)), time.monotonic(), len(bed.tandem.log)
    call.scene.timeline.watch = watch
    try:
        await place(call)
        say(f"   connected after {time.monotonic() - begin:.2f} s; both sides play a tone, listening for {LISTEN_S:.0f} s ...")
        await _listen(bed, call)
        await call.mine.hangup()
        if call.theirs:
            await call.theirs.wait("ended")
        await call.scene.close()
        call.scene.check()
        say("   hung up: " + ("every tone was heard on the other side" if call.good else "WRONG, see below"))
    except (AssertionError, OSError) as error:
        call.failure = str(error)
        say(f"   FAILED: {call.failure.splitlines()[0]}")
    finally:
        await call.scene.close()
        call.log = [line for line in bed.tandem.log[logged:].splitlines() if "call=" in line]
    return call
