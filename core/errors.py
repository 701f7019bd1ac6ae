"""The errors, each with a code from one closed vocabulary and a plain answer to "may it be tried again?".

KlipscribeError
├── Rejected            this file can never succeed: failed event, ack
│   ├── NotAudio            not_audio, no_audio_stream, unsupported_extension
│   ├── OutOfLimits         empty, too_large, too_short, too_long,
│   │                       sample_rate_too_low, name_too_long,
│   │                       unsafe_name
│   ├── Damaged             truncated, corrupt, not_finite
│   ├── IdMismatch          id_mismatch
│   ├── SourceGone          source_deleted, superseded
│   └── NoRoute             no_route
├── EngineFailed        this engine could not do it: the other engine may
│   └── EngineLost          engine_lost: its process can't go on, and ends
├── Retryable           storage, network, quota: nack, backoff, try again
│   ├── NoRouteNow          no_route, until the GPU is well or its queue shorter
│   ├── EngineUnavailable   engine_unavailable: it failed at others and rests; no file is to blame
│   └── EngineRestarting    engine_restarting: another file lost the engine
├── AlreadyCompleted    the outcome exists: publish it again, ack
├── AlreadyInProgress   another delivery holds the lease
├── RecordRefused       the database of videos said no: nack, since a key or a URL mends
├── RecordNotFound      the database knows no such video: count it, ack
└── MalformedMessage    no delivery of this message can ever be read: record it, ack
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

Code = Literal[
    "not_audio",
    "no_audio_stream",
    "unsupported_extension",
    "empty",
    "too_large",
    "too_short",
    "too_long",
    "sample_rate_too_low",
    "name_too_long",
    "unsafe_name",
    "truncated",
    "corrupt",
    "not_finite",
    "id_mismatch",
    "source_deleted",
    "superseded",
    "no_route",
    "engine_failed",
    "engine_out_of_memory",
    "engine_model_unavailable",
    "engine_bad_result",
    "engine_refused",
    "engine_unauthorized",
    "engine_lost",
    "engine_restarting",
    "engine_unavailable",
    "deliveries_exhausted",
    "storage_unavailable",
    "network_unavailable",
    "quota_exceeded",
    "already_completed",
    "already_in_progress",
    "record_refused",
    "record_not_found",
    "malformed_message",
]
CODES: tuple[Code, ...] = get_args(Code)


class KlipscribeError(Exception):
    """Base of all errors that Klipscribe raises on purpose."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: Code) -> None:
        super().__init__(message)
        self.code: Code = code


class Rejected(KlipscribeError):
    """The file itself is at fault; no engine and no repetition would help."""


class NotAudio(Rejected):
    """The object holds no audio that can be decoded."""

    def __init__(self, message: str, *, code: Code = "not_audio") -> None:
        super().__init__(message, code=code)


class OutOfLimits(Rejected):
    """A measured value lies outside of what is accepted."""

    def __init__(self, name: str, what: str, found: str, expected: str, *, code: Code) -> None:
        super().__init__(f"{name}: {what} is {found}, expected {expected}", code=code)


class Damaged(Rejected):
    """The audio starts well and then breaks."""


class IdMismatch(Rejected):
    """The two ids in an object's name disagree."""

    def __init__(self, name: str, folder_id: str, file_id: str) -> None:
        super().__init__(
            f"{name}: the folder says video {folder_id}, the file says {file_id}; expected the same id twice",
            code="id_mismatch",
        )


class SourceGone(Rejected):
    """The generation that the event spoke of is no longer there."""

    def __init__(self, uri: str, generation: int, newer: int | None = None) -> None:
        if newer is None:
            message = f"{uri}: generation {generation} was deleted before it was read"
        else:
            message = f"{uri}: generation {generation} was replaced by {newer} before it was read"
        super().__init__(message, code="source_deleted" if newer is None else "superseded")


class NoRoute(Rejected):
    """Settings leave no engine for this file."""

    def __init__(self, name: str, reasons: str) -> None:
        super().__init__(f"{name}: no engine may transcribe this file: {reasons}", code="no_route")


class EngineFailed(KlipscribeError):
    """An engine could not transcribe a file that is itself in order.

    Args:
        message: what happened, without any of the transcript.
        deterministic: the same input would fail in the same way again, so that one failure is enough to
            move the job to the other engine.
    """

    def __init__(self, message: str, *, code: Code = "engine_failed", deterministic: bool = False) -> None:
        super().__init__(message, code=code)
        self.deterministic = deterministic


class EngineLost(EngineFailed):
    """The device no longer answers: nothing works in this process until another one takes its place."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="engine_lost")


class Retryable(KlipscribeError):
    """Something around the job failed that usually mends itself."""

    retryable = True

    def __init__(self, message: str, *, code: Code = "network_unavailable") -> None:
        super().__init__(message, code=code)


class NoRouteNow(Retryable):
    """The GPU's present state, not the settings, leaves no engine for this file."""

    def __init__(self, name: str, reasons: str) -> None:
        super().__init__(f"{name}: no engine can transcribe this file now: {reasons}", code="no_route")


class EngineUnavailable(Retryable):
    """The engine rests after failures at other files; the next level may take this one, without blame."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="engine_unavailable")


class EngineRestarting(Retryable):
    """The engine was lost while it worked on something else; this job is not to blame."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="engine_restarting")


class AlreadyCompleted(KlipscribeError):
    """The job has its outcome already."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} has its outcome already", code="already_completed")


class AlreadyInProgress(KlipscribeError):
    """Another delivery of the job holds a live lease."""

    retryable = True

    def __init__(self, job_id: str, owner: str) -> None:
        super().__init__(f"job {job_id} is being worked on by {owner}", code="already_in_progress")


class RecordRefused(KlipscribeError):
    """The database of videos turned a call down in a way that no repetition changes."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="record_refused")


class RecordNotFound(KlipscribeError):
    """The database of videos has no row for this video; it was never created, or is deleted."""

    def __init__(self, video_id: str) -> None:
        super().__init__(f"there is no record of video {video_id}", code="record_not_found")


class MalformedMessage(KlipscribeError):
    """A message that cannot be understood, however often it is delivered."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="malformed_message")


_RECORDED: Mapping[Code, type[KlipscribeError]] = MappingProxyType(
    {
        **dict.fromkeys(("not_audio", "no_audio_stream", "unsupported_extension"), NotAudio),
        **dict.fromkeys(
            (
                "empty",
                "too_large",
                "too_short",
                "too_long",
                "sample_rate_too_low",
                "name_too_long",
                "unsafe_name",
            ),
            OutOfLimits,
        ),
        **dict.fromkeys(("truncated", "corrupt", "not_finite"), Damaged),
        "id_mismatch": IdMismatch,
        **dict.fromkeys(("source_deleted", "superseded"), SourceGone),
        "no_route": NoRoute,
        "engine_restarting": EngineRestarting,
        "deliveries_exhausted": Retryable,
        **dict.fromkeys(("storage_unavailable", "network_unavailable", "quota_exceeded"), Retryable),
    }
)


def as_raised(code: Code, message: str) -> KlipscribeError:
    """The error that an outcome records by its code and its message, of the class that raises the code."""
    kind = _RECORDED.get(code)
    if kind is None:
        return EngineFailed(message, code=code, deterministic=True)
    error = kind.__new__(kind)
    # A class's own constructor makes the sentence of values that no record holds.
    KlipscribeError.__init__(error, message, code=code)
    return error
