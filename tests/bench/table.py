# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one table of the benchmark."""

from figures import Figure

SHARES = (0.1, 0.5, 0.9)
QUANTILES = (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))
TIMES = (("INVITE to propose", "propose"), ("proceed to ready", "path"), ("proceed to media heard", "media"))


def us(key):
    """Milliseconds of a row's microseconds."""
    return lambda row: row[key] / 1000


class Table:
    """Rows of figures: a name, a target each, and the ratios of Tandem to the peer and to the floor."""

    def __init__(self, rows, targets, say):
        self.rows, self.targets, self.say = rows, targets, say

    def head(self):
        """The columns' names."""
        self.say(f"{'':44} " + " ".join(f"{target:>21}" for target in self.targets) + f" {'/rtpengine':>10} {'/epoll':>7}")

    def title(self, text):
        """Of a group."""
        self.say(f"\n{text}")

    def line(self, name, figures, digits):
        """One figure of all targets."""
        if not figures:
            return
        none = Figure([], "")
        ours = figures.get("tandem", none)
        self.say(f"  {name:42} " + " ".join(f"{figures.get(target, none).text(digits):>21}" for target in self.targets)
                 + f" {ours.ratio(figures.get('rtpengine', none)):>10} {ours.ratio(figures.get('floor-epoll', none)):>7}")

    def figures(self, phase, value, **where):
        """By target; those without rows are left out."""
        rows = {target: self.rows.of(phase, target=target, **where) for target in self.targets}
        return {target: Figure(found, value) for target, found in rows.items() if found}

    def group(self, phase, value, name, digits, keys):
        """A line for each value of what the rows differ in."""
        key, values = keys
        for at in values:
            self.line(name.format(at), self.figures(phase, value, **{key: at}), digits)

    def packets(self):
        """Cost and delay of packets."""
        loads = sorted({row["calls"] for row in self.rows.of("packet")})
        self.title("CPU time a relayed packet, us: DTLS-SRTP <-> RTP (floors: RTP <-> RTP), 50 packets/s each way")
        self.group("packet", "cpu_us", "the process, {:.0f} calls", 2, ("calls", loads))
        self.group("packet", "busy_us", "its core with softirq, {:.0f} calls", 2, ("calls", loads))
        if not self.rows.of("capacity"):
            return
        self.title("Calls held by one core: loss below 0.1 %, p99 of the delay below 20 ms")
        self.line("calls", self.figures("capacity", "calls"), 0)
        self.title("One-way delay, us, at shares of the calls held")
        for share in SHARES:
            for name, key in QUANTILES:
                self.line(f"{name}, {share:.0%}", self.figures("delay", key, share=share), 0)

    def setups(self):
        """Calls that come and go."""
        rates = sorted({row["rate"] for row in self.rows.of("setup")})
        self.title("Set-up, ms, 2 s of media each; tandem: SIP, component stream, JMI, Jingle, ICE, DTLS; rtpengine: NG, ICE, DTLS")
        for rate in rates:
            for name, key in TIMES:
                for quantile in ("p50", "p99"):
                    figures = self.figures("setup", us(f"{key}_{quantile}_us"), rate=rate)
                    if key == "propose":
                        figures.pop("rtpengine", None)
                    self.line(f"{name}, {quantile}, {rate:.0f} calls/s", figures, 1)
            self.line(f"CPU time a call, {rate:.0f} calls/s", self.figures("setup", "cpu_ms_per_call", rate=rate), 2)
            self.line(f"failed of a thousand, {rate:.0f} calls/s",
                      self.figures("setup", lambda row: 1000 * (1 - row["heard"] / row["calls"]), rate=rate), 0)
        self.title("Set-ups a second that one core sustains: all are heard, and media p99 is below 0.2 s")
        self.line("calls/s", self.sustained(), 0)

    def sustained(self):
        """The best rate of each run."""
        figures = {}
        for row in self.rows.of("setup"):
            figure = figures.setdefault(row["target"], Figure([], ""))
            good = row["heard"] == row["calls"] and row["media_p99_us"] < 200000
            figure.runs[row["run"]] = max(figure.runs.get(row["run"], 0), row["rate"] if good else 0)
        return figures

    def memory(self):
        """What is kept."""
        self.title("Memory, KiB resident")
        self.line("without calls", self.figures("memory", "rss_kib", calls=0, ringing=0), 0)
        for name, ringing in (("a ringing call", 1), ("an answered call", 0)):
            self.line(name, self.rows.slopes(self.targets, "memory", "calls", ringing=ringing), 1)
        self.line("an idle account", self.rows.slopes(self.targets, "start", "accounts"), 2)

    def among(self):
        """Whether anything grows with the calls there are."""
        loads = sorted({row["calls"] for row in self.rows.of("table")})
        self.title("Calls that ring beside others, INVITE to 180: CPU time of one more, ms, and memory of each, KiB")
        before = 0
        for calls in loads:
            self.line(f"CPU, {before:.0f} to {calls:.0f} calls", self.figures("table", "cpu_ms_per_call", calls=calls), 2)
            before = calls
        self.line("memory", self.rows.slopes(self.targets, "table", "calls"), 1)

    def starts(self):
        """From exec() to the component's handshake."""
        self.title("Start, ms, until the component's stream stands")
        for accounts, calls in sorted({(row["accounts"], row["calls"]) for row in self.rows.of("start")}):
            where = {"accounts": accounts, "calls": calls}
            self.line(f"{accounts:.0f} accounts", self.figures("start", "ready_ms", **where), 0)
            if calls:
                self.line(f"the same after SIGKILL in {calls:.0f} calls", self.figures("start", "again_ms", **where), 0)
                self.line("until all heard each other again", self.figures("start", "heard_ms", **where), 0)
                self.line("calls that go on", self.figures("start", "heard", **where), 0)

    def writes(self):
        """The database's."""
        self.title("Database, a call from INVITE to BYE")
        self.line("writes", self.figures("database", lambda row: row["written"] / row["calls"]), 2)
        self.line("transactions, 50 calls/s", self.figures("database", lambda row: row["transactions"] / row["calls"]), 2)

    def print(self):
        """Those parts that were measured."""
        self.head()
        parts = {"packet": self.packets, "setup": self.setups, "memory": self.memory, "table": self.among,
                 "start": self.starts, "database": self.writes}
        for phase, part in parts.items():
            if self.rows.of(phase):
                part()
        self.say("\nmedian [least-most] of the runs; ratios are the median of those within a run")
        self.say("* the generator was at its own limit: the relay may be better    ! not held: lost packets, or p99 above 20 ms")
