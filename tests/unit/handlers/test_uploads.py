from queue import SimpleQueue
from typing import Any

from handlers.uploads import wait_for
from infra.subscribe import Stream


class Chatter(Stream):
    """Events of other jobs, without end."""

    __slots__ = ()

    def next(self, timeout_s: float) -> dict[str, Any] | None:
        return {"job_id": "another"}


def test_waiting_ends_in_time_though_the_outcomes_of_others_keep_coming() -> None:
    assert wait_for(Chatter(SimpleQueue()), {"ours"}, 0.01) == {}


def test_only_the_outcomes_that_were_asked_for_are_kept() -> None:
    stream = Stream(SimpleQueue())
    for job_id in ("another", "ours"):
        stream.arrived.put({"job_id": job_id})
    assert wait_for(stream, {"ours"}, 5.0) == {"ours": {"job_id": "ours"}}
