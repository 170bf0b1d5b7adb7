-- SPDX-License-Identifier: AGPL-3.0-or-later
-- When a call began by the clock that nobody sets, and in which run of the
-- machine that clock was read.

ALTER TABLE session ADD COLUMN begun_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN machine_boot TEXT NOT NULL DEFAULT '';
