# SPDX-License-Identifier: AGPL-3.0-or-later
"""The test-bed: throw-away servers, a telephone, a Jingle client, and a judge of audio."""
