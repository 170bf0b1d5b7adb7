# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dino, Debian's package, as a person has it before them: on a display (Xvfb), with a microphone and ears (PulseAudio).

Its account is written into its database. It is answered by the D-Bus action of its notifications, and calls and hangs up by the
buttons of its windows, found by their names for assistive technology (AT-SPI). The tone is played into one null sink, whose
monitor is the microphone; what Dino plays goes into another, which is recorded."""

import asyncio
import importlib.util
import os
import shutil
import sqlite3
import sys
import time

import numpy as np

from . import audio, proc, timeline, xmppserver
from .voice import Frames, Voice

PROGRAM = "dino-im"
NEEDS = (PROGRAM, "Xvfb", "dbus-daemon", "pulseaudio", "pacat", "pactl", "gdbus")
START_S, ANSWER_S, CATCH_UP_S = 30.0, 10.0, 3.0
SPEAKS_S, READY_S = 1.5, 0.5
RATE, BLOCK, PRIORITY = 48000, 960, -10
MICROPHONE_HZ = 1580  # whole waves in a period of the code, and far from any frequency of audio.Tone()
OTHER_DEVICE, MISSED = 3, 6  # states in Dino's table of calls
ATSPI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "atspi.py")
ACTIONS = ("gdbus", "call", "--session", "--dest", "im.dino.Dino", "--object-path", "/im/dino/Dino", "--method")
PLAYER = "while cat tone.raw; do :; done | pacat --playback --raw --device=mouth --rate=48000 --channels=1 --latency-msec=40"
RECORDER = ("parec", "--raw", "--device=ears.monitor", "--rate=48000", "--channels=1", "--latency-msec=20")
PULSE = """\
load-module module-native-protocol-unix socket={directory}/pulse.sock auth-anonymous=1
load-module module-null-sink sink_name=ears rate=48000 channels=1
load-module module-null-sink sink_name=mouth rate=48000 channels=1
load-module module-remap-source source_name=microphone master=mouth.monitor channels=1
set-default-sink ears
set-default-source microphone
"""


def missing():
    """Why there is no Dino to test with, or None."""
    absent = [name for name in NEEDS if not shutil.which(name)]
    absent += [] if importlib.util.find_spec("pyatspi") else ["python3-pyatspi"]
    return f"{', '.join(absent)} not installed: make deps-live" if absent else None


class Room(Voice):
    """What is played into Dino's microphone all the time, and what comes out of its loudspeaker."""

    def __init__(self, who, record):
        super().__init__(who, record, Frames(), audio.Tone(MICROPHONE_HZ))
        self.samples = 0

    async def caught_up(self, end):
        try:
            await proc.until(lambda: self.rx.packets and self.rx.packets[-1][0] >= end, CATCH_UP_S, "samples of the loudspeaker")
        except AssertionError as error:
            self.timeline.add(self.who, "late", error)

    def sent(self, begin, end):
        return max(0.0, min(end, time.monotonic()) - begin)

    def sent_at(self, position, before):
        return None

    def write(self, path):
        """One period of the code as samples."""
        with open(path, "wb") as file:
            file.write(self.tone.samples(0, int(round(audio.PERIOD_S * RATE)), RATE).tobytes())

    async def record(self, reader):
        """Take the samples of @reader until it ends."""
        while True:
            try:
                block = np.frombuffer(await reader.readexactly(2 * BLOCK), dtype=np.int16)
            except asyncio.IncompleteReadError:
                return
            self.rx.add(self.samples, RATE, block)
            self.samples += len(block)


