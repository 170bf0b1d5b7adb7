-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What a call needs to go on in another process beyond what 001 foresaw. The
-- descriptions (sip_local_sdp, sip_remote_sdp) are those of any leg now, without
-- secrets.

ALTER TABLE session ADD COLUMN caller TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN callee TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN inbound INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN ringing_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN caller_name TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN verstat TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN attestation TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN first_called TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN diversion TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN offerer INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN sip_self TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN media_ready INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN media_own_port INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN ice_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN ice_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN dtls_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN srtp_tag INTEGER NOT NULL DEFAULT 0;
