# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls in front of your eyes: `make demo`.

Starts a throw-away Prosody, Tandem, a telephone and a WebRTC Jingle client in network namespaces, places one call out, one
call in and one to the echo, and proves by the tones each side sends that each is heard on the other. With --keep everything
stays up on an address that other machines reach, for people with XMPP clients of their own.
"""

import argparse
import asyncio
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INTERRUPTED = 130
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))


def become_root(arguments):
    """Network namespaces and processes of other users need root: ask sudo for it."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo"):
        sys.exit("demo: network namespaces need root, and there is no sudo: run make demo as root")
    print("demo: network namespaces need root: asking sudo", flush=True)
    passed = [f"{name}={os.environ[name]}" for name in ("TANDEM", "BED_KEEP") if name in os.environ]
    os.execvp("sudo", ["sudo", "env", *passed, sys.executable, "-B", HERE, *arguments])


def hand_over(directory):
    """What root has written belongs to whom sudo was asked by."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    for path, _, names in os.walk(directory) if user and group else ():
        for name in (path, *(os.path.join(path, name) for name in names)):
            os.chown(name, int(user), int(group))


def parse(arguments):
    """The options."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="stay up for other clients")
    parser.add_argument("--address", help="the address to stay up on (default: this machine's)")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "demo"), help="where recordings and logs go")
    return parser.parse_args(arguments)


def perform(options):
    """Run what was asked for; returns the exit code."""
    # Here, because these need packages that may be missing.
    from bed import net, proc, tandem
    import keep
    import show
    import trouble

    if tandem.missing():
        print(f"demo: {tandem.missing()}: run make", file=sys.stderr)
        return 2
    try:
        net.sweep()
        proc.sweep()
        return asyncio.run(keep.run(options.out, options.address) if options.keep else show.run(options.out))
    except (AssertionError, OSError, RuntimeError, KeyError) as error:
        print(trouble.explain("the demo could not go on", str(error), options.out), file=sys.stderr)
        return 1


def main(arguments):
    """Run the demo; returns the exit code."""
    options = parse(arguments)
    become_root(arguments)
    os.environ.setdefault("MPLCONFIGDIR", os.path.join(ROOT, "build", "matplotlib"))
    os.makedirs(options.out, exist_ok=True)
    for name in os.listdir(options.out):
        if name.endswith((".log", ".txt", ".wav", ".png")):
            os.unlink(os.path.join(options.out, name))
    try:
        return perform(options)
    except ImportError as error:
        print(f"demo: {error}: run make deps, and use Debian's Python: make demo PYTHON=/usr/bin/python3", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        hand_over(options.out)


sys.exit(main(sys.argv[1:]))
