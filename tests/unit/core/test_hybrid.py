"""One file over two engines: who hears what, and that no word is lost, doubled or moved."""

import random
from collections.abc import Callable
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio import AudioSource
from core.billing import Bill
from core.clips import Clip, ClippedReader
from core.errors import EngineFailed
from core.hybrid import Hybrid
from core.ports import SAMPLE_RATE_HZ, AudioReader
from core.routes import EngineFacts
from core.transcript import Gap, Transcript, Word
from tests.fakes.oracle import hear, reach, sound, speak
from tests.fakes.parts import PartEngine, SoundReader, apart, clipper, silence, source
from tests.unit.core.test_stitch import VOCABULARY

RATE = SAMPLE_RATE_HZ
LENGTH_S = 300.0
CONTEXT_S = 10.0
EVEN = EngineFacts(parakeet_rtfx=100, deepgram_rtfx=100)
Said = Callable[[float, float], list[Word]]


def counted(start_s: float, end_s: float) -> list[Word]:
    """A word each second, at the second, which is the number of the second."""
    return [
        Word(str(s), s + 0.1, s + 0.5) for s in range(int(end_s) + 1) if start_s <= s and s + 0.5 <= end_s
    ]


class Rig:
    """A hybrid over two engines that hear every word, unless told otherwise."""

    def __init__(
        self,
        reader: AudioReader | None = None,
        *,
        parakeet: dict[str, Any] | None = None,
        deepgram: dict[str, Any] | None = None,
        **hybrid: Any,
    ) -> None:
        self.reader = reader or silence(LENGTH_S)
        clipped = ClippedReader(self.reader)
        self.parakeet = PartEngine("parakeet", clipped, **{"hear": counted, **(parakeet or {})})
        self.deepgram = PartEngine("deepgram", clipped, **{"hear": counted, **(deepgram or {})})
        self.moved: list[tuple[str, str]] = []
        self.bill = Bill()
        self._hybrid = {"facts": lambda: EVEN, **hybrid}

    @property
    def hybrid(self) -> Hybrid:
        return Hybrid(
            parakeet=self.parakeet,
            deepgram=self.deepgram,
            clipper=clipper(self.reader),
            on_moved=lambda engine, part, error: self.moved.append((engine, type(error).__name__)),
            **self._hybrid,
        )

    def run(self, of: AudioSource | None = None) -> Transcript:
        of = of or source()
        return self.hybrid.transcribe(of, self.reader.probe(of), self.bill)

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Which engine was asked for which part, in no order."""
        engines = [("parakeet", self.parakeet), ("deepgram", self.deepgram)]
        return sorted((name, part) for name, engine in engines for part, _, _ in engine.asked)

    def clip(self, engine: PartEngine) -> Clip:
        (found,) = [source.store for _, source, _ in engine.asked if isinstance(source.store, Clip)]
        return found


def numbers(transcript: Transcript) -> list[str]:
    return [word.text for word in transcript.words]


ALL = [str(s) for s in range(int(LENGTH_S))]


def test_each_engine_hears_its_part_and_the_times_are_right_in_both() -> None:
    rig = Rig()
    transcript = rig.run()
    assert rig.asked == [("deepgram", "tail"), ("parakeet", "head")]
    assert numbers(transcript) == ALL
    for word in transcript.words:
        assert word.start_s == pytest.approx(int(word.text) + 0.1)
    assert (transcript.engine, transcript.model) == ("hybrid", "parakeet-fake + deepgram-fake")
    assert transcript.duration_s == LENGTH_S


def test_both_engines_work_at_the_same_time() -> None:
    both = Barrier(2, timeout=20)
    meanwhile = {"meanwhile": lambda _: both.wait()}
    assert numbers(Rig(parakeet=meanwhile, deepgram=meanwhile).run()) == ALL


def test_both_are_on_the_bill() -> None:
    rig = Rig()
    rig.run()
    heard = {usage.runner: usage.heard_s for usage in rig.bill.usages}
    assert heard == {"parakeet": pytest.approx(160, abs=6), "deepgram": pytest.approx(160, abs=6)}
    assert sum(heard.values()) == LENGTH_S + 2 * CONTEXT_S


def test_the_split_is_where_both_finish_together_and_both_use_the_same_one() -> None:
    rig = Rig(facts=lambda: EngineFacts(parakeet_rtfx=10, deepgram_rtfx=20, queue_s=3))
    rig.run()
    head, tail = rig.clip(rig.parakeet), rig.clip(rig.deepgram)
    assert head.end is not None
    assert (head.start, tail.end) == (0, None)
    assert head.end - tail.start == 2 * CONTEXT_S * RATE
    # 3 + h / 10 = (300 - h) / 20 at h = 80; in silence the latest of all places is as quiet as any.
    assert head.end / RATE - CONTEXT_S == pytest.approx(80, abs=0.3)


def test_a_split_that_is_set_wins_over_the_speeds() -> None:
    rig = Rig(split_s=200.0)
    rig.run()
    assert rig.clip(rig.deepgram).start / RATE + CONTEXT_S == pytest.approx(200, abs=0.3)


def test_the_split_is_moved_to_a_pause() -> None:
    rng = np.random.default_rng(5)
    audio = (rng.normal(size=round(LENGTH_S * RATE)) * 3_000).astype(np.int16)
    audio[round(143.0 * RATE) : round(143.6 * RATE)] = 0
    rig = Rig(SoundReader(audio))
    rig.run()
    assert 143.0 <= rig.clip(rig.deepgram).start / RATE + CONTEXT_S <= 143.6


@pytest.mark.parametrize(
    ("seconds", "facts", "split_s", "engine"),
    [
        (100.0, EVEN, None, "parakeet"),  # too short for two
        (300.0, EVEN, 9000.0, "parakeet"),
        (300.0, EngineFacts(queue_s=1e6), None, "deepgram"),
        (300.0, EVEN, 10.0, "deepgram"),
    ],
)
def test_where_there_is_nothing_to_split_one_engine_hears_the_file_itself(
    seconds: float, facts: EngineFacts, split_s: float | None, engine: str
) -> None:
    rig = Rig(silence(seconds), facts=lambda: facts, split_s=split_s)
    of = source()
    transcript = rig.run(of)
    (asked,) = (rig.parakeet if engine == "parakeet" else rig.deepgram).asked
    assert asked[1] == of
    assert rig.asked == [(engine, "whole")]
    assert (transcript.engine, transcript.model) == (engine, f"{engine}-fake")
    assert len(transcript.words) == int(seconds)


def test_audio_that_ends_before_the_split_is_heard_whole() -> None:
    class Boastful(SoundReader):
        def probe(self, source: AudioSource) -> Any:
            return silence(LENGTH_S).probe(source)

    rig = Rig(Boastful(silence(100).samples))
    assert numbers(rig.run()) == ALL[:100]
    assert rig.asked == [("parakeet", "whole")]


def test_the_language_of_the_file_is_kept() -> None:
    assert Rig().run(source(language="en-GB")).language == "en-GB"


def test_gaps_keep_their_place_and_none_reaches_into_the_other_part() -> None:
    split_s = 150.0
    gaps = (Gap(20.0, 26.0, "no_words"), Gap(split_s - 4, split_s + 6, "not_decodable"))
    rig = Rig(parakeet={"gaps": {"head": gaps}, "hear": lambda *_: []}, split_s=split_s)
    found = rig.run().gaps
    assert [(gap.start_s, gap.reason) for gap in found] == [(20.0, "no_words"), (146.0, "not_decodable")]
    assert [gap.end_s for gap in found] == [26.0, pytest.approx(split_s, abs=0.3)]


def test_gaps_of_a_tail_that_parakeet_heard_are_shifted() -> None:
    gaps = {"tail": (Gap(2.0, 8.0, "no_words"), Gap(50.0, 60.0, "no_words"))}
    rig = Rig(
        parakeet={"gaps": gaps, "hear": lambda *_: []},
        deepgram={"fails": {"tail": EngineFailed("it could not")}},
        split_s=150.0,
    )
    start_s = 140.0
    (gap,) = rig.run().gaps  # the first one lies before the cut, where the head was heard
    assert gap.start_s == pytest.approx(start_s + 50, abs=0.3)
    assert gap.end_s == pytest.approx(start_s + 60, abs=0.3)


@given(
    seed=st.integers(0, 2**32),
    duration_s=st.floats(130, 200),
    share=st.floats(0, 1),
    words=st.integers(1, len(VOCABULARY)),
    quiet=st.sampled_from([0.0, 0.01, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_every_spoken_word_comes_out_once_wherever_the_split_is(
    seed: int, duration_s: float, share: float, words: int, quiet: float
) -> None:
    rng = random.Random(seed)
    duration_s = round(duration_s, 2)
    spoken = speak(rng, duration_s, VOCABULARY[:words])
    limits = reach(spoken)

    def said(start_s: float, end_s: float) -> list[Word]:
        return apart(hear(random.Random(f"{seed} {start_s}"), spoken, limits, start_s, end_s).words)

    split_s = 60 + share * (duration_s - 120)
    rig = Rig(
        SoundReader(sound(spoken, duration_s, quiet)),
        parakeet={"hear": said},
        deepgram={"hear": said},
        split_s=split_s,
    )
    transcript = rig.run()
    assert rig.asked == [("deepgram", "tail"), ("parakeet", "head")]
    assert [word.bare for word in transcript.words] == [word.bare for word in spoken]
    for word, truth in zip(transcript.words, spoken, strict=True):
        assert abs(word.midpoint_s - truth.midpoint_s) < 0.5
