# SPDX-License-Identifier: AGPL-3.0-or-later
"""Devices that take no proposals are called by a session at once, beside those that do.

    clients c1, c2 of one account, subscribed to the gateway  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio
from dataclasses import replace

import pytest

from bed import profiles
from bed.scene import DOMAIN, own_number
from bed.seen import actions, spy

WEB = profiles.STANZA  # no XEP-0353


async def known(scene, client):
    """@client shares its presence with the gateway, which knows then what it can do."""
    client.presence("subscribe", to=DOMAIN)
    await scene.bed.tandem.process.wait_log(f'device="{client.boundjid.full}" direct=yes', 10.0)


async def up(mine, theirs):
    """Answered, with media."""
    await asyncio.gather(mine.wait("media"), theirs.wait("answered"))


async def test_a_client_without_proposals_is_called(scene):
    client = await scene.client(profile=WEB)
    await known(scene, client)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    assert mine.direct
    mine.session_info("ringing")
    await theirs.wait("ringing")
    await mine.accept()
    await up(mine, theirs)
    await scene.heard(mine, theirs)
    await theirs.hangup()
    assert (await mine.ended()).startswith("terminate success")


async def test_each_device_in_its_own_way_and_one_answers(scene):
    web = await scene.client(profile=WEB, resource="web")
    phone = await scene.client(web.user, node=scene.bed.c2, resource="phone")
    await known(scene, web)
    theirs = await scene.dial(own_number(web.user))
    seen = spy(phone)
    first, second = await asyncio.gather(web.incoming(), phone.incoming())
    assert first.direct and not second.direct and "session-initiate" not in actions(seen)
    await first.accept()
    await up(first, theirs)
    assert (await second.ended()).startswith("retract cancel"), "no carbon tells the other device"
    await scene.heard(first, theirs)
    await first.hangup()
    await theirs.wait("ended")


async def test_the_device_with_proposals_answers(scene):
    web = await scene.client(profile=WEB, resource="web")
    web._on_carbon = lambda message: None  # it knows nothing of proposals
    phone = await scene.client(web.user, node=scene.bed.c2, profile=replace(profiles.PLAIN, accept_to_self=False))
    await known(scene, web)
    theirs = await scene.dial(own_number(web.user))
    first, second = await asyncio.gather(web.incoming(), phone.incoming())
    await second.accept()
    await up(second, theirs)
    assert (await first.ended()).startswith("terminate cancel")
    await scene.heard(second, theirs)
    await theirs.hangup()
    await second.ended()


async def test_declined_and_cancelled(scene):
    client = await scene.client(profile=WEB)
    await known(scene, client)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    await mine.reject()
    assert (await theirs.wait("ended")).startswith("603")
    theirs = await scene.dial(own_number(client.user), caller="+15559870990")
    mine = await client.incoming()
    mine.session_info("ringing")
    await theirs.wait("ringing")
    await theirs.cancel()
    assert (await mine.ended()).startswith("terminate cancel")


async def test_a_device_that_refuses_plain_calls_leaves_it_to_the_others(scene):
    """Gajim 1.9 has no DTLS and ends the session."""
    web = await scene.client(profile=WEB, resource="web")
    phone = await scene.client(web.user, node=scene.bed.c2, resource="phone")
    await known(scene, web)
    theirs = await scene.dial(own_number(web.user))
    first, second = await asyncio.gather(web.incoming(), phone.incoming())
    await first.hangup("unsupported-transports")
    await web.settled()
    assert not theirs.passed("ended")
    await second.accept()
    await up(second, theirs)
    await second.hangup()
    await theirs.wait("ended")


async def test_who_has_logged_out_is_not_called(scene):
    web = await scene.client(profile=WEB, resource="web")
    phone = await scene.client(web.user, node=scene.bed.c2, resource="phone")
    await known(scene, web)
    await web.close()
    scene.clients.remove(web)
    await phone.settled()
    theirs = await scene.dial(own_number(phone.user))
    mine = await phone.incoming()
    log = scene.bed.tandem.log
    assert f'device="{phone.user}@example.org/web" session=at-once' not in log
    await mine.accept()
    await up(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")


@pytest.mark.alone
async def test_a_client_is_known_again_after_a_restart_of_ours(scene):
    """It says nothing: its server is asked."""
    client = await scene.client(profile=WEB)
    await known(scene, client)
    await scene.bed.tandem.kill()
    await scene.bed.tandem.start()
    await scene.bed.tandem.process.wait_log(f'device="{client.boundjid.full}" direct=yes', 10.0)
    theirs = await scene.dial(own_number(client.user))
    mine = await client.incoming()
    assert mine.direct
    await mine.accept()
    await up(mine, theirs)
    await scene.heard(mine, theirs)
    await mine.hangup()
    await theirs.wait("ended")
