-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The component that carries the texts of a number (tandem.conf(5), number);
-- '': its trunk does.

ALTER TABLE number ADD COLUMN texts TEXT NOT NULL DEFAULT '';
