"""core.accounts.Books as objects, over memory and over Google's client against a real server."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.attempts import Attempt
from infra.books import ObjectBooks
from infra.gcs import GcsStore
from infra.local.memory import MemoryStore
from tests.contracts.storage import BUCKET
from tests.fakes.clock import FakeClock
from tests.unit.core.bookkeeping import WOKEN, attempt

# A month that no other test of this module uses: the bucket is shared.
MONTHS = iter(datetime(2100 + number // 12, number % 12 + 1, 9, 12, tzinfo=UTC) for number in range(1000))


@pytest.fixture(params=["memory", pytest.param("gcs", marks=pytest.mark.local_cloud)])
def books(request: pytest.FixtureRequest) -> ObjectBooks:
    if request.param == "memory":
        return ObjectBooks(MemoryStore(FakeClock()), BUCKET)
    return ObjectBooks(GcsStore(request.getfixturevalue("gcs_client")), BUCKET)


@pytest.fixture
def one() -> Attempt:
    return attempt(claimed=next(MONTHS), job_id=uuid.uuid4().hex * 2)


def month(one: Attempt) -> str:
    return f"{one.claimed:%Y-%m}"


def test_what_is_recorded_is_found(books: ObjectBooks, one: Attempt) -> None:
    assert books.record(one)
    assert books.find(one.job_id, one.run, one.fence, one.claimed) == one
    assert list(books.of_month(month(one))) == [one]


def test_what_was_never_recorded_is_not_found(books: ObjectBooks, one: Attempt) -> None:
    assert books.find(one.job_id, one.run, one.fence, one.claimed) is None
    assert list(books.of_month(month(one))) == []
    assert books.usd_of_day(f"{one.claimed:%Y-%m-%d}") == 0


def test_an_attempt_is_entered_once_and_the_first_record_stands(books: ObjectBooks, one: Attempt) -> None:
    assert books.record(one)
    assert not books.record(one)
    assert not books.record(replace(one, ending="retried"))
    assert not books.record(replace(one, ending="abandoned"))
    assert list(books.of_month(month(one))) == [one]


def test_an_attempts_own_word_replaces_what_others_took_it_for(books: ObjectBooks, one: Attempt) -> None:
    assert books.record(replace(one, ending="abandoned"))
    assert not books.record(replace(one, ending="abandoned"))
    assert books.record(one)
    assert not books.record(replace(one, ending="abandoned"))
    assert list(books.of_month(month(one))) == [one]


def test_runs_and_fences_are_attempts_of_their_own(books: ObjectBooks, one: Attempt) -> None:
    every = [replace(one, run=run, fence=fence) for run in (1, 2) for fence in (1, 2, 11)]
    assert all(map(books.record, every))
    assert len(list(books.of_month(month(one)))) == 6


def test_a_day_is_summed_without_its_neighbours(books: ObjectBooks, one: Attempt) -> None:
    other = replace(attempt(WOKEN), claimed=one.claimed + timedelta(hours=11), job_id=one.job_id, fence=2)
    tomorrow = replace(one, claimed=one.claimed + timedelta(hours=12), fence=3)
    for found in (one, other, tomorrow):
        books.record(found)
    assert books.usd_of_day(f"{one.claimed:%Y-%m-%d}") == pytest.approx(one.usd + other.usd)
    assert books.usd_of_day(f"{tomorrow.claimed:%Y-%m-%d}") == pytest.approx(tomorrow.usd)


def test_the_day_is_that_of_utc(books: ObjectBooks, one: Attempt) -> None:
    elsewhere = one.claimed.astimezone(tz=None)
    books.record(replace(one, claimed=elsewhere))
    assert books.find(one.job_id, one.run, one.fence, one.claimed) is not None


def test_a_month_is_read_in_the_order_of_its_days(books: ObjectBooks, one: Attempt) -> None:
    days = [replace(one, claimed=one.claimed + timedelta(days=day), fence=day + 1) for day in (5, 0, 11)]
    for found in days:
        books.record(found)
    assert [found.claimed.day for found in books.of_month(month(one))] == [9, 14, 20]
