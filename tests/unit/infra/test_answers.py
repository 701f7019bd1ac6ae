import gzip
from dataclasses import replace
from typing import Any

import pytest

from core.answers import Answer, Answers, Question
from infra.answers import NoAnswers, StoredAnswers
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock

QUESTION = Question("job", 61.25, "nova-3", "en", {"punctuate": True})
ANSWER = Answer(b'{"metadata": {}}\n\x00\xff', "0" * 64)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(FakeClock())


@pytest.fixture
def answers(store: MemoryStore) -> StoredAnswers:
    return StoredAnswers(store, "state")


def names(store: MemoryStore) -> list[str]:
    return [found.name for found in store.list("state")]


def test_an_answer_comes_back_byte_for_byte(answers: StoredAnswers) -> None:
    answers.keep(QUESTION, ANSWER)

    assert answers.find(QUESTION) == ANSWER


def test_an_answer_to_a_url_has_no_hash_of_what_was_sent(answers: StoredAnswers) -> None:
    answers.keep(QUESTION, replace(ANSWER, sent_sha256=None))

    assert answers.find(QUESTION) == replace(ANSWER, sent_sha256=None)


@pytest.mark.parametrize(
    "other",
    [
        {"audio_id": "another job"},
        {"duration_s": 61.26},
        {"model": "nova-2"},
        {"language": "de"},
        {"options": {"punctuate": False}},
        {"options": {}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_question_has_another_answer(answers: StoredAnswers, other: dict[str, Any]) -> None:
    answers.keep(QUESTION, ANSWER)

    assert answers.find(replace(QUESTION, **other)) is None


def test_the_first_of_two_answers_stays(answers: StoredAnswers) -> None:
    answers.keep(QUESTION, ANSWER)
    answers.keep(QUESTION, Answer(b"the twin's"))

    assert answers.find(QUESTION) == ANSWER


def test_a_refused_answer_is_out_of_the_way_and_can_be_looked_at(
    answers: StoredAnswers, store: MemoryStore
) -> None:
    answers.keep(QUESTION, ANSWER)
    answers.refuse(QUESTION)

    assert answers.find(QUESTION) is None
    [kept] = names(store)
    assert kept.endswith(".gz.refused")
    assert gzip.decompress(store.read("state", kept)).endswith(ANSWER.raw)
    answers.refuse(QUESTION)
    assert names(store) == [kept]


def test_a_note_is_found_by_the_next_who_asks_until_it_is_settled(answers: StoredAnswers) -> None:
    assert not answers.note(QUESTION)
    assert answers.note(QUESTION)
    answers.settle(QUESTION)
    assert not answers.note(QUESTION)


@pytest.mark.parametrize(
    "damaged",
    [b"", b"no gzip", gzip.compress(b"{}\nraw"), gzip.compress(b"[]\nraw"), gzip.compress(b"?")[:-4]],
    ids=["nothing", "text", "no hash", "list", "cut"],
)
def test_what_cannot_be_read_is_an_empty_answer_for_its_reader_to_refuse(
    answers: StoredAnswers, store: MemoryStore, damaged: bytes
) -> None:
    store.write("state", f"answers/{QUESTION.name}.gz", damaged)

    assert answers.find(QUESTION) == Answer(b"")


def test_all_that_is_kept_of_a_job_lies_in_one_folder(answers: StoredAnswers, store: MemoryStore) -> None:
    answers.keep(QUESTION, ANSWER)
    answers.note(QUESTION)

    assert {name.rpartition("/")[0] for name in names(store)} == {"answers/job"}


def test_without_a_bucket_nothing_is_kept() -> None:
    nowhere: Answers = NoAnswers()
    nowhere.keep(QUESTION, ANSWER)
    nowhere.refuse(QUESTION)
    nowhere.settle(QUESTION)

    assert (nowhere.find(QUESTION), nowhere.note(QUESTION), nowhere.note(QUESTION)) == (None, False, False)
