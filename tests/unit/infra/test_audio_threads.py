"""Two threads against one: the same blocks, the same holes, the same errors, and nothing left behind."""

import threading

import numpy as np
import pytest

from core.errors import Damaged, KlipscribeError, Retryable
from infra.audio import PIECES_AHEAD, PyAvReader
from infra.audio_decoding import PIECE_S
from tests.fakes.recordings import MP3, CountingStream, Recipe, chirp, encoded, seconds_stamped, source_of
from tests.unit.infra.test_audio import IN_A_PIPE, RECIPES

SECONDS = 12.0
FLAC = Recipe("flac", "flac", rate=16_000)

Blocks = list[tuple[bytes, bool]]


def blocks(data: bytes | CountingStream, threads: int) -> Blocks:
    reader = PyAvReader(threads=threads)
    return [(block.samples.tobytes(), block.is_hole) for block in reader.blocks(source_of(data))]


def outcome(data: bytes, threads: int) -> Blocks | str:
    try:
        return blocks(data, threads)
    except KlipscribeError as error:
        return f"{type(error).__name__} {error.code} {error}"


def decoding_threads() -> int:
    return sum(thread.name == "decoding ahead" for thread in threading.enumerate())


def sound(rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A chirp under noise, so that no two stretches are alike."""
    tone = chirp(SECONDS, rate)
    return tone / 2 + np.random.default_rng(7).uniform(-0.1, 0.1, len(tone))


@pytest.mark.parametrize("name", RECIPES)
def test_two_threads_give_the_very_samples_of_one(name: str) -> None:
    data = encoded(sound(RECIPES[name].rate), RECIPES[name])
    one = blocks(data, 1)
    assert sum(len(samples) for samples, _ in one) / 2 / 16_000 == pytest.approx(SECONDS, abs=0.1)
    assert not any(is_hole for _, is_hole in one)
    assert blocks(data, 2) == one


@pytest.mark.parametrize("name", IN_A_PIPE)
def test_two_threads_give_the_samples_of_one_for_a_file_without_an_index(name: str) -> None:
    data = encoded(sound(RECIPES[name].rate), RECIPES[name], to_pipe=True)
    assert blocks(data, 2) == blocks(data, 1)


@pytest.mark.parametrize("share", [0.02, 0.2])
@pytest.mark.parametrize("name", RECIPES)
def test_a_file_broken_in_the_middle_has_the_same_outcome_with_two_threads(name: str, share: float) -> None:
    data = encoded(sound(RECIPES[name].rate), RECIPES[name])
    at, lost = len(data) // 2, round(share * len(data))
    broken = data[:at] + np.random.default_rng(3).bytes(lost) + data[at + lost :]
    assert outcome(broken, 2) == outcome(broken, 1)
    assert decoding_threads() == 0


def test_parameters_that_change_on_the_way_change_nothing_between_one_and_two_threads() -> None:
    joined = encoded(sound(8_000), MP3, to_pipe=True) + encoded(sound(48_000), RECIPES["mp3 stereo 48 kHz"])
    one = blocks(joined, 1)
    assert sum(len(samples) for samples, _ in one) / 2 / 16_000 > 1.9 * SECONDS
    assert blocks(joined, 2) == one


def test_no_more_than_a_few_pieces_are_decoded_before_they_are_asked_for() -> None:
    data = encoded(np.resize(sound(16_000), 300 * 16_000), Recipe("wav", "pcm_s16le", rate=16_000))
    stream = CountingStream(data)
    taken_s = 0.0
    for block in PyAvReader(threads=2).blocks(source_of(stream)):
        taken_s += len(block.samples) / 16_000
        read_s = stream.bytes_read / 2 / 16_000
        # A piece in the making, those that wait, one in the resampler, a block, and FFmpeg's buffers.
        assert read_s - taken_s <= (PIECES_AHEAD + 2) * PIECE_S + 10 + 3 * 256 * 1024 / 32_000


@pytest.mark.parametrize("taken", [1, 3])
def test_leaving_early_ends_the_thread_before_the_object_is_closed(taken: int) -> None:
    stream = CountingStream(encoded(np.resize(sound(8_000), 300 * 8_000), MP3))
    reader = PyAvReader(threads=2).blocks(source_of(stream))
    for _ in range(taken):
        next(reader)
    assert decoding_threads() == 1
    del reader
    assert decoding_threads() == 0
    assert stream.closed


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("recipe", [MP3, FLAC], ids=["mp3", "flac"])
def test_a_failure_of_the_store_comes_out_of_the_thread_as_itself(recipe: Recipe, share: float) -> None:
    data, failure = encoded(np.resize(sound(recipe.rate), 120 * recipe.rate), recipe), Retryable("slow")
    with pytest.raises(Retryable) as caught:
        blocks(CountingStream(data, int(share * len(data)), failure), 2)
    assert caught.value is failure
    assert decoding_threads() == 0


def test_an_error_of_the_file_leaves_no_thread_behind() -> None:
    data = encoded(sound(16_000), FLAC)
    with pytest.raises(Damaged, match="the header states 12"):
        blocks(data[: len(data) // 2], 2)
    with pytest.raises(KlipscribeError, match="expected at most 43200 s"):
        blocks(seconds_stamped(0, 13 * 3600), 2)
    assert decoding_threads() == 0


@pytest.mark.parametrize("threads", [0, -1])
def test_fewer_threads_than_one_are_refused(threads: int) -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        PyAvReader(threads=threads)
