"""Paid answers in the state bucket, gzipped, each under the name of its question.

answers/NAME.gz          the answer: a line of JSON about it, then its bytes as they came
answers/NAME.gz.refused  the last answer that could not be used
answers/NAME.asking      somebody asks, or died while asking

They hold transcripts: whoever may read them may read those. A lifecycle rule on the prefix may delete them
once the jobs they belong to have ended.
"""

import gzip
import json
import zlib
from dataclasses import dataclass

from core.answers import Answer, Question
from core.ports import ObjectNotFound, ObjectStore, PreconditionFailed

PREFIX = "answers/"


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """core.answers.Answers over any object store."""

    store: ObjectStore
    bucket: str

    def find(self, question: Question) -> Answer | None:
        """The answer; an empty one where what lies there can't be read, so that its reader refuses it."""
        try:
            data = self.store.read(self.bucket, _answer(question))
        except ObjectNotFound:
            return None
        return _unpacked(data)

    def keep(self, question: Question, answer: Answer) -> None:
        """Write the answer unless a twin has done so: both were paid, and one is enough."""
        try:
            self.store.write(
                self.bucket,
                _answer(question),
                _packed(answer),
                content_type="application/gzip",
                if_generation_match=0,
            )
        except PreconditionFailed:
            return

    def refuse(self, question: Question) -> None:
        """Move the answer aside."""
        name = _answer(question)
        try:
            data = self.store.read(self.bucket, name)
        except ObjectNotFound:
            return
        self.store.write(self.bucket, f"{name}.refused", data, content_type="application/gzip")
        self.store.delete(self.bucket, name)

    def note(self, question: Question) -> bool:
        """Write the note; True when there is one."""
        try:
            self.store.write(self.bucket, _note(question), b"", if_generation_match=0)
        except PreconditionFailed:
            return True
        return False

    def settle(self, question: Question) -> None:
        """Delete the note."""
        self.store.delete(self.bucket, _note(question))


class NoAnswers:
    """core.answers.Answers where there is no bucket to keep anything in."""

    def find(self, question: Question) -> Answer | None:  # noqa: ARG002 - the signature is the port's
        """Nothing is kept."""
        return None

    def keep(self, question: Question, answer: Answer) -> None:
        """Forget it."""

    def refuse(self, question: Question) -> None:
        """Nothing is kept."""

    def note(self, question: Question) -> bool:  # noqa: ARG002 - as above
        """Nobody would read it."""
        return False

    def settle(self, question: Question) -> None:
        """There is no note."""


def _answer(question: Question) -> str:
    return f"{PREFIX}{question.name}.gz"


def _note(question: Question) -> str:
    return f"{PREFIX}{question.name}.asking"


def _packed(answer: Answer) -> bytes:
    about = json.dumps({"sent_sha256": answer.sent_sha256}).encode()
    # Without the time, so that the same answer gives the same bytes.
    return gzip.compress(about + b"\n" + answer.raw, mtime=0)


def _unpacked(data: bytes) -> Answer:
    try:
        about, _, raw = gzip.decompress(data).partition(b"\n")
        return Answer(raw, json.loads(about)["sent_sha256"])
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return Answer(b"")
