-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Further keys of a trunk may be secrets (token, headers): they are sealed, as
-- text. What stands in `more` of rows from before is sealed when it is read.

ALTER TABLE trunk ADD COLUMN more_sealed TEXT NOT NULL DEFAULT '';
