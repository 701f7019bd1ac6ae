"""Why an engine was chosen, said on every path: in the event, in the manifest and in the log."""

from functools import partial

import pytest

from core import events
from handlers import bootstrap, ingest, transcribe
from handlers.world import World
from tests.fakes.audio import FakeEngine
from tests.log_lines import Lines
from tests.unit.handlers.test_functions import Rig

KEY = {"DEEPGRAM_API_KEY": "made-up"}


class Hearing(Rig):
    """A rig whose engines hear."""

    @property
    def engines(self) -> dict[str, FakeEngine]:
        return {"parakeet": FakeEngine("parakeet", self.clock)}

    def run(self, kind: str) -> None:
        use_case = (
            bootstrap.transcription_in(self.on_gpu, self.engines)
            if kind == events.REQUESTED
            else bootstrap.fallback_in(self.on_gpu, FakeEngine("deepgram", self.clock))
        )
        assert self.post(partial(transcribe.handle, use_case, kind), self.requested(kind)) == 204

    @property
    def on_gpu(self) -> World:
        self.environ = {**KEY, "PARAKEET_DEVICE": "cuda", **self.environ}
        return self.world


def told(rig: Rig, topic: str) -> list[str]:
    [event] = rig.publisher.on(topic)
    assert all(reason["sentence"] for reason in event.data["reasons"])
    return [reason["code"] for reason in event.data["reasons"]]


def test_ingest_says_why_it_passes_the_gpu_by(lines: Lines) -> None:
    rig = Hearing(environ={**KEY, "ROLLOUT_PERCENT": "0"})
    handle = partial(ingest.handle, bootstrap.reception_in(rig.world))
    assert rig.post(handle, rig.upload()) == 204
    assert told(rig, "transcription-fallback")[0] == "rollout"
    assert lines.one()["reasons"].startswith("rollout,")


def test_the_gpu_service_says_why_it_hands_over(lines: Lines) -> None:
    rig = Hearing(environ={"ROLLOUT_PERCENT": "0"})
    rig.run(events.REQUESTED)
    assert told(rig, "transcription-fallback")[0] == "rollout"
    assert lines.one()["reasons"].startswith("rollout,")


@pytest.mark.parametrize(
    ("kind", "codes"), [(events.REQUESTED, ["matrix_short", "cheapest"]), (events.FALLBACK_REQUESTED, None)]
)
def test_a_transcript_says_why_its_engine_was_chosen(
    lines: Lines, kind: str, codes: list[str] | None
) -> None:
    rig = Hearing()
    rig.run(kind)
    said = told(rig, "transcription-completed")
    assert said == codes or (codes is None and said[-1] == "fallback")
    assert lines.one()["reasons"] == ",".join(said)
    [manifest] = [found for found in rig.store.list("klipscribe-state") if "manifest" in found.name]
    assert f'"code": "{said[0]}"' in rig.store.read("klipscribe-state", manifest.name).decode()


def test_a_file_without_a_route_fails_with_the_reasons_in_its_message() -> None:
    rig = Hearing(environ={"ENABLE_GPU_TRANSCRIPTION": "false", "ALLOW_DEEPGRAM": "false"})
    rig.run(events.REQUESTED)
    [event] = rig.publisher.on("transcription-completed")
    assert event.data["code"] == "no_route"
    assert "the GPU is off (ENABLE_GPU_TRANSCRIPTION=false)" in event.data["message"]
    assert "audio may not leave for Deepgram" in event.data["message"]
