-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What Tandem needs of Prosody, to be joined with your prosody.cfg.lua.
-- Global: a gateway that comes back from another address takes its place at
-- once, not when the old stream has timed out.
component_conflict_resolve = "kick_old"

-- smacks: a telephone that changes networks in a call keeps its stream.
-- carbons: the other devices stop ringing. mam: missed calls are kept.
modules_enabled = {
	"disco", "roster", "saslauth", "tls", "ping", "pep", "blocklist",
	"carbons", "smacks", "mam", "external_services",
}

-- Only where the gateway's public_address is "auto" and it has no stun of its
-- own: mod_external_services tells it of the STUN server. Once this is set it is
-- for all who may ask, so the users' domain stands here too.
external_service_access = { "tel.example.org", "example.org" }
external_services = {
	{ type = "stun", transport = "udp", host = "stun.example.org", port = 3478 };
}

VirtualHost "example.org"

-- The place of Tandem. The secret is that of /etc/tandem/secret.
Component "tel.example.org"
	component_secret = "change-me"
