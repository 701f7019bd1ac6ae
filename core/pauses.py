"""Finds places at which a long file can be divided, so that few words lie on a cut."""

from collections.abc import Iterable, Sequence

import numpy as np

from core.ports import SAMPLE_RATE_HZ, Block
from core.windows import quietest

SEARCH = 10 * SAMPLE_RATE_HZ
"""Ten seconds of talk nearly always hold a pause between two sentences."""

REACH = SAMPLE_RATE_HZ
"""More than the quarter of a second over which core.windows.quietest looks around a place."""


def pauses(blocks: Iterable[Block], targets: Sequence[int]) -> list[int]:
    """The quietest place of the SEARCH before each target, in samples of the file.

    Targets that the audio does not reach have none. Nothing is read beyond the last one.

    Args:
        blocks: the audio from its start.
        targets: samples, ascending, further apart than SEARCH and REACH; at least one.
    """
    found: list[int] = []
    left = list(targets)
    tape, start = np.empty(0, np.int16), 0
    for block in blocks:
        tape = np.concatenate([tape, block.samples])
        while left and start + len(tape) >= left[0] + REACH:
            last = left.pop(0) - start
            found.append(start + quietest(tape, max(last - SEARCH, 0), last))
        if not left:
            break
        past = min(max(left[0] - SEARCH - REACH - start, 0), len(tape))
        tape, start = tape[past:], start + past
    return found
