import pytest

from core.audio import AudioInfo
from core.billing import Bill
from core.errors import Damaged, EngineFailed, EngineLost, EngineUnavailable, KlipscribeError, Retryable
from core.ports import Engine
from core.with_cpu import Deferred, WithCpu
from tests.fakes.audio import FakeEngine
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import source_of

INFO = AudioInfo(60.0, 16_000, 1, "mp3")


class Levels:
    """A GPU and a CPU, and what was told."""

    def __init__(self) -> None:
        clock = FakeClock()
        self.gpu, self.cpu = FakeEngine("parakeet", clock), FakeEngine("parakeet", clock)
        self.told: list[KlipscribeError] = []
        self.bill = Bill()

    def hear(self, *, fits: bool = True) -> object:
        engine = WithCpu(self.gpu, self.cpu, lambda info: fits, self.told.append)
        return engine.transcribe(source_of(b"audio"), INFO, self.bill)


def test_what_the_gpu_hears_never_reaches_the_cpu() -> None:
    levels = Levels()
    levels.hear()
    assert (levels.gpu.heard, levels.cpu.heard, levels.told) == (1, 0, [])


@pytest.mark.parametrize("error", [EngineFailed("out of memory"), EngineUnavailable("it rests")])
def test_what_the_gpu_could_not_hear_the_cpu_does_and_both_are_on_the_bill(error: Exception) -> None:
    levels = Levels()
    levels.gpu.failures = [error]
    levels.hear()
    assert (levels.gpu.heard, levels.cpu.heard, levels.told) == (1, 1, [error])
    assert [usage.heard_s for usage in levels.bill.usages] == [0.0, 60.0]


@pytest.mark.parametrize(
    "error",
    [EngineLost("gone"), Damaged("breaks off", code="truncated"), Retryable("storage")],
)
def test_the_cpu_is_left_alone_when_the_process_ends_or_the_file_is_at_fault(error: Exception) -> None:
    levels = Levels()
    levels.gpu.failures = [error]
    with pytest.raises(type(error)) as raised:
        levels.hear()
    assert raised.value is error
    assert levels.cpu.heard == 0


def test_a_file_that_would_keep_the_cpu_too_long_fails_as_the_gpu_did() -> None:
    levels = Levels()
    levels.gpu.failures = [EngineFailed("out of memory", code="engine_out_of_memory")]
    with pytest.raises(EngineFailed, match=r"^out of memory$"):
        levels.hear(fits=False)
    assert levels.cpu.heard == 0


@pytest.mark.parametrize(
    ("first", "second", "repeats"),
    [
        (EngineFailed("g", deterministic=True), EngineFailed("c", deterministic=True), True),
        (EngineFailed("g"), EngineFailed("c", deterministic=True), False),
        (EngineFailed("g", deterministic=True), EngineFailed("c"), False),
        (EngineUnavailable("g"), EngineFailed("c", deterministic=True), True),
    ],
)
def test_where_both_fail_the_reasons_of_both_are_given(
    first: Exception, second: EngineFailed, repeats: bool
) -> None:
    levels = Levels()
    levels.gpu.failures, levels.cpu.failures = [first], [second]
    with pytest.raises(EngineFailed, match=r"^on the GPU: g; on the CPU: c$") as raised:
        levels.hear()
    assert (raised.value.code, raised.value.deterministic) == (second.code, repeats)


def test_a_cpu_that_is_lost_ends_the_process_too() -> None:
    levels = Levels()
    levels.gpu.failures, levels.cpu.failures = [EngineFailed("g")], [EngineLost("hangs")]
    with pytest.raises(EngineLost, match="hangs"):
        levels.hear()


def test_a_second_model_is_made_only_when_it_is_asked() -> None:
    made: list[Engine] = []

    def make() -> Engine:
        made.append(FakeEngine("parakeet", FakeClock()))
        return made[-1]

    engine = Deferred("parakeet", "small", make)
    assert (engine.name, engine.model, made) == ("parakeet", "small", [])
    engine.transcribe(source_of(b"audio"), INFO, Bill())
    assert len(made) == 1


def test_both_levels_go_by_one_name() -> None:
    levels = Levels()
    engine = WithCpu(levels.gpu, levels.cpu, lambda info: True)
    assert (engine.name, engine.model) == ("parakeet", "parakeet-fake")
