# SPDX-License-Identifier: AGPL-3.0-or-later
"""The test-bed: throw-away servers, a telephone, a Jingle client, and a judge of audio."""

import logging

logging.getLogger("slixmpp").setLevel(logging.CRITICAL)  # what matters is in the timeline
