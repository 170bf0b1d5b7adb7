# SPDX-License-Identifier: AGPL-3.0-or-later
"""The picture: what a packet costs and how late it is, against the number of calls."""

import shutil
import statistics
import subprocess

COLOURS = {"tandem": "#c0392b", "rtpengine": "#2980b9", "floor-epoll": "#7f8c8d", "floor-batch": "#bdc3c7"}


def spread(rows, key):
    """Median, least, most."""
    values = [row[key] for row in rows]
    return f"{statistics.median(values)} {min(values)} {max(values)}"


def block(rows, target):
    """One line a number of calls: it, CPU time, p50, p99."""
    lines = []
    for calls in sorted({row["calls"] for row in rows.of("packet", target=target)}):
        found = rows.of("packet", target=target, calls=calls)
        lines.append(f"{calls} {spread(found, 'cpu_us')} {spread(found, 'p50_us')} {spread(found, 'p99_us')}")
    return lines


def draw(rows, targets, title, path):
    """Whether there is a picture."""
    if not shutil.which("gnuplot"):
        return False
    blocks = {target: lines for target in targets if (lines := block(rows, target))}
    if not blocks:
        return False
    script = ["set terminal pngcairo size 1100,1000 font 'sans,11'", f"set output '{path}'"]
    script += [f"$d{i} << EOD\n" + "\n".join(lines) + "\nEOD" for i, lines in enumerate(blocks.values())]
    style = {target: f"lw 2 pt 7 lc rgb '{COLOURS[target]}'" for target in blocks}
    script += [f"set multiplot layout 2,1 title '{title}'", "set grid lc rgb '#dddddd'", "set key outside top center horizontal",
               "set xlabel 'calls, 50 packets a second each way'", "set xrange [0:*]",
               "set yrange [0:*]", "set ylabel 'CPU time a packet, us'",
               "plot " + ", ".join(f"$d{i} using 1:2:3:4 with yerrorlines {style[t]} title '{t}'" for i, t in enumerate(blocks)),
               "set logscale y", "set yrange [10:*]", "set ylabel 'one-way delay, us; dashed: p99'",
               "plot " + ", ".join(f"$d{i} using 1:5 with linespoints {style[t]} title '{t}', "
                                   f"$d{i} using 1:8 with linespoints dt 2 {style[t]} notitle" for i, t in enumerate(blocks)),
               "unset multiplot"]
    done = subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=False)
    return done.returncode == 0
