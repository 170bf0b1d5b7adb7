-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Texts: what waits for the XMPP server, what waits for a trunk, and which
-- MESSAGEs came already.

CREATE TABLE outbox (
	id      INTEGER PRIMARY KEY,
	stanza  TEXT NOT NULL,
	kept_ms INTEGER NOT NULL
);

CREATE TABLE text (
	id          INTEGER PRIMARY KEY,
	sender      TEXT NOT NULL,
	stanza_id   TEXT NOT NULL,
	number      TEXT NOT NULL,
	party       TEXT NOT NULL,
	trunk       TEXT NOT NULL,
	call_id     TEXT NOT NULL,
	lang        TEXT NOT NULL,
	body        TEXT NOT NULL,
	receipt     INTEGER NOT NULL,
	received_ms INTEGER NOT NULL
);

CREATE TABLE seen (
	key     TEXT PRIMARY KEY,
	seen_ms INTEGER NOT NULL
);
CREATE INDEX seen_by_time ON seen (seen_ms);
