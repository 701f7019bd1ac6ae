"""The rules of routing. Each takes methods away, or orders them, and says why.

The order of RULES is their precedence: privacy, force, method, the file's own wish, language, rollout, GPU,
what a failed GPU may cause, matrix, time budget, cost.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from core.routes import (
    EngineFacts,
    FileFacts,
    Method,
    Reason,
    RoutingPolicy,
    predict,
    rollout_bucket,
    score_usd,
)

# Up to here the plan sends a file without a GPU to Parakeet on the CPU.
CPU_SHORT_S = 30 * 60.0

METHODS: tuple[Method, ...] = ("parakeet", "parakeet_cpu", "deepgram", "hybrid")

_ON_DEEPGRAM: tuple[Method, ...] = ("deepgram", "hybrid")
_ON_GPU: tuple[Method, ...] = ("parakeet", "hybrid")
_LOCAL: tuple[Method, ...] = ("parakeet", "parakeet_cpu")
_BY_PREFERENCE: dict[str, tuple[Method, ...]] = {
    "parakeet": _LOCAL,
    "deepgram": ("deepgram",),
    "hybrid": ("hybrid", "parakeet", "parakeet_cpu", "deepgram"),
}


@dataclass(frozen=True, slots=True)
class Options:
    """The methods that are left, best first; once somebody has chosen, matrix and cost keep out."""

    methods: tuple[Method, ...]
    reasons: tuple[Reason, ...] = ()
    chosen: bool = False

    def noting(self, code: str, sentence: str) -> "Options":
        """The same methods, with one more reason."""
        return replace(self, reasons=(*self.reasons, Reason(code, sentence)))

    def without(self, methods: tuple[Method, ...], code: str, sentence: str) -> "Options":
        """Fewer methods; the reason is kept only where it took one away."""
        left = tuple(method for method in self.methods if method not in methods)
        return self if left == self.methods else replace(self.noting(code, sentence), methods=left)

    def ordered(self, order: tuple[Method, ...], code: str, sentence: str) -> "Options":
        """Only the methods of an order, in that order."""
        left = tuple(method for method in order if method in self.methods)
        return replace(self.noting(code, sentence), methods=left)


Rule = Callable[[Options, FileFacts, EngineFacts, RoutingPolicy], Options]


def privacy(options: Options, _file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    """Whether audio may leave for Deepgram at all."""
    if not policy.allow_deepgram:
        return options.without(
            _ON_DEEPGRAM, "deepgram_not_allowed", "audio may not leave for Deepgram (ALLOW_DEEPGRAM=false)"
        )
    if policy.method == "parakeet":
        return options.without(
            _ON_DEEPGRAM, "method_parakeet", "TRANSCRIPTION_METHOD=parakeet keeps audio away from Deepgram"
        )
    if not engines.deepgram_available:
        return options.without(_ON_DEEPGRAM, "deepgram_not_configured", "no Deepgram key is set")
    return options


def _force(options: Options, _file: FileFacts, _engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if not policy.force_deepgram:
        return options
    forced = options.ordered(
        ("deepgram",), "forced", "Deepgram is forced (FORCE_DEEPGRAM_TRANSCRIPTION=true)"
    )
    return replace(forced, chosen=True)


def _method(options: Options, _file: FileFacts, _engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if options.chosen or policy.method == "auto":
        return options
    sentence = f"the method is set (TRANSCRIPTION_METHOD={policy.method})"
    return replace(options.ordered(_BY_PREFERENCE[policy.method], "method", sentence), chosen=True)


def _wish(options: Options, file: FileFacts, _engines: EngineFacts, _policy: RoutingPolicy) -> Options:
    """A file that asks for Parakeet stays here; any other wish yields to what is allowed."""
    if not file.wish:
        return options
    if file.wish not in _BY_PREFERENCE:
        return options.noting("wish_unknown", "the file asks for an engine that does not exist")
    left = options.ordered(_BY_PREFERENCE[file.wish], "wish", f"the file asks for {file.wish}")
    if not left.methods:
        return options.noting("wish_declined", f"the file asks for {file.wish}, which settings rule out")
    return options if options.chosen else replace(left, chosen=True)


def _language(options: Options, file: FileFacts, _engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if file.spoken in policy.parakeet_languages:
        return options
    known = ", ".join(sorted(policy.parakeet_languages))
    sentence = f"Parakeet's model does not know the language {file.spoken}, only {known}"
    return options.without((*_LOCAL, "hybrid"), "language", sentence)


def _rollout(options: Options, file: FileFacts, _engines: EngineFacts, policy: RoutingPolicy) -> Options:
    bucket = rollout_bucket(file.video_id)
    pinned = file.video_id in policy.rollout_video_ids
    if options.chosen or pinned or bucket < policy.rollout_percent:
        return options
    place = f"the video's bucket {bucket:.2f} is outside of ROLLOUT_PERCENT={policy.rollout_percent:g}"
    if "deepgram" not in options.methods:
        return options.noting("rollout_moot", f"{place}, but Deepgram is ruled out")
    return options.without((*_LOCAL, "hybrid"), "rollout", place)


def _gpu(options: Options, _file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if _has_gpu(engines, policy):
        return replace(options, methods=tuple(m for m in options.methods if m != "parakeet_cpu"))
    options = options.without(_ON_GPU, *_why_no_gpu(engines, policy))
    if policy.allow_cpu_parakeet:
        return options
    sentence = "Parakeet may not run on the CPU (ALLOW_CPU_PARAKEET=false)"
    return options.without(("parakeet_cpu",), "cpu_not_allowed", sentence)


def _why_no_gpu(engines: EngineFacts, policy: RoutingPolicy) -> tuple[str, str]:
    if not policy.enable_gpu:
        return "gpu_disabled", "the GPU is off (ENABLE_GPU_TRANSCRIPTION=false)"
    if engines.gpu_breaker != "closed":
        return "gpu_breaker_open", "the GPU is not available: it failed at several files and rests"
    return "gpu_unavailable", "the GPU is not available"


def _no_fallback(options: Options, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    """A GPU that failed is no reason to leave for Deepgram where failures may not be one."""
    failed = engines.gpu == "unavailable" and engines.gpu_breaker != "closed"
    if policy.enable_fallback or not failed or not policy.enable_gpu or "deepgram" not in options.methods:
        return options
    well = replace(engines, gpu="ready", gpu_breaker="closed", queue_s=0.0)
    if left(file, well, policy).methods[:1] == ("deepgram",):
        return options
    sentence = "a GPU that failed may not send the file to Deepgram (ENABLE_FALLBACK=false)"
    return options.without(_ON_DEEPGRAM, "fallback_off", sentence)


def _has_gpu(engines: EngineFacts, policy: RoutingPolicy) -> bool:
    return policy.enable_gpu and engines.gpu != "unavailable"


def _matrix(options: Options, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if options.chosen or not options.methods:
        return options
    code, row = _row(file.duration_s, engines, policy)
    allowed = ", ".join(method for method in row if method in options.methods) or "none"
    return options.ordered(row, code, f"{file.duration_s / 3600:.2f} h of audio, allowed: {allowed}")


def _row(duration_s: float, engines: EngineFacts, policy: RoutingPolicy) -> tuple[str, tuple[Method, ...]]:
    """The row of the decision matrix: the plan's method first, then what cost may choose instead."""
    if not _has_gpu(engines, policy):
        if duration_s < min(CPU_SHORT_S, policy.short_s):
            return "matrix_no_gpu_short", ("parakeet_cpu", "deepgram")
        return "matrix_no_gpu", ("deepgram", "parakeet_cpu")
    if duration_s < policy.short_s:
        return "matrix_short", ("parakeet", "deepgram")
    if duration_s < policy.long_s:
        return "matrix_medium", ("hybrid", "parakeet", "deepgram")
    return "matrix_long", ("deepgram", "parakeet")


