# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a process holds: resident memory and descriptors. A sanitizer's or valgrind's memory is theirs and says nothing about
ours (a quarantine keeps what was freed), so there grew_less() is always content: what is left of the test still counts."""

import os


def resident_kb(pid):
    """The resident memory of a process in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def descriptors(pid):
    """How many descriptors it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def is_sanitized(pid):
    """Whether the memory is a sanitizer's or valgrind's."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        text = maps.read()
    return "san.so" in text or "vgpreload" in text


def grew_less(pid, before_kb, limit_kb):
    """Whether @pid has grown by less than @limit_kb since it weighed @before_kb."""
    return is_sanitized(pid) or resident_kb(pid) - before_kb < limit_kb
