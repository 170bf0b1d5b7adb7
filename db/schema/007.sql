-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Texts: from which number a conversation is.

-- Of the account's numbers, the one that this contact deals with; '' none.
ALTER TABLE contact ADD COLUMN number TEXT NOT NULL DEFAULT '';
