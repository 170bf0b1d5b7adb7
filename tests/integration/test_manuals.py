# SPDX-License-Identifier: AGPL-3.0-or-later
"""The manuals name every key, with its default, every command, option and answer that there is, and no other."""

import os
import re
import shutil
import subprocess

import pytest
from test_guides import commands, complete, run

from bed import proc
from bed.tandem import ROOT, binary, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "")

# The least with one of each section. What it must give itself has no default.
LEAST = {"xmpp": "secret domain", "trunk": "proxy", "number": "owner trunk", "route": "prefixes trunks"}
CONFIGURATION = """xmpp { domain = "tel.example.org" secret = "s" }
trunk "c" { proxy = "sip:192.0.2.1" }
number "+15557654321" { owner = "alice@example.org" trunk = "c" }
route "r" { prefixes = { "+1" } trunks = { "c" } }
"""


def manual(name):
    """The source of a manual."""
    with open(os.path.join(ROOT, "deploy", name), encoding="utf-8") as file:
        return file.read()


def printed():
    """{(section, key): default}, as the program prints them."""
    directory, found, section = proc.directory("manuals"), {}, ""
    path = os.path.join(directory, "tandem.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION)
    code, said = run(binary(), "-n", "-v", "-c", path)
    shutil.rmtree(directory)
    assert code == 0, said
    for line in said.splitlines():
        if line.endswith("{"):
            section = line.split()[0]
        elif line == "}":
            section = ""
        else:
            key, _, value = line.strip().partition(" = ")
            found[section, key] = value
    return found


def unquoted(words):
    """A default, from mdoc's Qq x, Qo x Qc and \\& to the file's own manner."""
    words = re.sub(r"Qo (\S+) Qc", r'"\1"', words)
    return re.sub(r"Qq (.*)$", lambda match: '"' + match[1].replace("\\&", "") + '"', words).replace(" ,", ",").strip()


def described():
    """{(section, key): default or None}, as tandem.conf(5) has them."""
    found, section = {}, ""
    for line in manual("tandem.conf.5").split(".Sh EXAMPLES")[0].splitlines():
        head = re.match(r"\.Ss (\w+)(?: No)?(?: = (.*))?", line)
        if head and (head[2] is not None):
            found["", head[1]] = unquoted(head[2])
        elif head:
            section = head[1]
        for key, default in re.findall(r"(?:^\.It Cm|, (?:Cm )?)\s*(\w+)(?: No = (.*?)(?= , Cm |$))?", line) if line.startswith(".It Cm") else ():
            found[section, key] = unquoted(default) if default else None
    return found


def test_every_key_is_described():
    there, said = printed(), described()
    assert set(there) == set(said), set(there) ^ set(said)


def test_no_key_is_without_words():
    """They stand below it, not below the next one."""
    lines = manual("tandem.conf.5").splitlines()
    items = [(line, below) for line, below in zip(lines, lines[1:]) if line.startswith(".It Cm")]
    assert items and not [line for line, below in items if below.startswith((".It", ".El", ".Ss"))]


def test_defaults_are_the_programs():
    there, wrong, compared = printed(), {}, 0
    for (section, key), default in described().items():
        if default is None or "..." in default or key in LEAST.get(section, "").split():
            continue
        compared += 1
        if there[section, key] != default:
            wrong[section, key] = (default, there[section, key])
    assert compared > 50 and not wrong, wrong


def test_every_command_is_described():
    named = {word for line in re.findall(r"^\.It Cm (.*)$", manual("tandemctl.8"), re.M)
             for word in re.findall(r"[a-z-]+", re.split(r" (?:Ar|Op|csv)\b", line)[0])}
    assert named | {"help"} == commands(), (named | {"help"}) ^ commands()


@pytest.mark.parametrize("name", ["tandem", "tandemctl"])
def test_every_option_is_described(name):
    usage = run(os.path.join(os.path.dirname(binary()), name), "-h")[1]
    named = set(re.findall(r"^\.It Fl (\w)", manual(name + ".8"), re.M))
    assert {option[1] for option in complete(name, "-") if re.fullmatch("-[a-zA-Z]", option)} - {"h"} == named - {"h"}
    assert named - {"h"} <= set(re.findall(r"-(\w)\b", usage)) | set("".join(re.findall(r"-(\w+)\b", usage))), usage


def test_setups_answers_are_described():
    said = subprocess.run([binary(), "-c", "/nonexistent/tandem.conf", "--setup", "x=1"], capture_output=True, text=True, check=False).stderr
    keys = re.findall(r"^  (\S+) ", said, re.M)
    part = manual("tandem.8").split(".Nm Fl -setup")[1]
    assert keys and all(re.search(rf"\b{key}\b", part) for key in keys)
