from hypothesis import given
from hypothesis import strategies as st

from core.batching import Limits
from core.window_queue import Submitted, WindowQueue
from tests.unit.core.scheduled import window

ONE_SECOND = Limits((1.0,), (4,))


def fill(queue: WindowQueue, line: int) -> int:
    """Add windows of a second for as long as they are admitted; how many that were."""
    added = 0
    while queue.admits(line, 1.0):
        queue.add(Submitted(line, window(added)))
        added += 1
    return added


def test_a_lone_line_has_the_whole_queue() -> None:
    queue = WindowQueue(10.0)
    assert fill(queue, queue.open_line()) == 10
    assert queue.waiting_s == 10.0


def test_no_more_waits_than_keeps_the_model_busy() -> None:
    queue = WindowQueue()
    queue.serve(Limits((1.0, 2.0), (4, 3), workers=2))
    assert fill(queue, queue.open_line()) == 3 * 2 * 6


def test_little_waits_until_the_model_says_how_much_it_hears() -> None:
    queue = WindowQueue()
    assert fill(queue, queue.open_line()) == 600


def test_lines_with_windows_that_wait_share_the_queue_equally() -> None:
    queue = WindowQueue(10.0)
    lines = [queue.open_line() for _ in range(3)]
    for line in lines:
        queue.add(Submitted(line, window(0)))
    assert [1 + fill(queue, line) for line in lines] == [3, 3, 3]


def test_what_lines_announced_and_have_not_added_is_expected() -> None:
    queue = WindowQueue(10.0)
    long, short = queue.open_line(100.0), queue.open_line(2.0)
    for _ in range(3):
        queue.add(Submitted(short, window(0)))
    assert queue.expected_s == 100.0
    queue.close_line(long)
    assert queue.expected_s == 0.0


def test_a_line_that_has_nothing_waiting_takes_no_share() -> None:
    queue = WindowQueue(10.0)
    idle = [queue.open_line() for _ in range(3)]
    assert fill(queue, queue.open_line()) == 10
    assert all(queue.admits(line, 1.0) for line in idle)


def test_a_line_that_comes_to_a_full_queue_has_one_window_at_once_and_its_share_soon() -> None:
    queue = WindowQueue(8.0)
    first = queue.open_line()
    fill(queue, first)
    second = queue.open_line()
    assert fill(queue, second) == 1
    for _ in range(2):
        queue.take(ONE_SECOND)
    assert not queue.admits(first, 1.0) or queue.waiting_s <= 4.0
    assert fill(queue, second) >= 3


def test_a_window_larger_than_the_queue_is_let_in_alone() -> None:
    queue = WindowQueue(0.5)
    line = queue.open_line()
    assert fill(queue, line) == 1


def test_closing_a_line_gives_its_share_back() -> None:
    queue = WindowQueue(10.0)
    first, second = queue.open_line(), queue.open_line()
    queue.add(Submitted(second, window(0)))
    assert fill(queue, first) == 5
    queue.close_line(second)
    assert fill(queue, first) == 5
    assert not queue.has_line(second)


def test_a_batch_to_be_heard_again_is_cut_to_what_fits_by_then() -> None:
    queue = WindowQueue(10.0)
    line = queue.open_line()
    fill(queue, line)
    batch = queue.take(ONE_SECOND)
    assert batch is not None
    queue.put_back(list(batch.parts(2)))
    assert (queue.again_s, queue.waiting_s) == (4.0, 6.0)
    again = [queue.take(Limits((1.0,), (1,))) for _ in range(5)]
    heard = [[window.samples[0] for window in part.windows] for part in again if part]
    assert heard == [[0], [1], [2], [3], [4]]


def test_lines_have_their_turns_one_after_the_other() -> None:
    queue = WindowQueue(100.0)
    for _ in range(3):
        line = queue.open_line()
        for number in range(3):
            queue.add(Submitted(line, window(number)))
    taken = [queue.take(Limits((1.0,), (1,))) for _ in range(9)]
    assert [batch.windows[0].line for batch in taken if batch] == [0, 1, 2] * 3


arrivals = st.lists(
    st.tuples(st.sampled_from(["open", "close", "add", "take"]), st.integers(0, 5), st.floats(0.1, 3.0)),
    max_size=60,
)


@given(arrivals)
def test_no_more_waits_than_the_queue_holds_and_a_window_of_each_line(
    arrivals: list[tuple[str, int, float]],
) -> None:
    queue, lines = WindowQueue(5.0), list[int]()
    for what, which, length_s in arrivals:
        line = lines[which % len(lines)] if lines else None
        if what == "open":
            lines.append(queue.open_line())
        elif what == "take":
            queue.take(ONE_SECOND)
        elif line is not None and what == "close":
            queue.close_line(line)
            lines.remove(line)
        elif line is not None and queue.admits(line, length_s):
            queue.add(Submitted(line, window(0, length_s)))
        assert queue.waiting_s <= 5.0 + 3.0 * len(lines) + 1e-6
