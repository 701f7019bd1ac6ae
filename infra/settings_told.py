"""The settings as a person reads them: value, where it came from, default, range and meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from pydantic import SecretStr

from infra.settings import ALIASES, Settings, spelling

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "transcription_method": "Which engine",
        "parakeet_model_name": "The speech model",
        "deepgram_api_key": "Deepgram",
        "deepgram_usd_per_minute": "Money",
        "google_cloud_project": "Google Cloud",
        "convex_url": "Convex",
        "base_dir": "Callers in the same process",
        "log_level": "What is seen from outside",
    }
)
"""The first field of each section of infra.settings_fields, and what the section is about."""


@dataclass(frozen=True, slots=True)
class Told:
    """One setting.

    Args:
        name: as in the environment.
        section: of infra.settings_fields.
        value: in effect; secrets are hidden.
        source: the environment's name that gave the value, or default.
        default: what holds where nothing is set.
        expected: the range.
        does: the meaning.
        aliases: older names.
    """

    name: str
    section: str
    value: str
    source: str
    default: str
    expected: str
    does: str
    aliases: tuple[str, ...]


def told(settings: Settings, environ: Mapping[str, str]) -> list[Told]:
    """All settings, in the order of their definition; `environ` is what the settings were loaded from."""
    section, found = "", []
    for field, about in Settings.model_fields.items():
        section = SECTIONS.get(field, section)
        name, extra = field.upper(), cast("dict[str, str]", about.json_schema_extra)
        given = spelling(name, environ)
        found.append(
            Told(
                name=name,
                section=section,
                value=_text(getattr(settings, field), extra["expected"]),
                source=given if environ.get(given, "").strip() else "default",
                default=_text(about.default, extra["expected"]),
                expected=extra["expected"],
                does=about.description or "",
                aliases=tuple(old for old, new in ALIASES.items() if new == name),
            )
        )
    return found


def _text(value: object, expected: str) -> str:
    """A value as it would be written into the environment; in parentheses what can't be."""
    match value:
        case SecretStr():
            return "(hidden)"
        case bool():
            return str(value).lower()
        case float() | int():
            return f"{value:.10g}"
        case tuple():
            return ",".join(value) or "(none)"
        case None:
            return "auto" if expected.startswith("auto") else "(none)"
        case _:
            return str(value) or "(empty)"
