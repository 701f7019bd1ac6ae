"""The engine on a GPU against NeMo's transcribe(), and the worth of each of its switches."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from handlers.bench.options import Options
from handlers.bench.report import Bound, Figure, figure
from handlers.bench.sides import Remote, SideFailed, remote
from handlers.bench.sounds import long_file
from infra.gpu import runs_on_gpu

REAL_TIME = Bound(3000.0)
AGAINST_NEMO = Bound(1.5)
BUSY = Bound(0.85)
NEMO_CUT_S = 36.0
"""In the middle of the engine's windows of 30 to 40 s."""

NEMO_BATCHES = (32, 64, 128, 256)
SWITCHES: Mapping[str, Mapping[str, Any]] = {
    "graphs off": {"cuda_graphs": "off"},
    "sdpa off": {"attention": "eager"},
    "compile on": {"compile": True},
}
LIMITS_S: Mapping[str, float] = {"compile on": 150.0}


@dataclass(frozen=True, slots=True)
class Stage:
    """What a step has to work with.

    Args:
        options: of the run.
        folder: for audio.
        limit_s: the seconds that it has.
        complain: takes a part's name and why it gave nothing.
        began_s: when it began, on time.monotonic's clock.
    """

    options: Options
    folder: Path
    limit_s: float
    complain: Callable[[str, str], None]
    began_s: float = field(default_factory=time.monotonic)

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.began_s + self.limit_s - time.monotonic())

    @property
    def device(self) -> str:
        """cuda or cpu."""
        return "cuda" if runs_on_gpu(self.options.device) else "cpu"

    def ours(self, **engine: Any) -> AbstractContextManager[Remote]:
        """Our side."""
        options = {"device": self.device, **engine}
        return self.remote("ours", model=self.options.model, options=options)

    def nemo(self) -> AbstractContextManager[Remote]:
        """NeMo's side: bf16 on CUDA, as NeMo's own scripts run it."""
        on = {"on": self.device, "thread_count": self.options.threads, "is_half": self.device == "cuda"}
        return self.remote("nemo", model=self.options.model, **on)

    def paths(self) -> list[str]:
        """Files that are in the engine at the same time: half an hour each, or a minute."""
        seconds, count = (60.0, 2) if self.options.is_quick else (1800.0, 16)
        return [str(long_file(self.folder, seconds).path)] * count

    def remote(self, side: str, **values: Any) -> AbstractContextManager[Remote]:
        """A side within what is left of the time."""
        return remote(side, threads=self.options.threads, limit_s=self.left_s, **values)


def end_to_end(stage: Stage) -> list[Figure]:
    """Files to words, decoding included, against NeMo's transcribe() on ready arrays at its best batch size.

    NeMo's time leaves out decoding and cutting. The first turn of both warms up and does not count. Where
    NeMo fails, our figures stand alone.
    """
    paths = stage.paths()
    with ExitStack() as stack:
        side = stack.enter_context(stage.ours())
        loading = side.call("loading")
        side.call("hear", paths=paths[:2], together=True)
        ours = [_heard(side, paths)]
        try:
            peer = stack.enter_context(stage.nemo())
            batches, best = _best(stage, peer, paths)
            nemo = [_nemo(peer, paths, best)]
            while len(ours) < stage.options.rounds and stage.left_s > 3 * ours[0]["wall_s"]:
                ours.append(_heard(side, paths))
                nemo.append(_nemo(peer, paths, best))
        except SideFailed as error:
            stage.complain("NeMo's transcribe()", str(error))
            return _our_figures(loading, ours)
    more = {"NeMo's rtfx by batch size": batches, "NeMo's best": best}
    return [*_our_figures(loading, ours), _against_nemo(ours, nemo, more)]


def _heard(side: Remote, paths: Sequence[str]) -> dict[str, Any]:
    answer: dict[str, Any] = side.call("hear", paths=paths, together=True, watches_device=True)
    return answer


