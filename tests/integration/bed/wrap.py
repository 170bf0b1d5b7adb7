# SPDX-License-Identifier: AGPL-3.0-or-later
"""RTP's sequence numbers, brought to where they wrap around without waiting for 65,536 packets."""

from . import proc

WRAP = 0x10000
STEP = 2900  # a relay takes a larger gap for another source (RFC 3550, A.1)
ARRIVES_S = proc.SOON_S


def left(receiver):
    """How many numbers are left before the wrap, of what @receiver got last."""
    return WRAP - receiver.rx.packets[-1][1].seq


async def advance(sender, number, last):
    """What the gateway sends for @sender has @number at least. The sender leaves numbers out, as if their packets were lost;
    last() is the number that the gateway sent last."""
    while (gap := number - last()) > 0:
        step = min(gap, STEP)
        goal = last() + step
        sender.seq += step
        await proc.until(lambda: last() >= goal, ARRIVES_S, f"the gateway's number is {goal}")  # pylint: disable=cell-var-from-loop


async def near(mine, theirs, packets):
    """So many packets are left on the client's leg of a call, in each direction."""
    await advance(theirs.audio, WRAP - packets, lambda: mine.audio.rx.packets[-1][1].seq)
    if mine.audio.seq < WRAP - packets:
        mine.audio.seq = WRAP - packets
