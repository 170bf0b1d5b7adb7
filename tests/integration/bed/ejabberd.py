# SPDX-License-Identifier: AGPL-3.0-or-later
"""A throw-away ejabberd from Debian's package: without Erlang's distribution, so that no epmd is started."""

import glob
import os

from . import xmppserver

CONFIG = """\
hosts: ["{host}"]
loglevel: {level}
hide_sensitive_log_data: false
auth_method: internal
auth_password_format: plain
disable_sasl_mechanisms: ["X-OAUTH2"]
certfiles: [{certificates}]
s2s_use_starttls: false
acl:
  admin:
    user: ["admin@{host}"]
  gateway:
    server: {gateway}
access_rules:
  to_elsewhere:
    - deny: gateway
    - allow: all
s2s_access: to_elsewhere
listen:
  - port: {c2s_port}
    ip: "{address}"
    module: ejabberd_c2s
    starttls: {tls}
    max_stanza_size: 262144
  - port: {http_port}
    ip: "{address}"
    module: ejabberd_http
    request_handlers:
      /ws: ejabberd_http_ws
      /bosh: mod_bosh
  - port: {component_port}
    ip: "{address}"
    module: ejabberd_service
    access: all
    global_routes: false
    hosts:
{components}
modules:
  mod_bosh: {{}}
  mod_roster: {{}}
  mod_disco: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_private: {{}}
  mod_pubsub:
    plugins: ["flat", "pep"]
  mod_stream_mgmt:
    resume_timeout: {resume_s}
{more_modules}{services}"""

SERVICES = """\
  mod_stun_disco:
    access: all
    secret: "{secret}"
    credentials_lifetime: 3600s
    services:
      - {{ host: "{host}", port: {port}, type: stun, transport: udp }}
      - {{ host: "{host}", port: {port}, type: turn, transport: udp, restricted: true }}
"""

MARK = "accounts of the test are there"


class Ejabberd(xmppserver.XmppServer):
    """ejabberd 23.01. It stores messages for accounts that are offline."""

    name, user = "ejabberd", "ejabberd"
    offline_storage = True
    more_modules = ""
    websocket_path, bosh_path = "/ws", "/bosh"

    def configure(self):
        components = "".join(f'      "{domain}":\n        password: "{secret}"\n'
                             for domain, secret in self.components.items())
        certificates = ""
        if self.identity:
            self.take_identity(self.identity)
            certificates = ", ".join(f'"{self.directory}/{name}.pem"' for name in ("cert", "key"))
        services = SERVICES.format(host=self.turn.host, port=self.turn.port, secret=self.turn.secret) if self.turn else ""
        with open(os.path.join(self.directory, "ejabberd.yml"), "w", encoding="ascii") as file:
            file.write(CONFIG.format(
                host=self.host, gateway=next(iter(self.components)), certificates=certificates, tls="true" if certificates else "false",
                address=self.address, level=os.environ.get("EJABBERD_LOG", "warning"),
                c2s_port=xmppserver.C2S_PORT, http_port=xmppserver.HTTP_PORT, resume_s=self.resume_s,
                component_port=xmppserver.COMPONENT_PORT, more_modules=self.more_modules,
                components=components.rstrip("\n"), services=services))

    def command(self):
        users = ",".join(f'<<"{user}">>' for user in self.users)
        register = (f'lists:foreach(fun(U) -> ejabberd_auth:try_register(U, <<"{self.host}">>, '
                    f'<<"{self.password}">>) end, [{users}]), io:format("{MARK}~n").')
        paths = glob.glob("/usr/lib/*/ejabberd-*/ebin") + glob.glob("/usr/lib/ejabberd*/ebin")
        return ["erl", "-noinput", "+K", "true", "-pa", *paths, "-mnesia", "dir", f'"{self.directory}/mnesia"',
                "-ejabberd", "quiet", "false", "-s", "ejabberd", "-eval", register]

    def environment(self):
        return {"EJABBERD_CONFIG_PATH": os.path.join(self.directory, "ejabberd.yml"),
                "EJABBERD_LOG_PATH": os.path.join(self.directory, "ejabberd-own.log"),
                "ERL_CRASH_DUMP_BYTES": "0"}

    async def ready(self, timeout):
        await self.process.wait_log(MARK, timeout)
