from pathlib import Path

from core.routes import EngineFacts, RoutingPolicy
from handlers.cost_page import LENGTHS_MIN, page

PAGE = Path(__file__).parents[3] / "docs" / "costs.md"


def test_the_page_of_costs_is_what_the_cost_function_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "klipscribe report --matrix > docs/costs.md"


def test_the_page_goes_from_five_minutes_to_six_hours() -> None:
    assert (LENGTHS_MIN[0], LENGTHS_MIN[-1]) == (5, 360)
    rows = [line for line in page().splitlines() if line.startswith(("| 5 min |", "| 6 h |"))]
    assert len(rows) == 2


def test_three_hours_by_deepgram_are_81_cents_at_the_plans_rate() -> None:
    assert "| 3 hours by Deepgram: 8.10 USD | 0.81 USD |" in page()


def test_the_page_follows_the_speed() -> None:
    assert page(EngineFacts(parakeet_rtfx=1000.0)) != page()
    assert "hears 1000 s of audio a second" in page(EngineFacts(parakeet_rtfx=1000.0), RoutingPolicy())
