-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Texts that the XMPP server has sent back, to be given to it again
-- (gateway/text/text_again.h).

CREATE TABLE again (
	key     TEXT PRIMARY KEY,
	stanza  TEXT NOT NULL,
	kept_ms INTEGER NOT NULL,
	next_ms INTEGER NOT NULL,
	tries   INTEGER NOT NULL
) WITHOUT ROWID;
