# SPDX-License-Identifier: AGPL-3.0-or-later
"""That Tandem and its numbers are found: what they say of themselves, and how they are written.

    clients c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn
"""

import pytest

from bed import ejabberd, prosody
from bed.jinglexml import element
from bed.scene import DOMAIN
from test_jmi import begin
from test_malformed import error_of

pytestmark = pytest.mark.parametrize("bed", [prosody.Prosody, ejabberd.Ejabberd], indirect=True, scope="module")

CLIENT, STANZAS = "jabber:client", "urn:ietf:params:xml:ns:xmpp-stanzas"


def gone(answer):
    """The address that the error @answer names."""
    return answer.findtext(f".//{{{STANZAS}}}gone")


# numbers in another form than ours

WRITTEN = (("5551234567", "+15551234567"), ("15551234567", "+15551234567"), ("555-123-4567", "+15551234567"),
           ("(555)\\20123-4567", "+15551234567"), ("tel\\3a+49-30-1234567", "+49301234567"), ("004930123456", "+4930123456"))


async def test_a_text_to_a_number_without_its_country_code_is_told_the_right_address(scene):
    client = await scene.client()
    for written, number in WRITTEN:
        body = element(CLIENT, "body")
        body.text = "hello"
        answer = await client.ask(f"{written}@{DOMAIN}", body)
        assert error_of(answer) == "gone", written
        assert gone(answer) == f"xmpp:{number}@{DOMAIN}"


async def test_a_session_with_a_number_without_its_country_code_is_told_the_right_address(scene):
    client = await scene.client()
    for written, number in WRITTEN:
        answer = await client.request(begin("s1"), f"{written}@{DOMAIN}/sip")
        assert error_of(answer) == "gone" and gone(answer) == f"xmpp:{number}@{DOMAIN}", written


async def test_a_proposal_to_a_number_without_its_country_code_is_rejected_with_the_right_address(scene):
    client = await scene.client()
    for written, number in WRITTEN:
        call = await client.call(f"{written}@{DOMAIN}")
        ended = await call.ended()
        assert ended.startswith("reject gone") and f"{number}@{DOMAIN}" in ended, ended


async def test_what_is_no_number_has_no_other_address(scene):
    client = await scene.client()
    for written in ("alice", "12345", "5551234567\\40nowhere"):
        answer = await client.request(begin("s2"), f"{written}@{DOMAIN}/sip")
        assert error_of(answer) in ("item-not-found", "forbidden") and gone(answer) is None, written
