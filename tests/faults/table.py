# SPDX-License-Identifier: AGPL-3.0-or-later
"""All faults, in the order of the table. A module of faults names its own in FAULTS."""

import browser
import clock
import disk
import limits
import memory
import network
import process

FAULTS = process.FAULTS + browser.FAULTS + network.FAULTS + disk.FAULTS + clock.FAULTS + limits.FAULTS + memory.FAULTS

for _fault in FAULTS:
    assert _fault.name and _fault.expected and _fault.says, f"{_fault.__name__}: what is expected, and said in the log?"
