"""Parts of which a process has one."""

import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import TypeVar

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """Make the thing at the first call and hand out the same one ever after.

    functools.cache alone lets two threads make one each: two first requests at once would load two models.
    """
    made, lock = cache(make), threading.Lock()

    @wraps(make)
    def the_one() -> T:
        with lock:
            return made()

    return the_one
