# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls of each client, word for word as its sources have them (tests/data/clients), with audio.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
"""

import glob
import os

import pytest

from bed import script

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "clients")
FILES = sorted(glob.glob(os.path.join(DATA, "*", "*.xml")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: os.path.relpath(path, DATA)[:-4])
async def test_call(scene, path):
    await script.play(scene, path)
