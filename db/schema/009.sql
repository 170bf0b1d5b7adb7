-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Texts: long ones in parts, reports of delivery and display (RFC 5438), and
-- who is not heard.

ALTER TABLE text ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE text ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE text ADD COLUMN markable INTEGER NOT NULL DEFAULT 0;

CREATE TABLE report (
	key     TEXT PRIMARY KEY,
	inbound INTEGER NOT NULL,
	jid     TEXT NOT NULL,
	id      TEXT NOT NULL,
	number  TEXT NOT NULL,
	party   TEXT NOT NULL,
	trunk   TEXT NOT NULL,
	date    TEXT NOT NULL,
	wants   INTEGER NOT NULL,
	kept_ms INTEGER NOT NULL
);
CREATE INDEX report_by_time ON report (kept_ms);

-- account '': for all of them.
CREATE TABLE block (
	account   TEXT NOT NULL,
	party     TEXT NOT NULL,
	since_ms  INTEGER NOT NULL,
	PRIMARY KEY (account, party)
);
