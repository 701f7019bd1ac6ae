import re

import pytest

from infra.settings import ALIASES, Settings, SettingsError, load

OUT_OF_RANGE = [
    ("TRANSCRIPTION_METHOD", "whisper", "one of auto, parakeet, deepgram, hybrid"),
    ("ENABLE_GPU_TRANSCRIPTION", "maybe", "true or false"),
    ("FORCE_DEEPGRAM_TRANSCRIPTION", "2", "true or false"),
    ("ENABLE_FALLBACK", "?", "true or false"),
    ("ALLOW_DEEPGRAM", "never", "true or false"),
    ("COST_OPTIMIZATION", "much", "true or false"),
    ("GPU_MEMORY_LIMIT_GB", "0.5", "1 to 192"),
    ("GPU_MEMORY_LIMIT_GB", "193", "1 to 192"),
    ("GPU_BATCH_SIZE", "0", "auto, or a whole number, 1 to 512"),
    ("GPU_BATCH_SIZE", "513", "auto, or a whole number, 1 to 512"),
    ("GPU_BATCH_SIZE", "8.5", "auto, or a whole number, 1 to 512"),
    ("GPU_BATCH_SIZE", "large", "auto, or a whole number, 1 to 512"),
    ("CHUNK_DURATION_MINUTES", "0.09", "auto, or 0.1 to 30"),
    ("CHUNK_DURATION_MINUTES", "31", "auto, or 0.1 to 30"),
    ("CHUNK_OVERLAP_SECONDS", "-1", "auto, or 0 to 60"),
    ("CHUNK_OVERLAP_SECONDS", "61", "auto, or 0 to 60"),
    ("MAX_CONCURRENT_CHUNKS", "0", "a whole number, 1 to 64"),
    ("ENABLE_BATCH_PROCESSING", "x", "true or false"),
    ("CHUNK_SEARCH_SECONDS", "61", "0 to 60"),
    ("QUEUE_AUDIO_MINUTES", "0", "auto, or 1 to 1440"),
    ("PARAKEET_DEVICE", "tpu", "one of auto, cpu, cuda"),
    ("PARAKEET_PRECISION", "fp16", "one of auto, fp32, bf16"),
    ("PARAKEET_ATTENTION", "flash", "one of sdpa, eager"),
    ("PARAKEET_CUDA_GRAPHS", "yes", "one of auto, on, off"),
    ("PARAKEET_COMPILE", "max", "true or false"),
    ("SHORT_FILE_THRESHOLD_HOURS", "-1", "0 to 48"),
    ("LONG_FILE_THRESHOLD_HOURS", "49", "0 to 48"),
    ("COST_THRESHOLD_PER_HOUR", "-0.1", "0 to 1000"),
    ("MONTHLY_TRANSCRIPTION_BUDGET", "-1", "0 to 1000000000"),
    ("HYBRID_SPLIT_HOURS", "13", "auto, or 0.1 to 12"),
    ("OVER_BUDGET", "stop", "one of park, cheapest"),
    ("ROLLOUT_PERCENT", "101", "0 to 100"),
    ("ROLLOUT_PERCENT", "nan", "0 to 100"),
    ("MAX_FILE_SIZE_GB", "inf", "0.001 to 16"),
    ("ENABLE_PERFORMANCE_METRICS", "x", "true or false"),
    ("LOG_TRANSCRIPTION_COSTS", "x", "true or false"),
    ("METRICS_EXPORT_INTERVAL", "0", "1 to 3600"),
    ("MAX_TURNAROUND_S", "59", "60 to 604800"),
    ("REQUEST_BUDGET_S", "601", "10 to 600"),
    ("DEEPGRAM_USD_PER_MINUTE", "0,0045", "0 to 10"),
    ("DEEPGRAM_CONCURRENCY", "0", "a whole number, 1 to 100"),
    ("DEEPGRAM_CONCURRENCY", "101", "a whole number, 1 to 100"),
    ("AUDIO_BUCKET", "Not A Bucket", "a bucket name"),
    ("TOPIC_COMPLETED", "x", "a topic id of 3 to 255 characters"),
    ("PARAKEET_LANGUAGES", ",", "language codes, separated by commas"),
    ("GOOGLE_CLOUD_PROJECT", "My Project", "a project id"),
    ("CONVEX_SUCCESS_STATUS", "Failed", "one of (empty), Fetching chat, Analyzing, "),
    ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
]


