# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was measured: rows of key=value, each of one run of one target, and the figures made of them."""

import csv
import statistics

LATE_US, LOAD_SHARE = 5000, 0.97  # beyond these the generator is what was measured


class Rows:
    """All rows so far; the CSV has them from the moment that they came."""

    def __init__(self, path):
        self.path, self.all = path, []

    def add(self, line, run):
        """A line of the generator's."""
        row = {"run": run}
        for field in line.split():
            key, value = field.split("=", 1)
            row[key] = value if key in ("target", "phase") else float(value)
        if row["phase"] == "again":  # the second try counts
            row["phase"], self.all[-1]["phase"] = "packet", "again"
        self.all.append(row)
        self.write()
        return row

    def write(self):
        """What there is, as CSV."""
        keys = ["phase", "run", "target"]
        keys += sorted({key for row in self.all for key in row} - set(keys))
        with open(self.path, "w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, keys)
            writer.writeheader()
            writer.writerows(self.all)

    def of(self, phase, **where):
        """Those of a phase."""
        return [row for row in self.all if row["phase"] == phase and all(row.get(k) == v for k, v in where.items())]


class Figure:
    """One figure of one target: a value a run."""

    def __init__(self, rows, value):
        self.runs = {}
        for row in rows:
            self.runs.setdefault(row["run"], value(row) if callable(value) else row[value])
        self.limited = any(is_limited(row) for row in rows)
        self.lost = any(row.get("held") == 0 and not row.get("limited") for row in rows)

    def text(self, digits):
        """Median [least-most], and a mark."""
        values = list(self.runs.values())
        if not values:
            return "-"
        mark = "*" if self.limited else "!" if self.lost else ""
        return f"{statistics.median(values):.{digits}f}{mark} [{min(values):.{digits}f}-{max(values):.{digits}f}]"

    def ratio(self, other):
        """The median of the ratios within runs."""
        ratios = [value / other.runs[run] for run, value in self.runs.items() if other.runs.get(run)]
        return f"{statistics.median(ratios):.2f}" if ratios else "-"


def is_limited(row):
    """Whether the generator, not the relay, may be what was measured."""
    return bool(row.get("limited")) or row.get("late_p99_us", 0) > LATE_US or row.get("load_share", 0) > LOAD_SHARE
