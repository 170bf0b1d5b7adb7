-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What accounts know our addresses as: those that have their presence, and the
-- names under which telephones have called them.

CREATE TABLE contact (
	account    TEXT NOT NULL,
	local      TEXT NOT NULL,
	name       TEXT NOT NULL,
	subscribed INTEGER NOT NULL,
	seen_ms    INTEGER NOT NULL,
	PRIMARY KEY (account, local)
);
