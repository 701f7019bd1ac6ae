import json
from dataclasses import replace
from datetime import timedelta

import pytest

from core.attempts import Attempt, Finding, Tariff, figures, speed, with_debts
from core.audio import AudioObject
from core.billing import Usage
from core.cost import Prices, Rates, gpu_cost
from core.jobs import Claim, Job, Tenure
from tests.unit.core.bookkeeping import BY_DEEPGRAM, HEARD, NOON, WOKEN, attempt

JOB = Job(AudioObject("audio", "7/audio_7.mp3", 3, 5), run=2)
CLAIM = Claim(JOB, "me", fence=4, attempt=4, claimed=NOON)
TARIFF = Tariff(Prices(), dear_usd_per_hour=0.10)
LATER = NOON + timedelta(seconds=50)


def test_a_record_says_whose_it_is_what_was_used_and_at_which_rates() -> None:
    found = TARIFF.attempt(
        CLAIM, "parakeet", LATER, Finding("completed", "", "hybrid", 7200, [HEARD, BY_DEEPGRAM])
    )
    assert (found.job_id, found.run, found.fence, found.video_id) == (JOB.id, 2, 4, "7")
    assert (found.service, found.claimed, found.ended, found.method) == ("parakeet", NOON, LATER, "hybrid")
    assert found.usd == pytest.approx(gpu_cost(36, Rates()) + 0.27)
    assert found.deepgram_usd == pytest.approx(0.54)
    assert found.active_s == 66.0
    assert found.rates == Rates().dated()
    assert not found.is_estimate


def test_only_audio_that_was_delivered_would_have_been_paid_to_deepgram() -> None:
    found = TARIFF.attempt(
        CLAIM, "parakeet", LATER, Finding("retried", "storage_unavailable", usages=[HEARD])
    )
    assert found.deepgram_usd == 0
    assert found.usd > 0


def test_a_record_is_the_same_after_a_journey_through_json() -> None:
    found = TARIFF.attempt(
        CLAIM, "parakeet", LATER, Finding("completed", "", "hybrid", 7200, [WOKEN, BY_DEEPGRAM])
    )
    assert Attempt.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert found.to_json()["usd"] == found.usd


@pytest.mark.parametrize(
    ("billed_s", "threshold", "audio_s", "is_dear"),
    [
        (3600, 0.27, 3600, False),
        (3601, 0.27, 3600, True),
        (3600, 0.10, 3600, True),
        (3600, 0.10, 0, False),
        (0, 0, 3600, False),
        (1, 0, 3600, True),
    ],
)
def test_an_attempt_is_dear_above_the_threshold_for_an_hour_of_audio(
    billed_s: float, threshold: float, audio_s: float, is_dear: bool
) -> None:
    finding = Finding("completed", "", "deepgram", audio_s, [Usage("deepgram", "m", billed_s=billed_s)])
    assert replace(TARIFF, dear_usd_per_hour=threshold).attempt(CLAIM, "d", LATER, finding).is_dear is is_dear


def test_a_dead_attempt_by_parakeet_is_charged_the_instance_up_to_its_last_sign_of_life() -> None:
    found = TARIFF.abandoned(JOB, Tenure(3, "parakeet", NOON, LATER, entered=False))
    assert (found.fence, found.ending, found.claimed, found.ended) == (3, "abandoned", NOON, LATER)
    assert found.usd == pytest.approx(gpu_cost(50, Rates()))
    assert (found.deepgram_usd, found.is_estimate, found.is_dear) == (0, True, False)


def test_what_deepgram_charged_to_a_dead_attempt_is_not_made_up() -> None:
    found = TARIFF.abandoned(JOB, Tenure(3, "deepgram", NOON, LATER, entered=False))
    assert (found.service, found.usd, found.is_estimate) == ("deepgram", 0, True)


def test_a_saving_counts_all_attempts_of_the_run_and_may_be_less_than_nothing() -> None:
    said = figures(attempt(BY_DEEPGRAM), earlier_usd=0.2)
    assert (said["cost_usd"], said["job_cost_usd"], said["savings_usd"]) == (0.27, 0.47, -0.2)
    (part,) = said["parts"]
    assert (part["runner"], part["billed_s"]) == ("deepgram", 3600.0)
    assert part["usd"] == pytest.approx(0.27)


def test_the_speed_is_that_of_the_engines_and_unknown_where_they_took_no_time() -> None:
    assert speed(attempt(HEARD)) == {"audio_s": 3600.0, "processing_s": 36.0, "rtfx": 100.0}
    assert speed(attempt(replace(HEARD, active_s=0.0)))["rtfx"] is None


FOUND = Usage("deepgram", "nova-3", heard_s=60.0, kept_s=60.0)
DEAD = attempt(Usage("deepgram", "", active_s=5.0), ending="abandoned")


def test_what_a_dead_process_paid_to_deepgram_is_charged_to_who_finds_its_answer() -> None:
    (charged,) = with_debts([FOUND], [DEAD])
    assert (charged.billed_s, charged.kept_s) == (60.0, 60.0)


def test_an_answer_that_the_books_know_of_is_not_charged_again() -> None:
    paid = attempt(replace(FOUND, kept_s=0.0, billed_s=60.0), ending="retried")
    for earlier in ([paid], [DEAD, paid], []):
        assert with_debts([FOUND], earlier) == (FOUND,)


def test_only_what_exceeds_the_records_is_owed_part_by_part() -> None:
    paid = attempt(Usage("deepgram", "m", billed_s=90.0), ending="retried")
    charged = with_debts([FOUND, HEARD, FOUND], [paid, DEAD])
    assert [usage.billed_s for usage in charged] == [30.0, 0.0, 0.0]


def test_what_deepgram_may_charge_on_top_is_told_apart() -> None:
    found = attempt(Usage("deepgram", "m", billed_s=60.0, maybe_billed_s=120.0))
    assert found.usd == pytest.approx(0.0045)
    assert found.maybe_usd == pytest.approx(0.009)


def test_a_record_without_fields_that_came_later_can_be_read() -> None:
    said = json.loads(json.dumps(attempt(BY_DEEPGRAM).to_json()))
    for part in said["parts"]:
        for name in ("maybe_billed_s", "kept_s", "repeats", "maybe_usd"):
            del part[name]
    assert Attempt.from_json(said) == attempt(BY_DEEPGRAM)
