# SPDX-License-Identifier: AGPL-3.0-or-later
"""A throw-away Prosody from Debian's package."""

import os
import shutil
from dataclasses import dataclass, field

from . import xmppserver

CONFIG = """\
-- written by the integration tests
pidfile = "{directory}/prosody.pid"
data_path = "{directory}/data"
plugin_paths = {{}}
admins = {{ "admin@{host}" }}
modules_enabled = {{ "roster", "saslauth", "disco", "smacks", "carbons", "pep", "ping", "posix", "presence", "message", "iq",
    "private", "vcard4", "blocklist", "http", "websocket", "bosh"{modules} }}
modules_disabled = {{ "s2s", "offline"{disabled} }}
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = {encrypted}
interfaces = {{ "{address}" }}
component_interfaces = {{ "{component_address}" }}
component_ports = {{ {component_port} }}
component_conflict_resolve = "kick_old"
c2s_ports = {{ {c2s_port} }}
smacks_hibernation_time = {resume_s}
limits = {{ }}
log = {{ {{ levels = {{ min = "{level}" }}, to = "console" }} }}
{external}{public}
VirtualHost "{host}"
{components}
"""

SERVICES = """\
external_service_access = {{ {access} }}
external_services = {{
  {{ type = "stun", transport = "udp", host = "{host}", port = {port} }},
  {{ type = "turn", transport = "udp", host = "{host}", port = {port}, secret = "{secret}", ttl = 3600 }},
}}
"""


PRIVATE = """\
http_ports = {{ {http} }}
http_interfaces = {{ "{address}" }}
https_ports = {{ }}
http_default_host = "{host}"
consider_websocket_secure = true
consider_bosh_secure = true
"""
KEY = """\
ssl = {{ key = "{directory}/key.pem", certificate = "{directory}/cert.pem" }}
"""
PUBLIC = KEY + """\
http_ports = {{ {http} }}
http_interfaces = {{ "{address}" }}
https_ports = {{ {https} }}
https_interfaces = {{ "{address}" }}
https_ssl = {{ key = "{directory}/key.pem", certificate = "{directory}/cert.pem" }}
consider_websocket_secure = true
consider_bosh_secure = true
http_paths = {{ files = "/" }}
http_files_dir = "{directory}/www"
"""
HTTP_PORT, HTTPS_PORT = xmppserver.HTTP_PORT, 5281
LOOPBACK = "127.0.0.1"
CERTIFICATE = "tandem-demo.crt"  # below http://ADDRESS:HTTP_PORT/


@dataclass
class Public:
    """A server for people's own clients: with TLS, BOSH, WebSocket, contacts, and a certificate to be fetched by HTTP.

    @identity is a directory with key.pem and cert.pem, @rosters maps users to {JID: name} of contacts they share presence with."""

    identity: str
    rosters: dict = field(default_factory=dict)


class Prosody(xmppserver.XmppServer):
    """Prosody 0.12. It keeps no offline messages here: a message to nobody comes back as an error."""

    name, user = "prosody", "prosody"
    websocket_path, bosh_path = "/xmpp-websocket", "/http-bind"
    more_modules = ()
    public = None  # or a Public

    def configure(self):
        accounts = os.path.join(self.directory, "data", self.host.replace(".", "%2e"), "accounts")
        os.makedirs(accounts)
        for name in self.users:
            with open(os.path.join(accounts, name + ".dat"), "w", encoding="ascii") as file:
                file.write(f'return {{ ["password"] = "{self.password}" }};\n')
        components = "".join(f'Component "{domain}"\n    component_secret = "{secret}"\n'
                             for domain, secret in self.components.items())
        access = ", ".join(f'"{name}"' for name in (self.host, *self.components))  # said at all, it is needed by users too
        external = SERVICES.format(access=access, host=self.turn.host, port=self.turn.port, secret=self.turn.secret) if self.turn else ""
        modules = self.more_modules + (("external_services",) if self.turn else ())
        public = PRIVATE.format(address=self.address, http=HTTP_PORT, host=self.host)
        if self.identity:
            modules += ("tls",)
            public += KEY.format(directory=self.directory)
            self.take_identity(self.identity)
        if self.public:
            modules += ("tls", "http_files")
            public = PUBLIC.format(directory=self.directory, address=self.address, http=HTTP_PORT, https=HTTPS_PORT)
            self._open_to_people()
        with open(self._config(), "w", encoding="ascii") as file:
            file.write(CONFIG.format(
                directory=self.directory, host=self.host, address=self.address,
                component_address=LOOPBACK if self.public else self.address, encrypted=str(bool(self.public)).lower(),
                component_port=xmppserver.COMPONENT_PORT, resume_s=self.resume_s, c2s_port=xmppserver.C2S_PORT,
                level=os.environ.get("PROSODY_LOG", "info"), components=components, external=external,
                modules="".join(f', "{name}"' for name in modules), public=public,
                disabled="" if self.public or self.identity else ', "tls"'))
        for root, folders, files in os.walk(self.directory):
            for entry in (*folders, *files):
                shutil.chown(os.path.join(root, entry), self.user)

    def _open_to_people(self):
        """The certificate, its copy for download, and the contacts."""
        self.take_identity(self.public.identity)
        os.mkdir(os.path.join(self.directory, "www"))
        shutil.copy(os.path.join(self.public.identity, "cert.pem"), os.path.join(self.directory, "www", CERTIFICATE))
        rosters = os.path.join(self.directory, "data", self.host.replace(".", "%2e"), "roster")
        os.makedirs(rosters)
        for user, contacts in self.public.rosters.items():
            entries = "".join(f'["{jid}"] = {{ subscription = "both", groups = {{}}, name = "{name}" }};\n'
                              for jid, name in contacts.items())
            with open(os.path.join(rosters, user + ".dat"), "w", encoding="utf-8") as file:
                file.write(f"return {{\n[false] = {{ version = 1 }};\n{entries}}};\n")

    def _config(self):
        return os.path.join(self.directory, "prosody.cfg.lua")

    def command(self):
        return ["prosody", "--config", self._config(), "-F"]

    async def ready(self, timeout):
        await self.process.wait_log(rf"Activated service 'c2s' on.*:{xmppserver.C2S_PORT}|c2s.*{xmppserver.C2S_PORT}", timeout)
        await self.process.wait_log(rf"component.*{xmppserver.COMPONENT_PORT}", timeout)
