# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a client gets, stanza by stanza, and what it leaves undone."""

import asyncio
import time
from xml.etree import ElementTree as ET

from . import proc
from .jinglexml import local

SETTLED_S = 1.0  # nothing more comes after this


async def never():
    """In place of what a call does when it is due."""


def spy(client):
    """A list that grows with every stanza @client gets."""
    seen, hear = [], client.incoming_filter

    def filter_(xml):
        seen.append(ET.fromstring(ET.tostring(xml)))
        return hear(xml)

    client.incoming_filter = filter_
    return seen


def named(seen, name):
    """The children called @name of the stanzas in @seen."""
    return [child for stanza in seen for child in stanza if local(child.tag) == name]


async def come(seen, *names, timeout=proc.SOON_S):
    """Wait until there is a child of each of @names."""
    end = time.monotonic() + timeout
    while any(not named(seen, name) for name in names):
        assert time.monotonic() < end, f"{names} did not come, but {[[local(c.tag) for c in s] for s in seen]}"
        await asyncio.sleep(0.05)


def actions(seen):
    """The Jingle actions in @seen, in order."""
    return [child.get("action") for child in named(seen, "jingle")]
