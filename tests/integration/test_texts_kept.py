# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts both ways while the process is killed, the XMPP server restarted and the trunk silent: none is lost. The short form of
tests/faults/texts.py, which has 10,000.

    accounts c1  --  Prosody or ejabberd srv  --  Tandem gw  --  carrier pstn
"""

import pytest

from bed import textproof

pytestmark = [pytest.mark.parametrize("bed", [{"server": textproof.ArchivingProsody}, {"server": textproof.ArchivingEjabberd}],
                                      indirect=True, scope="module", ids=["Prosody", "Ejabberd"]),
              pytest.mark.bed_options(stage=textproof.TextBed)]
SHORT = textproof.Plan(texts=240, accounts=3, numbers=2, rate=40.0, kills=3, restarts=1, silence_s=1.0, seed=7)


@pytest.mark.limit(150)
async def test_none_is_lost(scene):
    for verdict in await textproof.Proof(scene.bed, SHORT).run():
        assert not verdict.wrong, "\n".join(verdict.wrong)
        assert verdict.delivered > SHORT.texts / 5  # ejabberd takes half of the time to start
