"""One setting and what it changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.unit.handlers.settings_effect.rig import Rig

KEY = {"DEEPGRAM_API_KEY": "made-up"}
GPU = {"PARAKEET_DEVICE": "cuda", **KEY}
"""A machine with a GPU, and Deepgram behind it."""
CPU = {"PARAKEET_DEVICE": "cpu", **KEY}


@dataclass(frozen=True)
class Case:
    """Setting `name` to `value` turns what is seen from `before` into `after`.

    Args:
        given: what else is set, before and after; may set `name` itself. `{url}` in it or in `value` stands
            for the address of a server on loopback.
    """

    name: str
    value: str
    seen: Callable[[Rig], object]
    before: object
    after: object
    given: Mapping[str, str] = field(default_factory=dict)
