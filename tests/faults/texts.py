# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts while everything breaks: `make prove-texts`.

10,000 texts each way between accounts and a carrier while Tandem is killed (SIGKILL) 20 times at random moments, the XMPP server is
restarted 5 times and the trunk is silent for a minute: on Prosody, on ejabberd, on Prosody with Kamailio before the carrier, and with
SIPp for a carrier.
Ends with a table; the exit code says whether all was well. Each of these is an option, and with make one of:

    TEXTS=10000  KILLS=20  RESTARTS=5  SILENCE=60  RATE=60  SEED=n  FORMS="prosody ejabberd kamailio sipp"
"""

import argparse
import asyncio
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

WRONG_SHOWN = 20
FORMS = {"prosody": ("prosody", {}), "ejabberd": ("ejabberd", {}), "kamailio": ("prosody", {"proxy": True}),
         "sipp": ("prosody", {"with_sipp": True})}


def parse(arguments):
    """The options."""
    parser = argparse.ArgumentParser(prog="tests/faults/texts.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"texts": 10000, "kills": 20, "restarts": 5, "silence": 60.0, "rate": 60.0, "seed": int(time.time())}
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=type(value)(os.environ.get(name.upper()) or value))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=(os.environ.get("FORMS") or " ".join(FORMS)).split())
    return parser.parse_args(arguments)


def row(form, direction, verdict):
    """A line of the table."""
    told = sum(verdict.reported.values())
    why = ", ".join(f"{count} {name}" for name, count in verdict.reported.most_common())
    return (f"{form:10} {direction:17} {verdict.sent:6} {verdict.delivered:9} {told:8} {verdict.again:5} {len(verdict.wrong):5}"
            + (f"  ({why})" if why else ""))


HEAD = f"{'form':10} {'direction':17} {'sent':>6} {'delivered':>9} {'reported':>8} {'again':>5} {'wrong':>5}"


async def prove(form, plan):
    """One run: its rows, and what was wrong."""
    from bed import ledger, textproof, timeline

    server, options = FORMS[form]
    timeline.begin()
    bed = textproof.TextBed(textproof.SERVERS[server], log="info", **options)
    await bed.start()
    try:
        proof = textproof.Proof(bed, plan, lambda line: print(f"{form}: {line}", flush=True))
        verdicts = await proof.run()
    finally:
        await bed.stop(check=False)
    done = ", ".join(f"{count} {name}" for name, count in sorted(proof.done.items()))
    print(f"{form}: {done}", flush=True)
    rows = [row(form, direction, verdict) for direction, verdict in zip((ledger.OUT, ledger.IN), verdicts)]
    return rows, [f"{form}: {text}" for verdict in verdicts for text in verdict.wrong]


def main(arguments):
    """Prove it; returns the exit code."""
    options = parse(arguments)
    if os.geteuid():
        sys.exit("network namespaces need root")
    from bed import net, proc, tandem, textproof

    if tandem.missing():
        sys.exit(f"{tandem.missing()}: run make")
    net.sweep()
    proc.sweep()
    plan = textproof.Plan(options.texts, rate=options.rate, kills=options.kills, restarts=options.restarts,
                          silence_s=options.silence, seed=options.seed)
    rows, wrong = [], []
    for form in options.forms:
        some, bad = asyncio.run(prove(form, plan))
        rows += some
        wrong += bad
    print(f"\nseed {options.seed}\n" + "\n".join([HEAD, *rows]))
    print("\n".join(["", *wrong[:WRONG_SHOWN], *([f"and {len(wrong) - WRONG_SHOWN} more"] if len(wrong) > WRONG_SHOWN else [])]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