def _nemo(peer: Remote, paths: Sequence[str], batch_size: int) -> dict[str, Any]:
    """As much audio as ours, in one call."""
    answer: dict[str, Any] = peer.call(
        "arrays", path=paths[0], cut_s=NEMO_CUT_S, batch_size=batch_size, repeat=len(paths)
    )
    return answer


def switches() -> Sequence[tuple[str, float, Callable[[Stage], Sequence[Figure]]]]:
    """Name, time limit and work of each switch that is turned against its default."""
    return [
        (name, LIMITS_S.get(name, 60.0), partial(_switched, name, values))
        for name, values in SWITCHES.items()
    ]


def _best(stage: Stage, peer: Remote, paths: Sequence[str]) -> tuple[dict[str, float], int]:
    """NeMo's rtfx by batch size, each warmed up first, and the size at which it is fastest.

    Six files of half an hour make 300 pieces, more than the largest batch.
    """
    sizes = NEMO_BATCHES[:1] if stage.options.is_quick else NEMO_BATCHES
    peer.call("cut", path=paths[0], cut_s=NEMO_CUT_S)
    found: dict[str, float] = {}
    for size in sizes:
        try:
            _nemo(peer, paths[:6], size)
            answer = _nemo(peer, paths[:6], size)
        except SideFailed as error:
            stage.complain(f"NeMo with batches of {size}", str(error))
            break
        found[str(size)] = answer["rtfx"]
    return found, int(max(found, key=found.__getitem__)) if found else sizes[0]


def _our_figures(loading: dict[str, Any], ours: list[dict[str, Any]]) -> list[Figure]:
    last = ours[-1]
    about = {key: last[key] for key in ("batches", "fill", "padding", "words", "gaps")}
    limits = {key: loading[key] for key in ("sizes_s", "most", "workers", "load_s")}
    peaks = {"peak of memory, MB": last["peak_bytes"] / 1e6, **_device(last)}
    by_nvml = [one["utilisation_percent"] / 100 for one in ours if "utilisation_percent" in one]
    in_model = "time with a batch in the model, of all time"
    busy = [one["busy_share"] for one in ours]
    return [
        figure(
            f"{_hours(ours)}, end to end",
            [one["rtfx"] for one in ours],
            "rtfx",
            REAL_TIME,
            {**about, **limits, **peaks},
        ),
        figure("device busy, by NVML", by_nvml, "of the time", BUSY, {in_model: busy})
        if by_nvml
        else figure(f"device busy: {in_model} (no NVML)", busy, "of the time"),
    ]


def _against_nemo(ours: list[dict[str, Any]], nemo: list[dict[str, Any]], more: dict[str, Any]) -> Figure:
    ratios = [own["rtfx"] / plain["rtfx"] for own, plain in zip(ours, nemo, strict=False)]
    device = {f"NeMo's {key}": value for key, value in _device(nemo[-1]).items()}
    rtfx = {"NeMo's rtfx": [one["rtfx"] for one in nemo], "NeMo's words": nemo[-1]["words"]}
    name = f"{_hours(ours)}, speed against NeMo's transcribe() of ready cuts of {NEMO_CUT_S:g} s"
    return figure(name, ratios, "times", AGAINST_NEMO, {**rtfx, **more, **device})


def _hours(answers: list[dict[str, Any]]) -> str:
    return f"{answers[-1]['audio_s'] / 3600:.2g} h of audio together"


def _device(answer: dict[str, Any]) -> dict[str, Any]:
    if "device" not in answer:
        return {}
    return {"device": answer["device"], "peak of device memory, MB": answer["device_peak_bytes"] / 1e6}


def _switched(name: str, values: Mapping[str, Any], stage: Stage) -> list[Figure]:
    paths = stage.paths()[:4]
    with stage.ours(**values) as side:
        answers = [side.call("hear", paths=paths, together=True) for _ in range(2)][1:]
    last = answers[-1]
    details = {key: last[key] for key in ("fill", "busy_share")}
    return [figure(name, [one["rtfx"] for one in answers], "rtfx", details={**details, **_device(last)})]
