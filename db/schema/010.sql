-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What administrators and users have changed by commands, and small settings
-- of accounts and trunks that have no column of their own.

CREATE TABLE audit (
	id     INTEGER PRIMARY KEY,
	at_ms  INTEGER NOT NULL,
	who    TEXT NOT NULL,
	face   TEXT NOT NULL,
	node   TEXT NOT NULL,
	object TEXT NOT NULL,
	before TEXT NOT NULL,
	after  TEXT NOT NULL
);

CREATE TABLE setting (
	kind    INTEGER NOT NULL,
	subject TEXT NOT NULL,
	name    TEXT NOT NULL,
	value   TEXT NOT NULL,
	PRIMARY KEY (kind, subject, name)
);
