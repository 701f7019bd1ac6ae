"""What a decoder process and its parent say to each other: a byte for the kind of message, then its body.

Nothing is pickled: FFmpeg reads strangers' bytes, so what its process says is data and never code.

| from | kind | body |
|---|---|---|
| parent | none | a Task as JSON: decode this file |
| child | READ | where and how many bytes: answered by DATA with the bytes, or by FAILED |
| child | SOUND, HOLE | samples of a block, or SOUND of a whole stretch |
| child | REFUSED | class, code and message as JSON; the file is over |
| child | ODD | the file can't be decoded in stretches, and is over |
| child | END | the file is over: to its end, or to where FAILED stopped it |
"""

import json
import struct
from dataclasses import asdict, dataclass

import numpy as np

from core.errors import Damaged, KlipscribeError, NotAudio, OutOfLimits, Rejected
from core.ports import Block

READ, SOUND, HOLE, REFUSED, ODD, END = b"R", b"S", b"H", b"X", b"O", b"E"
DATA, FAILED = b"D", b"F"

_RANGE = struct.Struct("<QQ")
_REFUSALS: dict[str, type[Rejected]] = {kind.__name__: kind for kind in (NotAudio, Damaged, OutOfLimits)}


@dataclass(frozen=True, slots=True)
class Task:
    """A file to decode; its name is for messages alone, its bytes come from the parent.

    With a step the task is to decode the stretches first, first + step and so on.
    """

    bucket: str
    name: str
    generation: int
    size_bytes: int
    first: int = 0
    step: int = 0

    def message(self) -> bytes:
        """The task as the parent sends it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, message: bytes) -> "Task":
        """The task as the child understands it."""
        return cls(**json.loads(message))


def read_message(position: int, size: int) -> bytes:
    """Ask for a range of the file."""
    return READ + _RANGE.pack(position, size)


def range_in(body: memoryview) -> tuple[int, int]:
    """Position and size of the range that is asked for."""
    position, size = _RANGE.unpack(body)
    return position, size


def block_message(block: Block) -> bytes:
    """Hand over a block."""
    return (HOLE if block.is_hole else SOUND) + block.samples.tobytes()


def block_in(kind: bytes, body: memoryview) -> Block:
    """The block that was handed over; its samples are a copy, aligned and free to be written to."""
    return Block(np.frombuffer(body, np.int16).copy(), is_hole=kind == HOLE)


def refusal_message(error: Rejected) -> bytes:
    """Say why the file can't be decoded."""
    said = {"class": type(error).__name__, "code": error.code, "message": str(error)}
    return REFUSED + json.dumps(said).encode()


def refusal_in(body: memoryview) -> Rejected:
    """The error as the reader in the child raised it."""
    said = json.loads(bytes(body))
    kind = _REFUSALS.get(said["class"], Rejected)
    # Each class builds its own sentence out of parts; here the sentence is there already.
    error = kind.__new__(kind)
    KlipscribeError.__init__(error, said["message"], code=said["code"])
    return error
