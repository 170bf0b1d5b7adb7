# SPDX-License-Identifier: AGPL-3.0-or-later
"""The program under test: its configuration, its start, its log, and that it ends cleanly.

TANDEM names another binary than build/tandem (a sanitizer's), TANDEM_WRAP a command to run it under (valgrind);
BED_APPARMOR=1 holds it to the profile of deploy/apparmor, where the kernel can."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import socket

from . import apparmor, fdstore, proc

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
USER = "nobody"
READY_S, STOP_S = 20.0, 20.0
RING_TIMEOUT_S = 11  # longer than the 8 s after which a silent callee is said to ring
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|ERROR SUMMARY: [1-9]|Assertion .* failed")
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1",
              "TSAN_OPTIONS": "second_deadlock_stack=1"}
LISTS = (list, tuple)
ROLES = {"admins": "admin", "operators": "oscar", "readers": "rita"}  # who may what by commands
REPORT_SIZE = 6000


def binary():
    """The path of the program."""
    return os.environ.get("TANDEM") or os.path.join(ROOT, "build", "tandem")


def missing():
    """Why the program cannot be tested, or None."""
    return None if os.access(binary(), os.X_OK) else f"{binary()} is not built"


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, LISTS):
        return "{ " + ", ".join(_value(v) for v in value) + " }"
    return str(value) if isinstance(value, (int, float)) else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _section(name, title, options):
    head = f'{name} "{title}"' if title else name
    return f"{head} {{\n" + "".join(f"    {key} = {_value(value)}\n" for key, value in options.items()) + "}\n"


def configuration(sections, trunks, numbers):
    """The text of a tandem.conf. @sections, @trunks and @numbers map names to their options."""
    text = "".join(_section(name, None, options) for name, options in sections.items())
    text += "".join(f"{key} = {_value([f'{user}@example.org'])}\n" for key, user in ROLES.items())
    text += "".join(_section("trunk", name, options) for name, options in trunks.items())
    return text + "".join(_section("number", name, options) for name, options in numbers.items())


class Tandem:
    """One process of the program in a node.

    @sections overrides the defaults below, section by section and key by key."""

    def __init__(self, node, address, *, domain="tel.example.org", xmpp=("10.77.0.5", 5347), secret="s3cret", trunks=(),
                 numbers=(), sections=None, name="tandem"):
        self.node, self.address, self.domain, self.name = node, address, domain, name
        self.directory = proc.directory(name, USER)
        self.sections = {
            "xmpp": {"host": xmpp[0], "port": xmpp[1], "domain": domain, "secret": secret},
            "sip": {"listen": [f"udp:{address}:5060", f"tcp:{address}:5060"], "public_address": ""},
            "media": {"address": address, "public_address": "", "ice_port": 10000, "port_min": 20000, "port_max": 29999,
                      "workers": 0, "allow_loopback": False, "certificate": os.path.join(self.directory, "tandem.pem"), "keep": os.path.join(self.directory, "calls")},
            "db": {"path": os.path.join(self.directory, "tandem.db")},
            "control": {"socket": os.path.join(self.directory, "control")},
            "limits": {"calls": 1000, "ring_timeout_s": RING_TIMEOUT_S, "calls_per_account": 4, "calls_per_minute": 0},  # tests call in a row
            "log": {"file": "", "level": os.environ.get("TANDEM_LOG", "debug")},
        }
        for section, options in (sections or {}).items():
            self.sections.setdefault(section, {}).update(options)
        self.trunks, self.numbers = dict(trunks), dict(numbers)
        self.process = self._notify = None
        self.notified = b""
        self.store = fdstore.Store()
        self.deaths = []  # how it ended when it should not have
        self.held = bool(os.environ.get("BED_APPARMOR"))  # to AppArmor's profile

    @property
    def log(self):
        """All it has logged since its last start."""
        return self.process.log()

    def write(self):
        """Write the configuration file and return its path."""
        path = os.path.join(self.directory, "tandem.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration(self.sections, self.trunks, self.numbers))
        shutil.chown(path, USER)
        return path

    def _command(self, *arguments):
        # a copy, because the unprivileged user may not be able to read the tree
        copy = os.path.join(self.directory, "tandem")
        if not os.path.exists(copy):
            shutil.copy(binary(), copy)
        return [*shlex.split(os.environ.get("TANDEM_WRAP", "")), copy, *arguments]

    def _listen(self):
        path = os.path.join(self.directory, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self._close_notify()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._notify.bind(path)
        os.chmod(path, 0o777)
        asyncio.get_running_loop().add_reader(self._notify, self._read_notifications)
        return path

    def _close_notify(self):
        if self._notify:
            asyncio.get_running_loop().remove_reader(self._notify)
            self._notify.close()
            self._notify = None

    def _read_notifications(self):
        try:
            while True:
                message, fds, _, _ = socket.recv_fds(self._notify, 4096, fdstore.MAX)
                self.notified += message + b"\n"
                self.store.take(message, fds)
        except BlockingIOError:
            return b"READY=1" in self.notified

    def launch(self, *arguments):
        """Start the process without waiting for it to be ready."""
        if self._notify:
            self._read_notifications()
        environment = {**SANITIZERS, "NOTIFY_SOCKET": self._listen()}
        self.notified = b""
        prefix, fds = self.store.give()
        if self.held:
            prefix = prefix + apparmor.held(binary())
        self.process = proc.Process(self.name, prefix + self._command(*(arguments or ("-c", self.write()))), self.node,
                                    cwd=self.directory, user=USER, env=environment, fds=fds)

    async def start(self):
        """Start and wait until it is ready; returns self."""
        self.launch()
        await self.process.wait_log(r"\bevent=ready\b", READY_S)
        await proc.until(self._read_notifications, READY_S, "READY=1 is notified")
        return self

    async def revive(self):
        """Start again if it has died, so that one crash does not fail every test after it."""
        if not self.process.alive():
            self.deaths.append(self.complaint())
            await self.start()

    async def kill(self):
        """SIGKILL; start() begins the next run."""
        self.process.process.send_signal(signal.SIGKILL)
        await self.process.wait(STOP_S)
        assert await self.process.stop() == -signal.SIGKILL

    def complaint(self):
        """What a sanitizer or an assertion has reported, or how the process ended; None if all is well."""
        report = REPORT.search(self.log)
        if report:
            return f"{self.name}: a sanitizer or assertion reports:\n{self.log[report.start():][:REPORT_SIZE]}"
        if not self.process.alive():
            return f"{self.name} ended with {self.process.process.returncode}:\n{self.process.tail(60)}"
        return None

    def check(self):
        """Assert that it runs and that no sanitizer has complained."""
        complaint = self.complaint()
        assert not complaint, complaint

    async def stop(self):
        """SIGTERM; assert that it ends with status 0, in time and without a complaint."""
        if self.process is None:
            return
        complaint, was_alive = self.complaint(), self.process.alive()
        status = await self.process.stop(timeout=STOP_S)
        if was_alive and status != 0:
            complaint = complaint or f"{self.name} ended with {status} on SIGTERM:\n{self.process.tail(60)}"
        complaint = complaint or (REPORT.search(self.log) and self.complaint())
        self._close_notify()
        self.store.close()
        self.process.remove()
        self.process = None
        assert not complaint, complaint
        assert not self.deaths, f"{self.name} died {len(self.deaths)} times and was started again:\n{self.deaths[0]}"

    def usage(self):
        """(wake-ups: voluntary context switches of all threads, CPU seconds) so far."""
        switches = 0
        base = f"/proc/{self.process.pid}"
        for task in os.listdir(base + "/task"):
            with open(f"{base}/task/{task}/status", encoding="ascii") as status:
                switches += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
        with open(base + "/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return switches, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
