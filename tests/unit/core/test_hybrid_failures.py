"""One file over two engines, of which one or both fail at a part."""

import threading
from typing import Any

import pytest

from core.audio import AudioSource
from core.clips import Abandoned, Clip
from core.errors import (
    Damaged,
    EngineFailed,
    EngineLost,
    EngineRestarting,
    KlipscribeError,
    Retryable,
)
from core.ports import ObjectNotFound
from core.routes import EngineFacts
from core.transcript import Transcript
from tests.fakes.parts import EndlessReader
from tests.unit.core.test_hybrid import ALL, Rig, numbers


def failed(engine: str = "it") -> EngineFailed:
    return EngineFailed(f"{engine} could not", code="engine_out_of_memory", deterministic=True)


def busy(engine: str = "it") -> Retryable:
    return Retryable(f"{engine} is busy", code="quota_exceeded")


def rig(parakeet: dict[str, Exception], deepgram: dict[str, Exception], **more: Any) -> Rig:
    return Rig(parakeet={"fails": parakeet}, deepgram={"fails": deepgram}, **more)


PASSED_ON = [failed, busy, lambda: EngineLost("gone"), lambda: EngineRestarting("not now")]


@pytest.mark.parametrize("error", PASSED_ON)
def test_what_parakeet_fails_at_deepgram_hears(error: Any) -> None:
    place = rig({"head": error()}, {})
    transcript = place.run()
    assert numbers(transcript) == ALL
    assert (transcript.engine, transcript.model) == ("deepgram", "deepgram-fake")
    assert place.asked == [("deepgram", "head"), ("deepgram", "tail"), ("parakeet", "head")]
    assert place.moved == [("parakeet", type(error()).__name__)]


@pytest.mark.parametrize("error", PASSED_ON)
def test_what_deepgram_fails_at_parakeet_hears(error: Any) -> None:
    place = rig({}, {"tail": error()})
    transcript = place.run()
    assert numbers(transcript) == ALL
    assert (transcript.engine, transcript.model) == ("parakeet", "parakeet-fake")
    assert place.asked == [("deepgram", "tail"), ("parakeet", "head"), ("parakeet", "tail")]
    assert place.moved == [("deepgram", type(error()).__name__)]


def test_parts_may_change_places() -> None:
    transcript = rig({"head": failed()}, {"tail": busy()}).run()
    assert numbers(transcript) == ALL
    assert (transcript.engine, transcript.model) == ("hybrid", "deepgram-fake + parakeet-fake")


def test_failed_attempts_are_on_the_bill_too() -> None:
    place = rig({"head": failed()}, {"tail": busy()})
    place.run()
    usages = sorted((usage.runner, usage.heard_s > 0) for usage in place.bill.usages)
    assert usages == [("deepgram", False), ("deepgram", True), ("parakeet", False), ("parakeet", True)]


BOTH: list[tuple[str, KlipscribeError, KlipscribeError]] = [
    ("head", failed("parakeet"), failed("deepgram")),
    ("head", failed("parakeet"), busy("deepgram")),
    ("head", busy("parakeet"), failed("deepgram")),
    ("tail", failed("parakeet"), busy("deepgram")),
    ("tail", busy("parakeet"), failed("deepgram")),
    ("tail", EngineLost("parakeet is gone"), busy("deepgram")),
]


@pytest.mark.parametrize(("part", "ours", "theirs"), BOTH)
def test_a_part_that_neither_hears_fails_the_file_with_parakeets_error_and_names_the_part(
    part: str, ours: KlipscribeError, theirs: KlipscribeError
) -> None:
    place = rig({part: ours}, {part: theirs})
    said = str(ours)
    with pytest.raises(KlipscribeError) as caught:
        place.run()
    assert caught.value is ours
    assert said in str(ours)
    stretch = "from 0 s to 160 s" if part == "head" else "from 140 s to its end"
    assert str(ours).startswith(f"gs://audio/1/audio_1.mp3 {stretch} could not be heard: ")


