"""Which windows share a batch."""

from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic, TypeVar

J = TypeVar("J", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a model can hear at once.

    Args:
        sizes_s: the lengths to which windows are padded, ascending, in seconds. Only windows that are padded
            to the same length share a batch; a longer one is a size of its own.
        most: how many windows of each of these lengths fit into one batch, at least 1 each.
        workers: how many batches may run at the same time.

    Raises:
        ValueError: no size, sizes out of order, or not as many counts as sizes.
    """

    sizes_s: tuple[float, ...]
    most: tuple[int, ...]
    workers: int = 1

    def __post_init__(self) -> None:
        if not self.sizes_s or not self.sizes_s[0] > 0:
            raise ValueError(f"sizes_s is {self.sizes_s}, expected at least one length above 0")
        if not all(shorter < longer for shorter, longer in zip(self.sizes_s, self.sizes_s[1:], strict=False)):
            raise ValueError(f"sizes_s is {self.sizes_s}, expected lengths in ascending order")
        if len(self.most) != len(self.sizes_s) or min(self.most) < 1:
            raise ValueError(f"most is {self.most}, expected a count of 1 or more for each of {self.sizes_s}")
        if self.workers < 1:
            raise ValueError(f"workers is {self.workers}, expected at least 1")

    def size_of(self, length_s: float) -> float:
        """The length to which a window of a length is padded: its own where no size is long enough."""
        index = bisect_left(self.sizes_s, length_s)
        return self.sizes_s[index] if index < len(self.sizes_s) else length_s

    def most_of(self, size_s: float) -> int:
        """How many windows of a size fit; 1 where the size was never planned, since memory grows squarely."""
        return self.most[self.sizes_s.index(size_s)] if size_s in self.sizes_s else 1

    def halved(self, size_s: float, windows: int) -> "Limits":
        """The limits after a batch ran out of memory: half its padded seconds, and 1 window at least.

        Longer sizes get no more padded seconds either: a second of a longer window never takes less memory.
        A second batch of the same kind, which failed beside the first, lowers nothing further.
        """
        padded_s = size_s * (windows // 2)
        most = (
            count if size < size_s else min(count, max(1, int(padded_s / size)))
            for size, count in zip(self.sizes_s, self.most, strict=True)
        )
        return replace(self, most=tuple(most))


@dataclass(frozen=True, slots=True)
class Choice(Generic[J]):
    """The next batch.

    Args:
        size_s: the length to which its windows are padded.
        picks: job, and index among that job's waiting windows, of each window. The first job had the turn.
    """

    size_s: float
    picks: tuple[tuple[J, int], ...]


def choose(waiting: Mapping[J, Sequence[float]], limits: Limits) -> Choice[J] | None:
    """The next batch, from the lengths of each job's waiting windows in seconds; None when nothing waits.

    The first job that waits has the turn: its first window fixes the size. Then each job in order gives one
    window of that size, again and again, until the batch is full. The caller moves the job that had the turn,
    and no other, behind the rest. So every job has a turn within as many batches as there are jobs, and each
    turn serves the job's oldest window, of whatever odd size.
    """
    leader = next((lengths for lengths in waiting.values() if lengths), None)
    if leader is None:
        return None
    size_s = limits.size_of(leader[0])
    rows = (_of_size(job, lengths, size_s, limits) for job, lengths in waiting.items())
    return Choice(size_s, tuple(islice(_in_turn(rows), limits.most_of(size_s))))


def _of_size(job: J, lengths: Sequence[float], size_s: float, limits: Limits) -> Iterator[tuple[J, int]]:
    return ((job, index) for index, length_s in enumerate(lengths) if limits.size_of(length_s) == size_s)


def _in_turn(rows: Iterable[Iterator[T]]) -> Iterator[T]:
    """One from each row, round and round, until all rows are empty."""
    left = deque(rows)
    while left:
        row = left.popleft()
        for pick in islice(row, 1):
            yield pick
            left.append(row)
