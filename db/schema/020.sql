-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Which run of the process wrote a row stands in the row: nobody read the list
-- of all runs, which grew with each.

DROP TABLE boot;
