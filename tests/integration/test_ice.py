# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reaching a client: relays, NAT, IPv6, dead candidates, restarts, and whom not to trust.

    client c1, or home behind NAT 10.77.0.30  --  Prosody srv, coturn turn  --  Tandem gw (all addresses)  --  carrier pstn
"""

import asyncio
import copy
import time
from dataclasses import replace

import pytest

from bed import capture, jinglexml, media, profiles
from bed.scene import GATEWAY, own_number

pytestmark = [pytest.mark.bed_options(turn=True, nat=True, sections={"media": {"address": "::"}})]

AUDIO_BACK_S = 5.0


def moved(candidate, **changes):
    """A copy of a candidate with other attributes."""
    other = copy.copy(candidate)
    vars(other).update(changes)
    return other


def unreachable(candidates):
    """The same candidates at addresses that do not exist (RFC 5737)."""
    return [moved(c, host="192.0.2.77", port=9) for c in candidates if ":" not in c.host]


def dead_first(candidates):
    """Three candidates of higher priority that never answer, then the real ones."""
    real = [c for c in candidates if ":" not in c.host]
    dead = [moved(real[0], host=f"192.0.2.{n}", port=9, priority=2130706431 - n) for n in range(1, 4)]
    return dead + [moved(c, priority=1000) for c in real]


V4 = replace(profiles.PLAIN, ipv6=False)


async def both_ways(scene, profile, **options):
    """A call out and a call in with this profile, both judged."""
    for place in (scene.call_out, scene.call_in):
        mine, theirs = await place(profile, **options)
        await scene.heard(mine, theirs)
        await mine.hangup()
        await theirs.wait("ended")
    return mine


async def test_trickle(scene):
    await both_ways(scene, V4)


async def test_all_at_once(scene):
    await both_ways(scene, replace(V4, trickle=False))


async def test_ipv6(scene):
    mine = await both_ways(scene, replace(profiles.PLAIN, ipv4=False))
    assert mine.client.profile.ipv4 is False


async def test_peer_reflexive_only(scene):
    """The candidates that the client announces do not exist: only its own checks tell where it is."""
    await both_ways(scene, replace(V4, filter_candidates=unreachable))


async def test_no_candidates_at_all(scene):
    await both_ways(scene, replace(V4, filter_candidates=lambda candidates: []))


async def test_behind_a_nat(scene):
    await both_ways(scene, V4, node=scene.bed.home)


async def test_behind_a_nat_with_a_server_reflexive_candidate(scene):
    await both_ways(scene, replace(V4, stun=True), node=scene.bed.home)


async def test_dead_candidates_cost_little_time(scene):
    mine, theirs = await scene.call_out(replace(V4, filter_candidates=dead_first))
    assert mine.milestones.at("ice") - mine.milestones.at("accepted") < 2.0
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_relayed(scene):
    mine, theirs = await scene.call_out(replace(V4, turn=True, relay_only=True))
    assert mine.transport.agent.selected().local_candidate.type == "relay"
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_relayed_from_behind_a_nat_when_called(scene):
    mine, theirs = await scene.call_in(replace(V4, turn=True, relay_only=True), node=scene.bed.home)
    assert mine.transport.agent.selected().local_candidate.type == "relay"
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()


async def test_gcm_keys(scene):
    await both_ways(scene, replace(V4, srtp=b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"))


@pytest.mark.parametrize("way", ["out", "in"])
async def test_ice_restart(scene, way):
    mine, theirs = await (scene.call_out if way == "out" else scene.call_in)(V4)
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.restart_ice()
    await scene.heard(mine, theirs)
    await mine.restart_ice()
    await scene.heard(mine, theirs, seconds=1.0)
    assert len(mine.audio.rx.ssrcs) == 1
    await mine.hangup()
    await theirs.wait("ended")


async def test_a_network_change(scene):
    """The client's address goes dead and it restarts ICE from another: audio is back within 5 s."""
    old, new = "10.77.0.21", "10.77.0.22"
    node = scene.bed.network.node("roam", f"{old}/24", f"{new}/24")
    mine, theirs = await scene.call_out(replace(V4, addresses=(old,)), node=node)
    await scene.heard(mine, theirs, seconds=1.0)
    scene.bed.gw.block(source=old)
    scene.bed.gw.block(to=old, chain="OUTPUT")
    cut = time.monotonic()
    await mine.restart_ice(addresses=(new,))
    await asyncio.gather(media.flowing(mine.audio, AUDIO_BACK_S, after=cut + 0.1),
                         media.flowing(theirs.audio, AUDIO_BACK_S, after=cut + 0.1))
    assert time.monotonic() - cut < AUDIO_BACK_S
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


async def test_the_path_is_lost_for_a_while(scene):
    """Eight seconds of darkness end no call (RFC 7675: thirty)."""
    mine, theirs = await scene.call_out(replace(V4, addresses=("10.77.0.11",)))
    await scene.heard(mine, theirs, seconds=1.0)
    port = mine.transport.agent.selected().local_addr[1]
    rule = scene.bed.gw.block(source="10.77.0.11", source_port=port)
    try:
        await asyncio.sleep(8)
    finally:
        rule.remove()
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("setup", ["active", "passive"])
async def test_a_wrong_fingerprint_when_called(scene, setup):
    await no_media_passes(scene, replace(V4, wrong_fingerprint=True, setup=setup), called)


async def test_a_wrong_fingerprint_when_calling(scene):
    await no_media_passes(scene, replace(V4, wrong_fingerprint=True), calling)


async def calling(scene, profile):
    mine, theirs = await scene.propose(profile)
    await theirs.answer()
    return mine, theirs


