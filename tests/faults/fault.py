# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a fault of the table is: how it is made, what shall come of it, and what came of it."""

import asyncio
import os
import pwd
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from bed import database, media, proc, profiles, tandem, scene as scenes  # noqa: E402  pylint: disable=wrong-import-position
from bed.jingle import CLIENT  # noqa: E402  pylint: disable=wrong-import-position
from bed.jinglexml import element  # noqa: E402  pylint: disable=wrong-import-position

PROFILE = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=60.0)
CALLS = 2  # each way
TEXT_S = 40.0
LOGGED_S = 10.0


def path_of(scene):
    """The database's path."""
    return scene.bed.tandem.sections["db"]["path"]


def records(scene):
    """(cause, milliseconds talked) of every call record."""
    return database.rows(path_of(scene), "SELECT cause, ended_ms - answered_ms FROM cdr")


class Texts:
    """A text each way, between a client and the carrier, on their way while something is wrong."""

    def __init__(self, scene, client):
        self.carrier, self.client, self.number = scene.bed.carrier, client, scene.number()
        body = element(CLIENT, "body")
        body.text = "out"
        client.message(scene.jid(self.number), body)
        uri = f"sip:{scenes.own_number(client.user)}@{scene.bed.gateway_address}"
        self.inbound = asyncio.ensure_future(self.carrier.text(uri, ("udp", scene.bed.gateway_address, 5060), "in", caller=self.number))

    async def lost(self):
        """How many never came, though nobody was told so."""
        lost = 0
        try:
            await asyncio.wait_for(self.carrier.texts_to(self.number).get(), TEXT_S)
        except asyncio.TimeoutError:
            lost += 1
        response, _ = await self.inbound
        if response.status < 300:
            try:
                await asyncio.wait_for(self.client.messages.get(), TEXT_S)
            except asyncio.TimeoutError:
                lost += 1
        return lost


class Fault:
    """One line of the table. run() makes the fault and raises AssertionError when what it expects does not come."""

    name = ""  # the fault
    expected = ""  # the behaviour that is written down for it (README, "When something breaks")
    says = ()  # patterns of the lines in which the log names cause and consequence: without one of them the fault fails
    short = False  # also in `make check`
    stage = scenes.Bed
    bed = {}  # options of the stage; faults with the same ones share it
    limit_s = 90.0

    def __init__(self):
        self.calls_lost = self.messages_lost = 0
        self.said = []  # the lines of says
        self.log_elsewhere = None  # of a process that is not the stage's

    @staticmethod
    def missing():
        """What is not installed that it needs, or None."""

    async def run(self, scene):
        """Returns what was seen, in a few words; counts what was lost."""
        raise NotImplementedError

    async def make(self, scene):
        """run(), after which the log says what it was, and what came of it."""
        path = scene.bed.tandem.process.path
        begun = os.path.getsize(path)
        seen = await self.run(scene)
        await proc.until(lambda: self.has_said(path, begun), LOGGED_S, f"the log says /{'/ and /'.join(self.says)}/")
        return seen

    def has_said(self, path, begun):
        """Whether each line is in the log, which all processes since then have written."""
        with open(path, "rb") as file:
            file.seek(begun)
            lines = (self.log_elsewhere or file.read().decode("utf-8", "replace")).splitlines()
        found = [next((line for line in lines if re.search(pattern, line)), None) for pattern in self.says]
        self.said = [line for line in found if line]
        return len(self.said) == len(self.says)

    async def talk(self, scene, each=CALLS):
        """@each calls up both ways, all heard and in the session table: [(client's, carrier's)]."""
        calls = [await scene.call_out(PROFILE) for _ in range(each)] + [await scene.call_in(PROFILE) for _ in range(each)]
        await database.kept(scene.bed.tandem, 2 * len(calls))
        await self.heard(calls)
        return calls

    @staticmethod
    async def heard(calls):
        """All of them hear each other."""
        await media.listen(*((a.audio, b.audio) for a, b in calls), *((b.audio, a.audio) for a, b in calls), seconds=1.0)

    async def still(self, calls):
        """All @calls are heard, or counted as lost."""
        alive = [call for call in calls if not any(side.passed("ended") for side in call)]
        self.calls_lost += len(calls) - len(alive)
        await self.heard(alive)
        assert not self.calls_lost, f"{self.calls_lost} of {len(calls)} calls have ended"

    async def heard_again(self, calls, within_s):
        """All are heard, within so many seconds from now, and end as they should; the seconds it took."""
        begun = time.monotonic()
        await asyncio.gather(*(media.flowing(side.audio, within_s, after=begun) for call in calls for side in call))
        took = time.monotonic() - begun
        await self.still(calls)
        await self.hang_up(calls)
        return took

    @staticmethod
    async def hang_up(calls):
        """Each side ends some; the other one is told."""
        for i, (mine, theirs) in enumerate(calls):
            await (theirs if i % 2 else mine).hangup()
        for mine, theirs in calls:
            await asyncio.gather(mine.ended(), theirs.wait("ended"))

    @staticmethod
    async def again(server, wrap):
        """Start the process anew under the command @wrap."""
        await server.process.stop()
        os.environ["TANDEM_WRAP"] = wrap
        try:
            await server.start()
        finally:
            os.environ["TANDEM_WRAP"] = ""

    @staticmethod
    def limit(scene, **limits):
        """Set soft limits (prlimit(1)) of the running process, as the user it runs as."""
        user = pwd.getpwnam(tandem.USER)
        subprocess.run(["prlimit", f"--pid={scene.bed.tandem.process.pid}", *(f"--{name}={value}:unlimited" for name, value in limits.items())],
                       check=True, user=user.pw_uid, group=user.pw_gid, extra_groups=[])

    @staticmethod
    async def logs(scene, pattern, timeout=10.0):
        """Wait until the log has a line that names cause and consequence."""
        await scene.bed.tandem.process.wait_log(pattern, timeout)


class Outage(Fault):
    """Something is away or wrong for a while. Calls are up before; meanwhile one of them ends, another one comes, and texts are sent.
    Afterwards each call has its record, of the time that it took."""

    says_meanwhile = True
    lasts_s = 0.0
    texts = True
    exact_ms = 4000

    async def begin(self, scene):
        """Make it."""
        raise NotImplementedError

    async def end(self, scene):
        """As it was."""
        raise NotImplementedError

    async def run(self, scene):
        begun = time.monotonic()
        calls = await self.talk(scene, each=1)
        before = len(records(scene))
        writer = await scene.client() if self.texts else None
        await self.begin(scene)
        try:
            sent = Texts(scene, writer) if writer else None
            new = await scene.call_out(PROFILE)
            await calls[0][0].hangup()
            await calls[0][1].wait("ended")
            await asyncio.sleep(self.lasts_s)
            await self.still([calls[1], new])
            if self.says_meanwhile:
                await self.logs(scene, self.says[0])
        finally:
            await self.end(scene)
        await self.hang_up([calls[1], new])
        await proc.until(lambda: len(records(scene)) >= before + 3, 15, "all three calls have records")
        most = (time.monotonic() - begun) * 1000 + self.exact_ms
        wrong = [row for row in records(scene)[before:] if row[0] != "normal" or not 0 <= row[1] <= most]
        assert not wrong, f"records (cause, ms) are {wrong}"
        self.messages_lost = await sent.lost() if sent else 0
        assert not self.messages_lost, "a text is lost"
        return "a call came, one ended, 3 true records" + (", 2 texts" if sent else "")
