# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones in a browser behind Debian's Kamailio, with nothing in the clear: wss to the browser, TLS to the gateway.

    client c1  --  Prosody srv  --  Tandem gw  --TLS 5061, digest, Record-Route--  Kamailio kam 10.77.0.4  --wss--  SIP.js, JsSIP c2
"""

import os
import shutil

import pytest

from bed import certificate, kamailio, proc, tandem, websip
from bed.scene import GATEWAY, Bed, own_number
from test_web_phones import KAMAILIO, call_in, call_out, heard

WHY = kamailio.missing() or websip.missing()


class SecureWebBed(Bed):
    """A Bed with certificates of Tandem and of a Kamailio, which Tandem trusts."""

    kamailio = None

    def path(self, *names):
        """A path below the certificates."""
        return os.path.join(self.directory, *names)

    async def _start(self):
        self.directory = proc.directory("certificates", tandem.USER)
        for host in (GATEWAY, KAMAILIO):
            os.makedirs(self.path(host))
            certificate.write(self.path(host), host)
        os.chmod(self.path(GATEWAY, "key.pem"), 0o640)
        shutil.chown(self.path(GATEWAY, "key.pem"), tandem.USER)
        self.sections = {"sip": {"listen": [f"udp:{GATEWAY}:5060", f"tcp:{GATEWAY}:5060", f"tls:{GATEWAY}:5061"],
                                 "certificate": self.path(GATEWAY, "cert.pem"), "private_key": self.path(GATEWAY, "key.pem"),
                                 "trusted_certificates": self.path(KAMAILIO, "cert.pem")}}
        await super()._start()
        self.kamailio = await kamailio.Kamailio(self.network.node("kam", f"{KAMAILIO}/24"), KAMAILIO, GATEWAY,
                                                certificate=self.path(KAMAILIO)).start()
        self.browser = websip.Browser(self.c2)
        await self.browser.start()

    async def stop(self, check=True):
        if self.kamailio:
            await self.kamailio.stop()
        await super().stop(check)


pytestmark = [
    pytest.mark.limit(120), pytest.mark.alone,
    pytest.mark.skipif(bool(WHY), reason=WHY or ""),
    pytest.mark.bed_options(
        stage=SecureWebBed,
        trunks={"web": {"proxy": f"sips:{KAMAILIO}:5061", "username": kamailio.USER, "password": kamailio.PASSWORD,
                        "realm": kamailio.REALM, "allow": [f"{KAMAILIO}/32"], "srtp": "dtls"}},
        numbers={own_number("alice"): {"owner": "alice@example.org", "trunk": "web"}})]


@pytest.mark.parametrize("place,kind", [(call_in, "SIP.js"), (call_out, "JsSIP")], ids=["in", "out"])
async def test_calls(scene, place, kind):
    mine, theirs = await place(scene, kind)
    await heard(mine, theirs)
    assert f"peer={KAMAILIO}" in scene.bed.tandem.log and "version=TLSv1." in scene.bed.tandem.log
    await theirs.hangup()
    await mine.ended()
