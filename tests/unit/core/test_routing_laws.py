from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.cost import Rates
from core.errors import NoRoute, NoRouteNow
from core.routing import (
    EngineFacts,
    FileFacts,
    Route,
    RoutingPolicy,
    at_best,
    at_fallback,
    at_ingest,
    choose_route,
    may_fall_back,
)

usd_per_minute = st.floats(0, 1)
files = st.builds(
    FileFacts,
    name=st.just("gs://b/a.mp3"),
    video_id=st.integers(0, 999).map(str),
    duration_s=st.one_of(st.floats(1, 12 * 3600), st.sampled_from([1800.0, 7200.0, 14400.0])),
    language=st.sampled_from(["", "en", "en-GB", "de"]),
    engine=st.sampled_from(["", "", "auto", "parakeet", "deepgram", "hybrid", "other"]),
    priority=st.sampled_from(["low", "normal", "high", "?"]),
)
facts = st.builds(
    EngineFacts,
    gpu=st.sampled_from(["ready", "cold", "unavailable"]),
    gpu_breaker=st.sampled_from(["closed", "open", "half_open"]),
    queue_s=st.floats(0, 20_000),
    parakeet_rtfx=st.floats(1, 5000),
    cpu_rtfx=st.floats(0.1, 50),
    start_s=st.floats(0, 600),
    deepgram_available=st.booleans(),
)


def of_price(usd: float) -> Rates:
    return Rates(deepgram_usd_per_minute={"nova-3": usd})


policies = st.builds(
    RoutingPolicy,
    method=st.sampled_from(["auto", "auto", "parakeet", "deepgram", "hybrid"]),
    enable_gpu=st.booleans(),
    force_deepgram=st.booleans(),
    allow_deepgram=st.booleans(),
    enable_fallback=st.booleans(),
    allow_cpu_parakeet=st.booleans(),
    cost_optimization=st.booleans(),
    short_s=st.floats(0, 3 * 3600),
    long_s=st.floats(3.1 * 3600, 12 * 3600),
    hybrid_available=st.booleans(),
    rollout_percent=st.floats(0, 100),
    max_turnaround_s=st.floats(60, 20_000),
    rates=usd_per_minute.map(of_price),
)


def outcome(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route | str:
    try:
        return choose_route(file, engines, policy)
    except (NoRoute, NoRouteNow) as refused:
        return f"{type(refused).__name__} {refused}"


def method(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> str:
    found = outcome(file, engines, policy)
    return found.method if isinstance(found, Route) else "none"


@given(files, facts, policies)
def test_no_route_is_predicted_to_exceed_the_time(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    found = outcome(file, engines, policy)
    assert isinstance(found, str) or found.predicted_s <= policy.max_turnaround_s


@given(files, facts, policies)
def test_audio_never_leaves_where_it_may_not(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    if policy.method == "parakeet" or not policy.allow_deepgram:
        assert method(file, engines, policy) not in ("deepgram", "hybrid")


@given(files, facts, policies, usd_per_minute, usd_per_minute)
def test_a_dearer_deepgram_is_never_the_reason_to_choose_it(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy, one: float, other: float
) -> None:
    cheap, dear = (replace(policy, rates=of_price(usd)) for usd in sorted((one, other)))
    if method(file, engines, cheap) != "deepgram":
        assert method(file, engines, dear) != "deepgram"


@given(files, facts, policies)
def test_the_same_facts_give_the_same_route(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    assert outcome(file, engines, policy) == outcome(replace(file), replace(engines), replace(policy))


@given(files, facts, policies)
def test_every_decision_gives_its_reasons(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    found = outcome(file, engines, policy)
    assert isinstance(found, str) or all(reason.code and reason.sentence for reason in found.reasons)
    assert isinstance(found, str) or found.reasons


@given(files, facts, policies, facts)
def test_what_ingest_sends_straight_no_gpu_would_have_kept(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy, other: EngineFacts
) -> None:
    try:
        straight = at_ingest(file, at_best(engines), policy)
    except NoRoute:
        return
    if straight is not None:
        later = replace(
            engines,
            gpu=other.gpu,
            gpu_breaker=other.gpu_breaker,
            queue_s=other.queue_s,
            parakeet_rtfx=other.parakeet_rtfx,
            start_s=other.start_s,
        )
        assert method(file, later, policy) == "deepgram"


@given(files, facts, policies)
def test_a_file_is_refused_for_good_only_when_an_idle_gpu_would_not_help(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    if str(outcome(file, engines, policy)).startswith("NoRoute "):
        idle = replace(engines, gpu="ready", gpu_breaker="closed", queue_s=0, parakeet_rtfx=1e9, start_s=0)
        assert method(file, idle, policy) == "none"


@given(files, facts, policies)
def test_ingest_sends_straight_only_what_all_rules_would_send_on_the_same_facts(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    try:
        straight = at_ingest(file, engines, policy)
    except NoRoute:
        assert str(outcome(file, engines, policy)).startswith("NoRoute ")
        return
    if straight is None:
        assert method(file, engines, policy) != "deepgram"
        return
    assert straight == outcome(file, engines, policy)
    assert policy.allow_deepgram
    assert policy.method != "parakeet"
    assert straight.predicted_s <= policy.max_turnaround_s


@given(files, facts, policies)
def test_without_fallback_a_failed_gpu_is_never_the_reason_to_leave(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    kept, failed = replace(policy, enable_fallback=False), replace(engines, gpu="unavailable")
    if failed.gpu_breaker == "closed" or not kept.enable_gpu:
        return
    well = replace(failed, gpu="ready", gpu_breaker="closed", queue_s=0.0)
    if method(file, failed, kept) in ("deepgram", "hybrid"):
        assert method(file, well, kept) == "deepgram"


@given(files, facts, policies)
def test_no_failure_moves_where_settings_keep_it(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    may = may_fall_back(file, engines, policy)
    if not policy.enable_fallback or not policy.allow_deepgram or policy.method == "parakeet":
        assert not may
    if may:
        # What may move finds its route there, unless it would take too long.
        patient = replace(policy, max_turnaround_s=1e9)
        assert at_fallback(file, engines, patient).method == "deepgram"


@given(files, facts, policies, st.floats(0, 0.01), st.floats(0, 0.01))
def test_a_dearer_gpu_is_never_the_reason_to_choose_it(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy, one: float, other: float
) -> None:
    cheap, dear = (
        replace(policy, rates=replace(policy.rates, l4_usd_per_s=usd)) for usd in sorted((one, other))
    )
    if method(file, engines, cheap) == "deepgram":
        assert method(file, engines, dear) not in ("parakeet", "hybrid")


@given(files, facts, policies, st.floats(1, 5000))
def test_a_faster_gpu_never_loses_a_file_to_deepgram(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy, rtfx: float
) -> None:
    faster = replace(engines, parakeet_rtfx=max(rtfx, engines.parakeet_rtfx))
    if method(file, engines, policy) == "parakeet":
        assert method(file, faster, policy) != "deepgram"
