from threading import Event

import pytest

from core.audio import AudioInfo
from core.billing import Bill
from core.clips import ClippedReader
from core.errors import Damaged, EngineFailed, Rejected
from core.parts import CONTEXT, Part, all_heard, divided, heard, joined
from core.ports import SAMPLE_RATE_HZ
from core.transcript import Gap, Transcript, Word
from tests.fakes.parts import PartEngine, clipper, silence, source

RATE = SAMPLE_RATE_HZ
INFO = AudioInfo(100.0, 8_000, 1, "mp3")
CUTS = [30 * RATE, 60 * RATE]


def three() -> list[Part]:
    return divided(source(), INFO, CUTS, clipper(silence(100)))


def test_parts_share_the_context_on_both_sides_of_each_cut() -> None:
    parts = three()
    assert [(part.cut, part.end) for part in parts] == [(0, CUTS[0]), (CUTS[0], CUTS[1]), (CUTS[1], None)]
    assert [part.start for part in parts] == [0, CUTS[0] - CONTEXT, CUTS[1] - CONTEXT]
    assert [part.clip.end for part in parts if part.clip] == [CUTS[0] + CONTEXT, CUTS[1] + CONTEXT, None]
    assert [part.info.duration_s for part in parts] == [40.0, 50.0, 50.0]


def test_parts_say_where_they_are() -> None:
    uri = "gs://audio/1/audio_1.mp3"
    assert [part.name for part in three()] == [
        f"{uri} from 0 s to 40 s",
        f"{uri} from 20 s to 70 s",
        f"{uri} from 50 s to its end",
    ]
    outer, _ = clipper(silence(100)).clip(source(), 10 * RATE, None)
    (first, _) = divided(outer, INFO, CUTS[:1], clipper(silence(100)))
    assert first.name == f"{uri} from 10 s to 50 s"


def test_a_file_without_a_cut_is_one_part_as_it_is() -> None:
    whole = source()
    assert divided(whole, INFO, [], clipper(silence(100))) == [Part(whole, INFO)]
    assert Part(whole, INFO).name == whole.object.uri


def test_the_files_fault_outweighs_an_engines() -> None:
    damaged = Event()

    def hear(part: Part) -> Transcript:
        if part.cut:
            damaged.set()
            raise Damaged("broken", code="truncated")
        damaged.wait(20)
        raise EngineFailed("it could not")

    with pytest.raises(Rejected):
        all_heard(three()[:2], hear, at_once=2)


def test_what_is_raised_is_the_failure_and_not_that_others_were_called_off() -> None:
    begun = Event()

    def hear(part: Part) -> Transcript:
        if part.cut:
            begun.wait(20)
            raise EngineFailed("it could not")
        begun.set()
        while True:
            part.check()

    with pytest.raises(EngineFailed):
        all_heard(three()[:2], hear, at_once=2)


def test_parts_that_have_not_begun_are_not_heard_once_one_has_failed() -> None:
    begun: list[int] = []

    def hear(part: Part) -> Transcript:
        begun.append(part.cut)
        part.check()
        raise EngineFailed("it could not")

    with pytest.raises(EngineFailed):
        all_heard(three(), hear, at_once=1)
    # The one thread may take the second part before it is called off.
    assert len(begun) < 3


def test_transcripts_come_in_the_order_of_their_parts() -> None:
    last = Event()

    def hear(part: Part) -> Transcript:
        if part.end is None:
            last.set()
        last.wait(20)
        return Transcript((), part.info.duration_s, str(part.cut), "m")

    assert [each.engine for each in all_heard(three(), hear, at_once=3)] == ["0", str(CUTS[0]), str(CUTS[1])]


@pytest.mark.parametrize(("off_s", "well"), [(0.0, True), (0.49, True), (0.51, False), (-0.51, False)])
def test_an_engine_has_to_have_heard_as_much_as_there_is(off_s: float, well: bool) -> None:
    reader = silence(100)
    engine = PartEngine("deepgram", ClippedReader(reader), off_s=off_s)
    (head, _) = divided(source(), INFO, CUTS[:1], clipper(reader))
    if well:
        assert heard(engine, head, Bill()).duration_s == 40 + off_s
        return
    with pytest.raises(EngineFailed, match=r"deepgram heard .* s of audio, expected 40.000 s") as caught:
        heard(engine, head, Bill())
    assert caught.value.code == "engine_bad_result"


def test_a_gap_that_two_parts_own_up_to_is_one_and_none_hides_a_word() -> None:
    gaps = [(Gap(25.0, 36.0, "no_words"),), (Gap(5.0, 20.0, "no_words"),), ()]
    words = [(), (Word("yes", 16.0, 16.4),), ()]
    transcripts = [
        Transcript(words[i], part.info.duration_s, "e", "m", gaps=gaps[i]) for i, part in enumerate(three())
    ]
    found = joined(three(), transcripts, "e", "m").gaps
    # Seconds 25 to 30 of the first and 30 to 40 of the second, where a word is said at 36.
    assert [(gap.start_s, gap.end_s) for gap in found] == [(25.0, 35.75), (36.65, 40.0)]


def test_the_length_is_that_of_the_audio_and_else_the_engines_word() -> None:
    parts = three()
    transcripts = [Transcript((), part.info.duration_s, "e", "m") for part in parts]
    assert joined(parts, transcripts, "e", "m").duration_s == 100.0
    assert parts[2].clip is not None
    assert sum(len(block.samples) for block in parts[2].clip.blocks()) == 50 * RATE
    parts[2].clip.length = 49 * RATE
    assert joined(parts, transcripts, "e", "m").duration_s == 99.0
