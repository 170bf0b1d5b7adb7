# SPDX-License-Identifier: AGPL-3.0-or-later
"""The faults of tests/faults that are quick to make; `make faults` makes all of them."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))

import table  # noqa: E402  pylint: disable=wrong-import-position

SHORT = [fault for fault in table.FAULTS if fault.short]
pytestmark = [pytest.mark.bed_options(cuttable=True), pytest.mark.alone]


@pytest.mark.limit(60)
@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: fault.name)
async def test_fault(scene, fault):
    made = fault()
    scene.figure(fault.name, await made.make(scene))
    assert not made.calls_lost and not made.messages_lost
