# SPDX-License-Identifier: AGPL-3.0-or-later
"""A flood of strangers at the port of all clients, beside calls: what these lose by it.

    telephones, clients, XMPP server, and strangers with 65,536 addresses: the load generator  --  Tandem, all in one network namespace

The calls are measured without and with the flood by turns, so that what else the machine does falls on both. BED_FLOOD_CALLS=1000
BED_FLOOD_RATE=100000 (make prove-flood) is the whole of it, on an idle machine; generator, strangers and relay share its processors. Without, the
same in small.
"""

import os
import statistics

import pytest

from bed import generator, net

WHOLE = "BED_FLOOD_CALLS" in os.environ
CALLS, RATE = int(os.environ.get("BED_FLOOD_CALLS", "50")), int(os.environ.get("BED_FLOOD_RATE", "20000"))
PAIRS, SECONDS = (3, 5) if WHOLE else (2, 1)
SETUP_A_S, SETTLE_S = 50, 5.0  # calls set up in a second, at least; around each measurement
COST = 0.05  # of the estimated MOS, by which calls may be worse for it

pytestmark = [pytest.mark.quiet, pytest.mark.skipif(not generator.is_built(), reason="make tests builds the generator")]


@pytest.fixture
def node():
    """A network namespace of its own."""
    network = net.Network()
    try:
        yield network.node("flood")
    finally:
        network.close()


def measured(node):
    """([calm], [flooded]): what was measured, each {key: value}."""
    limit_s = generator.START_S + CALLS / SETUP_A_S + 2 * PAIRS * (SECONDS + SETTLE_S)
    load = generator.Generator(node, limit_s, "-s", str(SECONDS), "tandem", "flood", str(CALLS), str(RATE), str(PAIRS))
    try:
        steps = list(load.steps())
        assert load.process.wait(generator.START_S) == 0
    finally:
        load.close()
    both = [{**media, **opinion} for media, opinion in zip(steps[::2], steps[1::2])]
    assert len(both) == 2 * PAIRS and all(int(one["calls"]) == CALLS for one in both), steps
    return both[::2], both[1::2]


def told(steps):
    """What came about, the medians."""
    def middle(key, scale=1.0):
        return statistics.median(float(one[key]) for one in steps) * scale

    return (f"loss {middle('loss', 100):.3f} %, delay p99 {middle('p99_us', 1e-3):.2f} ms, MOS {middle('mos'):.2f}, Tandem "
            f"{middle('cpu_share', 100):.0f} % of a processor, the generator {middle('load_share', 100):.0f} %, late by {middle('late_p99_us', 1e-3):.2f} ms (p99)")


def test_calls_go_on_beside_a_flood(node, record_property):
    calm, flooded = measured(node)
    strangers = statistics.median(float(one["strangers"]) for one in flooded)
    record_property("measured", f"{CALLS} calls alone: {told(calm)}")
    record_property("measured", f"{CALLS} calls beside {strangers:.0f} packets a second of strangers: {told(flooded)}")
    assert strangers > 0
    costs = [1 - float(worse["mos"]) / float(better["mos"]) for better, worse in zip(calm, flooded)]
    assert (statistics.median(costs) if WHOLE else min(costs)) < COST, costs
