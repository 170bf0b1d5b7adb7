# SPDX-License-Identifier: AGPL-3.0-or-later
"""A carrier that has IPv6 alone, and listeners on all addresses.

    client c1  --  Prosody srv  --  Tandem gw (udp and tcp on 0.0.0.0 and ::)  --  carrier pstn 10.77.0.2
                                                                              --  "six" pstn [fd77::2], UDP or TCP
"""

import pytest

from bed import phone, sipmsg
from bed.rawsip import Line, Request
from bed.scene import GATEWAY, own_number

GATEWAY6, CARRIER6, OTHER6 = "fd77::1", "fd77::2", "fd77::3"
pytestmark = [pytest.mark.bed_options(
    sections={"sip": {"listen": ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060", "udp:[::]:5060", "tcp:[::]:5060"]},
              "media": {"address": "0.0.0.0"}},
    trunks={"six": {"proxy": f"sip:[{CARRIER6}]:5060", "allow": [f"{CARRIER6}/128"]},
            "sixtcp": {"proxy": f"sip:[{OTHER6}]:5060;transport=tcp", "allow": [f"{OTHER6}/128"]}},
    numbers={"+15557650006": {"owner": "u58@example.org", "trunk": "six"},
             "+15557650007": {"owner": "u59@example.org", "trunk": "sixtcp"},
             "+15557660058": {"owner": "u58@example.org", "trunk": "six"},
             "+15557660059": {"owner": "u59@example.org", "trunk": "sixtcp"}})]


async def six(scene, host):
    """A telephone at an IPv6 address of the carrier's node."""
    if host != CARRIER6:
        scene.bed.pstn.add_address(f"{host}/64")
    return await phone.Phone(scene.bed.pstn, host, name="six").start()


def check_addresses(message, family, address):
    """Via (of a request), Contact and SDP say @address, once each."""
    assert len(message.all("Contact")) == 1 and f"@{sipmsg.bracket(address)}:5060" in message.get("Contact"), message.all("Contact")
    if message.method:
        assert len(message.all("Via")) == 1 and sipmsg.bracket(address) in message.get("Via"), message.all("Via")
    text = message.body.decode()
    assert f"c=IN {family} {address}" in text and f"IN {family} {address}" in text.split("s=")[0], text


@pytest.mark.parametrize("user,host,transport", [("u58", CARRIER6, "udp"), ("u59", OTHER6, "tcp")])
async def test_calls_both_ways_over_ipv6(scene, user, host, transport):
    carrier = await six(scene, host)
    try:
        client = await scene.client(user)
        mine, theirs = await scene.propose(client=client, carrier=carrier)
        check_addresses(theirs.invite, "IP6", GATEWAY6)
        assert f"[{GATEWAY6}]" in theirs.invite.get("From") or f"[{host}]" in theirs.invite.get("From")
        await theirs.ring()
        await theirs.answer()
        await mine.wait("media")
        await scene.heard(mine, theirs)
        await mine.hangup()
        assert "BYE" in await theirs.wait("ended")

        theirs = await carrier.dial(f"sip:{own_number(user)}@[{GATEWAY6}]:5060", (transport, GATEWAY6, 5060))
        mine = await client.incoming()
        mine.ring()
        await theirs.wait("ringing")
        await mine.accept()
        await theirs.wait("answered")
        assert theirs.offer.host == GATEWAY6
        await mine.wait("media")
        await scene.heard(mine, theirs)
        await theirs.hangup()
        await mine.ended()
    finally:
        carrier.close()


async def test_a_listener_on_all_addresses_names_the_right_one(scene):
    mine, theirs = await scene.call_out()
    check_addresses(theirs.invite, "IP4", GATEWAY)
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()
    mine, theirs = await scene.call_in()
    assert theirs.offer.host == GATEWAY and f"@{GATEWAY}:5060" in theirs.target
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone
async def test_an_address_that_comes_later_is_served(scene):
    scene.bed.gw.add_address("10.77.0.8/24")
    response = None
    try:
        async with Line(scene.bed.pstn, gateway="10.77.0.8") as line:
            for _ in range(20):
                line.send(Request(line, "OPTIONS", "sip:10.77.0.8").octets)
                if response := await line.response(timeout=0.5):
                    break
        assert response and response.status == 200
    finally:
        scene.bed.gw.drop_address("10.77.0.8/24")
    await scene.bed.tandem.process.wait_log(r"at=10\.77\.0\.8:5060 transport=udp what=gone", 10)
    scene.bed.gw.add_address("10.77.0.8/24")
    try:
        await scene.bed.tandem.process.wait_log(r"at=10\.77\.0\.8:5060 transport=udp what=back", 10)
    finally:
        scene.bed.gw.drop_address("10.77.0.8/24")
