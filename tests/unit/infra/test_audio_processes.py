"""Decoding in other processes against decoding in this one: the same blocks, holes and errors."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import numpy as np
import pytest

from core.errors import KlipscribeError, Rejected, Retryable
from core.ports import AudioReader, ObjectNotFound
from infra.audio import PyAvReader
from infra.audio_processes import ProcessReader
from tests.fakes.recordings import (
    MP3,
    CountingStream,
    Recipe,
    chirp,
    encoded,
    seconds_stamped,
    silent_film,
    source_of,
)
from tests.unit.infra.decoder_processes import decoders
from tests.unit.infra.test_audio import IN_A_PIPE, RECIPES

SECONDS = 12.0
FLAC = Recipe("flac", "flac", rate=16_000)

Blocks = list[tuple[bytes, bool]]


@pytest.fixture(scope="module")
def reader() -> Iterator[ProcessReader]:
    """One process for all tests here, so that what a file leaves behind would show in the next one."""
    with closing(ProcessReader(1)) as reader:
        yield reader
        assert len(decoders()) == 1
    assert decoders() == []


def blocks(reader: AudioReader, data: bytes | CountingStream | None) -> Blocks:
    return [(block.samples.tobytes(), block.is_hole) for block in reader.blocks(source_of(data))]


def until_it_ends(reader: AudioReader, data: bytes | CountingStream) -> tuple[Blocks, Exception | None]:
    """What came before the end or the error, and the error."""
    given: Blocks = []
    try:
        for block in reader.blocks(source_of(data)):
            given.append((block.samples.tobytes(), block.is_hole))
    except (KlipscribeError, ObjectNotFound, ConnectionError) as error:
        return given, error
    return given, None


def outcome(reader: AudioReader, data: bytes) -> tuple[Blocks, str]:
    """What came before the end or the error, and the error in all its parts."""
    given, error = until_it_ends(reader, data)
    return given, f"{type(error).__name__} {error.code} {error}" if isinstance(error, KlipscribeError) else ""


def sound(rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A chirp under noise, so that no two stretches are alike."""
    tone = chirp(SECONDS, rate)
    return tone / 2 + np.random.default_rng(7).uniform(-0.1, 0.1, len(tone))


@pytest.mark.parametrize("name", RECIPES)
def test_another_process_gives_the_very_samples_of_this_one(name: str, reader: ProcessReader) -> None:
    data = encoded(sound(RECIPES[name].rate), RECIPES[name])
    here = blocks(PyAvReader(), data)
    assert sum(len(samples) for samples, _ in here) / 2 / 16_000 == pytest.approx(SECONDS, abs=0.1)
    assert not any(is_hole for _, is_hole in here)
    assert blocks(reader, data) == here


@pytest.mark.parametrize("name", IN_A_PIPE)
def test_so_it_does_for_a_file_without_an_index(name: str, reader: ProcessReader) -> None:
    data = encoded(sound(RECIPES[name].rate), RECIPES[name], to_pipe=True)
    assert blocks(reader, data) == blocks(PyAvReader(), data)


@pytest.mark.parametrize("share", [0.02, 0.2])
@pytest.mark.parametrize("name", RECIPES)
def test_a_file_broken_in_the_middle_has_the_same_outcome(
    name: str, share: float, reader: ProcessReader
) -> None:
    data = encoded(sound(RECIPES[name].rate), RECIPES[name])
    at, lost = len(data) // 2, round(share * len(data))
    broken = data[:at] + np.random.default_rng(3).bytes(lost) + data[at + lost :]
    assert outcome(reader, broken) == outcome(PyAvReader(), broken)


def test_holes_are_marked_and_parameters_may_change_on_the_way(reader: ProcessReader) -> None:
    holed = seconds_stamped(*range(30), 31)
    assert any(is_hole for _, is_hole in blocks(reader, holed))
    assert blocks(reader, holed) == blocks(PyAvReader(), holed)
    joined = encoded(sound(8_000), MP3, to_pipe=True) + encoded(sound(48_000), RECIPES["mp3 stereo 48 kHz"])
    assert blocks(reader, joined) == blocks(PyAvReader(), joined)


REFUSED = {
    "NotAudio not_audio": b"hello, this is no audio\n" * 50,
    "NotAudio no_audio_stream": silent_film(3),
    "Damaged truncated": encoded(chirp(6, 16_000), FLAC)[:30_000],
    "Damaged not_finite": encoded(np.full(32_000, np.nan), Recipe("wav", "pcm_f32le", rate=16_000)),
    "OutOfLimits too_long": seconds_stamped(0, 13 * 3600),
    "OutOfLimits too_short": encoded(chirp(0.3, 16_000), FLAC),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_refusal_keeps_its_class_its_code_and_its_words(words: str, reader: ProcessReader) -> None:
    here = outcome(PyAvReader(), REFUSED[words])
    assert here[1].startswith(words)
    assert outcome(reader, REFUSED[words]) == here
    with pytest.raises(Rejected):
        blocks(reader, REFUSED[words])


def test_an_object_that_is_gone_is_told_as_such(reader: ProcessReader) -> None:
    with pytest.raises(ObjectNotFound):
        blocks(reader, None)


@pytest.mark.parametrize("failure", [ObjectNotFound("1/audio_1.mp3"), Retryable("slow"), ConnectionError()])
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("recipe", [MP3, FLAC], ids=["mp3", "flac"])
def test_a_failure_of_the_store_comes_out_as_itself_and_the_process_is_kept(
    recipe: Recipe, share: float, failure: Exception, reader: ProcessReader
) -> None:
    data = encoded(np.resize(sound(recipe.rate), 120 * recipe.rate), recipe)
    blocks(reader, data)
    before = decoders()
    breaks_off = partial(CountingStream, data, int(share * len(data)), failure)
    given, error = until_it_ends(reader, breaks_off())
    assert error is failure
    assert (given, error) == until_it_ends(PyAvReader(), breaks_off())
    assert decoders() == before


def test_samples_may_be_written_to(reader: ProcessReader) -> None:
    for block in reader.blocks(source_of(encoded(sound(8_000), MP3))):
        assert block.samples.flags.writeable
        assert block.samples.flags.aligned
