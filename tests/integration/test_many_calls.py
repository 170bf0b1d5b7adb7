# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls as many and as fast as a carrier brings them, by the load generator (tests/bench/load), which checks every packet.

    generator: telephones, clients, XMPP server  --  Tandem, all in one network namespace

BED_CALLS=10000 is the whole of it: 10,000 calls at 100 a second, a thousand at a time, on an idle machine, where nothing may be lost. SIP
keeps a transaction for 32 s (RFC 3261, timers H and J), which is 3,200 calls at that rate: from then on nothing may grow. Without, the same in
small.
"""

import os
import re
import shutil
import socket
import subprocess
import time

import pytest

from bed import net, proc, sipmsg, tandem

LOAD = os.path.join(os.path.dirname(tandem.binary()), "tests", "bench", "load", "load")
CALLS = int(os.environ.get("BED_CALLS", "0"))
WHOLE = CALLS >= 1000
RATE, EACH = (100, 1000) if WHOLE else (40, 200)
UP = 500 if WHOLE else 100
QUESTIONS, ANSWER_S = 100, 0.1
GROWTH_KB = 1024  # of all thousands together, once as many transactions end as begin
FULL = 3  # the first thousand after which that is so
START_S = 60.0

pytestmark = [pytest.mark.quiet, pytest.mark.skipif(not os.path.exists(LOAD), reason="make tests builds the generator")]


@pytest.fixture
def node():
    """A network namespace of its own."""
    network = net.Network()
    try:
        yield network.node("load")
    finally:
        network.close()


class Generator:
    """The load generator in @node: @arguments are its mode and numbers, its lines of key=value come by steps()."""

    def __init__(self, node, *arguments):
        self.directory = proc.directory("load")
        with node.enter():
            self.process = subprocess.Popen([LOAD, "-b", tandem.binary(), "-d", self.directory, *arguments], stdout=subprocess.PIPE, text=True)

    def steps(self):
        """Each step as it ends: {key: value}."""
        for line in self.process.stdout:
            yield dict(re.findall(r"(\w+)=(\S+)", line))

    def close(self):
        """End it."""
        self.process.terminate()
        self.process.wait(START_S)
        shutil.rmtree(self.directory, ignore_errors=True)


def test_all_are_heard_and_nothing_grows(node, record_property):
    steps = max(2, CALLS // EACH)
    generator = Generator(node, "-s", str(EACH / RATE), "tandem", "setup", *[str(RATE)] * steps)
    try:
        done = list(generator.steps())
        assert generator.process.wait(START_S) == 0
    finally:
        generator.close()
    calls, heard = (sum(int(step[key]) for step in done) for key in ("calls", "heard"))
    resident = [int(step["rss_kib"]) for step in done]
    record_property("measured", f"{calls} calls at {RATE} a second: {heard} heard, KiB after each {EACH}: {resident}")
    assert len(done) == steps and calls >= steps * EACH * 0.99
    assert heard == calls and not sum(int(step["failed"]) for step in done), done
    if WHOLE:
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
    generator = Generator(node, "-s", "5", "tandem", "media", str(UP), str(UP))
    try:
        assert int(next(generator.steps())["calls"]) == UP
        delays = asked(node)
    finally:
        generator.close()
    record_property("measured", f"OPTIONS beside {UP} calls up: median {1000 * delays[QUESTIONS // 2]:.1f} ms, worst {1000 * delays[-1]:.1f} ms")
    assert delays[QUESTIONS // 2] < ANSWER_S and (not WHOLE or delays[-1] < ANSWER_S)
