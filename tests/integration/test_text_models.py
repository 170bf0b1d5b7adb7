# SPDX-License-Identifier: AGPL-3.0-or-later
"""What clients write beside plain texts (tests/data/texts), through the whole path: a text goes, what a telephone cannot show is
refused each time and explained once in a conversation, and what nobody wrote is said to nobody.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import asyncio
import os
from xml.etree import ElementTree as ET

import pytest

from bed.jingle import CLIENT
from bed.seen import named, spy
from test_message import WAIT_S, body, condition_of

MODELS = os.path.join(os.path.dirname(__file__), "..", "data", "texts")
FILES = ["cheogram-android", "conversations", "dino", "gajim", "monal", "movim"]
REFUSED = {"empty": "bad-request", "encrypted": "not-acceptable", "edit": "feature-not-implemented", "file": "feature-not-implemented",
           "retraction": "feature-not-implemented", "reaction": "feature-not-implemented", "group": "feature-not-implemented",
           "markup": "not-acceptable"}
UNSEEN = set(REFUSED) - {"empty", "group"}  # many clients show no error for these
SILENT = {"nothing", "received", "displayed", "bounced"}
pytestmark = pytest.mark.bed_options(sections={"limits": {"texts_per_minute": 100}})


def models_of(name):
    """[(model, its message)] of a file, as a client sends it."""
    with open(os.path.join(MODELS, name + ".xml"), encoding="utf-8") as file:
        root = ET.fromstring(file.read().replace("jabber:component:accept", CLIENT))
    return [(model, model.find(f"{{{CLIENT}}}message")) for model in root]


def words_of(message):
    """What a telephone gets of it: the subject, the body, and links that are not in it."""
    links = [child.text for child in message.iter("{jabber:x:oob}url")]
    links += [child.get("target") for child in message.iter("{http://jabber.org/protocol/url-data}url-data")]
    text = message.findtext(f"{{{CLIENT}}}body") or (links[0] if links else "")
    subject = message.findtext(f"{{{CLIENT}}}subject")
    first = [f"{subject}\n{text}" if subject else text]
    return "\n".join(first + [link for i, link in enumerate(links) if link not in text and link not in links[:i]])


class Written:
    """One client that writes models to one number."""

    def __init__(self, scene, client):
        self.scene, self.client, self.number = scene, client, scene.number()
        self.texts, self.explained = scene.bed.carrier.texts_to(self.number), set()
        self.seen, self.refused = spy(client), 0

    async def write(self, model, message, count):
        """Send it, and see what comes of it."""
        kind, sent = model.get("kind"), ET.fromstring(ET.tostring(message))
        sent.attrib.pop("from")
        sent.set("to", self.scene.jid(self.number))
        sent.set("id", f"model{count}")
        for origin in sent.iter("{urn:xmpp:sid:0}origin-id"):
            origin.set("id", f"model{count}")
        if kind in REFUSED:
            await self._refused(kind, sent)
            return
        self.client.transmit(sent)
        if kind == "text":
            got = await asyncio.wait_for(self.texts.get(), WAIT_S)
            assert got.body.decode() == words_of(message)
        else:
            assert kind in SILENT, kind

    async def _refused(self, kind, sent):
        error = await self.client.ask(sent.get("to"), *sent, kind=sent.get("type"))
        condition, words = condition_of(error)
        self.refused += 1
        assert condition == REFUSED[kind] and words, ET.tostring(error)
        if kind in UNSEEN - self.explained:
            self.explained.add(kind)
            text = await asyncio.wait_for(self.client.messages.get(), WAIT_S)
            assert text.findtext(f"{{{CLIENT}}}body") == words and text.get("from") == sent.get("to")


@pytest.mark.parametrize("name", FILES)
async def test_each_is_answered(scene, name):
    client = await scene.client()
    written = Written(scene, client)
    models = models_of(name)
    for count, (model, message) in enumerate(models * 2):
        await written.write(model, message, count)
    # behind all of them: nothing else has come, or gone
    client.message(scene.jid(written.number), body("the last"), id_="last")
    assert (await asyncio.wait_for(written.texts.get(), WAIT_S)).body == b"the last"
    await client.settled()
    assert len(named(written.seen, "error")) == written.refused and client.messages.empty() and written.texts.empty()
