"""What a transcription costs, from billed seconds and dated rates. A saving is computed or not claimed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.deepgram_prices import DEEPGRAM_USD_PER_MINUTE


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
class Cost:
    """What one attempt cost, by the engine that really ran.

    Args:
        engine: parakeet or deepgram.
        audio_s: seconds of audio that the attempt delivered; 0 when it failed.
        active_s: billed seconds for Parakeet (start-up and idle included where they are known), seconds of
            waiting for Deepgram.
        usd: what the attempt cost.
        deepgram_usd: what Deepgram would have charged for the audio delivered.
    """

    engine: str
    audio_s: float
    active_s: float
    usd: float
    deepgram_usd: float

    @property
    def savings_usd(self) -> float:
        """Computed, never assumed; below 0 when Deepgram alone would have been cheaper."""
        return self.deepgram_usd - self.usd

    @property
    def rtfx(self) -> float:
        """Audio seconds per active second."""
        return rtfx(self.audio_s, self.active_s)


def parakeet_attempt(
    audio_s: float, active_s: float, rates: Rates, *, on_gpu: bool, model: str = "nova-3"
) -> Cost:
    """The cost of an attempt by Parakeet. `model` is the Deepgram model that it is compared with.

    Raises:
        ValueError: there is no rate for the Deepgram model.
    """
    price = gpu_cost if on_gpu else cpu_cost
    return Cost("parakeet", audio_s, active_s, price(active_s, rates), deepgram_cost(audio_s, rates, model))


def deepgram_attempt(audio_s: float, active_s: float, rates: Rates, model: str = "nova-3") -> Cost:
    """The cost of an attempt by Deepgram that delivered its audio; it saves nothing against itself.

    Raises:
        ValueError: there is no rate for the model.
    """
    usd = deepgram_cost(audio_s, rates, model)
    return Cost("deepgram", audio_s, active_s, usd, usd)


def job_savings_usd(attempts: list[Cost]) -> float:
    """What a job saved over all of its attempts: the failed ones count, so the sum may be below 0."""
    return sum(attempt.savings_usd for attempt in attempts)
