# SPDX-License-Identifier: AGPL-3.0-or-later
"""One audio m= line as SDP, to and from the Content that jinglexml writes and reads (XEP-0167 section 6, XEP-0176 section 6).

This is what a client does that has a WebRTC engine and speaks Jingle: nothing that the engine says is left out."""

import re

import aioice

from .jinglexml import Content, Payload

DIRECTIONS = {"sendrecv": "both", "sendonly": "initiator", "recvonly": "responder", "inactive": "none"}  # of an offer


def _parameters(text):
    pairs = (part.strip().partition("=") for part in text.split(";") if part.strip())
    return tuple((name, value) if mark else (None, name) for name, mark, value in pairs)


def _payload(number, lines):
    """The Payload of one payload type of the m= line."""
    def of(attribute):
        return [line[len(attribute) + 1:].split(" ", 1)[1] for line in lines
                if re.match(rf"{attribute}:{number} ", line)]

    name, clock, channels = (of("rtpmap")[0].split("/") + ["1"])[:3]
    feedback = tuple(((text.split() + [None])[0], (text.split() + [None])[1]) for text in of("rtcp-fb"))
    return Payload(int(number), name, int(clock), int(channels), tuple(p for text in of("fmtp") for p in _parameters(text)),
                   feedback)


def _sources(lines):
    found = {}
    for line in lines:
        match = re.match(r"ssrc:(\d+) ([^:]+):?(.*)", line)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = match[3]
    return list(found.items())


def parse(text):
    """The Content of a session description with one m= line."""
    lines = text.splitlines()
    media = [line for line in lines if line.startswith("m=")]
    if len(media) != 1 or not media[0].startswith("m=audio "):
        raise ValueError(f"not one audio medium but {media}")
    lines = [line[2:] for line in lines if line.startswith("a=")]

    def value(name):
        return next((line[len(name) + 1:] for line in lines if line.startswith(name + ":")), "")

    fingerprints = [line.split(" ", 1)[1] for line in lines if line.startswith("fingerprint:sha-256 ")]
    return Content(
        name=value("mid"), senders=next((DIRECTIONS[line] for line in lines if line in DIRECTIONS), "both"),
        payloads=[_payload(number, lines) for number in media[0].split()[3:]], rtcp_mux="rtcp-mux" in lines,
        ufrag=value("ice-ufrag"), pwd=value("ice-pwd"), fingerprint=fingerprints[0], setup=value("setup"),
        candidates=[aioice.Candidate.from_sdp(line.partition(":")[2]) for line in lines if line.startswith("candidate:")],
        extensions=[(int(line.split()[0].partition(":")[2].partition("/")[0]), line.split()[1])
                    for line in lines if line.startswith("extmap:")],
        sources=_sources(lines))


def candidate(found):
    """The value of a=candidate."""
    return found.to_sdp()


def _codec_lines(payload):
    name = f"{payload.name}/{payload.clock}" + (f"/{payload.channels}" if payload.channels > 1 else "")
    yield f"a=rtpmap:{payload.pt} {name}"
    for kind, subtype in payload.feedback:
        yield f"a=rtcp-fb:{payload.pt} {kind}" + (f" {subtype}" if subtype else "")
    if payload.parameters:
        yield f"a=fmtp:{payload.pt} " + ";".join(f"{n}={v}" if n else v for n, v in payload.parameters)


def write(content, group):
    """The session description of a Content; @group says whether it is in a BUNDLE group."""
    direction = next(name for name, senders in DIRECTIONS.items() if senders == content.senders)
    numbers = " ".join(str(payload.pt) for payload in content.payloads)
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    lines += [f"a=group:BUNDLE {content.name}"] if group else []
    lines += [f"m=audio 9 UDP/TLS/RTP/SAVPF {numbers}", "c=IN IP4 0.0.0.0", f"a=mid:{content.name}", f"a={direction}"]
    lines += ["a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux"] if content.rtcp_mux else []
    lines += [f"a=ice-ufrag:{content.ufrag}", f"a=ice-pwd:{content.pwd}", "a=ice-options:trickle",
              f"a=fingerprint:sha-256 {content.fingerprint}", f"a=setup:{content.setup}"]
    for payload in content.payloads:
        lines += _codec_lines(payload)
    lines += [f"a=extmap:{number} {uri}" for number, uri in content.extensions]
    lines += [f"a=candidate:{candidate(found)}" for found in content.candidates]
    return "\r\n".join(lines) + "\r\n"
