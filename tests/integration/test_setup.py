# SPDX-License-Identifier: AGPL-3.0-or-later
"""`tandem --setup` at a terminal: questions, wrong answers, files; what it has written is a gateway that calls.

    Prosody srv  --  gw, where it is set up  --  carrier pstn, which wants a password"""

import fcntl
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import termios

import pytest

from bed import media, proc
from bed.scene import CARRIER, DOMAIN, GATEWAY, SECRET, SERVER
from bed.tandem import USER, Tandem, binary
from bed.users import AS_USER, with_service

pytestmark = [pytest.mark.bed_options(program=False, credentials=("tandem", "rightpw")), pytest.mark.alone]
ANSWER_S, DOCTOR_S = 10.0, 30.0


def _at_a_terminal():
    """As a login shell starts a program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    proc.heed()


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, node, *argv):
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.seen = ""
        with node.enter():
            self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                            preexec_fn=_at_a_terminal)  # pylint: disable=subprocess-popen-preexec-fn
        os.close(slave)

    def _read(self):
        try:
            self.seen += os.read(self.master, 65536).decode()
        except (BlockingIOError, OSError):
            pass

    async def expect(self, pattern, timeout=ANSWER_S):
        """Wait until @pattern is on the screen; forgets what stands before its end."""
        def found():
            self._read()
            return re.search(pattern, self.seen)
        match = await proc.until(found, timeout, f"{pattern!r} in {self.seen!r}")
        before, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return before

    async def answer(self, question, text):
        """Type @text when @question is asked; returns what came before."""
        before = await self.expect(question + r"[^\n]*: $")
        os.write(self.master, text.encode() + b"\n")
        return before

    async def end(self, timeout=DOCTOR_S):
        """(exit code, the rest of the screen)."""
        await proc.until(lambda: self._read() or self.process.poll() is not None, timeout, "the end")
        self._read()
        os.close(self.master)
        return self.process.returncode, self.seen


def modes(directory):
    """The access rights of the files there."""
    return {name: stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode) & ~0o040 for name in os.listdir(directory)}


async def test_from_questions_to_a_call(scene):
    directory = proc.directory("setup", None)
    path = os.path.join(directory, "tandem.conf")
    terminal = Terminal(scene.bed.gw, binary(), "-c", path, "--setup")
    await terminal.answer("domain of telephone numbers", "x" * 600)
    assert "at most 511" in await terminal.answer("domain of telephone numbers", "not a domain")
    assert "expected a domain" in await terminal.answer("domain of telephone numbers", "")
    assert "needed" in await terminal.answer("domain of telephone numbers", DOMAIN)
    await terminal.answer("takes components", SERVER)
    await terminal.answer("secret it has", SECRET)
    assert SECRET not in await terminal.answer("XMPP address", "admin@example.org")  # it is not shown
    await terminal.answer("clients elsewhere", "none")
    await terminal.answer("SIP carrier", f"sip:{CARRIER}")
    await terminal.answer("user name", "tandem")
    await terminal.answer("password", "rightpw")
    await terminal.answer("number of yours", "5557654321")
    assert "expected" in await terminal.answer("number of yours", "+15557654321")
    await terminal.answer("Whose", "alice@example.org")
    screen = await terminal.expect("press Enter")
    assert f'component_secret = "{SECRET}"' in screen and f'password: "{SECRET}"' in screen
    assert "ufw allow 5060/udp" in screen and "ufw allow 20000:29999/udp" in screen
    os.write(terminal.master, b"\n")
    code, screen = await terminal.end()
    assert code == 0 and f"echo@{DOMAIN}" in screen, screen
    for well in ("component", "trunk carrier", "sip.listen"):
        assert f"  ok    {well}" in screen, screen
    assert modes(directory) == {"tandem.conf": 0o600, "secret": 0o600, "password": 0o600}
    await call_with(scene, directory)


async def call_with(scene, directory):
    """A Tandem of the configuration in @directory takes an echo call; only where it lives is changed."""
    gateway = Tandem(scene.bed.gw, GATEWAY, name="fresh")
    for name in os.listdir(directory):
        shutil.copy(os.path.join(directory, name), gateway.directory)
        shutil.chown(os.path.join(gateway.directory, name), "nobody")
    path = os.path.join(gateway.directory, "tandem.conf")
    with open(path, encoding="utf-8") as file:
        text = file.read().replace(directory, gateway.directory)
    text = text.replace("media {", "media_was {") + "".join(
        f"{section} {{\n    {key} = \"{gateway.directory}/{value}\"\n}}\n"
        for section, key, value in (("db", "path", "tandem.db"), ("media", "certificate", "tandem.pem")))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    gateway.launch("-c", path)
    await gateway.process.wait_log(r"\bevent=ready\b", 20.0)
    client = await scene.client()
    call = await client.call(f"echo@{DOMAIN}")
    await call.wait("media")
    verdict, = await media.listen((call.audio, call.audio))
    assert verdict.delay_s < 0.3
    await call.hangup()
    await gateway.stop()


async def test_answers_as_words(scene):
    """Without a terminal nothing is asked; a secret is made; a second run leaves all as it is."""
    directory = proc.directory("setup", None)
    path = os.path.join(directory, "tandem.conf")

    def setup(*words):
        return subprocess.run([binary(), "-c", path, "--setup", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=ANSWER_S, check=False)

    refused = setup()
    assert refused.returncode == 1 and "domain=" in refused.stderr and os.listdir(directory) == []
    refused = setup(f"domain={DOMAIN}", "trunk=no uri")
    assert refused.returncode == 1 and os.listdir(directory) == []
    refused = setup("colour=blue")
    assert refused.returncode == 1 and "public_address" in refused.stderr and os.listdir(directory) == []
    done = setup(f"domain={DOMAIN}")
    assert done.returncode == 0, done.stderr
    with open(os.path.join(directory, "secret"), encoding="utf-8") as file:
        secret = file.read().strip()
    assert len(secret) == 32 and secret in done.stdout
    assert subprocess.run([binary(), "-n", "-c", path], check=False).returncode == 0
    elsewhere = proc.directory("setup", None)  # a relative path: the program runs in another directory
    assert subprocess.run([os.path.abspath(binary()), "-c", "t.conf", "--setup", f"domain={DOMAIN}"], cwd=elsewhere,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    assert subprocess.run([binary(), "-n", "-c", os.path.join(elsewhere, "t.conf")], check=False).returncode == 0
    before = modes(directory)
    again = setup(f"domain={DOMAIN}")
    assert again.returncode == 1 and "already" in again.stderr and modes(directory) == before


def set_up(directory, *words, prefix=()):
    """`tandem --setup` with answers as words."""
    return subprocess.run([*prefix, binary(), "-c", os.path.join(directory, "tandem.conf"), "--setup", *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=ANSWER_S, check=False)


def read(directory, name):
    """The text of a file there."""
    with open(os.path.join(directory, name), encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("keys, status", [(b"\x04", 1), (b"\x03", -signal.SIGINT)], ids=["end of input", "interrupted"])
async def test_who_goes_away_in_the_middle_leaves_nothing(scene, keys, status):
    """At a question, and at one that shows nothing: the terminal shows what is typed again afterwards."""
    directory = proc.directory("setup", None)
    for questions in (["domain of telephone numbers"], ["domain of telephone numbers", "takes components"]):
        terminal = Terminal(scene.bed.gw, binary(), "-c", os.path.join(directory, "tandem.conf"), "--setup")
        for question in questions:
            await terminal.answer(question, f"  {DOMAIN} \t" if "domain" in question else "")
        if questions[1:] and keys == b"\x04":  # which at a secret is an empty answer, as Enter is
            await terminal.answer("secret it has", "")
        await terminal.expect(r": $")
        os.write(terminal.master, keys)
        await proc.until(lambda each=terminal: each.process.poll() is not None, ANSWER_S, "the end")
        assert termios.tcgetattr(terminal.master)[3] & termios.ECHO
        code, screen = await terminal.end()
        assert code == status and ("nothing is written" in screen) == (status == 1), (code, screen)
        assert os.listdir(directory) == []


@pytest.mark.parametrize("name", ["tandem.conf", "secret", "password"])
def test_what_is_there_is_left_and_nothing_is_added(name):
    directory = proc.directory("setup", None)
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write("mine\n")
    done = set_up(directory, f"domain={DOMAIN}", "trunk=sip:sip.carrier.example", "username=u", "password=p")
    assert done.returncode == 1 and f"{name} is there already" in done.stderr, done.stderr
    assert os.listdir(directory) == [name] and read(directory, name) == "mine\n"


def test_a_place_that_cannot_be_written_is_told_first():
    directory = proc.directory("setup", None)  # root's
    shutil.copy(binary(), directory + "/tandem")
    done = subprocess.run([*AS_USER, directory + "/tandem", "-c", directory + "/tandem.conf", "--setup"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=ANSWER_S, check=False)
    assert done.returncode == 1 and f"{directory}: Permission denied; as root?" in done.stderr and "domain" not in done.stderr, done.stderr
    done = set_up("/nowhere/at/all", f"domain={DOMAIN}")
    assert done.returncode == 1 and "/nowhere/at/all: No such file" in done.stderr


def test_a_server_elsewhere_has_to_listen_to_others():
    directory = proc.directory("setup", None)
    said = set_up(directory, f"domain={DOMAIN}", "server=[2001:db8::5]:5999", "public_address=none", 'secret=a"b\\c').stdout
    assert 'component_secret = "a\\"b\\\\c"' in said and 'password: "a\\"b\\\\c"' in said, said
    assert 'component_interfaces = { "*" }' in said and "component_ports = { 5999 }" in said and 'ip: "::"' in said
    assert read(directory, "secret") == 'a"b\\c\n' and 'host = "2001:db8::5"' in read(directory, "tandem.conf")
    near = set_up(proc.directory("setup", None), f"domain={DOMAIN}", "public_address=none").stdout
    assert "component_interfaces" not in near and "component_ports" not in near and 'ip: "127.0.0.1"' in near


@pytest.mark.parametrize("words", [["public_address=2001:db8::7"], ["trunk=sip:[2001:db8::9]:5060"]], ids=["address", "trunk"])
def test_ipv6_gets_a_listener(words):
    directory = proc.directory("setup", None)
    done = set_up(directory, f"domain={DOMAIN}", *words)
    assert done.returncode == 0 and '"udp:[::]:5060"' in read(directory, "tandem.conf"), done.stderr
    assert subprocess.run([binary(), "-n", "-c", directory + "/tandem.conf"], check=False).returncode == 0


def test_answers_in_any_order():
    directory = proc.directory("setup", None)
    done = set_up(directory, "owner=alice@example.org", "number=+15557654321", "password=p", "username=u", "trunk=sip:sip.carrier.example", f"domain={DOMAIN}")
    assert done.returncode == 0 and '"+15557654321"' in read(directory, "tandem.conf") and read(directory, "password") == "p\n", done.stderr
    for word, parent in (("number=+15557654321", "trunk"), ("password=p", "username")):
        directory = proc.directory("setup", None)
        done = set_up(directory, word, f"domain={DOMAIN}", "owner=a@b.example")
        assert done.returncode == 1 and f"needs {parent}=" in done.stderr and os.listdir(directory) == [], done.stderr


@pytest.mark.parametrize("word", ["secret=a\nb", "server=:", "server=x:99999", "public_address=here", "trunk=http://x", "number=1", "admin=@", "domain=",
                                  "domain=" + "x" * 600, "admin=a@b\x01"])
def test_odd_answers_are_told_and_nothing_is_written(word):
    directory = proc.directory("setup", None)
    done = set_up(directory, *([] if word.startswith("domain") else [f"domain={DOMAIN}"]), "trunk=sip:sip.carrier.example", "owner=a@b.example", word)
    assert done.returncode == 1 and done.stderr and os.listdir(directory) == [], done.stderr


@pytest.mark.parametrize("prefix, mode, owner, told", [([], 0o640, 5060, False), (AS_USER, 0o600, None, True)], ids=["root", "another"])
async def test_the_services_group(prefix, mode, owner, told):
    """It reads what root sets up; who may not give files away is told."""
    directory = proc.directory("setup", USER if prefix else None)
    shutil.copy(binary(), directory + "/tandem")
    done = subprocess.run([*with_service(), *prefix, directory + "/tandem", "-c", directory + "/t.conf", "--setup", f"domain={DOMAIN}"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWER_S, check=False)
    assert done.returncode == 0 and ("not for the group tandem" in done.stderr) == told, done.stderr
    for name in ("t.conf", "secret"):
        found = os.stat(os.path.join(directory, name))
        assert stat.S_IMODE(found.st_mode) == mode and (owner is None or found.st_gid == owner)
