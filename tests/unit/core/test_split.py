"""Files that are too long for one request."""

import random
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.clips import Clip, ClippedReader
from core.errors import Damaged, EngineFailed, KlipscribeError, Retryable
from core.ports import SAMPLE_RATE_HZ, AudioReader
from core.split import Split
from core.transcript import Transcript, Word
from tests.fakes.oracle import hear, reach, sound, speak
from tests.fakes.parts import EndlessReader, PartEngine, SoundReader, apart, clipper, silence, source
from tests.unit.core.test_hybrid import ALL, LENGTH_S, counted, numbers
from tests.unit.core.test_stitch import VOCABULARY

RATE = SAMPLE_RATE_HZ


class Rig:
    """300 s of audio, an engine ten times as fast as that, and 10 s for a request: three parts."""

    def __init__(
        self, reader: AudioReader | None = None, *, engine: dict[str, Any] | None = None, **split: Any
    ) -> None:
        self.reader = reader or silence(LENGTH_S)
        more = {"hear": counted, **(engine or {})}
        self.engine = PartEngine("deepgram", ClippedReader(self.reader), **more)
        self.bill = Bill()
        how: dict[str, Any] = {"rtfx": lambda: 10.0, "limit_s": 10.0, **split}
        self.split = Split(self.engine, clipper=clipper(self.reader), **how)

    def run(self, of: AudioSource | None = None) -> Transcript:
        of = of or source()
        return self.split.transcribe(of, self.reader.probe(of), self.bill)

    @property
    def asked(self) -> list[str]:
        return sorted(part for part, _, _ in self.engine.asked)

    @property
    def clips(self) -> list[Clip]:
        found = [of.store for _, of, _ in self.engine.asked if isinstance(of.store, Clip)]
        return sorted(found, key=lambda clip: clip.start)


def test_a_file_within_the_limits_is_heard_as_it_is() -> None:
    rig, of = Rig(limit_s=30.0), source()
    assert numbers(rig.run(of)) == ALL
    assert [asked[1] for asked in rig.engine.asked] == [of]


@pytest.mark.parametrize(("limit_s", "parts"), [(29.9, 2), (15.0, 2), (14.9, 3), (10.0, 3), (9.9, 4)])
def test_what_would_take_longer_than_a_request_may_is_heard_in_as_few_parts_as_do(
    limit_s: float, parts: int
) -> None:
    rig = Rig(limit_s=limit_s)
    transcript = rig.run()
    assert len(rig.engine.asked) == parts
    assert numbers(transcript) == ALL
    assert (transcript.engine, transcript.model) == ("deepgram", "deepgram-fake")
    assert transcript.duration_s == LENGTH_S
    for word in transcript.words:
        assert word.start_s == pytest.approx(int(word.text) + 0.1)


@pytest.mark.parametrize(("size_bytes", "parts"), [(1_000, 1), (1_001, 2), (2_000, 2), (2_001, 3)])
def test_what_is_larger_than_a_request_may_be_is_heard_in_parts(size_bytes: int, parts: int) -> None:
    rig = Rig(limit_s=100.0, max_bytes=1_000)
    assert numbers(rig.run(source(size_bytes))) == ALL
    assert len(rig.engine.asked) == parts


def test_a_file_whose_size_nobody_said_is_looked_at() -> None:
    rig = Rig(limit_s=100.0, max_bytes=9)
    rig.run(source(size_bytes=0))  # its object has 10 bytes
    assert rig.asked == ["head", "tail"]


def test_a_part_of_a_file_is_divided_by_its_length_alone() -> None:
    rig = Rig(limit_s=15.0, max_bytes=1)
    part, _ = clipper(rig.reader).clip(source(size_bytes=5), 100 * RATE, None)
    info = AudioInfo(200.0, RATE, 1, "flac", is_estimate=True)
    transcript = rig.split.transcribe(part, info, rig.bill)
    assert [clip.start / RATE for clip in rig.clips] == [100, pytest.approx(190, abs=0.3)]
    assert [clip.whole.object.name for clip in rig.clips] == ["1/audio_1.mp3"] * 2
    assert numbers(transcript) == ALL[100:]
    assert transcript.words[0].start_s == pytest.approx(0.1)


