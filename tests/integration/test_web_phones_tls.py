# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telephones in a browser behind Debian's Kamailio, with nothing in the clear: wss to the browser, TLS to the gateway.

    client c1  --  Prosody srv  --  Tandem gw  --TLS 5061, digest, Record-Route--  Kamailio kam 10.77.0.4  --wss--  SIP.js, JsSIP c2
"""

import os
import shutil

import pytest

from bed import certificate, proc, tandem
from bed.scene import GATEWAY
from test_web_phones import KAMAILIO, WebBed, call_in, call_out, heard, marks


class SecureWebBed(WebBed):
    """A WebBed with certificates of Tandem and of its Kamailio, which Tandem trusts."""

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
        self.certificate = self.path(KAMAILIO)
        await super()._start()


pytestmark = marks(SecureWebBed, f"sips:{KAMAILIO}:5061")


@pytest.mark.parametrize("place,kind", [(call_in, "SIP.js"), (call_out, "JsSIP")], ids=["in", "out"])
async def test_calls(scene, place, kind):
    mine, theirs = await place(scene, kind)
    await heard(mine, theirs)
    assert f"peer={KAMAILIO}" in scene.bed.tandem.log and "version=TLSv1." in scene.bed.tandem.log
    await theirs.hangup()
    await mine.ended()
