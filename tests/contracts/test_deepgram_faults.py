"""Every way in which Deepgram fails: the class of failure, how often it is asked, what is counted as money.

The stand-in notes what Deepgram would charge for: what an attempt counts may never be less than that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from core.billing import Bill, Usage
from core.errors import EngineFailed, KlipscribeError, Retryable
from tests.contracts.deepgram_rig import INFO, SECONDS, OneObject, Rig, source, stand_in

pytestmark = pytest.mark.local_cloud

TRIES = 4
LATER, FAILED = Retryable, EngineFailed


@dataclass(frozen=True)
class Row:
    """One fault, for as long as it lasts, and once.

    Args:
        name: of the fault.
        fault: what the stand-in is told.
        error: what is raised when it lasts.
        code: of that.
        calls: how often Deepgram is asked while it lasts.
        billed_s: what one faulty answer surely costs.
        maybe_billed_s: what one faulty answer perhaps costs.
        timeout_s: of a request.
    """

    name: str
    fault: dict[str, Any]
    error: type[KlipscribeError]
    code: str
    calls: int = TRIES
    billed_s: float = 0.0
    maybe_billed_s: float = 0.0
    timeout_s: float = 60.0


def refused(status: int) -> Row:
    code = "engine_unauthorized" if status in (401, 402, 403) else "engine_refused"
    return Row(str(status), {"status": status}, FAILED, code, calls=1)


def later(status: int, code: str = "network_unavailable", maybe_billed_s: float = 0.0) -> Row:
    return Row(str(status), {"status": status}, LATER, code, maybe_billed_s=maybe_billed_s)


def busy(after: str) -> Row:
    fault = {"status": 429, "headers": {"Retry-After": after}}
    return Row(f"429 after {after[:12]}", fault, LATER, "quota_exceeded")


def broken(mode: str, **how: Any) -> Row:
    row: dict[str, Any] = {"maybe_billed_s": SECONDS, **how}
    return Row(mode, {"mode": mode, **row.pop("fault", {})}, LATER, "network_unavailable", **row)


def untrusted(mode: str, billed_s: float = SECONDS) -> Row:
    return Row(mode, {"mode": mode}, FAILED, "engine_bad_result", calls=1, billed_s=billed_s)


TABLE = [
    *(refused(status) for status in (400, 401, 402, 403, 413)),
    later(408),
    later(429, "quota_exceeded"),
    *(busy(after) for after in ("0", "7", "Thu, 01 Jan 2026 00:00:09 GMT", "-5", "9" * 400, "soon")),
    later(500),
    later(502, maybe_billed_s=SECONDS),
    later(503),
    later(504, maybe_billed_s=SECONDS),
    broken("reset"),
    broken("stall", calls=2, timeout_s=0.4, fault={"seconds": 0.8}),
    broken("stall_midway", calls=2, timeout_s=0.4, fault={"seconds": 0.8}),
    broken("drip", calls=2, timeout_s=0.4, fault={"seconds": 0.02}),
    untrusted("empty"),
    untrusted("html"),
    untrusted("no_channels"),
    untrusted("words_without_times"),
    untrusted("words_backwards"),
    untrusted("wrong_sha256"),
    untrusted("wrong_duration", billed_s=2 * SECONDS + 10),
]
PASSING = [row for row in TABLE if row.error is LATER]
IDS = [row.name for row in TABLE]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with stand_in() as running:
        yield running


def usage_of(bill: Bill) -> Usage:
    [usage] = bill.usages
    return usage


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_a_fault_that_lasts_has_its_class_its_calls_and_its_price(rig: Rig, row: Row) -> None:
    rig.fail(times=TRIES, **row.fault)
    bill = Bill()

    with pytest.raises(row.error) as failed:
        rig.engine(timeout_s=row.timeout_s, tries=row.calls).transcribe(source(OneObject()), INFO, bill)
    usage = usage_of(bill)
    assert failed.value.code == row.code
    assert (usage.requests, usage.heard_s) == (row.calls, 0.0)
    assert usage.billed_s == pytest.approx(row.calls * row.billed_s)
    assert usage.maybe_billed_s == pytest.approx(row.calls * row.maybe_billed_s)
    assert usage.billed_s + usage.maybe_billed_s >= charged_s(rig)
    assert len(rig.clock.slept) == row.calls - 1


@pytest.mark.parametrize("row", PASSING, ids=[row.name for row in PASSING])
def test_a_fault_that_passes_costs_one_success_and_what_it_may_have_cost_itself(rig: Rig, row: Row) -> None:
    rig.fail(times=1, **row.fault)
    bill = Bill()

    engine = rig.engine(timeout_s=row.timeout_s)
    assert engine.transcribe(source(OneObject()), INFO, bill).text == "Hello there, world."
    usage = usage_of(bill)
    assert (usage.requests, usage.heard_s, usage.billed_s) == (2, SECONDS, SECONDS)
    assert usage.maybe_billed_s == row.maybe_billed_s
    assert usage.repeats == (1 if row.maybe_billed_s else 0)
    assert usage.billed_s + usage.maybe_billed_s >= charged_s(rig)


@pytest.mark.parametrize(
    ("after", "slept_s"),
    [("7", 7.0), ("Thu, 01 Jan 2026 00:00:09 GMT", 9.0), ("9" * 400, 30.0), ("120", 30.0)],
    ids=["seconds", "date", "absurd", "more than the cap"],
)
def test_deepgram_says_how_long_to_wait_up_to_a_cap(rig: Rig, after: str, slept_s: float) -> None:
    rig.fail(status=429, headers={"Retry-After": after})

    rig.engine().transcribe(source(OneObject()), INFO, Bill())
    assert rig.clock.slept == [slept_s]


@pytest.mark.parametrize("after", ["0", "-5", "soon", "Thu, 01 Jan 2015 00:00:00 GMT"])
def test_a_wait_that_says_nothing_is_our_own_short_one(rig: Rig, after: str) -> None:
    rig.fail(status=429, headers={"Retry-After": after})

    rig.engine().transcribe(source(OneObject()), INFO, Bill())
    [slept_s] = rig.clock.slept
    assert 1.0 <= slept_s <= 2.0


def test_an_expired_url_gives_way_to_the_bytes_and_costs_nothing_more(rig: Rig) -> None:
    store, bill = OneObject(url=f"{rig.url}/bucket/expired.wav?signature=secret"), Bill()

    assert rig.engine().transcribe(source(store), INFO, bill).text == "Hello there, world."
    usage = usage_of(bill)
    assert [(call["by"], call["status"]) for call in rig.calls()] == [("url", 400), ("bytes", 200)]
    assert (usage.requests, usage.billed_s, usage.maybe_billed_s, usage.repeats) == (2, SECONDS, 0.0, 0)


def test_a_url_that_expires_while_deepgram_is_busy_is_signed_anew(rig: Rig) -> None:
    rig.fail(times=2, status=503)
    store = OneObject(url=f"{rig.url}/bucket/audio.wav")

    rig.engine().transcribe(source(store), INFO, Bill())
    assert len(store.signed_for_s) == 3


def test_a_server_that_is_not_there_costs_nothing(rig: Rig) -> None:
    with stand_in() as gone:
        engine = rig.engine(base_url=gone.url)
    bill = Bill()

    with pytest.raises(Retryable):
        engine.transcribe(source(OneObject()), INFO, bill)
    usage = usage_of(bill)
    assert (usage.requests, usage.billed_s, usage.maybe_billed_s) == (TRIES, 0.0, 0.0)


def test_audio_that_cannot_be_read_to_its_end_was_not_sent_and_costs_nothing(rig: Rig) -> None:
    bill = Bill()

    with pytest.raises(Retryable, match="slow"):
        rig.engine().transcribe(source(OneObject(on_read=Retryable("bucket is slow"))), INFO, bill)
    usage = usage_of(bill)
    assert (usage.requests, usage.billed_s, usage.maybe_billed_s) == (1, 0.0, 0.0)


def charged_s(rig: Rig) -> float:
    return float(sum(call["charged_s"] for call in rig.calls()))
