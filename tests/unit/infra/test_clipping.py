import io
from collections.abc import Iterator

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio import AudioSource
from core.clips import ClippedReader, Clipper
from core.errors import Damaged
from core.ports import SAMPLE_RATE_HZ, Block
from infra.audio import PyAvReader
from infra.audio_processes import ProcessReader
from infra.clipping import flac
from tests.fakes.recordings import (
    MP3,
    VARIABLE,
    CountingStream,
    OneFileStore,
    Recipe,
    chirp,
    encoded,
    source_of,
)

RATE = SAMPLE_RATE_HZ
RECIPES = [
    MP3,
    Recipe("mp3", "libmp3lame", rate=44_100, layout="stereo", codec_options=VARIABLE),
    Recipe("ipod", "aac", rate=44_100, layout="stereo", bit_rate=128_000),
    Recipe("ogg", "libopus", rate=48_000, bit_rate=32_000),
    Recipe("flac", "flac", rate=16_000),
]


class Anew(OneFileStore):
    """A file that every reader opens for itself."""

    def __init__(self, data: bytes) -> None:
        super().__init__(None)
        self.data = data

    def open(self, bucket: str, name: str, generation: int) -> CountingStream:
        return CountingStream(self.data)


def recording(recipe: Recipe, seconds: float = 40.0) -> AudioSource:
    return AudioSource(source_of(None).object, Anew(encoded(chirp(seconds, recipe.rate), recipe)))


def samples(blocks: Iterator[Block]) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in blocks])


def decoded(data: bytes) -> NDArray[np.int16]:
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("flac", RATE, 1)
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def read(source: AudioSource, size: int = 1 << 20) -> bytes:
    with source.open() as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("recipe", RECIPES, ids=[f"{recipe.codec}-{recipe.rate}" for recipe in RECIPES])
@pytest.mark.parametrize(
    ("start", "end"), [(0, 21 * RATE + 7), (13 * RATE + 5, 14 * RATE), (25 * RATE + 1, None)]
)
def test_a_clip_says_bit_for_bit_what_the_whole_file_says_there(
    recipe: Recipe, start: int, end: int | None
) -> None:
    whole, reader = recording(recipe), PyAvReader()
    expected = samples(reader.blocks(whole))[start:end]
    part, clip = Clipper(ClippedReader(reader), flac).clip(whole, start, end)
    np.testing.assert_array_equal(decoded(read(part)), expected)
    np.testing.assert_array_equal(samples(ClippedReader(reader).blocks(part)), expected)
    assert clip.length == len(expected)


def test_a_clip_is_the_same_when_it_is_read_again_and_in_other_sips() -> None:
    part, _ = Clipper(PyAvReader(), flac).clip(recording(MP3), 3 * RATE, 20 * RATE)
    first = read(part)
    assert read(part) == first
    assert read(part, 777) == first


def test_a_process_that_decodes_can_be_left_before_the_end_of_the_file() -> None:
    whole = recording(MP3, 100.0)
    reader = ProcessReader(1)
    try:
        expected = samples(reader.blocks(whole))
        for _ in range(2):
            part, _clip = Clipper(ClippedReader(reader), flac).clip(whole, 5 * RATE, 6 * RATE)
            np.testing.assert_array_equal(decoded(read(part)), expected[5 * RATE : 6 * RATE])
    finally:
        reader.close()


def endless(taken: list[int]) -> Iterator[Block]:
    rng = np.random.default_rng(3)
    try:
        while True:
            taken.append(10 * RATE)
            yield Block((rng.normal(size=10 * RATE) * 3_000).astype(np.int16))
    finally:
        taken.append(-1)


def test_no_more_is_encoded_than_is_read() -> None:
    taken: list[int] = []
    with flac(endless(taken)) as stream:
        for _ in range(40):
            assert len(stream.read(100_000)) == 100_000
        # Noise at this level takes some 14 of 16 bits.
        assert 40 * 100_000 / 2 <= sum(taken) <= 40 * 100_000 / 1.5 + 2 * 10 * RATE


def test_leaving_early_lets_the_decoder_go() -> None:
    taken: list[int] = []
    with flac(endless(taken)) as stream:
        stream.read(10)
    assert taken[-1] == -1
    assert stream.closed


def test_what_goes_wrong_while_decoding_comes_out_as_itself() -> None:
    def broken() -> Iterator[Block]:
        yield Block(np.zeros(RATE, np.int16))
        raise Damaged("half of it is missing", code="truncated")

    with flac(broken()) as stream, pytest.raises(Damaged, match="half of it"):
        stream.read(1 << 20)


def test_no_samples_are_a_file_without_sound() -> None:
    with flac(iter(())) as stream:
        assert stream.read(100).startswith(b"fLaC")


def test_a_clip_can_not_be_read_out_of_order() -> None:
    with flac(iter(())) as stream:
        assert not stream.seekable()
        with pytest.raises(io.UnsupportedOperation):
            stream.seek(0)
