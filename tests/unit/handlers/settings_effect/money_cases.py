"""Settings about money."""

import io
import json
import logging
from dataclasses import replace
from typing import Any

from core.jobs import Job
from handlers import bootstrap
from handlers.accounting import note
from infra.books import ObjectBooks
from infra.log import configure
from tests.unit.core.bookkeeping import BY_DEEPGRAM, attempt
from tests.unit.handlers.settings_effect.case import CPU, GPU, Case
from tests.unit.handlers.settings_effect.rig import Rig

REQUESTED = {"transcription-requested"}
SPENT = {"MONTHLY_TRANSCRIPTION_BUDGET": "0"}


def topics_of_ingest(rig: Rig) -> object:
    rig.ingest()
    return rig.topics()


def is_dear(rig: Rig) -> object:
    """Whether a minute of audio in two seconds of a GPU's time is."""
    bootstrap.transcription_in(rig.world, {"parakeet": rig.parakeet}, rig.world.engine_facts).run(
        Job(rig.upload())
    )
    (found,) = ObjectBooks(rig.store, rig.settings.state_bucket).of_month("2026-01")
    return found.is_dear


def metrics_logged(rig: Rig) -> list[str]:
    root, ours = logging.getLogger(), logging.getLogger("klipscribe")
    before, stream = (root.handlers[:], root.level, ours.level), io.StringIO()
    try:
        configure("INFO", stream)
        note(rig.settings, replace(attempt(BY_DEEPGRAM), is_dear=True))
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
    lines: list[dict[str, Any]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line["metric"] for line in lines]


CASES = [
    Case("MONTHLY_TRANSCRIPTION_BUDGET", "0", topics_of_ingest, REQUESTED, set(), GPU),
    Case("OVER_BUDGET", "cheapest", topics_of_ingest, set(), REQUESTED, {**GPU, **SPENT}),
    Case("COST_THRESHOLD_PER_HOUR", "0.01", is_dear, False, True, GPU),
    Case(
        "LOG_TRANSCRIPTION_COSTS",
        "false",
        metrics_logged,
        ["dear_attempt", "attempt"],
        ["dear_attempt"],
        CPU,
    ),
]
