"""Every setting by its name in lower case, with its default, its range and what it does."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.cost import Rates
from core.deepgram_prices import DEEPGRAM_USD_PER_MINUTE
from core.routes import EngineFacts, RoutingPolicy

_PLAN = RoutingPolicy()
_RATES = Rates()
_FACTS = EngineFacts()


def _setting(default: Any, expected: str, does: str, **more: Any) -> Any:
    return Field(default, description=does, json_schema_extra={"expected": expected}, **more)


def _number(default: float, low: float, high: float, does: str) -> Any:
    return _setting(default, f"{low:.10g} to {high:.10g}", does, ge=low, le=high)


def _whole(default: int, low: int, high: int, does: str) -> Any:
    return _setting(default, f"a whole number, {low} to {high}", does, ge=low, le=high)


def _on(does: str) -> Any:
    return _setting(True, "true or false", does)  # noqa: FBT003 - the default of the field


def _off(does: str) -> Any:
    return _setting(False, "true or false", does)  # noqa: FBT003 - the default of the field


def _one_of(default: str, options: str, does: str) -> Any:
    return _setting(default, f"one of {options}", does)


def _without_space(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isprintable() or " " in secret.get_secret_value():
        raise ValueError("a secret with white space in it")
    return secret


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in url or parts.query:
        raise ValueError("not a plain http(s) URL")
    return url.rstrip("/")


def _names(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def _auto(value: object) -> object:
    return None if isinstance(value, str) and value.lower() == "auto" else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


AUTO = BeforeValidator(_auto)
Secret = Annotated[SecretStr, AfterValidator(_without_space)]
Url = Annotated[str, AfterValidator(_http)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")]
Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$")]
BUCKET = "a bucket name"
TOPIC = "a topic id of 3 to 255 characters"
UNUSED = "Not in effect yet: "

AfterSuccess = Literal[
    "",
    "Fetching chat",
    "Analyzing",
    "Finding highlights",
    "Generating visualizations",
    "Finalizing analysis",
]


class Fields(BaseSettings):
    """The fields alone. A value comes by keyword; nothing here looks at the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed, so that a mapping stands in for the environment in tests."""
        return (init_settings,)

    # Which engine.
    transcription_method: Annotated[
        Literal["auto", "parakeet", "deepgram", "hybrid"], BeforeValidator(_lower)
    ] = _one_of(
        "auto",
        "auto, parakeet, deepgram, hybrid",
        "Fixes the engine. parakeet also means that audio never leaves for Deepgram.",
    )
    enable_gpu_transcription: bool = _on("Whether Parakeet may use a GPU.")
    force_deepgram_transcription: bool = _off("Sends every file to Deepgram.")
    allow_deepgram: bool = _on("Privacy: false means that audio never leaves for Deepgram.")
    enable_fallback: bool = _on("Whether a job whose engine failed may move to Deepgram.")
    allow_cpu_parakeet: bool = _off("Whether Parakeet may run on the CPU when there is no GPU.")
    cost_optimization: bool = _on("Picks the lowest cost, waiting included, among what is allowed.")
    short_file_threshold_hours: float = _number(2, 0, 48, "Files below go to Parakeet.")
    long_file_threshold_hours: float = _number(4, 0, 48, "Files from here on go to Deepgram.")
    hybrid_split_hours: Annotated[Annotated[float, Field(ge=0.1, le=12)] | None, AUTO] = _setting(
        None,
        "auto, or 0.1 to 12",
        "Up to where Parakeet hears a file that is split over both engines; Deepgram hears the rest. auto is "
        "where both finish together.",
    )
    rollout_percent: float = _number(100, 0, 100, "Share of videos that Parakeet may transcribe.")
    rollout_video_ids: Names = _setting(
        (), "ids, separated by commas", "Videos that are always in the rollout."
    )
    max_turnaround_s: float = _number(
        _PLAN.max_turnaround_s, 60, 604_800, "A route must be predicted to finish within this time."
    )
    route_at_ingest: bool = _on(
        "Lets ingest send files to Deepgram when no GPU could change that, or when waking one costs more."
    )

    # The speech model.
    parakeet_model_name: str = _setting(
        "nvidia/parakeet-tdt-0.6b-v2", "a model's name or path", "The speech model.", min_length=1
    )
    parakeet_languages: Names = _setting(
        ("en",), "language codes, separated by commas", "Languages of the model.", min_length=1
    )
    gpu_rtfx: Annotated[Annotated[float, Field(ge=0.1, le=100_000)] | None, AUTO] = _setting(
        None,
        "auto, or 0.1 to 100000",
        "Audio seconds per second on the GPU, for predictions. auto is what finished files have taught, and "
        f"{_FACTS.parakeet_rtfx:g} until a few have.",
    )
    cpu_rtfx: Annotated[Annotated[float, Field(ge=0.1, le=100_000)] | None, AUTO] = _setting(
        None,
        "auto, or 0.1 to 100000",
        "Audio seconds per second on the CPU, for predictions. auto is what finished files have taught, and "
        f"{_FACTS.cpu_rtfx:g} until a few have.",
    )
    parakeet_device: Annotated[Literal["auto", "cpu", "cuda"], BeforeValidator(_lower)] = _one_of(
        "auto", "auto, cpu, cuda", "Where the model runs. auto takes CUDA where there is one."
    )
    parakeet_precision: Annotated[Literal["auto", "fp32", "bf16"], BeforeValidator(_lower)] = _one_of(
        "auto", "auto, fp32, bf16", "Of the encoder. auto is bf16 on CUDA, fp32 on the CPU."
    )
    parakeet_attention: Annotated[Literal["sdpa", "eager"], BeforeValidator(_lower)] = _one_of(
        "sdpa", "sdpa, eager", "sdpa is torch's fused attention."
    )
    parakeet_cuda_graphs: Annotated[Literal["auto", "on", "off"], BeforeValidator(_lower)] = _one_of(
        "auto",
        "auto, on, off",
        "CUDA graphs in the decoder. auto takes them where driver and model allow it.",
    )
    parakeet_compile: bool = _off("Compiles the encoder with torch.compile for each size of window.")
    gpu_memory_limit_gb: float = _number(
        20, 1, 192, "Memory that the model and its batches may take on the GPU."
    )
    gpu_batch_size: Annotated[Annotated[int, Field(ge=1, le=512)] | None, AUTO] = _setting(
        None,
        "auto, or a whole number, 1 to 512",
        "The most windows in a batch; memory may allow fewer. auto goes by the device.",
    )
    chunk_duration_minutes: Annotated[Annotated[float, Field(ge=0.1, le=30)] | None, AUTO] = _setting(
        None, "auto, or 0.1 to 30", "The longest that a window may be. auto is 40 seconds."
    )
    chunk_search_seconds: float = _number(
        6,
        0,
        60,
        "How far before its longest a window may end, to end at a pause; a quarter of a window at most.",
    )
    chunk_overlap_seconds: Annotated[Annotated[float, Field(ge=0, le=60)] | None, AUTO] = _setting(
        None, "auto, or 0 to 60", "How far windows overlap. auto is 4 seconds, or half of a shorter window."
    )
    max_concurrent_chunks: int = _whole(4, 1, 64, "Processes that decode files, one each.")
    queue_audio_minutes: Annotated[Annotated[float, Field(ge=1, le=1440)] | None, AUTO] = _setting(
        None,
        "auto, or 1 to 1440",
        "Decoded audio that may wait for the model; decoding waits beyond that. auto keeps the model busy.",
    )
    enable_batch_processing: bool = _on("false makes every batch one window.")
    max_file_size_gb: float = _number(2, 0.001, 16, "Larger files are rejected. In GiB.")

    # Deepgram.
    deepgram_api_key: Secret | None = _setting(
        None, "a key without white space", "Without it Deepgram is no route."
    )
    deepgram_model: str = _setting("nova-3", "a model's name", "Deepgram's model.", min_length=1)
    deepgram_base_url: Url | Literal[""] = _setting(
        "", "a plain http(s) URL", "Another server in Deepgram's place; empty is the real one."
    )

    deepgram_concurrency: int = _whole(
        6,
        1,
        100,
        "Requests to Deepgram that an instance has under way at once. Deepgram allows 100 a project: ten "
        "instances of the fallback and three with a GPU make 78.",
    )

    # Money. Prices are dated in core.cost and core.deepgram_prices.
    deepgram_usd_per_minute: float = _number(
        DEEPGRAM_USD_PER_MINUTE["nova-3"],
        0,
        10,
        "Price of a minute of audio with DEEPGRAM_MODEL. Without it, what core.deepgram_prices has for the "
        "model; needed for one that is not there.",
    )
    gpu_usd_per_second: float = _number(_RATES.l4_usd_per_s, 0, 1, "Price of a second of the GPU.")
    vcpu_usd_per_second: float = _number(_RATES.vcpu_usd_per_s, 0, 1, "Price of a second of one vCPU.")
    gib_usd_per_second: float = _number(_RATES.gib_usd_per_s, 0, 1, "Price of a second of one GiB of memory.")
    instance_vcpus: float = _number(_RATES.vcpus, 0.1, 256, "vCPUs of the instance that runs Parakeet.")
    instance_gib: float = _number(_RATES.gib, 0.1, 4096, "Memory of the instance that runs Parakeet.")
    idle_tail_s: float = _number(
        _RATES.idle_tail_s, 0, 3600, "How long an idle GPU instance is still billed."
    )
    waiting_usd_per_minute: float = _number(
        _PLAN.waiting_usd_per_minute, 0, 10, "What a minute of waiting is worth when costs are compared."
    )
    cost_threshold_per_hour: float = _number(
        0.10,
        0,
        1000,
        "USD per hour of audio above which an attempt is reported as dear: a warning, is_dear in events.",
    )
    monthly_transcription_budget: float = _number(
        1000, 0, 1e9, "USD per month, UTC; once they are spent, OVER_BUDGET says what becomes of new files."
    )
    over_budget: Annotated[Literal["park", "cheapest"], BeforeValidator(_lower)] = _one_of(
        "park",
        "park, cheapest",
        "New files once the month's budget is spent: park lets them wait until there is budget again, "
        "cheapest sends them on the cheapest route that is allowed.",
    )
    log_transcription_costs: bool = _on("Logs one line for each attempt, with what it cost.")

    # Google Cloud.
    google_cloud_project: str = _setting(
        "",
        "a project id",
        "The project; empty asks the credentials.",
        pattern=r"^([a-z0-9][a-z0-9:.-]{0,62})?$",
    )
    audio_bucket: Bucket = _setting("klipstream-vods-raw", BUCKET, "Where audio arrives.")
    transcript_bucket: Bucket = _setting("klipstream-transcripts", BUCKET, "Where transcripts go.")
    state_bucket: Bucket = _setting("klipscribe-state", BUCKET, "Where jobs keep their state.")
    topic_requested: Topic = _setting("transcription-requested", TOPIC, "Work for Parakeet.")
    topic_fallback: Topic = _setting("transcription-fallback", TOPIC, "Work for Deepgram.")
    topic_completed: Topic = _setting("transcription-completed", TOPIC, "Terminal outcomes.")
    topic_progress: Topic = _setting("transcription-progress", TOPIC, "What happens before an outcome.")
    request_budget_s: float = _number(
        600, 10, 600, "Time of one push request; Pub/Sub waits no longer than 600 s."
    )
    request_soft_budget_s: float = _number(
        480,
        1,
        600,
        "Time for Deepgram's answer. What it leaves of REQUEST_BUDGET_S is how long a second delivery of a "
        "job waits for the one that works on it.",
    )
    pubsub_emulator_host: str = _setting("", "host:port", "An emulator in the place of Pub/Sub.")
    storage_emulator_host: str = _setting("", "a URL", "An emulator in the place of Cloud Storage.")

    # Convex.
    convex_url: Url | Literal[""] = _setting(
        "", "a plain http(s) URL", "The deployment; empty turns the notifier off, loudly."
    )
    convex_deploy_key: Secret | None = _setting(
        None, "a key without white space", "Sent as authorization to Convex."
    )
    convex_success_status: AfterSuccess = _one_of(
        "",
        "(empty), Fetching chat, Analyzing, Finding highlights, Generating visualizations, "
        "Finalizing analysis",
        "A status to send after success; empty sends none. Completed is the whole pipeline's word.",
    )

    # The pipeline that calls this service in its own process.
    base_dir: str = _setting(
        ".",
        "a folder",
        "Where callers in the same process keep audio (output/Raw/Audio) and expect transcripts "
        "(output/Raw/Transcripts) when they name no place.",
        min_length=1,
    )

    # What is seen from outside.
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)
    ] = _one_of("INFO", "DEBUG, INFO, WARNING, ERROR, CRITICAL", "The least severe line that is logged.")
    enable_performance_metrics: bool = _on(f"{UNUSED}exports measurements.")
    metrics_export_interval: float = _number(60, 1, 3600, f"{UNUSED}seconds between two exports.")