@pytest.mark.parametrize(("name", "value", "expected"), OUT_OF_RANGE)
def test_a_value_out_of_range_stops_the_start_with_name_value_and_range(
    name: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as stopped:
        load({name: value})
    assert len(stopped.value.problems) == 1
    assert stopped.value.problems[0].startswith(f"{name}={value}: expected {expected}")


RANGE = re.compile(r"(?P<low>[0-9.e+]+) to (?P<high>[0-9.e+]+)$")
RANGES = [
    (field.upper(), about.json_schema_extra["expected"], float(found["low"]), float(found["high"]))
    for field, about in Settings.model_fields.items()
    if isinstance(about.json_schema_extra, dict)
    and (found := RANGE.search(str(about.json_schema_extra["expected"])))
]
AGREEING = {
    "SHORT_FILE_THRESHOLD_HOURS": {"LONG_FILE_THRESHOLD_HOURS": "48"},
    "LONG_FILE_THRESHOLD_HOURS": {"SHORT_FILE_THRESHOLD_HOURS": "0"},
    "CHUNK_OVERLAP_SECONDS": {"CHUNK_DURATION_MINUTES": "30"},
    "REQUEST_BUDGET_S": {"REQUEST_SOFT_BUDGET_S": "1"},
    "REQUEST_SOFT_BUDGET_S": {"REQUEST_BUDGET_S": "600"},
}
"""What must be set beside a setting so that all of its range can be used."""
CONTRADICTORY = {
    ("SHORT_FILE_THRESHOLD_HOURS", 48),
    ("LONG_FILE_THRESHOLD_HOURS", 0),
    ("REQUEST_SOFT_BUDGET_S", 600),
}
"""Ends of ranges that no other setting can agree with."""


@pytest.mark.parametrize(("name", "expected", "low", "high"), RANGES, ids=[name for name, *_ in RANGES])
def test_the_ends_of_a_range_belong_to_it_and_nothing_beyond(
    name: str, expected: str, low: float, high: float
) -> None:
    for end in (low, high):
        if (name, end) not in CONTRADICTORY:
            settings = load({**AGREEING.get(name, {}), name: f"{end:.10g}"})
            assert getattr(settings, name.lower()) == end
    for beyond in (low - 1, high + 1):
        with pytest.raises(SettingsError) as stopped:
            load({name: f"{beyond:.10g}"})
        assert stopped.value.problems == (f"{name}={beyond:.10g}: expected {expected}",)


def test_every_number_has_a_range() -> None:
    numbers = {
        field.upper()
        for field, about in Settings.model_fields.items()
        if isinstance(about.default, float | int)
    } - {field.upper() for field, about in Settings.model_fields.items() if isinstance(about.default, bool)}
    assert numbers <= {name for name, *_ in RANGES}


SWITCHES = [field.upper() for field, about in Settings.model_fields.items() if about.annotation is bool]


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_takes_the_usual_words_and_no_other(name: str) -> None:
    beside = {"DEEPGRAM_API_KEY": "made-up"}
    on, off = (load({**beside, name: word}) for word in ("Yes", "off"))
    assert (getattr(on, name.lower()), getattr(off, name.lower())) == (True, False)
    with pytest.raises(SettingsError, match=f"{name}=perhaps: expected true or false"):
        load({name: "perhaps"})


@pytest.mark.parametrize(("old", "new"), ALIASES.items())
def test_an_older_name_has_the_range_of_its_setting(old: str, new: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        load({old: "no t"})
    (problem,) = stopped.value.problems
    assert problem.startswith(f"{old}=")
    expected = Settings.model_fields[new.lower()].json_schema_extra
    assert isinstance(expected, dict)
    assert problem.endswith(f"expected {expected['expected']}")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as stopped:
        load({"GPU_BATCH_SIZE": "0", "LOG_LEVEL": "LOUD", "ENABLE_FALLBACK": "?"})
    assert len(stopped.value.problems) == 3
    assert all(f"\n  {problem}" in str(stopped.value) for problem in stopped.value.problems)


CONTRADICTIONS = [
    ({"SHORT_FILE_THRESHOLD_HOURS": "4"}, "SHORT_FILE_THRESHOLD_HOURS=4 and LONG_FILE_THRESHOLD_HOURS=4"),
    ({"CHUNK_OVERLAP_SECONDS": "20.1"}, "CHUNK_OVERLAP_SECONDS=20.1: expected at most half"),
    ({"REQUEST_BUDGET_S": "480"}, "REQUEST_SOFT_BUDGET_S=480 and REQUEST_BUDGET_S=480"),
    ({"ALLOW_DEEPGRAM": "false", "TRANSCRIPTION_METHOD": "deepgram"}, "ALLOW_DEEPGRAM=false"),
    ({"ALLOW_DEEPGRAM": "false", "FORCE_DEEPGRAM_TRANSCRIPTION": "1"}, "ALLOW_DEEPGRAM=false"),
    ({"FORCE_DEEPGRAM_TRANSCRIPTION": "1", "TRANSCRIPTION_METHOD": "parakeet"}, "FORCE_DEEPGRAM"),
]


@pytest.mark.parametrize(("environ", "message"), CONTRADICTIONS)
def test_settings_that_contradict_each_other_stop_the_start(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        load(environ)
    assert [problem.startswith(message) for problem in stopped.value.problems] == [True]


def test_two_contradictions_are_both_told() -> None:
    with pytest.raises(SettingsError) as stopped:
        load({"SHORT_FILE_THRESHOLD_HOURS": "4", "CHUNK_OVERLAP_SECONDS": "60"})
    assert len(stopped.value.problems) == 2


def test_half_a_window_of_overlap_is_allowed() -> None:
    assert load({"CHUNK_OVERLAP_SECONDS": "15"}).overlap_s == 15
