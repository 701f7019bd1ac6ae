"""One file in several processes against a straight pass: bit for bit, or straight on."""

import io
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import pairwise

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio import AudioObject, AudioSource
from core.errors import Damaged, Retryable
from core.ports import AudioReader, Block
from infra.audio import PyAvReader
from infra.audio_file import READ_BYTES, opened
from infra.audio_processes import LONG_BYTES, ProcessReader, _behind
from infra.audio_side_by_side import RANGES, fits
from infra.audio_stretch import STRETCH_S, STRETCH_SAMPLES, Odd, stretches
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import VARIABLE, CountingStream, Recipe, encoded, source_of
from tests.unit.infra.decoder_processes import decoders

RATE = 16_000
MINUTES = {
    "mp3 8 kHz": Recipe("mp3", "libmp3lame", rate=8_000, bit_rate=64_000),
    "mp3 stereo 44.1 kHz": Recipe("mp3", "libmp3lame", rate=44_100, layout="stereo"),
    "mp3 48 kHz, 320 kbit/s": Recipe("mp3", "libmp3lame", layout="stereo", bit_rate=320_000),
    "mp3 variable": Recipe("mp3", "libmp3lame", rate=44_100, codec_options=VARIABLE),
    "flac": Recipe("flac", "flac", rate=44_100),
    "wav": Recipe("wav", "pcm_s16le", rate=22_050),
    "wav 24 bit 96 kHz": Recipe("wav", "pcm_s24le", rate=96_000),
}
STRAIGHT_ON = {
    "m4a": Recipe("ipod", "aac", rate=44_100, layout="stereo", bit_rate=128_000),
    "wav of floats": Recipe("wav", "pcm_f32le", rate=16_000),
}
FLAC = Recipe("flac", "flac", rate=RATE)


@pytest.fixture(scope="module")
def reader() -> Iterator[ProcessReader]:
    with closing(ProcessReader(3, per_file=3)) as reader:
        yield reader
    assert decoders() == []


