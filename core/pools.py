"""The threads of the scheduler's stages, as a port: a test steps them by hand."""

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Literal, Protocol

Stage = Literal["prepare", "model", "words"]


class Pools(Protocol):
    """Makes the threads of a stage."""

    def __call__(self, stage: Stage, threads: int) -> Executor:
        """An executor of so many threads."""
        ...


def threads_of(stage: Stage, threads: int) -> Executor:
    """Threads that are named after their stage."""
    return ThreadPoolExecutor(threads, thread_name_prefix=f"engine-{stage}")
