-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The time that the billing system gave a call, for who takes it up again.

ALTER TABLE session ADD COLUMN credit_ms INTEGER NOT NULL DEFAULT 0;
