"""The functions over a world of fakes: what a budget does to them, and what they enter in the books."""

from core.billing import Bill
from infra.books import ObjectBooks
from tests.log_lines import Lines
from tests.unit.handlers.test_functions import STATE, Rig
from tests.unit.handlers.wired import Wired

SPENT = {"MONTHLY_TRANSCRIPTION_BUDGET": "0"}


def test_a_file_over_the_budget_is_acked_parked_and_worth_a_warning(lines: Lines) -> None:
    rig = Rig(environ=SPENT)
    assert rig.ingest(rig.upload()) == 204
    assert rig.publisher.published == []
    assert len(rig.kept("parked/")) == 1
    (line,) = [line for line in lines.read_all() if line.get("metric") == "parked"]
    assert (line["severity"], line["outcome"]) == ("WARNING", "parked")


def test_a_file_over_the_budget_is_requested_where_it_may_take_the_cheapest_route() -> None:
    rig = Rig(environ={**SPENT, "OVER_BUDGET": "cheapest", "PARAKEET_DEVICE": "cuda"})
    assert rig.ingest(rig.upload()) == 204
    assert len(rig.publisher.on("transcription-requested")) == 1
    assert rig.kept("parked/") == []


def test_a_nacked_attempt_is_in_the_books() -> None:
    rig = Rig(environ={"PARAKEET_DEVICE": "cuda"})
    assert rig.transcribe(rig.requested("com.klipstream.transcription.requested.v1")) == 503
    (found,) = ObjectBooks(rig.store, STATE).of_month("2026-01")
    assert (found.ending, found.code, found.method) == ("retried", "quota_exceeded", "parakeet")


def test_who_comes_first_pays_from_the_start_of_the_process() -> None:
    place, bill = Wired({"PARAKEET_DEVICE": "cuda"}), Bill()
    with place.gpu_service(started_s=place.clock.monotonic() - 42.0) as engines:
        engines.by_method["parakeet"].transcribe(place.source(), place.info, bill)
    assert bill.usages[0].cold_start_s == 42.0


def test_over_the_budget_the_cheaper_engine_is_asked_although_it_takes_longer() -> None:
    chosen = {"PARAKEET_DEVICE": "cpu", "ALLOW_CPU_PARAKEET": "true", "DEEPGRAM_API_KEY": "made-up"}
    kind = "com.klipstream.transcription.requested.v1"
    quick, cheap = Rig(environ=chosen), Rig(environ={**chosen, **SPENT, "OVER_BUDGET": "cheapest"})
    assert quick.transcribe(quick.requested(kind)) == 204
    assert quick.engine.asked == []
    assert cheap.transcribe(cheap.requested(kind)) == 503
    assert len(cheap.engine.asked) == 1
