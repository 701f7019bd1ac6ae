"""The settings: the only place that reads the environment. What is wrong stops the start, in one message."""

import os
import socket
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Self, cast

from pydantic import ValidationError, model_validator

from core.cost import Rates
from core.deepgram_prices import PRICES, price_of
from core.routing import RoutingPolicy
from infra.settings_fields import UNUSED, Fields

ALIASES: Mapping[str, str] = MappingProxyType(
    {"USE_GPU_TRANSCRIPTION": "ENABLE_GPU_TRANSCRIPTION", "CONVEX_API_KEY": "CONVEX_DEPLOY_KEY"}
)
AUTO_WINDOW_S = 40.0
AUTO_OVERLAP_S = 4.0

# Names under these prefixes are meant for this service, so a name unknown here is worth a word.
_PREFIXES = ("TRANSCRIPTION_", "PARAKEET_", "DEEPGRAM_", "CONVEX_", "ROLLOUT_", "CHUNK_", "HYBRID_")
_HIDDEN = ("deepgram_api_key", "convex_deploy_key", "deepgram_base_url", "convex_url")


class SettingsError(ValueError):
    """Settings with which nothing should start; the message lists every one of them, no secret among them."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n  ".join(("these settings can't be used:", *self.problems)))


class Settings(Fields):
    """All settings, and the values that follow from them."""

    @model_validator(mode="before")
    @classmethod
    def _priced(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The known price of another model than the default one."""
        price = price_of(str(given.get("deepgram_model", "")))
        return {"deepgram_usd_per_minute": price.usd_per_minute, **given} if price else given

    @model_validator(mode="after")
    def _agree(self) -> Self:
        problems = _contradictions(self)
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def window_s(self) -> float:
        """The longest that a window may be."""
        return AUTO_WINDOW_S if self.chunk_duration_minutes is None else self.chunk_duration_minutes * 60

    @property
    def overlap_s(self) -> float:
        """How far two windows overlap; at most half of one."""
        if self.chunk_overlap_seconds is None:
            return min(AUTO_OVERLAP_S, self.window_s / 2)
        return self.chunk_overlap_seconds

    @property
    def search_s(self) -> float:
        """How far before its longest a window may end; at most a quarter of one."""
        return min(self.chunk_search_seconds, self.window_s / 4)

    @property
    def hybrid_split_s(self) -> float | None:
        """Where a file is split over both engines; None for where both finish together."""
        return None if self.hybrid_split_hours is None else self.hybrid_split_hours * 3600

    @property
    def batch_size(self) -> int | None:
        """The most windows in a batch; None leaves it to the device."""
        return self.gpu_batch_size if self.enable_batch_processing else 1

    @property
    def queue_s(self) -> float | None:
        """Audio that may wait for the model; None for as much as keeps it busy."""
        return None if self.queue_audio_minutes is None else self.queue_audio_minutes * 60

    @property
    def max_file_bytes(self) -> int:
        """The largest file that is accepted."""
        return int(self.max_file_size_gb * 1024**3)

    @property
    def deepgram_available(self) -> bool:
        """Whether there is a key for Deepgram."""
        return self.deepgram_api_key is not None

    def rates(self) -> Rates:
        """The prices."""
        return Rates(
            l4_usd_per_s=self.gpu_usd_per_second,
            vcpu_usd_per_s=self.vcpu_usd_per_second,
            gib_usd_per_s=self.gib_usd_per_second,
            vcpus=self.instance_vcpus,
            gib=self.instance_gib,
            idle_tail_s=self.idle_tail_s,
            deepgram_usd_per_minute={self.deepgram_model: self.deepgram_usd_per_minute},
        )

    def routing_policy(self) -> RoutingPolicy:
        """What routing obeys."""
        return RoutingPolicy(
            method=self.transcription_method,
            enable_gpu=self.enable_gpu_transcription,
            force_deepgram=self.force_deepgram_transcription,
            allow_deepgram=self.allow_deepgram,
            enable_fallback=self.enable_fallback,
            allow_cpu_parakeet=self.allow_cpu_parakeet,
            cost_optimization=self.cost_optimization,
            short_s=self.short_file_threshold_hours * 3600,
            long_s=self.long_file_threshold_hours * 3600,
            hybrid_split_s=self.hybrid_split_s,
            rollout_percent=self.rollout_percent,
            rollout_video_ids=frozenset(self.rollout_video_ids),
            parakeet_languages=frozenset(map(str.lower, self.parakeet_languages)),
            max_turnaround_s=self.max_turnaround_s,
            rates=self.rates(),
            deepgram_model=self.deepgram_model,
            waiting_usd_per_minute=self.waiting_usd_per_minute,
        )


