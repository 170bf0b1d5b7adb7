-- SPDX-License-Identifier: AGPL-3.0-or-later
-- At whose expense a call's leg to a trunk is, for who takes the call up again.

ALTER TABLE session ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN paid_from TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN paid_to TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN paid_trunk TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN paid_diverted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN paid_emergency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN paid_since_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN transfers INTEGER NOT NULL DEFAULT 0;
