import pytest

from core.cost import Rates, deepgram_cost
from core.deepgram_prices import PRICES, price_of


def test_the_plan_s_price_is_the_default_model_s() -> None:
    assert deepgram_cost(3 * 3600, Rates()) == pytest.approx(0.81)


@pytest.mark.parametrize("model", PRICES)
def test_every_price_has_its_date_and_its_source(model: str) -> None:
    price = PRICES[model]
    assert 0 < price.usd_per_minute < 1
    assert price.dated[:2] == "20"
    assert len(price.source) > 20


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("nova-3", "nova-3"),
        ("Nova-3-general ", "nova-3"),
        ("nova-3-medical", "nova-3-medical"),
        ("nova-2-meeting", "nova-2"),
        ("nova-phonecall", "nova"),
        ("whisper-large", "whisper"),
    ],
)
def test_a_variant_costs_what_its_family_does(model: str, family: str) -> None:
    assert price_of(model) is PRICES[family]


@pytest.mark.parametrize("model", ["nova-4", "nova-4-general", "flux-general-en", "", "-", "nova3"])
def test_another_generation_and_the_unknown_have_no_price(model: str) -> None:
    assert price_of(model) is None
