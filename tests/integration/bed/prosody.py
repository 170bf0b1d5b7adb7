# SPDX-License-Identifier: AGPL-3.0-or-later
"""A throw-away Prosody from Debian's package."""

import os
import shutil

from . import certificate, xmppserver

CONFIG = """\
-- written by the integration tests
pidfile = "{directory}/prosody.pid"
data_path = "{directory}/data"
plugin_paths = {{}}
admins = {{ "admin@{host}" }}
modules_enabled = {{ "roster", "saslauth", "disco", "smacks", "carbons", "pep", "ping", "posix", "presence", "message", "iq",
    "private", "vcard4", "blocklist"{modules} }}
modules_disabled = {{ "s2s", "offline"{disabled} }}
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
interfaces = {{ "{address}" }}
component_interfaces = {{ "{address}" }}
component_ports = {{ {component_port} }}
c2s_ports = {{ {c2s_port} }}
smacks_hibernation_time = 60
limits = {{ }}
log = {{ {{ levels = {{ min = "{level}" }}, to = "console" }} }}
{external}{public}
VirtualHost "{host}"
{components}
"""

SERVICES = """\
external_services = {{
  {{ type = "stun", transport = "udp", host = "{host}", port = {port} }},
  {{ type = "turn", transport = "udp", host = "{host}", port = {port}, secret = "{secret}", ttl = 3600 }},
}}
"""


PUBLIC = """\
ssl = {{ key = "{directory}/key.pem", certificate = "{directory}/cert.pem" }}
http_ports = {{ {port} }}
http_interfaces = {{ "{address}" }}
https_ports = {{ }}
consider_websocket_secure = true
"""
WEBSOCKET_PORT = 5280


class Prosody(xmppserver.XmppServer):
    """Prosody 0.12. It keeps no offline messages here: a message to nobody comes back as an error."""

    name, user = "prosody", "prosody"
    public = False  # with TLS (a certificate of its own) and WebSocket, for people's clients

    def configure(self):
        accounts = os.path.join(self.directory, "data", self.host.replace(".", "%2e"), "accounts")
        os.makedirs(accounts)
        for name in self.users:
            with open(os.path.join(accounts, name + ".dat"), "w", encoding="ascii") as file:
                file.write(f'return {{ ["password"] = "{self.password}" }};\n')
        components = "".join(f'Component "{domain}"\n    component_secret = "{secret}"\n'
                             for domain, secret in self.components.items())
        external = SERVICES.format(host=self.turn.host, port=self.turn.port, secret=self.turn.secret) if self.turn else ""
        modules, public = ("external_services",) if self.turn else (), ""
        if self.public:
            modules += ("tls", "websocket", "http")
            public = PUBLIC.format(directory=self.directory, address=self.address, port=WEBSOCKET_PORT)
            certificate.write(self.directory, self.host)
        with open(self._config(), "w", encoding="ascii") as file:
            file.write(CONFIG.format(
                directory=self.directory, host=self.host, address=self.address,
                component_port=xmppserver.COMPONENT_PORT, c2s_port=xmppserver.C2S_PORT,
                level=os.environ.get("PROSODY_LOG", "info"), components=components, external=external,
                modules="".join(f', "{name}"' for name in modules), public=public,
                disabled="" if self.public else ', "tls"'))
        for root, folders, files in os.walk(self.directory):
            for entry in (*folders, *files):
                shutil.chown(os.path.join(root, entry), self.user)

    def _config(self):
        return os.path.join(self.directory, "prosody.cfg.lua")

    def command(self):
        return ["prosody", "--config", self._config(), "-F"]

    async def ready(self, timeout):
        await self.process.wait_log(rf"Activated service 'c2s' on.*:{xmppserver.C2S_PORT}|c2s.*{xmppserver.C2S_PORT}", timeout)
        await self.process.wait_log(rf"component.*{xmppserver.COMPONENT_PORT}", timeout)
