"""One file heard in parts that share some audio, and joined as if it had been heard at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.clips import Abandoned, Clip, Clipper
from core.coverage import gaps
from core.errors import EngineFailed, KlipscribeError, Rejected
from core.ports import SAMPLE_RATE_HZ, Engine
from core.stitch import Heard, Stitch
from core.transcript import Transcript
from core.windows import Span

CONTEXT = 10 * SAMPLE_RATE_HZ
"""What a part hears beyond its cuts: a second is enough to join words, but engines need some to settle in."""

MOST_OFF_S = 0.5
"""Between the length that an engine heard and that of the clip; both come from decoding the same samples."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file.

    Args:
        source: what an engine hears of it.
        info: of that source.
        clip: the same, as samples; None where the part is the whole file.
        start: where it begins, in samples of the file that was divided.
        cut: where what it owns begins; 0 for the first part.
        end: where that ends; None for the last part.
    """

    source: AudioSource
    info: AudioInfo
    clip: Clip | None = None
    start: int = 0
    cut: int = 0
    end: int | None = None

    @property
    def name(self) -> str:
        """The file, and which seconds of it, for messages."""
        if self.clip is None:
            return self.source.object.uri
        end = self.clip.end
        until = "its end" if end is None else f"{end / SAMPLE_RATE_HZ:.0f} s"
        return f"{self.clip.whole.object.uri} from {self.clip.start / SAMPLE_RATE_HZ:.0f} s to {until}"

    @property
    def length(self) -> int | None:
        """Its samples; None where nobody has counted them."""
        return self.clip.length if self.clip else None

    def abandon(self) -> None:
        """Let who reads it stop."""
        if self.clip:
            self.clip.abandon()

    def check(self) -> None:
        """Raises Abandoned."""
        if self.clip:
            self.clip.check()


Hear = Callable[[Part], Transcript]


def divided(source: AudioSource, info: AudioInfo, cuts: Sequence[int], clipper: Clipper) -> list[Part]:
    """The parts between cuts, each with CONTEXT beyond them; without a cut the file itself.

    Args:
        source: the file.
        info: of the file.
        cuts: samples, ascending, further apart than twice the CONTEXT.
        clipper: makes the parts' sources.
    """
    if not cuts:
        return [Part(source, info)]
    found: list[Part] = []
    for cut, end in zip([0, *cuts], [*cuts, None], strict=True):
        start = max(cut - CONTEXT, 0)
        part, clip = clipper.clip(source, start, None if end is None else end + CONTEXT)
        found.append(Part(part, clip.info(info), clip, start, cut, end))
    return found


def heard(engine: Engine, part: Part, bill: Bill) -> Transcript:
    """What an engine hears in a part; times are from the part's start.

    Raises:
        EngineFailed: also where it heard more or less audio than there is.
        Exception: whatever else the engine raises.
    """
    transcript = engine.transcribe(part.source, part.info, bill)
    length = part.length
    if length is not None and abs(transcript.duration_s - length / SAMPLE_RATE_HZ) > MOST_OFF_S:
        raise EngineFailed(
            f"{engine.name} heard {transcript.duration_s:.3f} s of audio, "
            f"expected {length / SAMPLE_RATE_HZ:.3f} s",
            code="engine_bad_result",
        )
    return transcript


def all_heard(parts: Sequence[Part], hear: Hear, at_once: int) -> list[Transcript]:
    """Hear parts in threads; all of them, or none: when one fails, the others are abandoned and waited for.

    Args:
        parts: what to hear.
        hear: hears one.
        at_once: so many threads.

    Raises:
        Rejected: the file is at fault, whatever else went wrong.
        Exception: else what the first part raised that failed.
    """
    with ThreadPoolExecutor(min(at_once, len(parts)), thread_name_prefix="part") as pool:
        futures: list[Future[Transcript]] = []
        try:
            futures += (pool.submit(copy_context().run, hear, part) for part in parts)
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Either all is heard, or nothing is wanted any more.
            for part, future in zip(parts, futures, strict=False):
                part.abandon()
                future.cancel()
    _raise_worst(futures)
    return [future.result() for future in futures]


def _raise_worst(futures: Sequence[Future[Transcript]]) -> None:
    errors = [error for future in futures if not future.cancelled() and (error := future.exception())]
    found = [error for error in errors if not isinstance(error, Abandoned)]
    for error in (*(error for error in found if isinstance(error, Rejected)), *found):
        raise error


def naming(error: KlipscribeError, part: Part) -> KlipscribeError:
    """The error, its message saying which part is missing; class and code stay."""
    error.args = (f"{part.name} could not be heard: {error}",)
    return error


def joined(parts: Sequence[Part], transcripts: Sequence[Transcript], engine: str, model: str) -> Transcript:
    """One transcript out of those of all parts, in order: no word lost or doubled at a cut."""
    stitch = Stitch()
    for part, transcript in zip(parts, transcripts, strict=True):
        stitch.add(_placed(part, transcript))
    words = stitch.finished()
    end_s = _end_s(parts[-1], transcripts[-1])
    missing = [
        gap for part, transcript in zip(parts, transcripts, strict=True) for gap in _own(part, transcript)
    ]
    empty = [span for reason, span in missing if reason == "no_words"]
    broken = [span for reason, span in missing if reason == "not_decodable"]
    language = transcripts[0].language
    return Transcript(words, end_s, engine, model, language, gaps(words, empty, broken, end_s))


def _placed(part: Part, transcript: Transcript) -> Heard:
    start_s = part.start / SAMPLE_RATE_HZ
    words = tuple(word.shifted(start_s) for word in transcript.words)
    return Heard(start_s, _end_s(part, transcript), words, part.cut / SAMPLE_RATE_HZ)


def _end_s(part: Part, transcript: Transcript) -> float:
    """By the samples; by the engine where it needed none, because it had heard the part before."""
    if part.length is None:
        return part.start / SAMPLE_RATE_HZ + transcript.duration_s
    return (part.start + part.length) / SAMPLE_RATE_HZ


def _own(part: Part, transcript: Transcript) -> list[tuple[str, Span]]:
    """Why and where a transcript owns up to a gap, in samples of the file, between the part's cuts."""
    found: list[tuple[str, Span]] = []
    for gap in transcript.gaps:
        begin, end = _sample(part, gap.start_s), _sample(part, gap.end_s)
        begin, end = max(begin, part.cut), end if part.end is None else min(end, part.end)
        if begin < end:
            found.append((gap.reason, (begin, end)))
    return found


def _sample(part: Part, time_s: float) -> int:
    return part.start + round(time_s * SAMPLE_RATE_HZ)
