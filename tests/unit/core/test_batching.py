from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.batching import Choice, Limits, choose

SIZES = (5.0, 20.0, 40.0)

limits_of_any_kind = st.builds(
    Limits,
    sizes_s=st.just(SIZES),
    most=st.tuples(*(st.integers(1, 6) for _ in SIZES)),
    workers=st.integers(1, 3),
)
lengths = st.sampled_from([1.0, 5.0, 6.0, 19.0, 20.0, 33.0, 40.0, 41.0, 55.0])
queues = st.lists(st.lists(lengths, max_size=8), max_size=6).map(
    lambda rows: dict(enumerate(rows)),
)


def drained(waiting: dict[int, list[float]], limits: Limits) -> list[list[tuple[int, int, float]]]:
    """All batches in order, of (job, number of the window in its job, length), by the rule for callers."""
    left = {job: [(number, length_s) for number, length_s in enumerate(row)] for job, row in waiting.items()}
    batches: list[list[tuple[int, int, float]]] = []
    while choice := choose({job: [length_s for _, length_s in row] for job, row in left.items()}, limits):
        batches.append([(job, *left[job][index]) for job, index in choice.picks])
        picked = set(choice.picks)
        left = {
            job: [window for index, window in enumerate(row) if (job, index) not in picked]
            for job, row in left.items()
        }
        leader = choice.picks[0][0]
        left[leader] = left.pop(leader)
    return batches


def test_a_lone_long_file_fills_whole_batches() -> None:
    limits = Limits((40.0,), (4,))
    batches = drained({0: [33.0] * 10}, limits)
    assert [len(batch) for batch in batches] == [4, 4, 2]


def test_a_short_file_is_in_the_first_batch_that_is_chosen_after_it_came() -> None:
    limits = Limits((40.0,), (4,))
    choice = choose({"long": [33.0] * 50, "short": [33.0]}, limits)
    assert choice == Choice(40.0, (("long", 0), ("short", 0), ("long", 1), ("long", 2)))


def test_an_odd_size_is_served_in_its_jobs_turn() -> None:
    limits = Limits((5.0, 40.0), (4, 2))
    batches = drained({0: [33.0] * 6, 1: [3.0, 33.0, 33.0]}, limits)
    assert batches[0] == [(0, 0, 33.0), (1, 1, 33.0)]
    assert batches[1] == [(1, 0, 3.0)]


def test_a_job_that_is_served_in_others_turns_keeps_its_own() -> None:
    """If it moved behind with each window that it gave, its odd window would wait for the others' end."""
    limits = Limits((5.0, 40.0), (4, 4))
    batches = drained({0: [33.0] * 40, 1: [3.0, *[33.0] * 40]}, limits)
    assert (1, 0, 3.0) in batches[1]


def test_a_window_longer_than_all_sizes_is_heard_alone() -> None:
    limits = Limits((5.0, 40.0), (4, 4))
    assert choose({0: [41.0, 41.0]}, limits) == Choice(41.0, ((0, 0),))


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose({0: [], 1: []}, Limits((40.0,), (4,))) is None


@given(queues, limits_of_any_kind)
def test_every_window_is_served_exactly_once(waiting: dict[int, list[float]], limits: Limits) -> None:
    served = [window for batch in drained(waiting, limits) for window in batch]
    assert sorted(served) == [
        (job, number, length_s) for job, row in waiting.items() for number, length_s in enumerate(row)
    ]


@given(queues, limits_of_any_kind)
def test_no_batch_is_over_its_limit_or_mixes_sizes(waiting: dict[int, list[float]], limits: Limits) -> None:
    for batch in drained(waiting, limits):
        (size_s,) = {limits.size_of(length_s) for _, _, length_s in batch}
        assert 1 <= len(batch) <= limits.most_of(size_s)


@given(queues, limits_of_any_kind)
def test_a_batch_is_full_where_enough_windows_of_its_size_wait(
    waiting: dict[int, list[float]], limits: Limits
) -> None:
    choice = choose(waiting, limits)
    if choice is not None:
        fitting = sum(limits.size_of(length) == choice.size_s for row in waiting.values() for length in row)
        assert len(choice.picks) == min(fitting, limits.most_of(choice.size_s))


@given(queues, limits_of_any_kind)
def test_the_order_within_a_job_and_a_size_is_kept(waiting: dict[int, list[float]], limits: Limits) -> None:
    seen: dict[tuple[int, float], list[int]] = {}
    for batch in drained(waiting, limits):
        for job, number, length_s in batch:
            seen.setdefault((job, limits.size_of(length_s)), []).append(number)
    assert all(earlier < later for numbers in seen.values() for earlier, later in pairwise(numbers))


@given(queues, limits_of_any_kind)
def test_no_window_waits_longer_than_its_jobs_turns(waiting: dict[int, list[float]], limits: Limits) -> None:
    """The window with k before it in its job is served within (k + 1) rounds of one batch for each job."""
    jobs = sum(1 for row in waiting.values() if row)
    for batch_number, batch in enumerate(drained(waiting, limits), start=1):
        for _, number, _ in batch:
            assert batch_number <= (number + 1) * jobs


@given(queues, limits_of_any_kind)
def test_a_batch_takes_no_second_window_of_a_job_before_every_fitting_job_gave_one(
    waiting: dict[int, list[float]], limits: Limits
) -> None:
    choice = choose(waiting, limits)
    if choice is not None:
        fitting = {j for j, row in waiting.items() if any(limits.size_of(s) == choice.size_s for s in row)}
        first_round = [job for job, _ in choice.picks[: len(fitting)]]
        assert len(set(first_round)) == len(first_round)


@pytest.mark.parametrize(
    ("length_s", "size_s"), [(0.1, 5.0), (5.0, 5.0), (5.1, 20.0), (40.0, 40.0), (40.5, 40.5)]
)
def test_a_window_is_padded_to_the_next_size(length_s: float, size_s: float) -> None:
    assert Limits(SIZES, (1, 1, 1)).size_of(length_s) == size_s


def test_out_of_memory_halves_the_size_and_caps_the_longer_ones() -> None:
    limits = Limits((10.0, 20.0, 40.0), (64, 32, 16))
    assert limits.halved(20.0, 20).most == (64, 10, 5)


def test_a_second_failure_of_the_same_kind_lowers_nothing_further() -> None:
    once = Limits((20.0,), (16,)).halved(20.0, 16)
    assert once.most == (8,)
    assert once.halved(20.0, 16) == once


@given(limits_of_any_kind, lengths, st.integers(1, 12))
def test_halving_never_goes_below_one_window_nor_raises_a_limit(
    limits: Limits, length_s: float, windows: int
) -> None:
    size_s = limits.size_of(length_s)
    lower = limits.halved(size_s, windows)
    assert all(1 <= after <= before for after, before in zip(lower.most, limits.most, strict=True))
    assert lower.most_of(size_s) <= max(1, windows // 2)


@pytest.mark.parametrize(
    ("sizes_s", "most", "workers"),
    [
        ((), (), 1),
        ((0.0, 5.0), (1, 1), 1),
        ((5.0, 5.0), (1, 1), 1),
        ((40.0, 5.0), (1, 1), 1),
        ((5.0, 40.0), (1,), 1),
        ((5.0,), (0,), 1),
        ((5.0,), (1,), 0),
        ((float("nan"),), (1,), 1),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    sizes_s: tuple[float, ...], most: tuple[int, ...], workers: int
) -> None:
    with pytest.raises(ValueError, match="expected"):
        Limits(sizes_s, most, workers)
