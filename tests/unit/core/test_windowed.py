import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio import AudioInfo, AudioSource
from core.batching import Limits
from core.errors import Damaged, EngineFailed, EngineLost, EngineRestarting, OutOfLimits
from core.ports import Block
from core.transcript import Transcript, Word
from core.windows import WindowSpec
from handlers.engine import windowed_engine
from tests.engines import engine_over
from tests.fakes.recognizer import FakeRecognizer, ForgetfulRecognizer, Samples, lost_by, poisoned
from tests.fakes.recordings import source_of

RATE = 16_000
INFO = AudioInfo(duration_s=99.0, sample_rate_hz=8_000, channels=1, codec="mp3")
SPEC = WindowSpec(10, 2, 0)


class BlockReader:
    """Audio whose every sample is the number of its half second, so that a window tells where it lies."""

    def __init__(self, seconds: float, failure: Exception | None = None) -> None:
        self.seconds, self.failure = seconds, failure

    def probe(self, source: AudioSource) -> AudioInfo:
        return INFO

    def audio(self) -> NDArray[np.int16]:
        return (np.arange(round(self.seconds * RATE)) // (RATE // 2)).astype(np.int16)

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        audio = self.audio()
        for start in range(0, len(audio), 3 * RATE):
            yield Block(audio[start : start + 3 * RATE])
        if self.failure is not None:
            raise self.failure


def numbers(window: Samples) -> list[Word]:
    """One word for each half second that begins in the window: its number."""
    halves = window.astype(int)
    starts = [i for i in range(len(halves)) if i == 0 or halves[i] != halves[i - 1]]
    return [Word(str(halves[i]), i / RATE, (i + RATE // 3) / RATE) for i in starts]


def transcribed(reader: BlockReader, recognizer: FakeRecognizer, spec: WindowSpec = SPEC) -> Transcript:
    with engine_over(recognizer, spec, reader) as engine:
        return engine.transcribe(source_of(b""), INFO)


@pytest.mark.parametrize("seconds", [1, 9.5, 10, 10.5, 18, 18.5, 61.3, 100])
def test_a_file_of_any_length_is_heard_once_from_start_to_end(seconds: float) -> None:
    transcript = transcribed(BlockReader(seconds), FakeRecognizer(numbers))
    assert transcript.duration_s == seconds
    assert [word.text for word in transcript.words] == [str(n) for n in range(int(np.ceil(2 * seconds)))]
    for n, word in enumerate(transcript.words):
        assert word.start_s == pytest.approx(n / 2, abs=0.001)


def test_the_transcript_names_the_engine_and_the_model_that_ran() -> None:
    heard = transcribed(BlockReader(5), FakeRecognizer(numbers))
    assert (heard.engine, heard.model, heard.language) == ("parakeet", "fake-model", "en")


def test_the_transcript_is_in_the_language_that_the_object_says() -> None:
    source = source_of(b"")
    german = replace(source, object=replace(source.object, metadata={"language": "de"}))
    with engine_over(FakeRecognizer(numbers), SPEC, BlockReader(5)) as engine:
        assert engine.transcribe(german, INFO).language == "de"


def test_silence_is_a_transcript_without_words_and_without_gaps() -> None:
    transcript = transcribed(BlockReader(30), FakeRecognizer(lambda _: []))
    assert (transcript.words, transcript.gaps, transcript.duration_s) == ((), (), 30)


def test_a_result_that_is_missing_from_a_batch_fails_the_job_instead_of_leaving_a_hole() -> None:
    with pytest.raises(EngineFailed) as caught:
        transcribed(BlockReader(60), ForgetfulRecognizer(numbers))
    assert (caught.value.code, caught.value.deterministic) == ("engine_bad_result", True)


def test_a_window_that_the_model_can_not_hear_fails_its_file() -> None:
    with pytest.raises(EngineFailed, match="a window is poisoned"):
        transcribed(BlockReader(60), FakeRecognizer(numbers, script=poisoned(16)))


def test_the_file_in_work_is_told_that_the_engine_is_lost_and_the_next_one_that_it_restarts() -> None:
    with engine_over(FakeRecognizer(numbers, script=lost_by(0)), SPEC, BlockReader(5)) as engine:
        with pytest.raises(EngineLost):
            engine.transcribe(source_of(b""), INFO)
        with pytest.raises(EngineRestarting):
            engine.transcribe(source_of(b""), INFO)


def test_damage_found_at_the_end_of_the_file_fails_the_job() -> None:
    with pytest.raises(Damaged):
        transcribed(
            BlockReader(60, Damaged("half of it is missing", code="truncated")), FakeRecognizer(numbers)
        )


def test_a_file_without_any_sample_is_too_short() -> None:
    with pytest.raises(OutOfLimits, match=r"duration is 0\.000 s"):
        transcribed(BlockReader(0), FakeRecognizer(numbers))


def test_the_windows_held_do_not_grow_with_the_file() -> None:
    def most_held(seconds: float) -> int:
        alive: list[weakref.ref[Samples]] = []
        most = 0

        def hear(window: Samples) -> list[Word]:
            nonlocal most
            alive.append(weakref.ref(window))
            gc.collect()
            most = max(most, sum(ref() is not None for ref in alive))
            return []

        recognizer = FakeRecognizer(hear, limits=Limits((10.0,), (2,)))
        with engine_over(recognizer, SPEC, BlockReader(seconds), queue_s=30) as engine:
            engine.transcribe(source_of(b""), INFO)
        return most

    # Three wait, three batches of two are between queue and words, one is held for its neighbour, one is cut.
    assert most_held(100) <= 11
    assert most_held(400) <= 11


SPEECH_S = 20


class Speech(BlockReader):
    """Sound that comes and goes four times a second, from the second SPEECH_S on."""

    def audio(self) -> NDArray[np.int16]:
        t = np.arange(round(self.seconds * RATE)) / RATE
        wave = np.sin(2 * np.pi * 200 * t) * np.maximum(np.sin(2 * np.pi * 4 * t), 0.001) * (t >= SPEECH_S)
        return (8000 * wave).astype(np.int16)


def syllables(window: Samples) -> list[Word]:
    """A word for every burst of sound."""
    loud = np.abs(window[: len(window) // 1000 * 1000].reshape(-1, 1000)).max(axis=1) > 2000
    edges = np.flatnonzero(np.diff(loud, prepend=False, append=False)) * 1000 / RATE
    return [Word("la", start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def deaf_after_silence(window: Samples) -> list[Word]:
    """Hears nothing at all in a window that starts with 0.2 s of silence: as large models do."""
    return syllables(window) if np.abs(window[: RATE // 5]).max() > 0 else []


def test_a_window_that_comes_back_empty_is_heard_again_from_the_onset_of_its_sound() -> None:
    spec = WindowSpec(40, 4, 0)
    whole = transcribed(Speech(60), FakeRecognizer(syllables), spec)
    rescued = transcribed(Speech(60), FakeRecognizer(deaf_after_silence), spec)
    assert len(whole.words) == 4 * (60 - SPEECH_S)
    assert [word.midpoint_s for word in rescued.words] == pytest.approx(
        [word.midpoint_s for word in whole.words], abs=0.1
    )
    assert rescued.gaps == ()


def test_sound_that_stays_without_words_is_a_gap_with_its_times() -> None:
    heard = transcribed(Speech(60), FakeRecognizer(lambda _: []), WindowSpec(40, 4, 0))
    assert heard.words == ()
    (gap,) = heard.gaps
    assert gap.reason == "no_words"
    assert gap.start_s == pytest.approx(SPEECH_S, abs=0.3)
    assert gap.end_s == pytest.approx(60, abs=0.3)


class Scratched(BlockReader):
    """The stretch from 30 to 32 s can't be decoded."""

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        audio = self.audio()
        yield Block(audio[: 30 * RATE])
        yield Block(np.zeros(2 * RATE, np.int16), is_hole=True)
        yield Block(audio[32 * RATE :])


def test_what_could_not_be_decoded_is_a_gap_with_its_times() -> None:
    heard = transcribed(Scratched(60), FakeRecognizer(numbers))
    assert [(gap.start_s, gap.end_s, gap.reason) for gap in heard.gaps] == [(30, 32, "not_decodable")]


def test_who_comes_now_waits_for_all_that_open_files_still_hold() -> None:
    with (
        engine_over(FakeRecognizer(numbers), SPEC, BlockReader(5)) as engine,
        engine.scheduler.line("a film", 3600.0) as line,
    ):
        line.submit(np.zeros(10 * RATE, np.int16)).result(10)
        rtfx = engine.scheduler.stats.audio_s / engine.scheduler.stats.busy_s
        assert engine.queue_s == pytest.approx(3590 / rtfx, rel=0.01)


def test_a_file_that_was_heard_tells_its_length_and_the_time_that_the_model_worked_for_it() -> None:
    told: list[tuple[float, float]] = []
    engine = windowed_engine(
        FakeRecognizer(numbers),
        SPEC,
        reader=BlockReader(60),
        on_gpu=True,
        on_heard=lambda audio_s, work_s: told.append((audio_s, work_s)),
    )
    try:
        engine.transcribe(source_of(b""), INFO)
        busy_s = engine.scheduler.stats.busy_s
    finally:
        engine.scheduler.close()
    [(audio_s, work_s)] = told
    assert audio_s == 60.0
    assert work_s == pytest.approx(busy_s)


def test_a_file_that_failed_tells_nothing_of_speed() -> None:
    told: list[float] = []
    engine = windowed_engine(
        FakeRecognizer(numbers),
        SPEC,
        reader=BlockReader(60, Damaged("half of it is missing", code="truncated")),
        on_gpu=True,
        on_heard=lambda audio_s, work_s: told.append(audio_s),
    )
    try:
        with pytest.raises(Damaged):
            engine.transcribe(source_of(b""), INFO)
    finally:
        engine.scheduler.close()
    assert told == []


def test_who_comes_now_waits_for_no_one_before_the_first_batch() -> None:
    with engine_over(FakeRecognizer(numbers), SPEC, BlockReader(5)) as engine:
        assert engine.queue_s == 0.0


@pytest.mark.parametrize("queue_s", [30.0, None], ids=["full queue", "room in the queue"])
def test_a_file_that_is_still_cut_while_it_loses_the_engine_is_told_that_it_is_to_blame(
    queue_s: float | None,
) -> None:
    recognizer = FakeRecognizer(numbers, script=lost_by(0))
    with (
        engine_over(recognizer, SPEC, BlockReader(600), queue_s=queue_s) as engine,
        pytest.raises(EngineLost),
    ):
        engine.transcribe(source_of(b""), INFO)
