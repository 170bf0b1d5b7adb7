# SPDX-License-Identifier: AGPL-3.0-or-later
"""A timeline as a ladder: who sent what to whom when, from left to right."""

import re

LANE = 42
CODECS = {"0": "PCMU", "8": "PCMA", "9": "G.722"}  # the payload types that have a fixed meaning (RFC 3551)
STANZA = re.compile(r"^(?:message chat|iq set jingle|message|iq)\s+")
PATH = re.compile(r"CandidatePair\(\((.*?)\) -> \((.*?)\)\)")
SIDES = ("alice's client", "Tandem", "the telephone")
WAYS = ("XMPP through Prosody, WebRTC", "", "SIP, RTP")


def _arrow(label, right):
    label = label if len(label) <= LANE - 8 else label[:LANE - 11] + "..."
    body = f" {label} ".ljust(LANE - 4, "-")
    return f"--{body}->" if right else f"<-{body}--"


def _head(names, before):
    return f"{before:>10}  {names[0]:<{LANE - 4}}{names[1]:^10}{names[2]:>{LANE - 3}}"


def _row(left="", right=""):
    return f"|{left:<{LANE}}|{right:<{LANE}}|"


def _stanza(event):
    """(label, whether Tandem is the peer) of a stanza the client sent or got."""
    peer, _, text = event.detail.partition(": ")
    text = re.sub(r" sid=\S*| reason=", " ", STANZA.sub("", text))
    text = re.sub(r"(\d+) candidates", lambda m: f"with {m.group(1)} candidate" + "s" * (m.group(1) != "1"), text)
    return " ".join(text.split()), "@tel." in peer


def _sip(event):
    """The label of a SIP message: method or status, and what audio it describes."""
    status = re.match(r"SIP/2\.0 (\d+ [^(]*?) \((\w+)\)", event.detail)
    label = f"{status.group(1)} ({status.group(2)})" if status else event.detail.split()[0]
    audio = re.search(r"m=audio \d+ \S+ ([\d ]+)", event.detail)
    if not audio:
        return label
    known = [CODECS[pt] for pt in audio.group(1).split() if pt in CODECS]
    return f"{label}, SDP: {', '.join(known)}"


def _note(event):
    """What a milestone or an observation says, or None for those that only repeat a message."""
    if event.what == "* ice":
        path = PATH.search(event.detail)
        ends = [end.replace("'", "").replace(", ", ":") for end in path.groups()] if path else [event.detail]
        return "ICE " + "-".join(ends)
    if event.what == "* dtls":
        return "DTLS: " + event.detail
    if event.what == "* ended":
        return "ended: " + event.detail.split(" Q.850")[0]
    if event.what == "first RTP":
        return "first audio packet"
    if event.what.startswith("hears "):
        return "has listened: " + ("the right tone" if "WRONG" not in event.detail else "WRONG")
    return event.what if event.what in ("FAILED", "GIVES UP") else None


def _line(event):
    """The rungs of one event, or None if it says nothing new."""
    kind, ours = event.what, event.who.startswith("alice")
    if kind in ("XMPP ->", "XMPP <-"):
        label, tandem = _stanza(event)
        if tandem:
            return _row(_arrow(label, kind == "XMPP ->"))
        return _row(f"  ({label}, to alice's other devices)") if kind == "XMPP ->" else None
    if kind in ("SIP ->", "SIP <-"):
        return _row("", _arrow(_sip(event), kind == "SIP <-"))
    note = _note(event)
    if note is None:
        return None
    return _row("  * " + note[:LANE - 4]) if ours else _row("", f"{note[:LANE - 4] + ' *':>{LANE - 1}} ")


def lines(timeline):
    """The lines of a call's ladder, from its first word on."""
    events = sorted(timeline.events, key=lambda event: event.at)
    first = next((e.at for e in events if " propose" in e.detail or e.detail.startswith("INVITE")), timeline.started)
    found = [_head(SIDES, "seconds"), _head(WAYS, "")]
    for event in events:
        rungs = _line(event) if event.at >= first else None
        if rungs:
            found.append(f"  {event.at - first:8.3f}  {rungs}")
    return found
