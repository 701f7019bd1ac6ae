from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio import AudioInfo, AudioSource
from core.clips import Abandoned, ClippedReader
from core.ports import SAMPLE_RATE_HZ, Block
from tests.fakes.parts import SoundReader, clipper, source

WHOLE = np.arange(1_000, dtype=np.int16)
INFO = AudioInfo(100.0, 44_100, 2, "mp3")


def samples_of(reader: SoundReader, of: AudioSource) -> list[int]:
    return [int(sample) for block in ClippedReader(reader).blocks(of) for sample in block.samples]


@given(
    block=st.integers(1, 1_200),
    start=st.integers(0, 1_100),
    end=st.one_of(st.none(), st.integers(0, 1_100)),
)
def test_a_clip_has_the_samples_of_the_whole_however_that_is_divided_into_blocks(
    block: int, start: int, end: int | None
) -> None:
    reader = SoundReader(WHOLE, block)
    part, clip = clipper(reader).clip(source(), start, end)
    expected = WHOLE[start:end].tolist()
    assert samples_of(reader, part) == expected
    assert clip.length == len(expected)


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 500), st.integers(0, 500))
def test_a_clip_of_a_clip_is_a_clip_of_the_file(start: int, length: int, skip: int, kept: int) -> None:
    reader = SoundReader(WHOLE, 100)
    outer, _ = clipper(reader).clip(source(), start, start + length)
    for end, expected in [
        (skip + kept, WHOLE[start + skip :][:kept]),
        (None, WHOLE[start : start + length][skip:]),
    ]:
        inner, clip = clipper(reader).clip(outer, skip, end)
        assert samples_of(reader, inner) == expected.tolist()
        assert not hasattr(clip.whole.store, "whole")


def test_a_hole_stays_a_hole() -> None:
    class Holed(SoundReader):
        def blocks(self, source: AudioSource) -> Iterator[Block]:
            yield Block(WHOLE[:500])
            yield Block(WHOLE[500:], is_hole=True)

    reader = Holed(WHOLE)
    part, _ = clipper(reader).clip(source(), 400, 600)
    found = [(len(block.samples), block.is_hole) for block in ClippedReader(reader).blocks(part)]
    assert found == [(100, False), (100, True)]


def test_nothing_is_decoded_behind_the_end_of_a_clip() -> None:
    reader = SoundReader(WHOLE, 100)
    part, _ = clipper(reader).clip(source(), 50, 250)
    assert len(samples_of(reader, part)) == 200
    assert reader.taken == 300


def test_the_length_of_a_clip_is_known_once_all_of_it_was_read() -> None:
    _, clip = clipper(SoundReader(WHOLE, 100)).clip(source(), 0, 900)
    blocks = clip.blocks()
    next(blocks)
    assert clip.length is None
    assert sum(len(block.samples) for block in blocks) == 800
    assert clip.length == 900


def test_a_clip_that_is_abandoned_stops_who_reads_it_or_a_part_of_it() -> None:
    make = clipper(SoundReader(WHOLE, 100))
    outer, clip = make.clip(source(), 100, None)
    _, inner = make.clip(outer, 100, None)
    readers = [clip.blocks(), inner.blocks()]
    for blocks in readers:
        next(blocks)
    clip.abandon()
    for blocks in readers:
        with pytest.raises(Abandoned):
            next(blocks)


def test_abandoning_a_part_leaves_the_rest_alone() -> None:
    make = clipper(SoundReader(WHOLE, 100))
    outer, clip = make.clip(source(), 100, None)
    _, inner = make.clip(outer, 100, None)
    inner.abandon()
    clip.check()
    with pytest.raises(Abandoned):
        inner.check()


def test_a_clip_has_a_name_and_a_key_of_its_own_and_no_url() -> None:
    whole = source(language="de")
    make = clipper(SoundReader(WHOLE))
    part, _ = make.clip(whole, 8_000, 24_000)
    rest, _ = make.clip(whole, 24_000, None)
    assert part.object.uri == f"{whole.object.uri}#t=0.500,1.500"
    assert rest.object.uri == f"{whole.object.uri}#t=1.500"
    assert len({each.object.job_id for each in (whole, part, rest)}) == 3
    assert make.clip(whole, 8_000, 24_000)[0].object == part.object
    assert (part.url(60), part.object.size_bytes) == (None, 0)
    assert part.object.metadata == {"language": "de"}


def test_of_the_end_of_a_file_only_an_estimate_is_known() -> None:
    make = clipper(SoundReader(WHOLE))
    _, middle = make.clip(source(), 10 * SAMPLE_RATE_HZ, 30 * SAMPLE_RATE_HZ)
    _, rest = make.clip(source(), 30 * SAMPLE_RATE_HZ, None)
    assert middle.info(INFO) == AudioInfo(20.0, SAMPLE_RATE_HZ, 1, "flac")
    assert rest.info(INFO) == AudioInfo(70.0, SAMPLE_RATE_HZ, 1, "flac", is_estimate=True)


def test_files_are_read_as_without_clips() -> None:
    inner = SoundReader(WHOLE, 300)
    reader = ClippedReader(inner)
    assert reader.probe(source()) == inner.probe(source())
    assert [len(block.samples) for block in reader.blocks(source())] == [300, 300, 300, 100]


def test_a_clip_is_probed_by_its_file() -> None:
    inner = SoundReader(np.zeros(3 * SAMPLE_RATE_HZ, np.int16))
    part, _ = clipper(inner).clip(source(), SAMPLE_RATE_HZ, None)
    assert ClippedReader(inner).probe(part).duration_s == 2.0
