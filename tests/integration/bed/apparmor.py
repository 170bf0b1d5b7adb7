# SPDX-License-Identifier: AGPL-3.0-or-later
"""AppArmor's profile of Tandem: what it permits, read from it; and who is held to it, where the kernel can."""

import atexit
import functools
import os
import re
import shutil
import subprocess

from .proc import Absent

PROFILE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "deploy", "apparmor", "tandem"))
KERNEL = "/sys/kernel/security/apparmor/profiles"
FLAT = "/tmp/tandem-it-*"  # where the bed has what an installation has in four places
VARIABLE, RULE = re.compile(r"^\s*(@\{\w+\})\s*\+?=\s*(.*?),?\s*$"), re.compile(r"^\s*((?:(?:audit|allow|deny|owner)\s+)*)([/@{]\S*)\s+([a-zA-Z]+)\s*,")
GLOB = re.compile(r"\*\*|\*|\?|\{|\}|,|\[\^?[^]]*\]|\\.|.")


def _expression(glob):
    """A path of a profile as an expression (apparmor.d(5), globbing)."""
    depth, parts = 0, []
    for token in GLOB.findall(glob):
        depth += (token == "{") - (token == "}")
        if token == "*" or token == "**":
            any_of = "[^/]" if token == "*" else "."
            parts.append(any_of + "*" if parts and not parts[-1].endswith("/") else f"[^/]{any_of}*")
        elif token in "?{},":
            parts.append({"?": "[^/]", "{": "(?:", "}": ")", ",": "|" if depth else ","}[token])
        else:
            parts.append(token if token[0] in "[\\" else re.escape(token))
    return "".join(parts)


class Profile:
    """What a profile says of files, its includes among it."""

    def __init__(self, path=PROFILE):
        done = subprocess.run(["apparmor_parser", "-p", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.variables, self.rules = {}, []
        for line in done.stdout.splitlines():
            if line.lstrip().startswith("#"):
                continue
            if match := VARIABLE.match(line):
                self.variables.setdefault(match[1], []).extend(match[2].split())
            elif match := RULE.match(line):
                self.rules.append((match[1].split(), match[2], set(match[3])))
        self.rules = [(words, re.compile(_expression(self._expand(path))), rights) for words, path, rights in self.rules]

    def _expand(self, text):
        """A path without variables; of two slashes one is left."""
        while match := re.search(r"(@\{\w+\})(/?)", text):
            values = [value.rstrip("/") if match[2] else value for value in self.variables[match[1]]]
            text = text[:match.start()] + "{" + ",".join(values) + "}" + match[2] + text[match.end():]
        return text

    def permits(self, path, rights, own):
        """Whether who owns the file or not (@own) may do @rights ("rwkm", "l") with it."""
        left = set(rights)
        for words, expression, given in self.rules:
            if not expression.fullmatch(path):
                continue
            if "deny" in words and given & set(rights):
                return False
            if own or "owner" not in words:
                left -= given
        return not left


def missing(program):
    """Why @program cannot be held to the profile here, or None."""
    if not os.path.exists(KERNEL):
        return "this kernel has no AppArmor"
    absent = [tool for tool in ("apparmor_parser", "aa-exec") if not shutil.which(tool)]
    if absent:
        return f"{absent[0]} is not installed: apt-get install apparmor"
    return "a sanitizer reads more than the program does" if re.search(r"/(asan|tsan)/", program) else None


def flat(text):
    """The profile for who has all of its files in one directory of a test, under another name."""
    text = text.replace("profile tandem /usr/sbin/tandem", f"profile tandem-test-{os.getpid()}")
    for place in ("/etc/tandem/", "/var/lib/tandem/", "/var/log/tandem/", "/run/tandem/", "/run/systemd/"):
        text = text.replace(f"{place}", f"{FLAT}/")
    return text.replace("/usr/sbin/tandem mr", f"{FLAT}/tandem mr").replace("\tcapability ", "\t# capability ")


@functools.cache
def held(program):
    """What to put before a command of @program that is to be held to the profile; proc.Absent where that cannot be."""
    if missing(program):
        raise Absent(missing(program))
    with open(PROFILE, encoding="utf-8") as file:
        text = flat(file.read())
    done = subprocess.run(["apparmor_parser", "-rK"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # behind the last program of this process that is held to it
    atexit.register(subprocess.run, ["apparmor_parser", "-R"], input=text, capture_output=True, text=True, check=False)
    return [shutil.which("aa-exec"), "-p", f"tandem-test-{os.getpid()}", "--"]

