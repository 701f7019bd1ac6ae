import pytest

from core.errors import (
    CODES,
    Code,
    Damaged,
    EngineFailed,
    IdMismatch,
    KlipscribeError,
    NoRoute,
    NotAudio,
    OutOfLimits,
    Retryable,
    SourceGone,
    as_raised,
)

RAISED: list[KlipscribeError] = [
    NotAudio("no audio"),
    OutOfLimits("a.mp3", "size", "0 bytes", "at least 1 byte", code="empty"),
    Damaged("breaks off", code="truncated"),
    IdMismatch("1/audio_2.mp3", "1", "2"),
    SourceGone("gs://b/o", 1),
    SourceGone("gs://b/o", 1, 2),
    NoRoute("a.mp3", "no key"),
    EngineFailed("broken"),
    Retryable("away", code="storage_unavailable"),
]


@pytest.mark.parametrize("error", RAISED, ids=[error.code for error in RAISED])
def test_an_error_comes_back_from_a_record_as_it_was_raised(error: KlipscribeError) -> None:
    again = as_raised(error.code, str(error))
    assert (type(again), again.code, str(again)) == (type(error), error.code, str(error))
    assert again.retryable == error.retryable


@pytest.mark.parametrize("code", CODES)
def test_every_code_comes_back_as_an_error_that_can_be_shown_and_raised(code: Code) -> None:
    with pytest.raises(KlipscribeError, match="what happened") as raised:
        raise as_raised(code, "what happened")
    assert raised.value.code == code


def test_a_recorded_failure_of_an_engine_is_final() -> None:
    error = as_raised("engine_out_of_memory", "no memory")
    assert isinstance(error, EngineFailed)
    assert error.deterministic
