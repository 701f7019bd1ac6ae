"""docs/costs.md: what a file costs, out of the cost function and its default rates. No figure is typed in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from core.cost import Rates, deepgram_cost, gpu_cost
from core.expected import Expected, break_even_s, expected
from core.routes import EngineFacts, Prediction, RoutingPolicy

LENGTHS_MIN = (5, 15, 30, 60, 120, 180, 240, 300, 360)
TRIED_RTFX = (100, 300, 1000)

HEAD = """# What a file costs

`klipscribe report --matrix > docs/costs.md` writes this page out of the functions that routing and the books
use, with the default settings. It says what is expected; `klipscribe report` says what was paid.

## Rates

| rate | value | as of | from |
|---|---|---|---|
"""

MATRIX = """
## Time and cost of one file

Assumed until measured: Parakeet hears {gpu:g} s of audio a second on the GPU and {cpu:g} on the CPU, Deepgram
{deepgram:g}; a GPU takes {start:g} s to start. Nothing waits ahead of the file. A warm GPU runs in any case,
and the file pays its own work; a woken one is started for this file alone, which pays its start and its tail.
Files that arrive together share a wake. Time is until the transcript exists, cost in USD.

| audio | Parakeet, warm | Parakeet, woken | hybrid, warm | hybrid, woken | Deepgram | Parakeet on a CPU | \
chosen, warm | chosen, cold |
|---|---|---|---|---|---|---|---|---|
"""

PLAN = """
## Beside the plan's numbers

Listed are the plan's numbers that the project's design quotes. The others, such as its times by length, are
not known here, and none is made up.

| the plan | here | why they differ |
|---|---|---|
"""

WAKING = """
## When it pays to wake a GPU

Waking a GPU costs {usd:.2f} USD: {start:g} s to start and {tail:g} s of tail. It pays from {minutes:.0f}
minutes of audio on, which all files that share the wake bring together; routing asks each file alone. By
speed:

| rtfx of the GPU | break-even |
|---|---|
"""

LEFT_OUT = """
## What is not in these figures

- The functions that receive, notify and wait for Deepgram, storage, Pub/Sub, logs and network: small, and not
  measured.
- The speed of Parakeet and the time to start are settings until they are measured on the device. A GPU that
  is ten times faster changes the price of a woken file little: start and tail are most of it.
- Free tiers, committed use and other discounts.
"""


def page(engines: EngineFacts | None = None, policy: RoutingPolicy | None = None) -> str:
    """The whole page."""
    engines, policy = engines or EngineFacts(), policy or RoutingPolicy()
    parts = (_rates(policy.rates), _matrix(engines, policy), _plan(engines, policy), _waking(engines, policy))
    return "".join(parts) + LEFT_OUT


def _rates(rates: Rates) -> str:
    rows = [
        f"| `{name}` | {_value(dated['value'])} | {dated['as_of']} | {dated['source']} |\n"
        for name, dated in rates.dated().items()
    ]
    second, hour = rates.gpu_usd_per_s, rates.gpu_usd_per_s * 3600
    return HEAD + "".join(rows) + f"\nA second of the GPU instance is {second:.7f} USD, {hour:.3f} an hour.\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{model} {usd:g}" for model, usd in value.items())
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _matrix(engines: EngineFacts, policy: RoutingPolicy) -> str:
    speeds = {
        "gpu": engines.parakeet_rtfx,
        "cpu": engines.cpu_rtfx,
        "deepgram": engines.deepgram_rtfx,
        "start": engines.start_s,
    }
    rows = (_row(expected(minutes * 60, engines, policy)) for minutes in LENGTHS_MIN)
    return MATRIX.format(**speeds) + "".join(rows)


def _row(row: Expected) -> str:
    cells = (
        row.warm["parakeet"],
        row.cold["parakeet"],
        row.warm["hybrid"],
        row.cold["hybrid"],
        row.warm["deepgram"],
        row.warm["parakeet_cpu"],
    )
    shown = " | ".join(map(_cell, cells))
    return f"| {_length(row.audio_s)} | {shown} | {row.chosen_warm} | {row.chosen_cold} |\n"


def _plan(engines: EngineFacts, policy: RoutingPolicy) -> str:
    rows = (*_claims(engines, policy), *_defaults(engines, policy))
    return PLAN + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _claims(engines: EngineFacts, policy: RoutingPolicy) -> Iterator[tuple[str, str, str]]:
    """The plan's claims of costs and savings."""
    three = expected(3 * 3600, engines, policy)
    deepgram = three.warm["deepgram"].usd
    warm, woken = (1 - each["parakeet"].usd / deepgram for each in (three.warm, three.cold))
    hour, warm_hour = _hours(engines, policy)
    yield (
        "Deepgram costs 0.0045 USD a minute",
        _value(policy.rates.deepgram_usd_per_minute),
        "the same, as a setting; others quote 0.0043 and 0.0077 for recorded English",
    )
    yield (
        "3 hours by Deepgram: 8.10 USD",
        f"{deepgram:.2f} USD",
        "180 minutes at 0.0045; the plan's is ten times that",
    )
    yield (
        "99.5 % saved",
        f"3 hours: {warm:.1%} on a warm GPU, {woken:.1%} on a woken one",
        "the right price of Deepgram; vCPUs, memory, start and tail; short files save nothing on a woken GPU",
    )
    yield (
        "a saving of 5,000 USD",
        f"takes {5000 / (hour - warm_hour):,.0f} h of audio, all on a warm GPU",
        f"not claimed: an hour by Deepgram is {hour:.2f} USD, so a saving is a matter of volume",
    )


def _defaults(engines: EngineFacts, policy: RoutingPolicy) -> Iterator[tuple[str, str, str]]:
    """The plan's settings, and what they come to."""
    hour, warm_hour = _hours(engines, policy)
    yield (
        "under 2 h Parakeet, 2 to 4 h hybrid, from 4 h Deepgram",
        "the last two columns above",
        "the matrix says what is allowed, cost with waiting picks from it",
    )
    yield (
        "`MONTHLY_TRANSCRIPTION_BUDGET=1000`",
        f"{1000 / hour:,.0f} h by Deepgram alone, {1000 / warm_hour:,.0f} h on a GPU that is always busy",
        "the plan's value is the default",
    )
    yield (
        "`COST_THRESHOLD_PER_HOUR=0.10`",
        f"Deepgram is {hour:.2f} an hour",
        "the plan's value is the default; each attempt by Deepgram is over it, and reported as dear",
    )


def _hours(engines: EngineFacts, policy: RoutingPolicy) -> tuple[float, float]:
    """USD for an hour of audio by Deepgram, and on a GPU that is warm."""
    by_deepgram = deepgram_cost(3600, policy.rates, policy.deepgram_model)
    return by_deepgram, gpu_cost(3600 / engines.parakeet_rtfx, policy.rates)


def _waking(engines: EngineFacts, policy: RoutingPolicy) -> str:
    tail_s = policy.rates.idle_tail_s
    head = WAKING.format(
        usd=gpu_cost(engines.start_s + tail_s, policy.rates),
        start=engines.start_s,
        tail=tail_s,
        minutes=break_even_s(engines, policy) / 60,
    )
    tried = ((rtfx, break_even_s(replace(engines, parakeet_rtfx=rtfx), policy)) for rtfx in TRIED_RTFX)
    return head + "".join(f"| {rtfx} | {seconds / 60:.1f} min |\n" for rtfx, seconds in tried)


def _cell(prediction: Prediction) -> str:
    return f"{_time(prediction.seconds)}, {prediction.usd:.4f}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:g} h"
