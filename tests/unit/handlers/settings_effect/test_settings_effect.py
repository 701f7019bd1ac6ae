"""No setting is only a name: each has a case here that shows what it changes."""

from collections.abc import Iterator, Mapping

import pytest

from infra.settings import NAMES, without_effect
from tests.unit.handlers.settings_effect import engine_cases, money_cases, routing_cases, service_cases
from tests.unit.handlers.settings_effect.case import Case
from tests.unit.handlers.settings_effect.rig import Rig, Server, noting

CASES = (*routing_cases.CASES, *engine_cases.CASES, *money_cases.CASES, *service_cases.CASES)

EXEMPT = {"ENABLE_PERFORMANCE_METRICS", "METRICS_EXPORT_INTERVAL"}
"""Settings that say themselves that they have no effect yet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with noting() as running:
        yield running


def seen(case: Case, server: Server, **more: str) -> object:
    environ: Mapping[str, str] = {**case.given, **more}
    return case.seen(Rig({name: value.format(url=server.url) for name, value in environ.items()}, server))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_setting_changes_what_happens(case: Case, server: Server) -> None:
    assert seen(case, server) == case.before
    server.asked.clear()
    assert seen(case, server, **{case.name: case.value}) == case.after
    assert case.before != case.after


def test_every_setting_that_claims_an_effect_has_a_case_that_shows_it() -> None:
    assert sorted({case.name for case in CASES}) == sorted(set(NAMES) - EXEMPT)


def test_only_settings_that_say_so_are_exempt() -> None:
    assert set(without_effect(dict.fromkeys(NAMES, "1"))) == EXEMPT