NAMES: tuple[str, ...] = tuple(name.upper() for name in Settings.model_fields)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an empty value counts as unset, and a name wins over its alias.

    Args:
        environ: stands in for the environment of the process.

    Raises:
        SettingsError: some values can't be used. Values that contradict each other are reported once each
            of them is in its range.
    """
    environ = os.environ if environ is None else environ
    given: dict[str, Any] = _given(environ)
    try:
        return Settings(**given)
    except ValidationError as error:
        # Cut off from pydantic's own error, which may hold the values of secrets.
        problems = _problems(error, environ)
    raise SettingsError(problems)


def environment() -> dict[str, str]:
    """A copy of the process's environment, for programs that we start."""
    return dict(os.environ)


def instance_name() -> str:
    """Which instance this is: the revision or the machine, and the process."""
    return f"{os.environ.get('K_REVISION') or socket.gethostname()}-{os.getpid()}"


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Names that look like a misspelt setting, each with what was probably meant. No values."""
    return [
        sentence
        for name in sorted(environ)
        if name not in NAMES and name not in ALIASES and (sentence := _doubt(name))
    ]


def without_effect(environ: Mapping[str, str]) -> list[str]:
    """Names that are set although nothing reads them yet."""
    given = _given(environ)
    return [
        name.upper() for name in given if (Settings.model_fields[name].description or "").startswith(UNUSED)
    ]


def spelling(name: str, environ: Mapping[str, str]) -> str:
    """The name under which a setting was given: an alias, or its own, also where it was not given."""
    aliases = (old for old, new in ALIASES.items() if new == name and environ.get(old, "").strip())
    return name if environ.get(name, "").strip() else next(aliases, name)


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    named = {new: environ[old] for old, new in ALIASES.items() if environ.get(old, "").strip()}
    named |= {name: environ[name] for name in NAMES if environ.get(name, "").strip()}
    return {name.lower(): value.strip() for name, value in named.items()}


def _doubt(name: str) -> str:
    close = get_close_matches(name, NAMES, n=1, cutoff=0.85)
    if close:
        return f"{name} is not a setting; did you mean {close[0]}?"
    return f"{name} is not a setting" if name.startswith(_PREFIXES) else ""


def _problems(error: ValidationError, environ: Mapping[str, str]) -> list[str]:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    fields = dict.fromkeys(str(detail["loc"][0]) for detail in details if detail["loc"])
    lines = [_problem(field, environ) for field in fields]
    for detail in details:
        if not detail["loc"]:
            lines += detail["msg"].removeprefix("Value error, ").split("\n")
    return lines


def _problem(field: str, environ: Mapping[str, str]) -> str:
    extra = cast("dict[str, str]", Settings.model_fields[field].json_schema_extra)
    name = spelling(field.upper(), environ)
    shown = "(hidden)" if field in _HIDDEN else environ[name].strip()[:80]
    return f"{name}={shown}: expected {extra['expected']}"


def _contradictions(settings: Settings) -> list[str]:
    short, long = settings.short_file_threshold_hours, settings.long_file_threshold_hours
    soft, hard = settings.request_soft_budget_s, settings.request_budget_s
    method = settings.transcription_method
    deepgram_only = settings.force_deepgram_transcription or method == "deepgram"
    model, known = settings.deepgram_model, ", ".join(PRICES)
    found = {
        f"DEEPGRAM_MODEL={model}: its price is not known, expected DEEPGRAM_USD_PER_MINUTE beside it, or one "
        f"of {known}, or a variant of one": (
            price_of(model) is None and "deepgram_usd_per_minute" not in settings.model_fields_set
        ),
        f"SHORT_FILE_THRESHOLD_HOURS={short:g} and LONG_FILE_THRESHOLD_HOURS={long:g}: "
        "expected short < long": short >= long,
        f"CHUNK_OVERLAP_SECONDS={settings.overlap_s:g}: expected at most half of the window of "
        f"{settings.window_s:g} s": settings.overlap_s > settings.window_s / 2,
        f"REQUEST_SOFT_BUDGET_S={soft:g} and REQUEST_BUDGET_S={hard:g}: expected soft < budget": soft >= hard,
        "ALLOW_DEEPGRAM=false with Deepgram as the only engine: expected another TRANSCRIPTION_METHOD, and "
        "FORCE_DEEPGRAM_TRANSCRIPTION=false": deepgram_only and not settings.allow_deepgram,
        "FORCE_DEEPGRAM_TRANSCRIPTION=true with TRANSCRIPTION_METHOD=parakeet: expected one of them": (
            settings.force_deepgram_transcription and method == "parakeet"
        ),
    }
    return [problem for problem, wrong in found.items() if wrong]
