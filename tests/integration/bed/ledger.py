# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was written at one end and what came at the other: the judge of texts under faults.

A text is known by (direction, conversation, number in it). It has to come once, in the order of its conversation, or to be
reported failed. It may come again only with the same identity (Call-ID, stanza id), and only when a fault (the process killed, the
XMPP server restarted, the trunk silent) lies between the two."""

import collections
import time
from dataclasses import dataclass, field

OUT, IN = "account to trunk", "trunk to account"
GRACE_S = 3.0  # a fault's end is when all is well again; stamps of servers have whole seconds


@dataclass
class Verdict:
    """One direction's sums, and what was wrong in words."""

    sent: int = 0
    delivered: int = 0
    reported: collections.Counter = field(default_factory=collections.Counter)
    again: int = 0
    refused_again: int = 0  # what its writer sent a second time, not knowing that the first had gone, was refused
    wrong: list = field(default_factory=list)


class Ledger:
    """@faults are (what, began, ended), in seconds of the wall clock."""

    def __init__(self):
        self.sent = collections.defaultdict(dict)  # (direction, conversation) -> {number: when}
        self.came = collections.defaultdict(list)  # -> [(number, identity, when)]
        self.reported = collections.defaultdict(dict)  # -> {number: why}
        self.faults = []
        self.rewritten = set()  # (direction, conversation, number) that its writer has sent twice

    def write(self, direction, conversation, number):
        """It was given to whom it goes through."""
        self.sent[direction, conversation][number] = time.time()

    def arrive(self, direction, conversation, number, identity, when=None):
        """It came."""
        self.came[direction, conversation].append((number, identity, when or time.time()))

    def report(self, direction, conversation, number, why):
        """Its writer was told that it did not go."""
        self.reported[direction, conversation][number] = why

    def rewrite(self, direction, conversation, number):
        """Its writer does not know whether it went, and sends it again as it was."""
        self.rewritten.add((direction, conversation, number))

    def fault(self, what, began):
        """Something was broken since @began, and is well again."""
        self.faults.append((what, began, time.time()))

    def open(self, direction):
        """How many have neither come nor been reported."""
        count = 0
        for key, numbers in self.sent.items():
            if key[0] == direction:
                came = {number for number, _, _ in self.came[key]}
                count += sum(number not in came and number not in self.reported[key] for number in numbers)
        return count

    def _excused(self, first, second):
        return any(began <= second + GRACE_S and first <= ended + GRACE_S for _, began, ended in self.faults)

    def _beside(self, when):
        """Where @when lies among the faults."""
        what, began, ended = min(self.faults, key=lambda fault: abs(fault[1] - when), default=("no fault", when, when))
        return f"written {when - began:+.3f} s from the beginning of a {what} of {ended - began:.3f} s"

    def _judge_one(self, verdict, key):
        numbers, seen, order = self.sent[key], {}, []
        for number, identity, when in self.came[key]:
            if number not in seen:
                seen[number] = identity, when
                order.append(number)
                continue
            verdict.again += 1
            if seen[number][0] != identity:
                verdict.wrong.append(f"{key[1]} {number}: came twice, as {seen[number][0]} and {identity}")
            elif not self._excused(seen[number][1], when):
                verdict.wrong.append(f"{key[1]} {number}: came again without a fault between")
        verdict.sent += len(numbers)
        verdict.delivered += len(seen)
        verdict.reported.update(why for number, why in self.reported[key].items() if number not in seen)
        verdict.wrong += [f"{key[1]} {number}: lost; {self._beside(when)}" for number, when in numbers.items()
                          if number not in seen and number not in self.reported[key]]
        for number, why in self.reported[key].items():
            if (*key, number) in self.rewritten:
                verdict.refused_again += number in seen
            elif number in seen:
                verdict.wrong.append(f"{key[1]} {number}: came, and its writer was told that it failed ({why})")
        verdict.wrong += [f"{key[1]} {number}: nobody has written it" for number in seen if number not in numbers]
        verdict.wrong += [f"{key[1]} {later}: came before {earlier}"
                          for later, earlier in zip(order, order[1:]) if later > earlier]

    def judge(self, direction):
        """The Verdict on one direction."""
        verdict = Verdict()
        for key in sorted(key for key in self.sent if key[0] == direction):
            self._judge_one(verdict, key)
        return verdict
