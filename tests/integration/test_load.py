# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many calls: 200 set up at once, all up together, every one heard both ways.

    20 clients c1, c2  --  Prosody srv  --  Tandem gw  --  carrier pstn

BED_CALLS is as many at once as this machine can play; BED_ROUNDS=5 makes it a thousand, which a sanitizer or valgrind then searches for leaks when Tandem ends.
"""

import asyncio
import os
import resource
import time

import pytest

from bed import media, profiles
from bed.scene import own_number
from test_requests import ask

CALLS, CLIENTS, LISTENERS = int(os.environ.get("BED_CALLS", "200")), 20, 16
SETUP_S = 45.0
QUESTIONS, ANSWER_S = 50, 0.1
ROUNDS = int(os.environ.get("BED_ROUNDS", "1"))

pytestmark = [pytest.mark.bed_options(sections={"limits": {"calls_per_account": CALLS, "ring_timeout_s": 60},
                                                "log": {"level": "info"}}), pytest.mark.alone, pytest.mark.quiet]


async def answer_all(plan, count):
    """Answer @count calls as they come."""
    calls = []
    for _ in range(count):
        call = await plan.call(SETUP_S)
        await call.ring()
        await call.answer()
        calls.append(call)
    return calls


async def one(scene, client, gate):
    """A call of the load: (client's, carrier's), up but silent."""
    number = scene.number()
    plan = scene.bed.carrier.expect(number)
    mine = await client.call(scene.jid(number))
    mine.auto_audio = False
    theirs = (await answer_all(plan, 1))[0]
    theirs.audio.stop()
    await mine.wait("media", SETUP_S)
    async with gate:
        mine.audio.start()
        theirs.audio.start()
        await media.listen((mine.audio, theirs.audio), (theirs.audio, mine.audio), seconds=0.8, timeout=10)
        mine.audio.stop()
        theirs.audio.stop()
    return mine, theirs


async def asked_meanwhile(scene):
    """A trunk's OPTIONS is answered soon, however many calls are up."""
    delays = []
    for _ in range(QUESTIONS):
        begun = time.monotonic()
        assert (await ask(scene, "OPTIONS", own_number("u00"))).status == 200
        delays.append(time.monotonic() - begun)
    delays.sort()
    scene.figure(f"OPTIONS beside {CALLS} calls", f"median {1000 * delays[QUESTIONS // 2]:.1f} ms, worst {1000 * delays[-1]:.1f} ms")
    assert delays[QUESTIONS // 2] < ANSWER_S


@pytest.mark.limit(150)
@pytest.mark.parametrize("turn", range(ROUNDS))
async def test_two_hundred_calls_at_once(scene, turn):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    profile = profiles.replace(profiles.ALL_AT_ONCE, ipv6=False, connect_s=SETUP_S)
    clients = [await scene.client(profile=profile, node=(scene.bed.c1, scene.bed.c2)[n % 2]) for n in range(CLIENTS)]
    gate, begun = asyncio.Semaphore(LISTENERS), time.monotonic()
    calls = await asyncio.gather(*(one(scene, clients[n % CLIENTS], gate) for n in range(CALLS)))
    scene.figure(f"round {turn + 1}: {CALLS} calls up and heard", f"{time.monotonic() - begun:.1f} s, CPU {scene.bed.tandem.usage()[1]:.2f} s")
    assert all(not mine.passed("ended") and not theirs.passed("ended") for mine, theirs in calls)
    await asked_meanwhile(scene)
    for mine, theirs in calls[:CALLS // 2]:
        await mine.hangup()
    await asyncio.gather(*(theirs.wait("ended", 20) for _, theirs in calls[:CALLS // 2]))
    await asyncio.gather(*(theirs.hangup() for _, theirs in calls[CALLS // 2:]))
    await asyncio.gather(*(mine.ended(20) for mine, _ in calls[CALLS // 2:]))


async def test_afterwards_it_serves_as_before(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_wake_ups_and_cpu_at_idle(scene):
    """Under 50 wake-ups a second and 1 % of a processor with no call (right after 200)."""
    await asyncio.sleep(1.0)
    switches, cpu = scene.bed.tandem.usage()
    seconds = 5.0
    await asyncio.sleep(seconds)
    after, cpu_after = scene.bed.tandem.usage()
    rate, share = (after - switches) / seconds, (cpu_after - cpu) / seconds
    scene.figure("idle", f"{rate:.1f} wake-ups/s, {share * 100:.2f} % CPU")
    assert rate < 50 and share < 0.01, f"{rate:.1f} wake-ups/s, {share * 100:.2f} % CPU"
