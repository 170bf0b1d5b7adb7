-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Who rings and how: policies of accounts and numbers. 0 and '' are "not set":
-- the configuration's, or its default (db/account.h).

ALTER TABLE account ADD COLUMN second_call INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN forward TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN early_media INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN chat_digits INTEGER NOT NULL DEFAULT 0;

ALTER TABLE number ADD COLUMN ring INTEGER NOT NULL DEFAULT 0;
ALTER TABLE number ADD COLUMN ring_s INTEGER NOT NULL DEFAULT 0;
