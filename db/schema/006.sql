-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What call records are searched by (db/cdr.h), and what was said at the end.

ALTER TABLE cdr ADD COLUMN end_text TEXT NOT NULL DEFAULT '';

CREATE INDEX cdr_by_caller ON cdr (caller, started_ms);
CREATE INDEX cdr_by_callee ON cdr (callee, started_ms);
CREATE INDEX cdr_by_trunk ON cdr (trunk, started_ms);
CREATE INDEX cdr_by_cause ON cdr (cause, started_ms);