def speech(seconds: float, rate: int) -> NDArray[np.float64]:
    """Tones and noise that come and go, never twice the same, with true silence between."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(5).uniform(-0.2, 0.2, len(t))
    return np.where(np.sin(t * 1.7) > -0.5, 0.4 * np.sin(t * (1500 + 400 * np.sin(t * 0.3))) + noise, 0)


def blocks(source: Iterator[Block]) -> list[tuple[bytes, bool]]:
    return [(block.samples.tobytes(), block.is_hole) for block in source]


def named(reader: AudioReader, data: bytes | CountingStream) -> Iterator[Block]:
    """The blocks of a file that may be opened anew, unless it is a stream."""
    if isinstance(data, CountingStream):
        return iter(reader.blocks(source_of(data)))
    store = MemoryStore(FakeClock())
    about = store.write("audio", "1/audio_1.mp3", data)
    return iter(reader.blocks(AudioSource(AudioObject("audio", about.name, about.generation), store)))


@cache
def made(name: str) -> bytes:
    """Almost three minutes: five stretches."""
    recipe = (MINUTES | STRAIGHT_ON)[name]
    return encoded(speech(170, recipe.rate), recipe)


def straight(data: bytes) -> list[tuple[bytes, bool]]:
    return blocks(named(PyAvReader(), data))


def in_stretches(data: bytes, step: int) -> list[NDArray[np.int16]]:
    """All stretches, by as many passes as there would be processes."""
    passes = []
    for first in range(step):
        with opened(source_of(data)) as audio:
            passes.append(list(stretches(audio, first, step)))
    return [passes[index % step][index // step] for index in range(sum(map(len, passes)))]


@pytest.mark.parametrize("name", MINUTES)
def test_stretches_put_together_are_the_file_and_their_borders_agree(name: str) -> None:
    parts = in_stretches(made(name), 3)
    whole = np.concatenate([block.samples for block in named(PyAvReader(), made(name))])
    assert len(parts) == 5
    assert np.array_equal(np.concatenate([part[:STRETCH_SAMPLES] for part in parts]), whole)
    for part, behind in pairwise(parts):
        border = part[STRETCH_SAMPLES:]
        assert np.array_equal(border, behind[: len(border)])
        assert len(border) == RATE // 2


@pytest.mark.parametrize("seconds", [79.5, 80, 80.001, 80.3, 81, 81.5, 119.999])
def test_wherever_a_file_ends_nothing_is_lost_or_added(seconds: float, reader: ProcessReader) -> None:
    recipe = Recipe("wav", "pcm_s16le", rate=44_100)
    data = encoded(speech(seconds, 44_100), recipe)
    assert blocks(named(reader, data)) == straight(data)


@pytest.mark.parametrize("name", STRAIGHT_ON)
def test_what_can_not_be_cut_into_stretches_is_decoded_straight_on(name: str, reader: ProcessReader) -> None:
    assert len(made(name)) > LONG_BYTES
    assert blocks(named(reader, made(name))) == straight(made(name))
    assert len(decoders()) == 3


@pytest.mark.parametrize("name", STRAIGHT_ON)
def test_a_decoder_that_does_not_forget_is_left_to_one_process(name: str) -> None:
    with opened(source_of(made(name))) as audio, pytest.raises(Odd):
        list(stretches(audio, 0, 2))


@pytest.mark.parametrize("is_cut_out", [False, True])
@pytest.mark.parametrize("place", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("name", ["mp3 stereo 44.1 kHz", "mp3 variable", "flac"])
def test_a_scratch_anywhere_has_the_outcome_of_a_straight_pass(
    name: str, place: float, is_cut_out: bool, reader: ProcessReader
) -> None:
    data = made(name)
    at, lost = round(place * len(data)), len(data) // 100
    broken = data[:at] + bytes(0 if is_cut_out else lost) + data[at + lost :]
    whole = straight(broken)
    assert blocks(named(reader, broken)) == whole
    before = decoders()
    assert len(before) == 3
    assert blocks(named(reader, broken)) == whole
    assert decoders() == before


def without_packets(data: bytes, first: int, behind: int) -> bytes:
    """A FLAC file that lacks whole packets: nothing of it is broken, but the stamps jump."""
    target = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as whole, av.open(target, "w", format="flac") as out:
        stream = out.add_stream_from_template(whole.streams.audio[0])
        for index, packet in enumerate(whole.demux(audio=0)):
            if packet.size and not first <= index < behind:
                packet.stream = stream
                out.mux(packet)
    return target.getvalue()


def test_a_hole_between_whole_packets_is_marked_as_in_a_straight_pass(reader: ProcessReader) -> None:
    data = without_packets(made("flac"), 1100, 1120)
    assert any(is_hole for _, is_hole in straight(data))
    assert blocks(named(reader, data)) == straight(data)


@pytest.mark.parametrize("name", ["mp3 stereo 44.1 kHz", "flac", "wav"])
def test_a_file_that_ends_early_is_refused_behind_the_blocks_of_a_straight_pass(
    name: str, reader: ProcessReader
) -> None:
    half, given = made(name)[: len(made(name)) // 2], []
    for one in (reader, PyAvReader()):
        came: list[bytes] = []
        with pytest.raises(Damaged, match=r"the header states 1[67]\d\.\d+ s") as caught:
            came.extend(block.samples.tobytes() for block in named(one, half))
        given.append((came, str(caught.value)))
    assert given[0] == given[1]


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_sound_of_other_parameters_on_the_way_is_heard_as_in_a_straight_pass(
    rate: int, reader: ProcessReader
) -> None:
    first = encoded(speech(100, 44_100), Recipe("mp3", "libmp3lame", rate=44_100), to_pipe=True)
    second = encoded(speech(60, rate), Recipe("mp3", "libmp3lame", rate=rate, layout="stereo"))
    assert blocks(named(reader, first + second)) == straight(first + second)


@pytest.mark.parametrize("name", MINUTES)
def test_several_processes_give_the_very_blocks_of_one_pass_and_read_the_store_once(
    name: str, reader: ProcessReader
) -> None:
    assert len(made(name)) > LONG_BYTES
    stream = CountingStream(made(name))  # cannot be opened a second time
    assert blocks(named(reader, stream)) == straight(made(name))
    if len(made(name)) < RANGES * READ_BYTES:  # else processes may be too far apart to share all ranges
        assert stream.bytes_read < 1.1 * len(made(name))


def test_a_failure_of_the_store_comes_out_as_itself(reader: ProcessReader) -> None:
    data, failure = made("flac"), Retryable("slow")
    with pytest.raises(Retryable) as caught:
        blocks(named(reader, CountingStream(data, len(data) // 2, failure)))
    assert caught.value is failure
    assert blocks(named(reader, data)) == straight(data)


def test_stretches_fit_where_the_second_starts_as_the_first_one_ends() -> None:
    border, none = np.arange(8_000, dtype=np.int16), np.zeros(0, np.int16)
    assert fits(np.arange(20_000, dtype=np.int16), border, is_over=False)
    assert fits(None, none, is_over=False)
    assert fits(none, none, is_over=True)
    assert not fits(np.arange(1, 20_000, dtype=np.int16), border, is_over=False)
    assert not fits(border[:-1], border, is_over=False)
    assert not fits(None, border, is_over=False)
    assert not fits(border, none, is_over=True)


def test_of_a_straight_pass_only_what_was_not_given_is_given_again() -> None:
    whole = [Block(np.arange(10, dtype=np.int16)), Block(np.arange(10, 20, dtype=np.int16), is_hole=True)]
    for given in range(20):
        left = list(_behind(given, iter(whole)))
        assert [sample for block in left for sample in block.samples.tolist()] == list(range(given, 20))
        assert [block.is_hole for block in left] == [False, True][given // 10 :]


def test_a_stretch_is_whole_blocks_so_that_blocks_are_those_of_a_straight_pass() -> None:
    assert STRETCH_S % 10 == 0