class Dino:
    """One Dino in a node, logged in as @user. @trust is the certificate of the server at @address."""

    def __init__(self, node, address, user, trust):
        self.node, self.address, self.user, self.trust = node, address, user, trust
        self.directory = proc.directory("dino")
        self.processes = {}
        self.who, self.timeline = f"{user}/dino", timeline.current()
        self.audio, self._recorder, self._recording = Room(self.who, self.timeline), None, None
        self._ringing = (0, 0)  # conversation and call
        self.environment = {
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.directory}/bus", "PULSE_SERVER": f"unix:{self.directory}/pulse.sock",
            "XDG_DATA_HOME": self.directory, "XDG_CONFIG_HOME": self.directory, "XDG_CACHE_HOME": self.directory,
            "XDG_RUNTIME_DIR": self.directory, "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo", "LIBGL_ALWAYS_SOFTWARE": "1",
            "GIO_USE_NETWORK_MONITOR": "base",  # there is no route to the world
            "GSETTINGS_BACKEND": "memory", "LANG": "C.UTF-8", "G_MESSAGES_DEBUG": os.environ.get("DINO_LOG", "")}

    def _start(self, name, *argv):
        argv = ("nice", "-n", str(PRIORITY), *argv)  # late sound tells nothing about who sent it
        self.processes[name] = proc.Process(name, argv, self.node, cwd=self.directory, env=self.environment)
        return self.processes[name]

    async def start(self):
        """Start the desktop, and Dino with its account; returns self."""
        self._start("dbus", "dbus-daemon", "--session", "--nofork", f"--address=unix:path={self.directory}/bus")
        with open(f"{self.directory}/pulse.pa", "w", encoding="ascii") as script:
            script.write(PULSE.format(directory=self.directory))
        # who plays in real time is killed when he has had a processor for 200 ms, as he has after a stall of the machine
        self._start("pulse", "pulseaudio", "-n", "--realtime=no", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no",
                    "--disallow-exit", "-F", f"{self.directory}/pulse.pa")
        screen = self._start("xvfb", "Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp")
        self.environment["DISPLAY"] = ":" + (await screen.wait_log(r"(?m)^(\d+)$", START_S)).group(1)
        await proc.until(lambda: os.path.exists(f"{self.directory}/pulse.sock"), START_S, "PulseAudio listens")
        self._launch()
        await proc.until(self._has_tables, START_S, "Dino makes its database")
        await self.processes["dino"].stop()
        self._add_account()
        self._launch()
        await self._listen()
        return self

    async def _listen(self):
        self.audio.write(f"{self.directory}/tone.raw")
        self._start("player", "sh", "-c", PLAYER)
        self._recorder = await asyncio.create_subprocess_exec(
            *RECORDER, env={**os.environ, **self.environment, "HOME": self.directory}, stdout=asyncio.subprocess.PIPE)
        self._recording = asyncio.ensure_future(self.audio.record(self._recorder.stdout))

    def _launch(self):
        """Start Dino where the server's name and certificate are known."""
        for name, text in (("hosts", f"127.0.0.1 localhost\n{self.address} {xmppserver.HOST}\n"), ("resolv.conf", "")):
            with open(f"{self.directory}/{name}", "w", encoding="ascii") as file:
                file.write(text)
        own = "mount --bind hosts /etc/hosts; mount --bind resolv.conf /etc/resolv.conf; " \
              "mount --bind \"$0\" /etc/ssl/certs/ca-certificates.crt; exec dino-im"
        self._start("dino", "unshare", "--mount", "sh", "-ec", own, self.trust)

    def _database(self):
        return f"{self.directory}/dino/dino.db"

    def _has_tables(self):
        if not os.path.exists(self._database()):
            return False
        with sqlite3.connect(self._database()) as database:
            return database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'account'").fetchone()[0]

    def _add_account(self):
        with sqlite3.connect(self._database()) as database:
            database.execute("INSERT INTO account (bare_jid, resourcepart, password, alias, enabled) "
                             "VALUES (?, 'dino', ?, '', 1)", (f"{self.user}@{xmppserver.HOST}", xmppserver.PASSWORD))

    # what a person does

    async def _run(self, *argv):
        """Run a program of the desktop to its end; whether it was well."""
        process = await asyncio.create_subprocess_exec(
            *argv, env={**os.environ, **self.environment, "HOME": self.directory}, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL)
        return await process.wait() == 0

    async def _read(self, *argv):
        """What a program of the desktop prints."""
        process = await asyncio.create_subprocess_exec(
            *argv, env={**os.environ, **self.environment, "HOME": self.directory}, stdout=asyncio.subprocess.PIPE)
        return (await process.communicate())[0].decode()

    async def _do(self, verb, text):
        deadline = time.monotonic() + ANSWER_S
        while not await self._run(sys.executable, ATSPI, verb, text):
            assert time.monotonic() < deadline, f"{self.who}: nothing to {verb}: {text}"
            await asyncio.sleep(proc.POLL_S)
        self.timeline.add(self.who, verb, text)

    async def open(self, jid):
        """Open the conversation with @jid."""
        assert await self._run(*ACTIONS, "org.freedesktop.Application.Open", f"['xmpp:{jid}?message']", "{}"), "no conversation"

    async def call(self, jid):
        """Open the conversation with @jid and press what starts an audio call."""
        await self.open(jid)
        await self._mute(True)
        await self._do("press", "Start call")
        await self._do("press", "Audio call")

    def _query(self, text, *values):
        with sqlite3.connect(self._database()) as database:
            return database.execute(text, values).fetchone()

    async def rings(self):
        """Wait for a call that comes in; it is the one for accept(), reject() and state() then."""
        self._ringing = await proc.until(lambda: self._query(
            "SELECT conversation.id, call.id FROM call JOIN conversation ON conversation.jid_id = call.counterpart_id "
            "WHERE call.direction = 0 AND call.id > ? ORDER BY call.id DESC", self._ringing[1]), ANSWER_S, f"{self.who} rings")
        self.timeline.add(self.who, "rings", self._ringing)

    def state(self):
        """What became of the call that came in last."""
        return self._query("SELECT state FROM call WHERE id = ?", self._ringing[1])[0]

    async def _decide(self, action):
        assert await self._run(*ACTIONS, "org.gtk.Actions.Activate", action, "[<({}, {})>]".format(*self._ringing), "{}")
        self.timeline.add(self.who, action)

    async def accept(self):
        """Accept the call that rings, as its notification does."""
        await self._mute(True)
        await self._decide("accept-call")

    async def reject(self):
        """Refuse the call that rings."""
        await self._decide("reject-call")

    async def _mute(self, on):
        await self._read("pactl", "suspend-source", "microphone", str(int(on)))

    async def speaks(self):
        """Whether it has opened its microphone, which gets its sound only then.

        Dino 0.4.2 starts the microphone before what comes after it is ready: samples that come too early stop it for good, and
        on a busy machine it may not even ask PulseAudio for a stream. Both are silent calls, which a person would place again."""
        deadline = time.monotonic() + SPEAKS_S
        while time.monotonic() < deadline:
            streams = await self._read("pactl", "list", "short", "source-outputs")
            if sum("protocol-native" in line for line in streams.splitlines()) > 1:  # the recorder's is one
                await asyncio.sleep(READY_S)
                await self._mute(False)
                return True
            await asyncio.sleep(proc.POLL_S)
        self.timeline.add(self.who, "has no microphone")
        return False

    async def hangup(self):
        """Close the window of the call, which ends it."""
        await self._do("close", "DinoUiCallWindow")

    async def stop(self):
        """End everything."""
        if self._recorder:
            if self._recorder.returncode is None:
                self._recorder.terminate()
            await self._recorder.wait()
            await self._recording
        for name in ("dino", "player", "xvfb", "pulse", "dbus"):
            if name in self.processes:
                await self.processes[name].stop()
        for process in self.processes.values():
            process.save()
        shutil.rmtree(self.directory, ignore_errors=True)
