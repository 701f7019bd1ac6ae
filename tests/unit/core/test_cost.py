import pytest

from core.billing import Usage
from core.cost import Prices, Rates, cpu_cost, deepgram_cost, gpu_cost, rtfx

RATES = Rates()
PRICES = Prices()


def test_an_hour_of_a_gpu_instance_is_billed_for_gpu_vcpus_and_memory() -> None:
    assert gpu_cost(3600, RATES) == pytest.approx(0.67212 + 4 * 0.0648 + 16 * 0.0072)


def test_an_instance_without_a_gpu_pays_for_none() -> None:
    assert cpu_cost(3600, RATES) == pytest.approx(4 * 0.0648 + 16 * 0.0072)
    part = Prices(has_gpu=False).priced(Usage("parakeet_cpu", "m", active_s=30))
    assert part.usd == cpu_cost(30, RATES)


def test_a_cpu_that_works_beside_a_gpu_is_billed_with_it() -> None:
    assert PRICES.priced(Usage("parakeet_cpu", "m", active_s=30)).usd == gpu_cost(30, RATES)


def test_three_hours_of_deepgram_cost_81_cents_at_the_plans_rate() -> None:
    assert deepgram_cost(3 * 3600, RATES) == pytest.approx(0.81)


def test_a_model_without_a_rate_has_no_cost() -> None:
    with pytest.raises(ValueError, match="nova-9, only for nova-3"):
        deepgram_cost(60, RATES, "nova-9")


def test_another_model_has_its_own_rate() -> None:
    rates = Rates(deepgram_usd_per_minute={"nova-2": 0.006})
    assert Prices(rates, "nova-2").deepgram_usd(60) == pytest.approx(0.006)


def test_who_works_on_a_running_instance_pays_for_its_share_and_the_pause_before_it() -> None:
    part = PRICES.priced(Usage("parakeet", "m", active_s=5, idle_s=20))
    assert (part.tail_s, part.instance_s) == (0, 25)
    assert part.usd == pytest.approx(gpu_cost(25, RATES))


def test_who_wakes_an_instance_pays_for_its_start_and_its_tail() -> None:
    part = PRICES.priced(Usage("parakeet", "m", active_s=5, cold_start_s=40))
    assert (part.tail_s, part.instance_s) == (600, 645)
    assert part.usd == pytest.approx(gpu_cost(645, RATES))


def test_deepgram_is_paid_for_what_it_bills_however_long_it_takes() -> None:
    part = PRICES.priced(Usage("deepgram", "nova-3", heard_s=60, active_s=400, billed_s=120, requests=2))
    assert part.usd == pytest.approx(0.009)
    assert part.instance_s == 0


def test_a_rate_of_ours_says_of_when_and_whence_it_is_and_one_that_was_set_does_not() -> None:
    dated = Rates(vcpu_usd_per_s=0.5, deepgram_usd_per_minute={"nova-3": 0.0077}).dated()
    assert dated["l4_usd_per_s"]["value"] == 0.0001867
    assert dated["l4_usd_per_s"]["as_of"] == "2026-08"
    assert "price list" in dated["l4_usd_per_s"]["source"]
    assert dated["vcpu_usd_per_s"] == {"value": 0.5, "as_of": "", "source": "set"}
    assert dated["deepgram_usd_per_minute"] == {"value": {"nova-3": 0.0077}, "as_of": "", "source": "set"}
    assert "plan" in RATES.dated()["deepgram_usd_per_minute"]["source"]


def test_speed_that_was_not_measured_is_zero() -> None:
    assert rtfx(60, 0) == 0
    assert rtfx(60, 2) == 30
