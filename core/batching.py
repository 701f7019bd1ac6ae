"""Which windows share a batch."""

from dataclasses import dataclass


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