def test_parts_do_not_become_tiny_where_an_engine_seems_to_stand_still() -> None:
    rig = Rig(rtfx=lambda: 0.001)
    assert numbers(rig.run()) == ALL
    assert len(rig.engine.asked) == 5


def test_all_requests_are_on_the_bill() -> None:
    rig = Rig()
    rig.run()
    assert sum(usage.heard_s for usage in rig.bill.usages) == LENGTH_S + 4 * 10
    assert len(rig.bill.usages) == 3


def test_so_many_parts_are_heard_at_once_and_no_more() -> None:
    lock, now, most = threading.Lock(), 0, 0
    two = threading.Barrier(2, timeout=20)

    def meanwhile(_: AudioSource) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        two.wait()
        with lock:
            now -= 1

    Rig(engine={"meanwhile": meanwhile}, limit_s=7.5, at_once=2).run()
    assert most == 2


@pytest.mark.parametrize("part", ["head", "middle", "tail"])
@pytest.mark.parametrize(
    "error",
    [EngineFailed("no", code="engine_refused", deterministic=True), Retryable("no", code="quota_exceeded")],
    ids=["refused", "busy"],
)
def test_a_part_that_fails_fails_the_file_and_is_named(part: Any, error: KlipscribeError) -> None:
    named = {"head": "from 0 s to 110 s", "middle": "from 90 s to 210 s", "tail": "from 190 s to its end"}[
        part
    ]
    error.args = ("no",)
    rig = Rig(engine={"fails": {part: error}})
    with pytest.raises(type(error)) as caught:
        rig.run()
    assert caught.value is error
    assert str(error) == f"gs://audio/1/audio_1.mp3 {named} could not be heard: no"
    assert [usage.heard_s for usage in rig.bill.usages if not usage.heard_s]


def test_damage_is_told_as_it_is() -> None:
    with pytest.raises(Damaged, match=r"^broken$"):
        Rig(engine={"fails": {"tail": Damaged("broken", code="corrupt")}}).run()


def test_when_a_part_fails_the_others_stop_and_no_thread_is_left() -> None:
    before = threading.active_count()
    with pytest.raises(EngineFailed):
        Rig(EndlessReader(), engine={"fails": {"head": EngineFailed("no")}}, limit_s=30.0).run()
    assert threading.active_count() == before


def test_audio_that_ends_before_the_first_cut_is_heard_as_it_is() -> None:
    class Boastful(SoundReader):
        def probe(self, source: AudioSource) -> AudioInfo:
            return silence(LENGTH_S).probe(source)

    rig = Rig(Boastful(silence(90).samples))
    assert numbers(rig.run()) == ALL[:90]
    assert rig.asked == ["whole"]


@given(
    seed=st.integers(0, 2**32),
    duration_s=st.floats(120, 240),
    part_s=st.floats(60, 150),
    words=st.integers(1, len(VOCABULARY)),
    quiet=st.sampled_from([0.0, 0.01, 1.0]),
)
@settings(max_examples=40, deadline=None)
def test_every_spoken_word_comes_out_once_however_many_parts_there_are(
    seed: int, duration_s: float, part_s: float, words: int, quiet: float
) -> None:
    rng = random.Random(seed)
    duration_s = round(duration_s, 2)
    spoken = speak(rng, duration_s, VOCABULARY[:words])
    limits = reach(spoken)

    def said(start_s: float, end_s: float) -> list[Word]:
        return apart(hear(random.Random(f"{seed} {start_s}"), spoken, limits, start_s, end_s).words)

    rig = Rig(
        SoundReader(sound(spoken, duration_s, quiet)), engine={"hear": said}, limit_s=part_s / 10, at_once=2
    )
    assert [word.bare for word in rig.run().words] == [word.bare for word in spoken]
