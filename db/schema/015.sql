-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Trunks that commands add: what is not asked for on its own is lines of
-- tandem.conf(5).

ALTER TABLE trunk DROP COLUMN realm;
ALTER TABLE trunk DROP COLUMN from_domain;
ALTER TABLE trunk DROP COLUMN early_media;
ALTER TABLE trunk DROP COLUMN expires_s;
ALTER TABLE trunk DROP COLUMN enabled;
ALTER TABLE trunk ADD COLUMN more TEXT NOT NULL DEFAULT '';
