# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happened when: every agent of a test writes into one timeline, which a failing test prints."""

import asyncio
import contextvars
import time

_current = contextvars.ContextVar("timeline", default=None)


class Event:
    """One line of a timeline: monotonic time, who, what, and a short detail."""

    __slots__ = ("at", "who", "what", "detail")

    def __init__(self, at, who, what, detail):
        self.at = at
        self.who = who
        self.what = what
        self.detail = detail


class Timeline:
    """An ordered record of events, relative to its own start."""

    LIMIT = 4000  # a load test must not fill the memory

    def __init__(self):
        self.started = time.monotonic()
        self.events = []
        self.dropped = 0
        self.watch = None  # called with every Event as it happens

    def add(self, who, what, detail=""):
        """Record an event now and return its monotonic time."""
        now = time.monotonic()
        event = Event(now, who, what, str(detail))
        if len(self.events) < self.LIMIT:
            self.events.append(event)
        else:
            self.dropped += 1
        if self.watch:
            self.watch(event)
        return now

    def text(self, width=200):
        """The record as a table, one line an event."""
        lines = []
        for event in sorted(self.events, key=lambda e: e.at):
            line = f"{event.at - self.started:9.3f}  {event.who:<22.22} {event.what:<26} {event.detail}"
            lines.append(line.replace("\r\n", " | ").replace("\n", " | ")[:width])
        if self.dropped:
            lines.append(f"  ... and {self.dropped} more events")
        return "\n".join(lines)


def begin():
    """Start a new timeline for this context (a test) and return it."""
    timeline = Timeline()
    _current.set(timeline)
    return timeline


def current():
    """The timeline of the running test; one that nobody reads outside a test."""
    timeline = _current.get()
    return timeline if timeline is not None else begin()


class Milestones:
    """Named points that a call passes, which a test can wait for.

    The end of the call is a milestone too: whoever waits for another one fails at once when it comes."""

    END = "ended"

    def __init__(self, who, timeline=None):
        self.who = who
        self.timeline = timeline or current()
        self._reached = {}
        self._waiters = {}

    def reach(self, name, detail=""):
        """Note that @name has been reached; only the first time counts."""
        if name in self._reached:
            return
        at = self.timeline.add(self.who, "* " + name, detail)
        self._reached[name] = (at, detail)
        for waiter in self._waiters.pop(name, []):
            if not waiter.done():
                waiter.set_result(None)
        if name == self.END:
            for waiters in self._waiters.values():
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_exception(AssertionError(f"{self.who} ended first: {detail}"))
            self._waiters.clear()

    def passed(self, name):
        """Whether @name has been reached."""
        return name in self._reached

    def at(self, name):
        """When @name was reached (monotonic); KeyError if it was not."""
        return self._reached[name][0]

    def detail(self, name):
        """What was said when @name was reached."""
        return self._reached[name][1]

    async def wait(self, name, timeout=10.0):
        """Wait until @name is reached and return its detail; AssertionError if it is not."""
        if name not in self._reached:
            if self.END in self._reached:
                raise AssertionError(f"{self.who}: no {name}, ended: {self._reached[self.END][1]}")
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.setdefault(name, []).append(waiter)
            try:
                await asyncio.wait_for(waiter, timeout)
            except asyncio.TimeoutError:
                raise AssertionError(f"{self.who}: no {name} within {timeout} s; reached {list(self._reached)}") from None
        return self._reached[name][1]
