# SPDX-License-Identifier: AGPL-3.0-or-later
"""What to tell when the demo fails: what happened, where to read more, what to do."""

import os

from bed import proc

TAIL = 15


def save_logs(directory):
    """Leave the logs of the processes that still run in @directory."""
    for process in proc.Process.running:
        process.save()
    return [name for name in sorted(os.listdir(directory)) if name.endswith(".log")]


def advice(message):
    """What somebody can do about a failure whose text is @message."""
    known = (
        ("Operation not permitted", "Network namespaces are forbidden here, as in most containers: run the demo on a machine of its "
         "own or in a virtual one, or give the container the capabilities SYS_ADMIN and NET_ADMIN (docker run --privileged)."),
        ("No such file or directory: 'ip'", "iproute2 is missing: run make deps."),
        ("No such file or directory: 'prosody'", "Prosody is missing: run make deps."),
        ("name not found: 'prosody'", "Prosody's user is missing: install Debian's prosody package (make deps)."),
        ("is in use", "End what uses these ports (ss -lntup tells; systemctl stop prosody, perhaps) and try again."),
        ("no address of this machine", "ip -4 -brief address tells which there are; make demo KEEP=1 ADDRESS=... takes one of them."),
        ("event=ready", "Tandem did not become ready: its log says which part of its configuration or which port it could not use."),
        ("tandem ended", "Tandem ended by itself: the last lines of its log say why."),
        ("no audio within", "The call was set up but no audio came: look for event=media-ready and ICE in Tandem's log."),
        ("no ice within", "The client found no path to Tandem: look for the candidates in the timeline and for ICE in Tandem's log."),
        ("no INVITE", "Tandem placed no call on the trunk: its log says why (trunk state, account, number)."),
    )
    return next((text for pattern, text in known if pattern in message),
                "Read Tandem's log from the first line with warn or error; the timeline shows the last message before the failure.")


def explain(what, message, directory):
    """The text for a failure: @what failed with @message, logs are in @directory."""
    found = ["", f"FAILED: {what}", *("  " + line for line in message.splitlines())]
    for name in save_logs(directory):
        path = os.path.join(directory, name)
        with open(path, encoding="utf-8", errors="replace") as log:
            last = log.read().splitlines()[-TAIL:]
        found += ["", f"  the last lines of {path}:", *("    " + line for line in last)]
    timeline = os.path.join(directory, "timeline.txt")
    if os.path.exists(timeline):
        found += ["", f"  every message of the calls: {timeline}"]
    return "\n".join([*found, "", f"  What to do: {advice(message)}"])
