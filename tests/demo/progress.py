# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is told while the demo runs: a line for each step, with the seconds since the start."""

import time

_began = time.monotonic()
# What a milestone of the client's or the telephone's call means to somebody who watches.
STEPS = {
    "* invite": "the SIP INVITE has reached the telephone",
    "* propose": "the proposal has reached alice's client",
    "* ringing": "{who} is told that it rings",
    "* answered": "the call is answered (SIP 200)",
    "* proceed": "alice's client is told to go on (proceed)",
    "* ice": "ICE: a path for the audio is found",
    "* dtls": "DTLS: keys are agreed on ({detail})",
    "first RTP": "{who} gets audio",
}


def elapsed():
    """Seconds since the start of the demo."""
    return time.monotonic() - _began


def say(text):
    """One line of progress."""
    print(f"{elapsed():7.2f} s  {text}", flush=True)


def who(event):
    """The side that an event of a timeline happened on, in words."""
    return "alice" if event.who.startswith("alice") else "the telephone"


def watch(event):
    """Tell a timeline's event, if it is one that matters to people."""
    text = STEPS.get(event.what)
    if text:
        say("   " + text.format(who=who(event), detail=event.detail))
