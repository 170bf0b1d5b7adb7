# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls as many and as fast as a carrier brings them, by the load generator (tests/bench/load), which checks every packet.

    generator: telephones, clients, XMPP server  --  Tandem, all in one network namespace

BED_CALLS=10000 (make prove-calls) is the whole of it: 10,000 calls at 100 a second, a thousand at a time, on an idle machine, where nothing
may be lost. What is remembered of calls that are over has its bounds: 4,096 sessions that ended (leg_xmpp_state.h) and SQLite's 2 MiB of
pages; by UDP also the transactions of 32 s, which SIP keeps in case its last message was lost (RFC 3261, timers D and J), 3,200 at that rate.
All of them are reached in the fifth thousand, and from then on nothing may grow; by TCP, which has no such transactions, little may after the
first. Without, the same in small.
"""

import os
import socket
import time

import pytest

from bed import database, generator, net, sipmsg
from bed.generator import START_S, Generator

CALLS = int(os.environ.get("BED_CALLS", "0"))
WHOLE = CALLS >= 1000
RATE, EACH = (100, 1000) if WHOLE else (40, 200)
UP = 500 if WHOLE else 100
QUESTIONS, ANSWER_S = 100, 0.1
GROWTH_KB = 1024  # of all thousands together, once the bounds are reached,
FULL = 4  # in the one behind so many
MEMORY_KB = {"udp": 32768, "tcp": 3072}  # what those bounds are, from the first thousand
AFTER_S = 10.0  # of each of the generator's steps

pytestmark = [pytest.mark.quiet, pytest.mark.skipif(not generator.is_built(), reason="make tests builds the generator")]


@pytest.fixture
def node():
    """A network namespace of its own."""
    network = net.Network()
    try:
        yield network.node("load")
    finally:
        network.close()


def check_records(directory, calls, begun_ms):
    """One for each call, with its true cause, and times that are those of this run and in their order."""
    found = database.rows(os.path.join(directory, "tandem.db"), "SELECT call, cause, started_ms, ringing_ms, answered_ms, ended_ms FROM cdr")
    assert len(found) == len({row[0] for row in found}) == calls, f"{len(found)} records of {calls} calls"
    ended_ms = int(time.time() * 1000)
    for _, cause, *times in found:
        known = [begun_ms, *(at for at in times if at), ended_ms]
        assert cause == "normal" and times[0] and times[2] and times[3] and known == sorted(known), (cause, times)


@pytest.mark.parametrize("transport", MEMORY_KB)
def test_all_are_heard_and_nothing_grows(node, transport, record_property):
    steps, seconds = max(1, CALLS // EACH), EACH / RATE
    way, begun_ms = ["-t"] if transport == "tcp" else [], int(time.time() * 1000)
    load = Generator(node, START_S + steps * (seconds + AFTER_S), *way, "-s", str(seconds), "tandem", "setup", *[str(RATE)] * steps)
    try:
        done = list(load.steps())
        assert load.process.wait(START_S) == 0
        calls, heard = (sum(int(step[key]) for step in done) for key in ("calls", "heard"))
        check_records(load.directory, calls, begun_ms)
    finally:
        load.close()
    resident = [int(step["rss_kib"]) for step in done]
    record_property("measured", f"{calls} calls by {transport} at {RATE} a second: {heard} heard, KiB after each {EACH}: {resident}")
    assert len(done) == steps and calls >= steps * EACH * 0.99
    assert heard == calls and not sum(int(step["failed"]) for step in done), done
    if WHOLE:
        assert max(resident) - resident[0] < MEMORY_KB[transport], resident
    if WHOLE and steps > FULL:
        assert max(resident[FULL:]) - resident[FULL] < GROWTH_KB, resident


def asked(node):
    """OPTIONS of the trunk's, one after the other: the seconds until each answer."""
    with node.enter():
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("127.0.0.1", 0))
    wire.settimeout(10.0)
    port, delays = wire.getsockname()[1], []
    for n in range(QUESTIONS):
        request = sipmsg.Message("OPTIONS", "sip:+15557654321@127.0.0.1")
        request.add("Via", f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{sipmsg.token()};rport").add("Max-Forwards", 70)
        request.add("From", f"<sip:bench@127.0.0.1>;tag={sipmsg.token()}").add("To", "<sip:+15557654321@127.0.0.1>")
        request.add("Call-ID", sipmsg.token(20)).add("CSeq", f"{n + 1} OPTIONS").add("Contact", f"<sip:bench@127.0.0.1:{port}>")
        begun = time.monotonic()
        wire.sendto(request.encode(), ("127.0.0.1", 5060))
        assert sipmsg.parse(wire.recv(65536)).status == 200
        delays.append(time.monotonic() - begun)
    wire.close()
    return sorted(delays)


def test_options_beside_calls_that_are_up(node, record_property):
    """They are all up when the first of two steps has been measured, and speak during the second."""
    load = Generator(node, 2 * START_S, "-s", "5", "tandem", "media", str(UP), str(UP))
    try:
        assert int(next(load.steps())["calls"]) == UP
        delays = asked(node)
    finally:
        load.close()
    record_property("measured", f"OPTIONS beside {UP} calls up: median {1000 * delays[QUESTIONS // 2]:.1f} ms, worst {1000 * delays[-1]:.1f} ms")
    assert delays[QUESTIONS // 2] < ANSWER_S and (not WHOLE or delays[-1] < ANSWER_S)
