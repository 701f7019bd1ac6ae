import pytest

from core.cost import (
    Cost,
    Rates,
    cpu_cost,
    deepgram_attempt,
    deepgram_cost,
    gpu_cost,
    job_savings_usd,
    parakeet_attempt,
    rtfx,
)

RATES = Rates()


def test_an_hour_of_a_gpu_instance_is_billed_for_gpu_vcpus_and_memory() -> None:
    assert gpu_cost(3600, RATES) == pytest.approx(0.67212 + 4 * 0.0648 + 16 * 0.0072)


def test_parakeet_on_the_cpu_pays_no_gpu() -> None:
    assert cpu_cost(3600, RATES) == pytest.approx(4 * 0.0648 + 16 * 0.0072)
    assert parakeet_attempt(60, 30, RATES, on_gpu=False).usd == cpu_cost(30, RATES)


def test_three_hours_of_deepgram_cost_81_cents_at_the_plans_rate() -> None:
    assert deepgram_cost(3 * 3600, RATES) == pytest.approx(0.81)


def test_a_model_without_a_rate_has_no_cost() -> None:
    with pytest.raises(ValueError, match="nova-9, only for nova-3"):
        deepgram_cost(60, RATES, "nova-9")


def test_another_model_has_its_own_rate() -> None:
    rates = Rates(deepgram_usd_per_minute={"nova-2": 0.006})
    assert deepgram_cost(60, rates, "nova-2") == pytest.approx(0.006)


def test_a_saving_is_what_deepgram_would_have_charged_less_what_was_billed() -> None:
    cost = parakeet_attempt(3600, 36, RATES, on_gpu=True)
    assert cost.deepgram_usd == pytest.approx(0.27)
    assert cost.savings_usd == pytest.approx(0.27 - 36 * RATES.gpu_usd_per_s)
    assert cost.rtfx == 100


def test_a_short_file_on_a_gpu_woken_for_it_costs_more_than_deepgram() -> None:
    assert parakeet_attempt(60, 660, RATES, on_gpu=True).savings_usd < 0


def test_deepgram_saves_nothing_against_itself() -> None:
    cost = deepgram_attempt(3600, 30, RATES)
    assert cost == Cost("deepgram", 3600, 30, cost.usd, cost.usd)
    assert cost.savings_usd == 0


def test_a_job_that_failed_on_the_gpu_and_moved_to_deepgram_saved_less_than_nothing() -> None:
    failed = parakeet_attempt(0, 100, RATES, on_gpu=True)
    assert job_savings_usd([failed, deepgram_attempt(3600, 30, RATES)]) == pytest.approx(-failed.usd)
    assert failed.usd > 0


def test_speed_that_was_not_measured_is_zero() -> None:
    assert rtfx(60, 0) == 0
    assert rtfx(60, 2) == 30