def _hybrid(options: Options, _file: FileFacts, _engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if policy.hybrid_available:
        return options
    sentence = "this version does not split a file over two engines, the next allowed method takes it"
    return options.without(("hybrid",), "hybrid_not_built", sentence)


def _budget(options: Options, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    for method in options.methods:
        seconds = predict(method, file, engines, policy).seconds
        # Written so that a prediction which is no number is refused too.
        if not seconds <= policy.max_turnaround_s:
            limit = f"MAX_TURNAROUND_S={policy.max_turnaround_s:g}"
            sentence = f"{method} would take {seconds:.0f} s, more than {limit}"
            options = options.without((method,), "over_budget", sentence)
    return options


def _cost(options: Options, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    if options.chosen or not policy.cost_optimization or len(options.methods) < 2:
        return options
    scores = {m: score_usd(predict(m, file, engines, policy), file, policy) for m in options.methods}
    cheapest = min(options.methods, key=scores.__getitem__)
    listed = ", ".join(f"{method} {usd:.4f}" for method, usd in scores.items())
    return options.ordered(
        (cheapest,), "cheapest", f"{cheapest} has the lowest cost with waiting, in USD: {listed}"
    )


RULES: tuple[Rule, ...] = (
    privacy,
    _force,
    _method,
    _wish,
    _language,
    _rollout,
    _gpu,
    _no_fallback,
    _matrix,
    _hybrid,
    _budget,
    _cost,
)


def steps(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Iterator[tuple[Rule, Options]]:
    """What each rule leaves, in the order of the rules."""
    options = Options(METHODS)
    for rule in RULES:
        options = rule(options, file, engines, policy)
        yield rule, options


def left(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    """What all rules leave."""
    *_, (_, options) = steps(file, engines, policy)
    return options
