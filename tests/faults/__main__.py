#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Make every fault of the table in front of a running gateway, and print what came of it.

    python3 tests/faults [WORD ...]      those whose name has one of the words; all without any

Root, as for the integration tests, whose stage this is (tests/integration/bed)."""

import asyncio
import os
import subprocess
import sys
import textwrap

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import table  # noqa: E402  pylint: disable=wrong-import-position
from bed import net, proc, tandem  # noqa: E402  pylint: disable=wrong-import-position
from bed.scene import Scene  # noqa: E402  pylint: disable=wrong-import-position

WIDTHS = (24, 32, 32, 44)
REASON, SAID = 300, 200


def chosen(words):
    """The faults that are to be made."""
    return [fault for fault in table.FAULTS if not words or any(word.lower() in fault.name.lower() for word in words)]


def row(*cells):
    """One line of the table, or several where a cell is long."""
    parts = [textwrap.wrap(text, width) or [""] for text, width in zip(cells, WIDTHS)]
    height = max(len(part) for part in parts)
    for i in range(height):
        line = "  ".join((part[i] if i < len(part) else "").ljust(width) for part, width in zip(parts, WIDTHS))
        print(line + ("".join(f"  {text:>8}" for text in cells[len(WIDTHS):]) if i == 0 else ""), flush=True)


async def make(fault, stage):
    """Make one fault on a stage: what was seen, and whether it was what is expected."""
    await stage.tandem.revive()
    scene = Scene(stage)
    try:
        seen = await asyncio.wait_for(fault.make(scene), fault.limit_s)
        await scene.close()
        scene.check()
        return seen, True
    except (AssertionError, OSError, asyncio.TimeoutError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {error}"[:REASON], False
    finally:
        await scene.close()


async def run(faults):
    """How many were not as expected."""
    failed, skipped, stages = 0, 0, {}
    row("fault", "expected", "seen", "said in the log", "calls", "messages", "")
    row("", "", "", "", "lost", "lost", "")
    try:
        for kind in faults:
            if kind.missing():
                row(kind.name, kind.expected, kind.missing(), "-", "-", "-", "skipped")
                skipped += 1
                continue
            key = repr((kind.stage, sorted(kind.bed.items())))
            if key not in stages:
                stages[key] = await kind.stage(**kind.bed).start()
            fault = kind()
            seen, good = await make(fault, stages[key])
            failed += not good
            said = " ".join(line[:SAID] for line in fault.said)
            row(fault.name, fault.expected, seen, said, str(fault.calls_lost), str(fault.messages_lost), "ok" if good else "FAILED")
    finally:
        for stage in stages.values():
            await stage.stop(check=not failed)
    print(f"{len(faults) - failed - skipped} as expected, {failed} not" + (f", {skipped} skipped" if skipped else ""))
    return failed


def main():
    """Exit status 1 when something was not as expected."""
    why = "network namespaces need root" if os.geteuid() else tandem.missing()
    if why:
        sys.exit(f"tests/faults: {why}")
    net.sweep()
    proc.sweep()
    faults = chosen(sys.argv[1:])
    sys.exit(1 if not faults or asyncio.run(run(faults)) else 0)


main()
