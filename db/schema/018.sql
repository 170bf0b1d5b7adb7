-- SPDX-License-Identifier: AGPL-3.0-or-later
-- When the XMPP server has taken a stanza of the outbox, which stays for a while
-- (gateway/outbox_past.h); 0: it has not.

ALTER TABLE outbox ADD COLUMN taken_ms INTEGER NOT NULL DEFAULT 0;
