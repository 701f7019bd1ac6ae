import json
from dataclasses import replace
from datetime import timedelta

import pytest

from core.billing import Usage
from core.cost import Rates, gpu_cost
from core.report import report
from tests.unit.core.bookkeeping import BY_DEEPGRAM, HEARD, NOON, WOKEN, attempt

FAILED = Usage("parakeet", "m", active_s=100.0, idle_s=50.0)


def test_a_month_without_attempts_is_all_zeros() -> None:
    found = report("2026-11", [])
    assert (found.attempts, found.usd, found.savings_usd, found.idle_share) == (0, 0, 0, 0)
    assert (found.by_day, found.by_engine, found.endings) == ({}, {}, {})


def test_a_saving_is_what_deepgram_would_have_charged_less_what_all_attempts_cost() -> None:
    woken, failed = attempt(WOKEN), attempt(FAILED, job_id="b" * 64, ending="handed_over", deepgram_usd=0.0)
    moved = attempt(BY_DEEPGRAM, job_id="b" * 64, fence=2, service="deepgram")
    found = report("2026-11", [woken, failed, moved])
    usd = gpu_cost(36 + 60 + 600 + 100 + 50, Rates()) + 0.27
    assert (found.attempts, found.jobs, found.audio_s) == (3, 2, 7200)
    assert found.usd == pytest.approx(usd)
    assert found.deepgram_usd == pytest.approx(0.54)
    assert found.savings_usd == pytest.approx(0.54 - usd)
    assert found.endings == {"completed": 2, "handed_over": 1}


def test_each_engine_has_its_own_sums_also_within_one_attempt() -> None:
    found = report("2026-11", [attempt(HEARD, BY_DEEPGRAM), attempt(HEARD, job_id="b" * 64)])
    assert list(found.by_engine) == ["deepgram", "parakeet"]
    assert (found.by_engine["parakeet"].uses, found.by_engine["parakeet"].heard_s) == (2, 7200)
    assert found.by_engine["deepgram"].usd == pytest.approx(0.27)
    assert sum(sums.usd for sums in found.by_engine.values()) == pytest.approx(found.usd)


def test_instances_are_told_apart_by_work_start_and_idleness() -> None:
    found = report("2026-11", [attempt(WOKEN), attempt(replace(HEARD, idle_s=64.0), job_id="b" * 64)])
    assert (found.wake_ups, found.instance_s) == (1, 36 + 60 + 600 + 36 + 64)
    assert found.start_share == pytest.approx(60 / 796)
    assert found.idle_share == pytest.approx(664 / 796)


def test_attempts_belong_to_the_day_of_their_claim() -> None:
    late = attempt(job_id="b" * 64, claimed=NOON + timedelta(days=1), ending="failed", deepgram_usd=0.0)
    found = report("2026-11", [late, attempt()])
    assert list(found.by_day) == ["2026-11-24", "2026-11-25"]
    first, second = found.by_day.values()
    assert (first.attempts, first.completed, first.deepgram_usd) == (1, 1, 0.27)
    assert (second.attempts, second.completed, second.deepgram_usd) == (1, 0, 0)
    assert first.usd + second.usd == pytest.approx(found.usd)


def test_audio_that_two_attempts_of_a_run_say_they_delivered_counts_once_and_their_cost_twice() -> None:
    found = report("2026-11", [attempt(), attempt(fence=2)])
    assert (found.audio_s, found.deepgram_usd) == (3600, 0.27)
    assert found.usd == pytest.approx(2 * attempt().usd)
    assert sum(day.completed for day in found.by_day.values()) == 1
    assert report("2026-11", [attempt(), attempt(run=2)]).audio_s == 7200


def test_what_is_dear_and_what_is_a_guess_is_counted() -> None:
    found = report("2026-11", [attempt(is_dear=True), attempt(fence=2, ending="abandoned")])
    assert (found.dear, found.estimates) == (1, 1)


def test_what_deepgram_may_charge_is_in_no_sum_of_costs() -> None:
    unanswered = Usage("deepgram", "m", billed_s=60.0, maybe_billed_s=60.0)
    found = report("2026-11", [attempt(unanswered)])
    assert found.usd == pytest.approx(0.0045)
    assert found.maybe_usd == pytest.approx(0.0045)


def test_a_report_is_plain_json() -> None:
    said = json.loads(json.dumps(report("2026-11", [attempt()]).to_json()))
    assert (said["month"], said["by_day"]["2026-11-24"]["completed"]) == ("2026-11", 1)
    assert said["savings_usd"] == pytest.approx(said["deepgram_usd"] - said["usd"])
