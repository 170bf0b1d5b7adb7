# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is printed about a finished call: its ladder, its times, its packets and the verdict on its tones."""

import re

from bed import capture

import ladder

DELAYS = (50, 99)


def _times(call):
    """When ICE and DTLS were done, as the client saw it and as Tandem did."""
    marks = call.mine.milestones
    if not marks.passed("dtls"):
        return []
    found = [f"  client: ICE {1e3 * (marks.at('ice') - marks.at('accepted')):.0f} ms after session-accept, "
             f"DTLS {1e3 * (marks.at('dtls') - marks.at('ice')):.0f} ms after ICE, {marks.detail('dtls')}"]
    media = next((line for line in call.log if "event=media " in line), "")
    figures = dict(re.findall(r"(\w+)=(\S+)", media))
    if "a_ice_ms" in figures:
        side = "a" if int(figures["a_dtls_ms"]) else "b"
        found.append(f"  Tandem: ICE {figures[side + '_ice_ms']} ms, DTLS {figures[side + '_dtls_ms']} ms, "
                     f"codec {figures.get('codec', '?')}, " + ", ".join(
                         f"{name} side {figures[s + '_rx']} packets in, {figures[s + '_tx']} out, {figures[s + '_lost']} lost"
                         for name, s in (("XMPP", side), ("SIP", "ba"[side == "b"])) if call.theirs or name == "XMPP"))
    return found


def _states(call):
    """The states that Tandem's call went through."""
    steps = [match.groups() for match in (re.search(r"call=\S+ (\S+) \+ \S+ -> (\S+)", line) for line in call.log) if match]
    return ["  Tandem's states: " + " > ".join([steps[0][0], *(after for _, after in steps)])] if steps else []


def _packets(direction):
    """The lines about the packets of a direction."""
    total, delays = len(direction.sent), direction.delays
    if not total:
        return ["    no packets were sent"]
    found = [f"    {total} packets sent ({direction.out.codec_name}), {len(direction.received)} arrived, {direction.lost} lost; "
             f"{direction.unchanged} of them octet by octet as they were sent"]
    if len(delays) > 1:
        middle, high = (1e3 * capture.percentile(delays, p) for p in DELAYS)
        found.append(f"    added by Tandem, packet by packet: median {middle:.3f} ms, 99 % below {high:.3f} ms, "
                     f"most {1e3 * max(delays):.3f} ms (of {len(delays)})")
        found.append(f"    jitter (RFC 3550): {1e3 * direction.jitter[0]:.2f} ms before Tandem, "
                     f"{1e3 * direction.jitter[1]:.2f} ms behind it")
    return found


def _name(side):
    return "the telephone" if side == "telephone" else side


def decibels(verdict):
    """The level of what was heard, against what was sent."""
    return f"{round(verdict.level_db, 1) + 0.0:+.1f} dB"  # + 0.0 takes the sign from zero


def proof(direction):
    """One line: what was sent and what was heard."""
    verdict, sent = direction.verdict, direction.out.tone.frequency
    end = "HEARD" if direction.good else "WRONG: " + (", ".join(verdict.faults) or "payloads were changed on the way")
    return (f"{_name(direction.sender)} sent {sent} Hz, {_name(direction.receiver)} heard {verdict.frequency:.1f} Hz, "
            f"level {decibels(verdict)}, longest gap {verdict.longest_gap_s * 1e3:.0f} ms, "
            f"delay {verdict.delay_s * 1e3:.1f} ms: {end}")


def text(call):
    """All about one call."""
    found = ["", f"=== {call.title}", "", *ladder.lines(call.scene.timeline), ""]
    if call.mine:
        found += _times(call)
    found += _states(call)
    for direction in call.directions:
        found += ["", f"  {_name(direction.sender)} -> {_name(direction.receiver)}", *_packets(direction),
                  "    " + proof(direction)]
    if call.failure:
        found += ["", f"  FAILED: {call.failure}"]
    return "\n".join(found)
