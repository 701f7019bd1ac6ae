"""A paid answer is kept first, so that no repetition of the work pays again; what does is counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from core.answers import Answer, Answers, Question
from core.billing import Bill, Usage
from core.errors import EngineFailed, Retryable
from infra.answers import StoredAnswers
from infra.deepgram import OPTIONS, DeepgramEngine
from infra.local.memory import MemoryStore
from infra.places import Places
from tests.contracts.deepgram_rig import INFO, SECONDS, OneObject, Rig, source, stand_in

pytestmark = pytest.mark.local_cloud

SOURCE = source(OneObject())
QUESTION = Question(SOURCE.object.job_id, INFO.duration_s, "nova-3", "en", OPTIONS)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with stand_in() as running:
        yield running


@pytest.fixture
def store(rig: Rig) -> MemoryStore:
    return MemoryStore(rig.clock)


@pytest.fixture
def answers(store: MemoryStore) -> StoredAnswers:
    return StoredAnswers(store, "state")


@dataclass
class Heard:
    """One attempt: what was heard, or why not, and what it cost."""

    engine: DeepgramEngine
    text: str = ""
    error: Exception | None = None
    usage: Usage = field(init=False)

    def __post_init__(self) -> None:
        bill = Bill()
        try:
            self.text = self.engine.transcribe(SOURCE, INFO, bill).text
        except (EngineFailed, Retryable) as error:
            self.error = error
        [self.usage] = bill.usages


@dataclass(frozen=True)
class Killed(StoredAnswers):
    """The process dies when it has got as far as this."""

    at: str = ""

    def keep(self, question: Question, answer: Answer) -> None:
        if self.at == "asked":
            raise KeyboardInterrupt
        super().keep(question, answer)
        if self.at == "kept":
            raise KeyboardInterrupt

    def settle(self, question: Question) -> None:
        """What is dead settles nothing."""


@dataclass(frozen=True)
class Failing(StoredAnswers):
    """A store that fails at one method."""

    at: str = ""

    def find(self, question: Question) -> Answer | None:
        self._fail("find")
        return super().find(question)

    def keep(self, question: Question, answer: Answer) -> None:
        self._fail("keep")
        super().keep(question, answer)

    def refuse(self, question: Question) -> None:
        self._fail("refuse")
        super().refuse(question)

    def note(self, question: Question) -> bool:
        self._fail("note")
        return super().note(question)

    def settle(self, question: Question) -> None:
        self._fail("settle")
        super().settle(question)

    def _fail(self, method: str) -> None:
        if method == self.at:
            raise Retryable("the bucket is slow", code="storage_unavailable")


def killed_when(at: str, rig: Rig, store: MemoryStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        rig.engine(answers=Killed(store, "state", at)).transcribe(SOURCE, INFO, Bill())


def test_a_redelivery_reads_the_answer_and_pays_nothing(rig: Rig, answers: Answers) -> None:
    first, second = Heard(rig.engine(answers=answers)), Heard(rig.engine(answers=answers))

    assert first.text == second.text == "Hello there, world."
    assert (first.usage.billed_s, first.usage.kept_s) == (SECONDS, 0.0)
    assert (second.usage.requests, second.usage.billed_s, second.usage.kept_s) == (0, 0.0, SECONDS)
    assert len(rig.calls()) == 1


def test_a_crash_after_the_answer_was_kept_is_not_paid_again(rig: Rig, store: MemoryStore) -> None:
    killed_when("kept", rig, store)

    again = Heard(rig.engine(answers=StoredAnswers(store, "state")))
    assert (again.text, again.usage.billed_s, again.usage.kept_s) == ("Hello there, world.", 0.0, SECONDS)
    assert again.usage.maybe_billed_s == 0.0
    assert len(rig.calls()) == 1
    assert [found.name for found in store.list("state")] == [f"answers/{QUESTION.name}.gz"]


def test_a_crash_while_asking_is_counted_by_who_asks_again(rig: Rig, store: MemoryStore) -> None:
    killed_when("asked", rig, store)

    again = Heard(rig.engine(answers=StoredAnswers(store, "state")))
    assert (again.usage.billed_s, again.usage.maybe_billed_s, again.usage.repeats) == (SECONDS, SECONDS, 1)
    assert sum(call["charged_s"] for call in rig.calls()) == 2 * SECONDS


def test_a_failure_that_was_counted_leaves_no_note_for_the_next_attempt(rig: Rig, answers: Answers) -> None:
    rig.fail(times=4, mode="reset")
    first, second = Heard(rig.engine(answers=answers)), Heard(rig.engine(answers=answers))

    assert isinstance(first.error, Retryable)
    assert first.usage.maybe_billed_s == 4 * SECONDS
    assert (second.usage.maybe_billed_s, second.usage.repeats) == (0.0, 0)


def test_an_answer_that_fails_is_put_aside_and_the_next_attempt_asks_once_more(
    rig: Rig, answers: StoredAnswers, store: MemoryStore
) -> None:
    rig.fail(mode="wrong_duration")
    first, second = Heard(rig.engine(answers=answers)), Heard(rig.engine(answers=answers))

    assert isinstance(first.error, EngineFailed)
    assert first.usage.billed_s == 2 * SECONDS + 10
    assert (second.text, second.usage.billed_s, second.usage.requests) == ("Hello there, world.", SECONDS, 1)
    assert {found.name.rpartition(".")[2] for found in store.list("state")} == {"gz", "refused"}


def test_a_kept_answer_that_cannot_be_used_does_not_block_and_the_repeat_is_counted(
    rig: Rig, answers: StoredAnswers
) -> None:
    answers.keep(QUESTION, Answer(b"{}"))

    heard = Heard(rig.engine(answers=answers))
    assert (heard.text, heard.usage.billed_s, heard.usage.repeats) == ("Hello there, world.", SECONDS, 1)
    assert heard.usage.kept_s == SECONDS
    assert answers.find(QUESTION) is not None


@pytest.mark.parametrize(("model", "language"), [("nova-2", "en"), ("nova-3", "de")])
def test_another_model_or_language_is_another_question(
    rig: Rig, answers: Answers, model: str, language: str
) -> None:
    engine = rig.engine(answers=answers)
    Heard(engine)
    Heard(replace(engine, model=model, language=language))

    assert len(rig.calls()) == 2


@pytest.mark.parametrize("at", ["find", "note"])
def test_nothing_is_paid_while_the_bucket_is_out_of_reach(rig: Rig, store: MemoryStore, at: str) -> None:
    heard = Heard(rig.engine(answers=Failing(store, "state", at)))

    assert isinstance(heard.error, Retryable)
    assert (heard.error.code, rig.calls()) == ("storage_unavailable", [])


def test_an_answer_that_cannot_be_kept_is_used_all_the_same(
    rig: Rig, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    assert Heard(rig.engine(answers=Failing(store, "state", "keep"))).text == "Hello there, world."
    [warning] = [record for record in caplog.records if record.name == "klipscribe"]
    assert "could not be kept" in warning.getMessage()
    assert "Hello" not in caplog.text


def test_a_note_that_cannot_be_removed_spoils_nothing(rig: Rig, store: MemoryStore) -> None:
    assert Heard(rig.engine(answers=Failing(store, "state", "settle"))).text == "Hello there, world."


def test_a_bad_answer_that_cannot_be_put_aside_is_still_a_bad_answer(rig: Rig, store: MemoryStore) -> None:
    rig.fail(mode="no_channels")

    heard = Heard(rig.engine(answers=Failing(store, "state", "refuse")))
    assert isinstance(heard.error, EngineFailed)
    assert heard.error.code == "engine_bad_result"


def test_no_more_requests_are_under_way_than_there_are_places(rig: Rig) -> None:
    places = Places(1, rig.clock, "requests to Deepgram")
    engine = rig.engine(places=places, timeout_s=400.0, budget_s=480.0)

    with places.one(0):
        heard = Heard(engine)
    assert isinstance(heard.error, Retryable)
    assert (heard.error.code, heard.usage.requests, rig.calls()) == ("quota_exceeded", 0, [])
    assert sum(rig.clock.slept) == pytest.approx(80.0, abs=1.0)
    assert Heard(engine).text == "Hello there, world."
