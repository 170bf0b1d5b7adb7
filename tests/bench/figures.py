# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was measured: rows of key=value, each of one run of one target, and the figures made of them."""

import csv
import os
import statistics

LATE_US, LOAD_SHARE = 5000, 0.97  # beyond these the generator is what was measured


WORDS = ("target", "phase", "step")  # all else are numbers


class Rows:
    """All rows so far; the CSV has them from the moment that their step was whole."""

    def __init__(self, path, resume=False):
        self.path, self.all = path, []
        if resume and os.path.exists(path):
            self.read()

    def read(self):
        """What an earlier process wrote."""
        with open(self.path, newline="", encoding="ascii") as file:
            for fields in csv.DictReader(file):
                self.all.append({key: value if key in WORDS else float(value) for key, value in fields.items() if value})

    @staticmethod
    def parse(lines, run):
        """The generator's lines."""
        rows = []
        for line in lines:
            row = {"run": run}
            for field in line.split():
                key, value = field.split("=", 1)
                row[key] = value if key in WORDS else float(value)
            if row["phase"] == "again" and rows:  # the second try counts
                row["phase"], rows[-1]["phase"] = "packet", "again"
            rows.append(row)
        return rows

    def add(self, rows, step, took_s):
        """A step is whole."""
        for row in rows:
            row["step"], row["took_s"] = step, round(took_s, 1)
        self.all += rows
        self.write()

    def steps(self):
        """The keys of those that are whole."""
        return {(row["step"], int(row["run"]), row["target"]) for row in self.all}

    def took(self, step, target):
        """The longest time such a step took; 0: none was made."""
        return max((row["took_s"] for row in self.all if (row["step"], row["target"]) == (step, target)), default=0)

    def write(self):
        """What there is, as CSV."""
        keys = ["step", "phase", "run", "target"]
        keys += sorted({key for row in self.all for key in row} - set(keys))
        with open(self.path + ".new", "w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, keys)
            writer.writeheader()
            writer.writerows(self.all)
        os.replace(self.path + ".new", self.path)

    def of(self, phase, **where):
        """Those of a phase."""
        return [row for row in self.all if row["phase"] == phase and all(row.get(k) == v for k, v in where.items())]


    def slopes(self, targets, phase, key, **where):
        """Memory for one more of @key, by target: between the second step (or none) and the last."""
        figures = {}
        for target in targets:
            figure = Figure([], "")
            for run in {row["run"] for row in self.of(phase, target=target, **where)}:
                steps = sorted((row[key], row["rss_kib"]) for row in self.of(phase, target=target, run=run, **where))
                if len(steps) > 1:
                    low, high = steps[1] if len(steps) > 2 else steps[0], steps[-1]
                    figure.runs[run] = (high[1] - low[1]) / (high[0] - low[0])
            if figure.runs:
                figures[target] = figure
        return figures


class Figure:
    """One figure of one target: a value a run."""

    def __init__(self, rows, value):
        self.runs = {}
        for row in rows:
            self.runs.setdefault(row["run"], value(row) if callable(value) else row[value])
        self.limited = any(is_limited(row) for row in rows)
        self.lost = any(row.get("held") == 0 and not row.get("limited") for row in rows)

    def short(self, digits):
        """Median and a mark."""
        if not self.runs:
            return "-"
        mark = "*" if self.limited else "!" if self.lost else ""
        return f"{statistics.median(self.runs.values()):,.{digits}f}{mark}"

    def text(self, digits):
        """Median [least-most], and a mark."""
        values = list(self.runs.values())
        return f"{self.short(digits)} [{min(values):.{digits}f}-{max(values):.{digits}f}]" if values else "-"

    def ratio(self, other):
        """The median of the ratios within runs."""
        ratios = [value / other.runs[run] for run, value in self.runs.items() if other.runs.get(run)]
        return f"{statistics.median(ratios):.2f}" if ratios else "-"


def is_limited(row):
    """Whether the generator, not the relay, may be what was measured."""
    return bool(row.get("limited")) or row.get("late_p99_us", 0) > LATE_US or row.get("load_share", 0) > LOAD_SHARE
