# SPDX-License-Identifier: AGPL-3.0-or-later
"""What README shows: behind `    $ ` a command, below it what one sees. "…" stands for what was left out."""

import os
import re

from .tandem import ROOT

PROMPT, LEFT_OUT = "    $ ", "…"


def text():
    """All of it."""
    with open(os.path.join(ROOT, "README"), encoding="utf-8") as file:
        return file.read()


def commands():
    """[(command, lines of what is seen)], in their order."""
    found, shown = [], None
    for line in text().splitlines():
        if line.startswith(PROMPT):
            shown = []
            found.append((line[len(PROMPT):], shown))
        elif line and not line.startswith("    "):
            shown = None
        elif shown is not None and line.strip():
            shown.append(line[4:])
    return found


def shown(command):
    """What README shows of @command."""
    return dict(commands())[command]


def pattern(line):
    """A line of README as an expression: other figures and another length of what was left out are the same line."""
    parts = [re.sub(r"\d+(\\?\.\d+)?", r"[0-9.]+", re.escape(part)) for part in line.split(LEFT_OUT)]
    return re.sub(r"(\\ )+", r"\\s+", ".*".join(parts)).removeprefix(r"\s+")


def absent(command, said):
    """The lines that README shows of @command and that are not in what it really @said."""
    lines = [line.strip() for line in said.splitlines()]
    return [line for line in shown(command) if line.strip() != LEFT_OUT and not any(re.fullmatch(pattern(line), each) for each in lines)]
