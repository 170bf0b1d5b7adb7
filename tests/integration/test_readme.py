# SPDX-License-Identifier: AGPL-3.0-or-later
"""README is true: its commands, what it shows of them, its configuration, its map and its licences.

What takes longer than seconds is run elsewhere, and is looked for there: see ELSEWHERE."""

import glob
import os
import re
import shutil

import pytest
from test_doctor import TRUNK, patient
from test_guides import linked, run, snippet
from test_setup import Terminal

from bed import proc, readme
from bed.scene import CARRIER, SERVER
from bed.tandem import ROOT, binary, missing

pytestmark = [pytest.mark.bed_options(program=False, credentials=("tandem", "rightpw")), pytest.mark.alone,
              pytest.mark.skipif(bool(missing()), reason=missing() or "")]

# Each command of README, and where it is run.
HERE = {"sudo tandem --setup", "sudo tandem doctor"}
ELSEWHERE = {
    "make demo": ("tests/integration/test_demo.py", "readme.absent(\"make demo\""),
    "make deb && sudo apt install ./build/deb/tandem_*.deb": ("tests/package/run", "apt-get install"),
    "sudo systemctl start tandem": ("tests/package/test_booted.py", '"systemctl", "start", "tandem"'),
    "make && sudo make install": ("tests/integration/test_install.py", '"install"'),
    "sudo systemd-sysusers && sudo systemd-tmpfiles --create": ("tests/integration/test_install.py", "systemd-tmpfiles"),
    "sudo systemctl daemon-reload": ("tests/integration/test_install.py", "systemd-analyze"),
}
COMPONENT = re.compile(r'^    Component "tel\.example\.org"\n        component_secret = "[^"]*"\n', re.M)
SECTIONS = ("xmpp", "trunk", "number", "watch", "billing")


