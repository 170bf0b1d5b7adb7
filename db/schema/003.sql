-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Who may call what, by which trunks, how much of it was used; and what a trunk
-- said of a call, in its record.

-- Lists are separated by blanks. 0 and '' are: as configured.
CREATE TABLE quota (
	kind             INTEGER NOT NULL,
	name             TEXT NOT NULL,
	calls            INTEGER NOT NULL,
	calls_per_minute INTEGER NOT NULL,
	minutes_per_day  INTEGER NOT NULL,
	allow            TEXT NOT NULL,
	deny             TEXT NOT NULL,
	withhold         INTEGER NOT NULL,
	PRIMARY KEY (kind, name)
);

-- Of one day, the last on which there was any.
CREATE TABLE usage (
	kind    INTEGER NOT NULL,
	name    TEXT NOT NULL,
	day     INTEGER NOT NULL,
	seconds INTEGER NOT NULL,
	PRIMARY KEY (kind, name)
);

CREATE TABLE route (
	name      TEXT PRIMARY KEY,
	position  INTEGER NOT NULL,
	prefixes  TEXT NOT NULL,
	trunks    TEXT NOT NULL,
	days      INTEGER NOT NULL,
	from_min  INTEGER NOT NULL,
	until_min INTEGER NOT NULL,
	enabled   INTEGER NOT NULL
);

ALTER TABLE cdr ADD COLUMN caller_name TEXT NOT NULL DEFAULT '';
ALTER TABLE cdr ADD COLUMN verstat TEXT NOT NULL DEFAULT '';
ALTER TABLE cdr ADD COLUMN attestation TEXT NOT NULL DEFAULT '';
ALTER TABLE cdr ADD COLUMN first_called TEXT NOT NULL DEFAULT '';
ALTER TABLE cdr ADD COLUMN diversion TEXT NOT NULL DEFAULT '';
