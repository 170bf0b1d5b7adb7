# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian's Kamailio before the gateway: for browsers as a registrar and proxy with Record-Route, WebSocket and digest; for a
carrier as a proxy of texts."""

import glob
import os
import shutil
import socket

from . import proc

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = "kamailio"
WEB, WEB_TLS, START_S = 8080, 8443, 15.0
USER, PASSWORD, REALM = "tandem", "k4mailio", "kamailio"


def _modules():
    found = glob.glob("/usr/lib/*/kamailio/modules") + glob.glob("/usr/lib/kamailio/modules")
    return found[0] + "/" if found else None


def missing():
    """Why there is none to test with, or None."""
    modules = _modules()
    if not shutil.which(PROGRAM) or not modules or not all(os.path.exists(modules + name) for name in ("websocket.so", "tls.so")):
        return "kamailio is not installed: apt-get install kamailio kamailio-websocket-modules kamailio-tls-modules"
    return None


def _tls(host, directory):
    """What the configuration says of TLS, with the certificate in @directory; nothing without one."""
    if not directory:
        return "", ""
    settings = (("tls_method", "TLSv1.2+"), ("certificate", os.path.join(directory, "cert.pem")),
                ("private_key", os.path.join(directory, "key.pem")))
    return (f"enable_tls=yes\nlisten=tls:{host}:5061\nlisten=tls:{host}:{WEB_TLS}",
            'loadmodule "tls.so"\n' + "\n".join(f'modparam("tls", "{name}", "{value}")' for name, value in settings))


class Kamailio:
    """One at @host in a node, for the gateway at @gateway. @template is one of the *.cfg here, @more its further values. With
    @certificate, a directory (bed/certificate.py), TLS is spoken with the gateway, and browsers come by wss."""

    def __init__(self, node, host, gateway, template="kamailio.cfg", more=(), certificate=None):
        self.node, self.host, self.secure = node, host, bool(certificate)
        listen, module = _tls(host, certificate)
        to_gateway = f"sip:{gateway}:5061;transport=tls" if certificate else f"sip:{gateway}:5060"
        self.directory = proc.directory("kamailio")
        with open(os.path.join(HERE, template), encoding="ascii") as file:
            text = file.read()
        for name, value in (("HOST", host), ("WEB", WEB), ("GATEWAY", gateway), ("MODULES", _modules()), ("REALM", REALM),
                            ("PASSWORD", PASSWORD), ("TLS_MODULE", module), ("TLS", listen),
                            ("TO_GATEWAY", to_gateway), *dict(more).items()):
            text = text.replace(f"@{name}@", str(value))
        path = os.path.join(self.directory, "kamailio.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        self.process = proc.Process("kamailio", [PROGRAM, "-DD", "-E", "-f", path, "-Y", self.directory, "-m", "32", "-M", "8"],
                                    node, cwd=self.directory)

    @property
    def websocket(self):
        """Where browsers connect to."""
        return f"wss://{self.host}:{WEB_TLS}" if self.secure else f"ws://{self.host}:{WEB}"

    async def start(self):
        """Wait until it listens; returns self."""
        try:
            await proc.until(self._listens, START_S, "kamailio listens")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.process.tail()}") from None
        return self

    def _listens(self):
        assert self.process.alive(), "kamailio has ended"
        with self.node.inside(), socket.socket() as probe:
            return not probe.connect_ex((self.host, WEB))

    async def stop(self):
        """End it."""
        await self.process.stop()
        self.process.remove()
