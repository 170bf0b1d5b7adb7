-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Records that the billing system has not taken yet (gateway/bill).

ALTER TABLE cdr ADD COLUMN push INTEGER NOT NULL DEFAULT 0;
CREATE INDEX cdr_to_push ON cdr (ended_ms, call) WHERE push = 1;