async def called(scene, profile):
    client = await scene.client(profile=profile)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await mine.accept()
    return mine, theirs


async def no_media_passes(scene, profile, place):
    """The certificate is not the signalled one: nothing may pass, and both sides are told."""
    mine, theirs = await place(scene, profile)
    ended = await mine.ended(12)
    assert ended.startswith(("terminate security-error", "terminate connectivity-error")), ended
    await theirs.wait("ended")
    assert mine.transport.rtp_in == 0 and mine.transport.rtp_before_up == 0, "media went to an unproven peer"
    assert not theirs.audio.rx.packets, "media of an unproven peer reached the telephone"


async def test_nothing_is_sent_to_an_address_that_has_not_been_checked(scene):
    """Candidates name a victim that never asked: it may get a few checks, and no audio (RFC 8445 19.5)."""
    client = await scene.client(profile=replace(V4, filter_candidates=lambda candidates: [
        *candidates, moved(candidates[0], host="10.77.0.12", port=5999, priority=2130706431)]))
    mine, theirs = await scene.call_out(client=client)
    got = []

    class Victim(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            got.append(data)

    with scene.bed.c2.inside():
        victim, _ = await asyncio.get_running_loop().create_datagram_endpoint(Victim, ("10.77.0.12", 5999))
    await scene.heard(mine, theirs)
    victim.close()
    assert all(data[0] < 4 for data in got), "more than STUN was sent to an unchecked address"
    assert len(got) < 40
    await mine.hangup()
    await theirs.wait("ended")


FORBIDDEN = [("127.0.0.1", 5999), ("127.9.9.9", 5999), ("::1", 5999), ("0.0.0.0", 5999), ("0.1.2.3", 5999), ("::", 5999),
             ("224.0.0.5", 5999), ("239.1.1.1", 5999), ("ff02::1", 5999), ("ff0e::99", 5999), ("169.254.1.1", 5999),
             ("fe80::1", 5999), ("255.255.255.255", 5999), ("240.0.0.1", 5999), ("::ffff:127.0.0.1", 5999), ("::127.0.0.1", 5999),
             (GATEWAY, 10000), (GATEWAY, 10001), ("fd77::1", 10000), (GATEWAY, 5060), ("fd77::1", 5060), ("10.77.0.11", 0)]


@pytest.mark.alone  # the captures take time that the audio of others needs
@pytest.mark.parametrize("trickle", [True, False], ids=["trickled", "at once"])
async def test_forbidden_candidates_get_no_packet(scene, trickle):
    """Loopback, multicast, link-local, unspecified, reserved and our own ports: a capture sees nothing go there."""
    with_them = replace(profiles.PLAIN, trickle=trickle, filter_candidates=lambda candidates: [
        *(moved(candidates[0], host=host, port=port, priority=2130706431 - n) for n, (host, port) in enumerate(FORBIDDEN)),
        *candidates])
    wire, loop = capture.Capture(scene.bed.gw), capture.Capture(scene.bed.gw, "lo")
    mine, theirs = await scene.call_out(with_them)
    await scene.heard(mine, theirs)
    real = {(c.host, c.port) for c in mine.transport.agent.local_candidates}  # gone with the call
    await mine.hangup()
    await theirs.wait("ended")
    sent = {packet.target for packet in wire.stop() + loop.stop() if packet.out}
    assert sent & real, "the capture has seen no check"
    hosts = {host for host, port in FORBIDDEN if port == 5999}
    wrong = {(host, port) for host, port in sent if (host, port) in FORBIDDEN or (port == 5999 and host in hosts)}
    assert not wrong, f"packets went to {wrong}"


async def test_the_end_of_candidates_is_tolerated(scene):
    """Some clients end their trickle by gathering-complete (XEP-0176), an empty transport, or an empty candidate."""
    mine, theirs = await scene.propose(V4)
    await theirs.answer()
    await mine.wait("accepted")
    for child in (None, "gathering-complete", "candidate"):
        xml = jinglexml.content_element(replace(mine.local, candidates=[]), description=False)
        if child:
            jinglexml.element(jinglexml.ICE, child, xml.find(f"{{{jinglexml.ICE}}}transport"))
        answer = await mine.client.request(jinglexml.jingle_element("transport-info", mine.sid, [xml]), mine.peer)
        assert answer.get("type") == "result", child
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.parametrize("broken", [4, 6])
async def test_dual_stack_with_one_family_broken(scene, broken):
    """Candidates of both families are exchanged, and packets of one of them vanish."""
    address = f"10.77.0.4{broken}"
    node = scene.bed.network.node(f"dual{broken}", f"{address}/24", f"fd77::4{broken}/64")
    for chain, here in (("INPUT", "to"), ("OUTPUT", "source")):
        node.block(**{here: address if broken == 4 else f"fd77::4{broken}"}, chain=chain)
    for place in (scene.call_out, scene.call_in):
        mine, theirs = await place(profiles.PLAIN, node=node)
        assert (":" in mine.transport.agent.selected().remote_addr[0]) == (broken == 4)
        assert mine.milestones.at("ice") - mine.milestones.at("accepted") < 2.0
        await scene.heard(mine, theirs)
        await mine.hangup()
        await theirs.wait("ended")


async def test_the_gateway_says_where_it_is(scene):
    mine, theirs = await scene.call_out(V4)
    hosts = {c.host for c in mine.remote.candidates}
    assert GATEWAY in hosts and "fd77::1" in hosts, hosts
    assert not any(h.startswith(("127.", "169.254.", "fe80")) or h == "::1" for h in hosts), hosts
    await mine.hangup()
    await theirs.wait("ended")
