import gc
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio import AudioInfo, AudioSource
from core.errors import Damaged, EngineFailed, OutOfLimits
from core.transcript import Word
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from tests.fakes.recognizer import FakeRecognizer, ForgetfulRecognizer
from tests.fakes.recordings import source_of

RATE = 16_000
INFO = AudioInfo(duration_s=99.0, sample_rate_hz=8_000, channels=1, codec="mp3")
SPEC = WindowSpec(10, 2)


class BlockReader:
    """Audio whose every sample is the number of its half second, so that a window tells where it lies."""

    def __init__(self, seconds: float, failure: Exception | None = None) -> None:
        self.seconds, self.failure = seconds, failure

    def probe(self, source: AudioSource) -> AudioInfo:
        return INFO

    def samples(self, source: AudioSource) -> Iterator[NDArray[np.int16]]:
        audio = (np.arange(round(self.seconds * RATE)) // (RATE // 2)).astype(np.int16)
        for start in range(0, len(audio), 3 * RATE):
            yield audio[start : start + 3 * RATE]
        if self.failure is not None:
            raise self.failure


def numbers(window: NDArray[np.float32]) -> list[Word]:
    """One word for each half second that begins in the window: its number."""
    halves = np.rint(window * 32_768).astype(int)
    starts = [i for i in range(len(halves)) if i == 0 or halves[i] != halves[i - 1]]
    return [Word(str(halves[i]), i / RATE, (i + RATE // 3) / RATE) for i in starts]


def engine(reader: BlockReader, recognizer: FakeRecognizer, batch_size: int = 3) -> WindowedEngine:
    return WindowedEngine(reader, recognizer, SPEC, batch_size)


@pytest.mark.parametrize("seconds", [1, 9.5, 10, 10.5, 18, 18.5, 61.3, 100])
def test_a_file_of_any_length_is_heard_once_from_start_to_end(seconds: float) -> None:
    transcript = engine(BlockReader(seconds), FakeRecognizer(numbers)).transcribe(source_of(b""), INFO)
    assert transcript.duration_s == seconds
    assert [word.text for word in transcript.words] == [str(n) for n in range(int(np.ceil(2 * seconds)))]
    for n, word in enumerate(transcript.words):
        assert word.start_s == pytest.approx(n / 2, abs=0.001)


def test_the_transcript_names_the_engine_and_the_model_that_ran() -> None:
    heard = engine(BlockReader(5), FakeRecognizer(numbers)).transcribe(source_of(b""), INFO)
    assert (heard.engine, heard.model, heard.language) == ("parakeet", "fake-model", "en")


def test_the_transcript_is_in_the_language_that_the_object_says() -> None:
    source = source_of(b"")
    german = replace(source, object=replace(source.object, metadata={"language": "de"}))
    assert engine(BlockReader(5), FakeRecognizer(numbers)).transcribe(german, INFO).language == "de"


def test_windows_go_to_the_model_in_batches_of_the_given_size() -> None:
    recognizer = FakeRecognizer(numbers)
    engine(BlockReader(60), recognizer).transcribe(source_of(b""), INFO)
    assert [len(batch) for batch in recognizer.batches] == [3, 3, 2]
    assert {length for batch in recognizer.batches for length in batch} == {10 * RATE}


def test_silence_is_a_transcript_without_words() -> None:
    transcript = engine(BlockReader(30), FakeRecognizer(lambda _: [])).transcribe(source_of(b""), INFO)
    assert (transcript.words, transcript.duration_s) == ((), 30)


def test_a_result_that_is_missing_from_a_batch_fails_the_job_instead_of_leaving_a_hole() -> None:
    with pytest.raises(EngineFailed, match="gave 2 results for 3 windows from 0 s on") as caught:
        engine(BlockReader(60), ForgetfulRecognizer(numbers)).transcribe(source_of(b""), INFO)
    assert caught.value.code == "engine_bad_result"


def test_damage_found_at_the_end_of_the_file_fails_the_job() -> None:
    reader = BlockReader(60, Damaged("half of it is missing", code="truncated"))
    with pytest.raises(Damaged):
        engine(reader, FakeRecognizer(numbers)).transcribe(source_of(b""), INFO)


def test_a_file_without_any_sample_is_too_short() -> None:
    with pytest.raises(OutOfLimits, match=r"duration is 0\.000 s"):
        engine(BlockReader(0), FakeRecognizer(numbers)).transcribe(source_of(b""), INFO)


def test_only_one_batch_of_windows_is_held_at_a_time() -> None:
    alive: list[weakref.ref[NDArray[np.float32]]] = []
    most = 0

    class Counting(FakeRecognizer):
        def recognize(self, windows: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
            nonlocal most
            alive.extend(weakref.ref(window) for window in windows)
            gc.collect()
            most = max(most, sum(ref() is not None for ref in alive))
            return [[] for _ in windows]

    engine(BlockReader(200), Counting(numbers)).transcribe(source_of(b""), INFO)
    assert len(alive) > 20
    assert most == 3


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size is 0, expected at least 1"):
        engine(BlockReader(1), FakeRecognizer(numbers), batch_size=0)
