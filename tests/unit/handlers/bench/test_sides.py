import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.bench.sides import SideFailed, in_turns, remote
from handlers.bench.worker import serve


class Adder:
    def __init__(self, start: int) -> None:
        self._start = start

    def add(self, number: int) -> int:
        return self._start + number

    def fail(self) -> None:
        raise ValueError("no such number")


def answers(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    out = io.StringIO()
    serve(io.StringIO("".join(json.dumps(one) + "\n" for one in requests)), out, {"adder": Adder})
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_worker_opens_a_side_and_answers_each_call_with_a_line() -> None:
    opening = {"call": "open", "side": "adder", "values": {"start": 2}}
    assert answers(opening, {"call": "add", "values": {"number": 3}}) == [{"value": None}, {"value": 5}]


def test_an_error_is_an_answer_and_the_worker_goes_on() -> None:
    opening = {"call": "open", "side": "adder", "values": {"start": 2}}
    failing = {"call": "fail", "values": {}}
    assert answers(opening, failing, {"call": "add", "values": {"number": 1}})[1:] == [
        {"error": "ValueError: no such number"},
        {"value": 3},
    ]


def test_sides_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def turns(name: str) -> Iterator[int]:
        for number in range(10):
            order.append(name)
            yield number

    ours, plain = turns("ours"), turns("plain")
    assert in_turns(2, lambda: next(ours), lambda: next(plain)) == [[1, 2], [1, 2]]
    assert order == ["ours", "plain"] * 3


def test_a_process_that_ends_by_itself_gives_its_last_words_as_the_reason() -> None:
    with (
        pytest.raises(SideFailed, match=r"the process ended with 1: .*No module named '?no_such_module"),
        remote("ours", threads=1, worker="no_such_module"),
    ):
        pass
