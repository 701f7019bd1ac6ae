"""Speeds that are known beforehand, and a note of what would have been learnt."""

from dataclasses import dataclass, field


@dataclass
class FakeSpeeds:
    """core.ports.Speeds: `known` by device and model; the ends of both suffice."""

    known: dict[tuple[str, str], float] = field(default_factory=dict)
    learnt: list[tuple[str, str, float]] = field(default_factory=list)

    def rtfx(self, device: str, model: str) -> float | None:
        found = (rtfx for (d, m), rtfx in self.known.items() if device.endswith(d) and model.endswith(m))
        return next(found, None)

    def learn(self, device: str, model: str, audio_s: float, work_s: float) -> None:
        assert work_s >= 0
        self.learnt.append((device, model, audio_s))
