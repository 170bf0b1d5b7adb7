# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two calls in front of your eyes: `make demo`.

Starts a throw-away Prosody, Tandem, a telephone and a WebRTC Jingle client in network namespaces, places one call out and
one call in, and proves by the tones each side sends that each is heard on the other. With --keep everything stays up on an
address that other machines reach, for people with XMPP clients of their own.
"""

import argparse
import asyncio
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

from bed import net, proc, tandem  # noqa: E402  pylint: disable=wrong-import-position

import calls  # noqa: E402  pylint: disable=wrong-import-position
import keep  # noqa: E402  pylint: disable=wrong-import-position


def become_root(arguments):
    """Namespaces and other users' processes need root: ask sudo for it."""
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-E", sys.executable, "-B", HERE, *arguments])


def main(arguments):
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="stay up for other clients")
    parser.add_argument("--address", help="the address to stay up on (default: this machine's)")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "demo"), help="where the recordings go")
    options = parser.parse_args(arguments)
    if tandem.missing():
        print(tandem.missing(), file=sys.stderr)
        return 2
    become_root(arguments)
    net.sweep()
    proc.sweep()
    if options.keep:
        return asyncio.run(keep.run(options.address))
    return asyncio.run(calls.run(options.out))


sys.exit(main(sys.argv[1:]))
