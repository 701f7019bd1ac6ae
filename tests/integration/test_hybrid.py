"""One recording over two engines: the real decoder and model, and Deepgram's SDK against the stand-in."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from core.audio import AudioSource
from core.billing import Bill
from core.clips import ClippedReader, Clipper
from core.hybrid import Hybrid
from core.metering import InstanceMeter, Metered
from core.parts import CONTEXT
from core.pauses import pauses
from core.ports import SAMPLE_RATE_HZ, Engine
from core.routes import EngineFacts
from core.split import Split
from core.transcript import Transcript, Word
from core.wer import compare
from handlers.bench.sounds import Sound, long_file, source_of
from infra.audio import PyAvReader
from infra.clipping import flac
from infra.clock import SystemClock
from infra.local.deepgram import make_app
from infra.parakeet import ParakeetRecognizer
from tests.contracts.deepgram_rig import KEY, Rig, serving
from tests.engines import engine_over

pytestmark = [pytest.mark.asr, pytest.mark.local_cloud]

SECONDS = 210.0
SPLIT_S = 120.0
READER = ClippedReader(PyAvReader())
CLIPPER = Clipper(READER, flac)
HIGHEST_WER = 0.02
EDGE_S = 0.3


@dataclass
class Place:
    """Both engines, and a recording of which the stand-in for Deepgram knows some clips."""

    sound: Sound
    source: AudioSource
    parakeet: Engine
    deepgram: Rig
    known: dict[str, list[tuple[str, float, float]]]

    def teach(self, start: int, end: int | None) -> None:
        """Let the stand-in know what is said in a clip; a word that an edge cuts is not heard there."""
        part, _ = CLIPPER.clip(self.source, start, end)
        with part.open() as stream:
            digest = sha256(b"".join(iter(lambda: stream.read(1 << 20), b""))).hexdigest()
        start_s, end_s = start / SAMPLE_RATE_HZ, SECONDS if end is None else end / SAMPLE_RATE_HZ
        self.known[digest] = [
            (word.text, word.start_s - start_s, word.end_s - start_s)
            for word in self.sound.words
            if start_s <= word.start_s and word.end_s <= end_s
        ]

    @property
    def cut(self) -> int:
        return pauses(READER.blocks(self.source), [round(SPLIT_S * SAMPLE_RATE_HZ)])[0]

    def hybrid(self) -> tuple[Transcript, Bill]:
        bill = Bill()
        engine = Hybrid(
            parakeet=self.parakeet,
            deepgram=self.deepgram.engine(),
            clipper=CLIPPER,
            facts=EngineFacts,
            split_s=SPLIT_S,
        )
        return engine.transcribe(self.source, READER.probe(self.source), bill), bill


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    folder: Path = tmp_path_factory.mktemp("sounds")
    return long_file(folder, SECONDS)


@pytest.fixture
def place(sound: Sound, tiny_model: ParakeetRecognizer) -> Iterator[Place]:
    known: dict[str, list[tuple[str, float, float]]] = {}
    with serving(make_app(known, KEY)) as url, engine_over(tiny_model, reader=READER) as engine:
        parakeet = Metered(engine, InstanceMeter(SystemClock()), "parakeet_cpu")
        yield Place(sound, source_of(sound.path), parakeet, Rig(url), known)


def check(transcript: Transcript, said: tuple[Word, ...]) -> None:
    found = compare(said, transcript.words)
    assert found.errors.rate <= HIGHEST_WER
    assert found.start_error_s is not None
    assert found.start_error_s <= 0.040
    assert transcript.duration_s == pytest.approx(SECONDS, abs=0.1)


def test_a_recording_is_heard_by_both_engines_and_reads_as_if_one_had_heard_it(place: Place) -> None:
    place.teach(place.cut - CONTEXT, None)
    transcript, bill = place.hybrid()

    check(transcript, place.sound.words)
    assert transcript.engine == "hybrid"
    assert transcript.model.endswith(" + nova-3")
    # What Deepgram said is known to the millisecond: behind the cut all of it stands where it was said.
    cut_s = place.cut / SAMPLE_RATE_HZ
    tail = [word for word in transcript.words if word.midpoint_s > cut_s + 1]
    truth = [word for word in place.sound.words if word.midpoint_s > cut_s + 1]
    assert [word.text for word in tail] == [word.text for word in truth]
    assert max(abs(a.start_s - b.start_s) for a, b in zip(tail, truth, strict=True)) < 0.001
    (call,) = place.deepgram.calls()
    assert (call["by"], call["status"]) == ("bytes", 200)
    heard = {usage.runner: usage.heard_s for usage in bill.usages}
    assert heard["parakeet_cpu"] == pytest.approx(cut_s + 10, abs=0.1)
    assert heard["deepgram"] == pytest.approx(SECONDS - cut_s + 10, abs=0.1)


def test_when_deepgram_refuses_its_part_parakeet_hears_the_whole_recording(place: Place) -> None:
    place.deepgram.fail(status=402)
    transcript, bill = place.hybrid()

    check(transcript, place.sound.words)
    assert transcript.engine == "parakeet"
    assert [usage.runner for usage in bill.usages].count("parakeet_cpu") == 2
    assert [usage.heard_s for usage in bill.usages if usage.runner == "deepgram"] == [0]


def test_a_file_too_long_for_one_request_reads_as_if_there_had_been_one(place: Place) -> None:
    third = round(SECONDS * SAMPLE_RATE_HZ / 3)
    cuts = pauses(READER.blocks(place.source), [third, 2 * third])
    place.teach(0, cuts[0] + CONTEXT)
    place.teach(cuts[0] - CONTEXT, cuts[1] + CONTEXT)
    place.teach(cuts[1] - CONTEXT, None)
    engine = Split(place.deepgram.engine(), clipper=CLIPPER, rtfx=lambda: SECONDS / 30, limit_s=10.0)
    bill = Bill()

    transcript = engine.transcribe(place.source, READER.probe(place.source), bill)
    assert [word.text for word in transcript.words] == [word.text for word in place.sound.words]
    off_s = [abs(a.start_s - b.start_s) for a, b in zip(transcript.words, place.sound.words, strict=True)]
    assert max(off_s) < 0.001
    assert len(place.deepgram.calls()) == len(bill.usages) == 3
    assert transcript.duration_s == pytest.approx(SECONDS, abs=0.1)
