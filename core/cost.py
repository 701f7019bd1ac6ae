"""What a transcription costs, from billed seconds and dated rates. A saving is computed or not claimed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from core.billing import Usage
from core.deepgram_prices import DEEPGRAM_USD_PER_MINUTE, price_of

_PRICE_LIST = "the Cloud Billing API's price list, us-central1, as third parties quoted it"
SOURCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "l4_usd_per_s": ("2026-08", f"{_PRICE_LIST}; without zonal redundancy"),
        "vcpu_usd_per_s": ("2026-08", f"{_PRICE_LIST}; instance-based billing"),
        "gib_usd_per_s": ("2026-08", f"{_PRICE_LIST}; instance-based billing"),
        "idle_tail_s": ("2026-08", "an assumption; 10 to 15 minutes are reported"),
    }
)
"""By rate: as of when, and where its default comes from. A rate that was set is dated by who set it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices in USD, each with its source and date. All are settings: prices change, and differ by region.

    Args:
        l4_usd_per_s: one NVIDIA L4 without zonal redundancy on Cloud Run. 0.0001867 (0.672 an hour) in
            us-central1 by the Cloud Billing API's price list, as third parties quoted it in August 2026;
            with zonal redundancy it was 0.0002909.
        vcpu_usd_per_s: one vCPU under instance-based billing: 0.000018, cloud.google.com/run/pricing
            (tier 1 regions, before the free tier), and the same list of August 2026.
        gib_usd_per_s: one GiB of memory under instance-based billing: 0.000002, same list.
        vcpus: vCPUs of the instance; Cloud Run asks for at least 4 beside an L4.
        gib: memory of the instance; Cloud Run asks for at least 16 GiB beside an L4.
        idle_tail_s: how long an instance is kept, and billed, after its last request. An assumption:
            Cloud Run states no fixed time, and 10 to 15 minutes are reported.
        deepgram_usd_per_minute: per minute of audio, by model. 0.0045 for nova-3 is a plan figure, not a
            list price: third parties quote Deepgram's page with 0.0043 (May 2026) and 0.0077 (August 2026)
            for recorded English. Set the price of your own contract.
    """

    l4_usd_per_s: float = 0.0001867
    vcpu_usd_per_s: float = 0.000018
    gib_usd_per_s: float = 0.000002
    vcpus: float = 4
    gib: float = 16
    idle_tail_s: float = 600
    deepgram_usd_per_minute: Mapping[str, float] = field(default_factory=lambda: DEEPGRAM_USD_PER_MINUTE)

    @property
    def cpu_usd_per_s(self) -> float:
        """One second of an instance's vCPUs and memory."""
        return self.vcpus * self.vcpu_usd_per_s + self.gib * self.gib_usd_per_s

    @property
    def gpu_usd_per_s(self) -> float:
        """One second of an instance with its L4."""
        return self.l4_usd_per_s + self.cpu_usd_per_s

    def dated(self) -> dict[str, dict[str, Any]]:
        """Every rate as JSON values, with its date and its source; both empty for what was set."""
        dated = {
            rate.name: _dated(rate.name, getattr(self, rate.name), getattr(_LISTED, rate.name))
            for rate in fields(self)
            if rate.name != "deepgram_usd_per_minute"
        }
        asked = self.deepgram_usd_per_minute.items()
        return {**dated, **{f"deepgram {model}, per minute": _of(model, usd) for model, usd in asked}}


_LISTED = Rates()


def _dated(name: str, value: float, listed: float) -> dict[str, Any]:
    as_of, source = SOURCES.get(name, ("", "the size of the instance")) if value == listed else ("", "set")
    return {"value": value, "as_of": as_of, "source": source}


def _of(model: str, usd_per_minute: float) -> dict[str, Any]:
    price = price_of(model)
    known = price is not None and price.usd_per_minute == usd_per_minute
    as_of, source = (price.dated, price.source) if price and known else ("", "set")
    return {"value": usd_per_minute, "as_of": as_of, "source": source}


def gpu_cost(active_s: float, rates: Rates) -> float:
    """USD for billed seconds of a GPU instance: GPU, vCPUs and memory."""
    return active_s * rates.gpu_usd_per_s


def cpu_cost(active_s: float, rates: Rates) -> float:
    """USD for billed seconds of an instance without a GPU: vCPUs and memory only."""
    return active_s * rates.cpu_usd_per_s


def deepgram_cost(audio_s: float, rates: Rates, model: str = "nova-3") -> float:
    """USD that Deepgram charges for seconds of audio; it bills by the second.

    Raises:
        ValueError: there is no rate for the model, so that no cost is made up.
    """
    if model not in rates.deepgram_usd_per_minute:
        known = ", ".join(sorted(rates.deepgram_usd_per_minute))
        raise ValueError(f"there is no Deepgram rate for model {model}, only for {known}")
    return audio_s / 60 * rates.deepgram_usd_per_minute[model]


def rtfx(audio_s: float, processing_s: float) -> float:
    """Seconds of audio per second of processing; 0 where nothing was measured."""
    return audio_s / processing_s if processing_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """What one engine did for an attempt, and what that cost.

    Args:
        usage: what it did.
        tail_s: seconds for which the instance will be billed after its last work, for who woke it.
        usd: all of it.
        maybe_usd: what Deepgram may charge on top, for requests without an answer.
    """

    usage: Usage
    tail_s: float
    usd: float
    maybe_usd: float = 0.0

    @property
    def instance_s(self) -> float:
        """Seconds of an instance that are paid here; 0 for Deepgram."""
        if self.usage.runner == "deepgram":
            return 0.0
        return self.usage.active_s + self.usage.cold_start_s + self.usage.idle_s + self.tail_s


@dataclass(frozen=True, slots=True)
class Prices:
    """What a usage is priced by.

    Args:
        rates: the rates.
        deepgram_model: Deepgram is paid, and compared with, by this model.
        has_gpu: the instance that runs Parakeet has a GPU, and is billed for it also while its CPU works.
    """

    rates: Rates = field(default_factory=Rates)
    deepgram_model: str = "nova-3"
    has_gpu: bool = True

    def priced(self, usage: Usage) -> Part:
        """The cost of what an engine did.

        Whoever woke the instance pays the tail of its life too: each start has one end.
        """
        if usage.runner == "deepgram":
            usd, maybe_usd = map(self.deepgram_usd, (usage.billed_s, usage.maybe_billed_s))
            return Part(usage, 0.0, usd, maybe_usd)
        tail_s = self.rates.idle_tail_s if usage.cold_start_s > 0 else 0.0
        seconds = usage.active_s + usage.cold_start_s + usage.idle_s + tail_s
        price = gpu_cost if self.has_gpu or usage.runner == "parakeet" else cpu_cost
        return Part(usage, tail_s, price(seconds, self.rates))

    def deepgram_usd(self, audio_s: float) -> float:
        """What Deepgram would charge for seconds of audio."""
        return deepgram_cost(audio_s, self.rates, self.deepgram_model)