def test_an_error_keeps_its_class_and_code_when_the_part_is_named() -> None:
    with pytest.raises(EngineFailed) as caught:
        rig({"head": failed()}, {"head": busy()}).run()
    assert (caught.value.code, caught.value.deterministic) == ("engine_out_of_memory", True)


@pytest.mark.parametrize("error", [failed, busy])
def test_where_failures_may_not_move_to_deepgram_the_head_fails(error: Any) -> None:
    place = rig({"head": error()}, {}, may_fall_back=False)
    with pytest.raises(type(error()), match="from 0 s to 160 s could not be heard"):
        place.run()
    assert ("deepgram", "head") not in place.asked
    assert place.moved == []


def test_where_failures_may_not_move_to_deepgram_the_tail_still_comes_back() -> None:
    assert rig({}, {"tail": failed()}, may_fall_back=False).run().engine == "parakeet"


@pytest.mark.parametrize(("parakeet", "deepgram"), [("head", "none"), ("none", "tail")])
@pytest.mark.parametrize("error", [Damaged("broken", code="corrupt"), ObjectNotFound("1/audio_1.mp3")])
def test_what_is_the_files_fault_no_other_engine_is_asked_to_mend(
    parakeet: str, deepgram: str, error: Exception
) -> None:
    place = rig({parakeet: error}, {deepgram: error})
    with pytest.raises(type(error)) as caught:
        place.run()
    assert caught.value is error
    assert not {("deepgram", "head"), ("parakeet", "tail")} & set(place.asked)


def test_an_engine_that_heard_too_much_or_too_little_has_failed() -> None:
    place = Rig(deepgram={"off_s": 0.6})
    assert numbers(place.run()) == ALL
    assert place.moved == [("deepgram", "EngineFailed")]


def test_when_one_part_fails_the_other_stops_and_no_thread_is_left() -> None:
    before = threading.active_count()
    # The tail has no end: it is only left because the head has failed.
    place = Rig(EndlessReader(), parakeet={"fails": {"head": failed()}}, may_fall_back=False)
    with pytest.raises(EngineFailed):
        place.run()
    assert threading.active_count() == before


def test_a_part_that_nobody_wants_any_more_does_not_move_to_the_other_engine() -> None:
    both = threading.Barrier(2, timeout=20)

    def leave(_: AudioSource) -> None:
        both.wait()
        raise Damaged("broken", code="corrupt")

    def fail_once_abandoned(source: AudioSource) -> None:
        both.wait()
        assert isinstance(source.store, Clip)
        while True:
            try:
                source.store.check()
            except Abandoned:
                raise busy() from None

    place = Rig(parakeet={"meanwhile": leave}, deepgram={"meanwhile": fail_once_abandoned})
    with pytest.raises(Damaged):
        place.run()
    assert place.asked == [("deepgram", "tail"), ("parakeet", "head")]
    assert place.moved == []


def test_a_mistake_of_ours_is_no_failure_of_an_engine() -> None:
    place = rig({"head": ZeroDivisionError("ours")}, {})
    with pytest.raises(ZeroDivisionError):
        place.run()
    assert ("deepgram", "head") not in place.asked


@pytest.mark.parametrize(
    ("engine", "queue_s", "other"), [("parakeet", 0.0, "deepgram"), ("deepgram", 1e6, "parakeet")]
)
def test_a_whole_file_moves_too(engine: str, queue_s: float, other: str) -> None:
    facts: dict[str, Any] = {
        "facts": lambda: EngineFacts(queue_s=queue_s),
        "split_s": None if queue_s else 9_000.0,
    }
    fails: dict[str, Any] = {engine: {"fails": {"whole": failed()}}}
    transcript: Transcript = Rig(**fails, **facts).run()
    assert (transcript.engine, numbers(transcript)) == (other, ALL)
