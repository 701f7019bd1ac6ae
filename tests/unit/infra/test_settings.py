from pathlib import Path
from typing import Any

import pytest

from core.routing import RoutingPolicy
from infra.settings import (
    ALIASES,
    NAMES,
    Settings,
    SettingsError,
    load,
    unknown_names,
    without_effect,
)

SECRET = "dg-5f3a"

DEFAULTS: dict[str, Any] = {
    "TRANSCRIPTION_METHOD": "auto",
    "ENABLE_GPU_TRANSCRIPTION": True,
    "FORCE_DEEPGRAM_TRANSCRIPTION": False,
    "ENABLE_FALLBACK": True,
    "COST_OPTIMIZATION": True,
    "PARAKEET_MODEL_NAME": "nvidia/parakeet-tdt-0.6b-v2",
    "GPU_MEMORY_LIMIT_GB": 20,
    "GPU_BATCH_SIZE": None,
    "CHUNK_DURATION_MINUTES": None,
    "CHUNK_OVERLAP_SECONDS": None,
    "MAX_CONCURRENT_CHUNKS": 4,
    "ENABLE_BATCH_PROCESSING": True,
    "SHORT_FILE_THRESHOLD_HOURS": 2,
    "LONG_FILE_THRESHOLD_HOURS": 4,
    "COST_THRESHOLD_PER_HOUR": 0.10,
    "MONTHLY_TRANSCRIPTION_BUDGET": 1000,
    "HYBRID_SPLIT_HOURS": None,
    "ROLLOUT_PERCENT": 100,
    "MAX_FILE_SIZE_GB": 2,
    "ENABLE_PERFORMANCE_METRICS": True,
    "LOG_TRANSCRIPTION_COSTS": True,
    "METRICS_EXPORT_INTERVAL": 60,
    "DEEPGRAM_API_KEY": None,
    "CONVEX_URL": "",
    "CONVEX_DEPLOY_KEY": None,
    "ALLOW_DEEPGRAM": True,
    "ALLOW_CPU_PARAKEET": False,
    "ROUTE_AT_INGEST": True,
    "ROLLOUT_VIDEO_IDS": (),
    "DEEPGRAM_MODEL": "nova-3",
    "DEEPGRAM_BASE_URL": "",
    "DEEPGRAM_USD_PER_MINUTE": 0.0045,
    "CONVEX_SUCCESS_STATUS": "",
    "AUDIO_BUCKET": "klipstream-vods-raw",
    "TRANSCRIPT_BUCKET": "klipstream-transcripts",
    "STATE_BUCKET": "klipscribe-state",
    "TOPIC_REQUESTED": "transcription-requested",
    "TOPIC_FALLBACK": "transcription-fallback",
    "TOPIC_COMPLETED": "transcription-completed",
    "TOPIC_PROGRESS": "transcription-progress",
    "REQUEST_BUDGET_S": 600,
    "REQUEST_SOFT_BUDGET_S": 480,
    "LOG_LEVEL": "INFO",
    "BASE_DIR": ".",
}


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_every_promised_setting_has_its_default(name: str, default: Any) -> None:
    assert getattr(load({}), name.lower()) == default


def test_the_tuned_defaults_stand_where_nothing_is_set() -> None:
    settings = load({"CHUNK_DURATION_MINUTES": "auto", "GPU_BATCH_SIZE": "AUTO"})
    assert (settings.window_s, settings.overlap_s, settings.batch_size) == (40, 4, None)
    assert settings.queue_s is None


def test_the_plans_values_can_be_set() -> None:
    plan = {"CHUNK_DURATION_MINUTES": "10", "CHUNK_OVERLAP_SECONDS": "10", "GPU_BATCH_SIZE": "16"}
    settings = load({**plan, "QUEUE_AUDIO_MINUTES": "30"})
    assert settings.queue_s == 1800
    assert (settings.window_s, settings.overlap_s, settings.batch_size) == (600, 10, 16)


def test_the_tuned_overlap_shrinks_with_a_short_window() -> None:
    assert load({"CHUNK_DURATION_MINUTES": "0.1"}).overlap_s == 3


