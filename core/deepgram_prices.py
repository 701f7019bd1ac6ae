"""What Deepgram charges for a minute of recorded audio, by model: each figure with its source and its date.

None of these was read from Deepgram's own page by this project, and none is anybody's contract: set
DEEPGRAM_USD_PER_MINUTE to the price of yours. Normal requests are billed by the second, not by begun minutes.
Audio in several channels is billed once for each; one mixed channel is all that is ever asked for here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Price:
    """A price for recorded audio in one language, pay as you go.

    Args:
        usd_per_minute: per minute of audio.
        dated: the day, month or year for which the source states it.
        source: who says so.
        second_hand: somebody else's reading of Deepgram's prices; otherwise a figure that is planned with.
    """

    usd_per_minute: float
    dated: str
    source: str
    second_hand: bool = True


PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "nova-3": Price(
            0.0045,
            "not stated",
            "the project's plan. Third parties read 0.0043 on Deepgram's page on 2026-05-05 and 0.0077 on "
            "2026-08-01, for several languages at once (language=multi) 0.0052 and 0.0092",
            second_hand=False,
        ),
        "nova-3-medical": Price(0.0043, "2026-05-19", "a third party's reading of Deepgram's announcement"),
        "nova-2": Price(0.0043, "2026-02", "third parties' tables, which name deepgram.com/pricing"),
        "nova": Price(0.0044, "2023", "Deepgram's staff in a public discussion of prices"),
        "enhanced": Price(0.0145, "2025", "a third party's table, which names deepgram.com/pricing"),
        "base": Price(0.0125, "2023", "Deepgram's staff in a public discussion of prices"),
        "whisper": Price(0.0048, "2026-02", "third parties' tables, which name deepgram.com/pricing"),
    }
)

DEFAULT_MODEL = "nova-3"
DEEPGRAM_USD_PER_MINUTE: Mapping[str, float] = MappingProxyType(
    {DEFAULT_MODEL: PRICES[DEFAULT_MODEL].usd_per_minute}
)
"""What is reckoned with where no settings say which model is used."""


def price_of(model: str) -> Price | None:
    """The price of a model, or of the family that it belongs to; None when unknown.

    nova-2-meeting is a kind of nova-2, but nova-4 no kind of nova: a number names a generation.
    """
    name = model.strip().lower()
    while name not in PRICES:
        name, _, variant = name.rpartition("-")
        if not name or variant.isdigit():
            return None
    return PRICES[name]
