-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A call in set-up: what the next process needs to end it on both sides.

ALTER TABLE session ADD COLUMN sip_invite TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN jingle_ends INTEGER NOT NULL DEFAULT 0;