def test_the_search_for_a_pause_takes_a_quarter_of_a_short_window_at_most() -> None:
    assert load({}).search_s == 6
    assert load({"CHUNK_DURATION_MINUTES": "0.1"}).search_s == 1.5


def test_without_batching_a_batch_is_one_window() -> None:
    assert load({"ENABLE_BATCH_PROCESSING": "false", "GPU_BATCH_SIZE": "64"}).batch_size == 1


def test_older_names_are_heard() -> None:
    settings = load({"USE_GPU_TRANSCRIPTION": "false", "CONVEX_API_KEY": SECRET})
    assert not settings.enable_gpu_transcription
    assert settings.convex_deploy_key is not None
    assert settings.convex_deploy_key.get_secret_value() == SECRET


def test_a_name_wins_over_its_alias() -> None:
    assert load(
        {"USE_GPU_TRANSCRIPTION": "false", "ENABLE_GPU_TRANSCRIPTION": "true"}
    ).enable_gpu_transcription


def test_a_problem_speaks_of_the_name_that_was_used() -> None:
    with pytest.raises(SettingsError, match="USE_GPU_TRANSCRIPTION=perhaps"):
        load({"USE_GPU_TRANSCRIPTION": "perhaps", "ENABLE_GPU_TRANSCRIPTION": " "})


@pytest.mark.parametrize("name", ["DEEPGRAM_API_KEY", "CONVEX_DEPLOY_KEY", "CONVEX_API_KEY"])
def test_secrets_are_never_shown(name: str) -> None:
    settings = load({name: f" {SECRET}\n"})
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"
    with pytest.raises(SettingsError) as stopped:
        load({name: f"{SECRET} {SECRET}", "GPU_BATCH_SIZE": "0"})
    seen: BaseException | None = stopped.value
    while seen is not None:
        assert SECRET not in repr(seen)
        seen = seen.__cause__ or seen.__context__
    assert f"{name}=(hidden)" in str(stopped.value)


def test_a_secret_with_a_line_break_inside_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"DEEPGRAM_API_KEY=\(hidden\): expected a key without white space"
    ):
        load({"DEEPGRAM_API_KEY": f"{SECRET}\n{SECRET}"})


def test_settings_made_by_hand_hide_their_secrets_in_errors_too() -> None:
    with pytest.raises(ValueError, match="deepgram_api_key") as refused:
        Settings.model_validate({"deepgram_api_key": f"{SECRET} {SECRET}", "gpu_batch_size": SECRET})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["CONVEX_URL", "DEEPGRAM_BASE_URL"])
@pytest.mark.parametrize(
    "url", ["ftp://host", "https://me:word@host", "https://host/?key=word", "host", "//"]
)
def test_a_url_is_plain_or_hidden_and_refused(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}=\(hidden\): expected a plain http\(s\) URL"):
        load({name: url})


def test_a_url_loses_its_last_slash() -> None:
    assert load({"CONVEX_URL": "https://happy-otter-123.convex.cloud/"}).convex_url.endswith(".cloud")


def test_an_empty_value_counts_as_unset() -> None:
    assert load(dict.fromkeys(NAMES, "")) == load({})