def contents(path):
    """The text of a file of the tree."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def test_every_command_is_run():
    named = {command for command, _ in readme.commands()}
    assert named == HERE | set(ELSEWHERE), named ^ (HERE | set(ELSEWHERE))
    for command, (path, words) in ELSEWHERE.items():
        assert words in contents(path), (command, path, words)


def test_it_says_in_five_lines_what_it_is():
    assert len(readme.text().split("\n\n")[1].splitlines()) <= 5


def test_every_target_is_one():
    phony = set(re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", contents("Makefile"), re.M)[1].replace("\\", " ").split())
    named = set(re.findall(r"(?:^    (?:\$ )?|`)make ([a-z-]+)", readme.text(), re.M))
    named |= {word for words in re.findall(r"^    make ((?:[a-z-]+ )*[a-z-]+)$", readme.text(), re.M) for word in words.split()}
    assert {"demo", "check", "deb", "tsan"} <= named and named <= phony, named - phony


async def test_setup_is_as_shown(scene):
    """The answers that README gives to the questions it shows."""
    directory = proc.directory("readme")
    terminal = Terminal(scene.bed.gw, binary(), "-c", directory + "/tandem.conf", "--setup")
    lines = readme.shown("sudo tandem --setup")
    asked = lines[:next(i for i, line in enumerate(lines) if line.startswith("wrote"))]
    for line in asked:
        question, _, answer = line.partition(": ") if line.count(": ") == 1 else line.rpartition(": ")
        question, answer = (line.removesuffix(":"), "") if line.endswith(":") else (question, answer)
        await terminal.answer(readme.pattern(question), answer)
    screen = await terminal.expect("all of it is tried")
    said = screen.replace(directory, "/etc/tandem").replace("\r", "")
    rest = [line for line in readme.absent("sudo tandem --setup", said) if line not in asked]
    assert len(asked) == 10 and not rest, (rest, said)
    os.write(terminal.master, b"\x04")
    await terminal.end()
    shutil.rmtree(directory)


async def test_the_doctor_says_what_is_shown(scene):
    sick = patient(scene, trunks={"carrier": {**TRUNK, "password": "wrong"}})
    code, said = await sick.examined()
    said = said.replace(sick.directory + "/tandem.db", "/var/lib/tandem/tandem.db").replace(sick.directory, "/etc/tandem")
    said = said.replace(SERVER, "127.0.0.1").replace(CARRIER, "sip.carrier.example")
    assert code == 1 and not readme.absent("sudo tandem doctor", said), (readme.absent("sudo tandem doctor", said), said)


def blocks():
    """The indented parts of README that are configuration."""
    for block in re.findall(r"(?:^    .*\n)+", readme.text(), re.M):
        if re.match(rf"    ({'|'.join(SECTIONS)}) ", block):
            yield block


def test_its_configuration_is_read():
    """Each part with the least that it needs beside it."""
    directory, parts = proc.directory("readme"), list(blocks())
    with open(directory + "/secret", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("s3cret\n")
    least, trunk = (next(part for part in parts if part.split()[0] == kind) for kind in ("xmpp", "trunk"))
    trunk = trunk.split("    number")[0]
    for part in parts:
        beside = "".join(other for other in (least, trunk) if other.split()[0] + " " not in part)
        with open(directory + "/tandem.conf", "w", encoding="utf-8") as file:
            file.write((part + beside).replace("/etc/tandem/", directory + "/"))
        assert run(binary(), "-n", "-c", directory + "/tandem.conf") == (0, ""), part
    assert {part.split()[0] for part in parts} == set(SECTIONS)
    assert COMPONENT.search(readme.text()) and 'Component "tel.example.org"' in snippet("prosody.cfg.lua")
    shutil.rmtree(directory)


def test_its_map_has_every_folder():
    part = readme.text().split("Where things are\n")[1].split("\ndeploy/DESIGN.md has")[0]
    drawn, parent = set(), ""
    for indent, name in re.findall(r"^(    |      )([a-z]+/) ", part, re.M):
        parent = name if len(indent) == 4 else parent
        drawn.add(name if len(indent) == 4 else parent + name)
    tracked = run("git", "-C", ROOT, "ls-files")[1].split() if os.path.exists(os.path.join(ROOT, ".git")) else glob.glob("*/*/*", root_dir=ROOT)
    there = {path.split("/")[0] + "/" for path in tracked if "/" in path and not path.startswith(".")}
    there |= {"/".join(path.split("/")[:2]) + "/" for path in tracked if path.startswith("gateway/") and path.count("/") > 1}
    assert drawn == there, drawn ^ there


def test_its_ways_lead_through_what_is_there():
    """Each line of a call's way and a packet's: a file, and functions that it defines."""
    ways = re.findall(r"^    ((?:gateway|xmpp|sip|media)/\S+\.c)  +(.*)$", readme.text(), re.M)
    assert len(ways) > 20
    for path, words in ways:
        for name in re.findall(r"\b(\w+)\(\)", words.partition("; ")[0].partition(": ")[0]):
            assert re.search(rf"^\w.*\b{name}\(", contents(path), re.M), f"{path} has no {name}()"
        for other in re.findall(r"\b(\w+\.c)\b", words):
            assert os.path.exists(os.path.join(ROOT, os.path.dirname(path), other)), f"{path}: {other}"


# Where the library's own name is not the one that people know.
KNOWN_AS = {"ssl": "openssl", "crypto": "openssl", "cares": "c-ares", "sqlite3": "sqlite", "confuse": "libconfuse", "bsd": "libbsd",
            "systemd": "libsystemd", "seccomp": "libseccomp", "stdc++": "libstdc++", "re": "libre", "phonenumber": "libphonenumber",
            "sofia-sip-ua": "sofia-sip", "c": "glibc", "m": "glibc", "gcc_s": "libstdc++"}
# What a licence is called in a package's copyright file.
LICENCES = {"LGPL-2.1": r"LGPL[- ]?v?2\.1|Lesser General Public License[\s\S]{0,80}2\.1", "BSD": "BSD|Redistribution and use in source",
            "Apache-2.0": r"Apache(-| License,? Version )2", "MIT": r"MIT|Expat|Permission is hereby granted|M\.I\.T|Permission to use, copy, modify",
            "public domain": "(?i)public[- ]domain", "ISC": "ISC|Permission to use, copy, modify", "GPL-3": r"GPL-3|General Public License"}


def licences():
    """{library, in small letters: what README says}."""
    part = readme.text().split("\nLicence\n")[1]
    return {name.strip().split(" 3")[0].lower(): licence for names, licence in re.findall(r"^    (\S.*?)  +(\S.*)$", part, re.M)
            for name in names.split(",")}


def test_every_library_is_listed_with_its_licence():
    said, needed = licences(), set()
    for soname in re.findall(r"NEEDED +lib(\S+?)(?:-2\.1)?\.so", run("objdump", "-p", binary())[1]):
        name = re.sub(r"_(core|extra|openssl|pthreads)$", "", soname)
        if re.fullmatch("[alut]*b?san", name):
            continue
        name = KNOWN_AS.get(re.sub(r"^event.*", "event", name), re.sub(r"^event.*", "libevent", name))
        needed.add(name)
    assert needed <= set(said), needed - set(said)
    seldom = {"libsrtp2", "libseccomp", "glibc", "libstdc++"}  # SRTP=libsrtp2 alone; under no sanitizer
    assert set(said) - needed <= seldom, set(said) - needed
    for package in linked():
        with open(f"/usr/share/doc/{package}/copyright", encoding="utf-8", errors="replace") as file:
            copyright_file = file.read()
        name = next((name for name in sorted(said, key=len, reverse=True) if name.removeprefix("lib") in package.replace("ssl3", "openssl")
                     or package in ("libc6", "libgcc-s1")), None)
        assert name, package
        if package not in ("libc6", "libgcc-s1"):
            known = next(pattern for key, pattern in LICENCES.items() if key in said[name])
            assert re.search(known, copyright_file), (package, said[name])
