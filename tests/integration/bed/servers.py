# SPDX-License-Identifier: AGPL-3.0-or-later
"""The XMPP servers of modules whose every test on both of them would take too long each time: Prosody, and with
BED_SERVERS=both in the environment ejabberd as well."""

import os

from . import ejabberd, prosody

CHOSEN = [prosody.Prosody] + ([ejabberd.Ejabberd] if os.environ.get("BED_SERVERS") == "both" else [])
EACH = {"argnames": "bed", "argvalues": CHOSEN, "ids": [server.name for server in CHOSEN], "indirect": True, "scope": "module"}