def test_settings_reach_the_routing_policy() -> None:
    settings = load(
        {
            "TRANSCRIPTION_METHOD": "Parakeet",
            "ENABLE_GPU_TRANSCRIPTION": "no",
            "ALLOW_DEEPGRAM": "0",
            "ENABLE_FALLBACK": "off",
            "ALLOW_CPU_PARAKEET": "yes",
            "COST_OPTIMIZATION": "false",
            "SHORT_FILE_THRESHOLD_HOURS": "1",
            "LONG_FILE_THRESHOLD_HOURS": "3",
            "HYBRID_SPLIT_HOURS": "2",
            "ROLLOUT_PERCENT": "12.5",
            "ROLLOUT_VIDEO_IDS": " 1, 22 ,",
            "PARAKEET_LANGUAGES": "EN,de",
            "MAX_TURNAROUND_S": "900",
            "WAITING_USD_PER_MINUTE": "0.5",
            "DEEPGRAM_MODEL": "nova-2",
            "DEEPGRAM_USD_PER_MINUTE": "0.006",
            "GPU_USD_PER_SECOND": "0.1",
            "VCPU_USD_PER_SECOND": "0.2",
            "GIB_USD_PER_SECOND": "0.3",
            "INSTANCE_VCPUS": "8",
            "INSTANCE_GIB": "32",
            "IDLE_TAIL_S": "900",
        }
    )
    rates = settings.rates()
    assert settings.routing_policy() == RoutingPolicy(
        method="parakeet",
        enable_gpu=False,
        allow_deepgram=False,
        enable_fallback=False,
        allow_cpu_parakeet=True,
        cost_optimization=False,
        short_s=3600,
        long_s=10800,
        hybrid_split_s=7200,
        rollout_percent=12.5,
        rollout_video_ids=frozenset({"1", "22"}),
        parakeet_languages=frozenset({"en", "de"}),
        max_turnaround_s=900,
        rates=rates,
        deepgram_model="nova-2",
        waiting_usd_per_minute=0.5,
    )
    assert load({"FORCE_DEEPGRAM_TRANSCRIPTION": "true"}).routing_policy().force_deepgram
    assert (rates.l4_usd_per_s, rates.vcpu_usd_per_s, rates.gib_usd_per_s) == (0.1, 0.2, 0.3)
    assert (rates.vcpus, rates.gib, rates.idle_tail_s) == (8, 32, 900)
    assert rates.deepgram_usd_per_minute == {"nova-2": 0.006}


def test_the_defaults_of_settings_and_policy_agree() -> None:
    assert load({}).routing_policy() == RoutingPolicy()


def test_sizes_are_in_gib() -> None:
    assert load({}).max_file_bytes == 2 * 1024**3


def test_a_key_makes_deepgram_available() -> None:
    assert not load({}).deepgram_available
    assert load({"DEEPGRAM_API_KEY": SECRET}).deepgram_available


def test_another_model_has_its_own_price_unless_one_is_set() -> None:
    assert load({"DEEPGRAM_MODEL": "nova-2-meeting"}).rates().deepgram_usd_per_minute == {
        "nova-2-meeting": 0.0043
    }
    own = load({"DEEPGRAM_MODEL": "our-own-model", "DEEPGRAM_USD_PER_MINUTE": "0.002"})
    assert own.rates().deepgram_usd_per_minute == {"our-own-model": 0.002}


def test_a_model_without_a_price_stops_the_start() -> None:
    with pytest.raises(
        SettingsError, match="DEEPGRAM_MODEL=nova-9: its price is not known, expected"
    ) as failed:
        load({"DEEPGRAM_MODEL": "nova-9"})
    assert "DEEPGRAM_USD_PER_MINUTE" in str(failed.value)


def test_misspelt_names_are_told_with_what_was_meant() -> None:
    environ = {"TRANSCRIPTION_METHODS": SECRET, "GPU_BATCHSIZE": "8", "CONVEX_COLOUR": "red", "PATH": "/bin"}
    assert unknown_names(environ) == [
        "CONVEX_COLOUR is not a setting",
        "GPU_BATCHSIZE is not a setting; did you mean GPU_BATCH_SIZE?",
        "TRANSCRIPTION_METHODS is not a setting; did you mean TRANSCRIPTION_METHOD?",
    ]


def test_known_names_raise_no_doubt() -> None:
    assert unknown_names(dict.fromkeys((*NAMES, *ALIASES), "1")) == []


def test_a_setting_that_nothing_reads_yet_says_so() -> None:
    environ = {"METRICS_EXPORT_INTERVAL": "5", "GPU_BATCH_SIZE": "4"}
    assert without_effect(environ) == ["METRICS_EXPORT_INTERVAL"]


def test_every_setting_says_what_it_does_and_expects() -> None:
    for field in Settings.model_fields.values():
        assert field.description
        assert isinstance(field.json_schema_extra, dict)
        assert field.json_schema_extra["expected"]


def test_the_environment_of_the_process_is_read_when_nothing_stands_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "warning")
    assert load().log_level == "WARNING"
    assert Settings().log_level == "INFO"


def test_only_the_settings_read_the_environment() -> None:
    root = Path(__file__).parents[3]
    readers = [
        str(path.relative_to(root))
        for room in ("core", "infra", "handlers")
        for path in sorted((root / room).rglob("*.py"))
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    assert readers == ["infra/settings.py"]
