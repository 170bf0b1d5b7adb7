# SPDX-License-Identifier: AGPL-3.0-or-later
"""Call records, one by one: what became of a call, and when."""

import collections
import time

from . import database, proc

COLUMNS = ("call", "account", "caller", "callee", "started_ms", "ringing_ms", "answered_ms", "ended_ms", "cause", "ended_by")
ENDED_BY = ("gateway", "caller", "callee")
SLACK_MS = 50  # the clocks that are compared are read one after the other


def now_ms():
    """Wall time, as records have it."""
    return int(time.time() * 1000)


class Record(collections.namedtuple("Record", COLUMNS)):
    """One of them."""

    def check(self, cause, begun, ended, rang, answered):
        """It has that cause, began and ended within these spans of now_ms(), and says truly whether it rang and was answered, and in
        which order."""
        assert self.cause == cause, self
        assert begun[0] - SLACK_MS <= self.started_ms <= begun[1] + SLACK_MS, (begun, self)
        assert ended[0] - SLACK_MS <= self.ended_ms <= ended[1] + SLACK_MS, (ended, self)
        assert (bool(self.ringing_ms), bool(self.answered_ms)) == (rang, answered), self
        times = [at for at in (self.started_ms, self.ringing_ms, self.answered_ms, self.ended_ms) if at]
        assert times == sorted(times), self


def every(tandem, where="1"):
    """All, or those of some."""
    rows = database.rows(tandem.sections["db"]["path"], f"SELECT {', '.join(COLUMNS)} FROM cdr WHERE {where}")
    return [Record(*row)._replace(ended_by=ENDED_BY[row[-1]]) for row in rows]


async def of(tandem, user, calls, since_ms):
    """Those of the @calls that an account has begun since then: one each."""
    where = f"account = '{user}@example.org' AND started_ms >= {since_ms - SLACK_MS}"
    await proc.until(lambda: len(every(tandem, where)) >= calls, proc.SOON_S, f"{calls} calls of {user} have records")
    found = every(tandem, where)
    assert len(found) == len({record.call for record in found}) == calls, found
    return found
