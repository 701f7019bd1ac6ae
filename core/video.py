r"""The status of a video in the pipeline's database, and which status may follow which.

Many write that status: the downloader before us, the analysis after us. It only ever moves forward.

now \ wanted        Transcribing    after success    Failed
none, or earlier    write           write            write
Transcribing        -               write            write
later               -               if later still   -
Failed              if restarting   if restarting    -
not in the list     -               -                -

- Failed is not put over a later status: somebody has gone on with a transcript, so our failure is an old
  one. Where the pipeline went on without a transcript, the step that misses it reports its own failure.
- Failed is left by a restart only: a new generation of the audio, or a new run of the job, after the one
  that failed. A late start of the failed run itself changes nothing.
  Nor does it where the pipeline has queued the video anew by then: the start of a run that is known to have
  failed is dropped ahead of this table.
- A Failed that is not ours (no failure of our own is known) is not ours to lift.
- A status outside of the list can't be placed, so nothing is put over it.

A read before a write leaves a gap in which others write. Only a transaction in the database closes it:
examples/convex has one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

STATUS_ORDER = (
    "Queued",
    "Downloading",
    "Processing audio",
    "Generating waveform",
    "Transcribing",
    "Fetching chat",
    "Analyzing",
    "Finding highlights",
    "Generating visualizations",
    "Finalizing analysis",
    "Completed",
)
TRANSCRIBING = "Transcribing"
FAILED = "Failed"

URL_KEYS = (
    "video_url",
    "audio_url",
    "waveform_url",
    "transcript_url",
    "transcriptWords_url",
    "chat_url",
    "analysis_url",
)

_TRANSCRIBING_RANK = STATUS_ORDER.index(TRANSCRIBING)
_JUST_AFTER_TRANSCRIBING = _TRANSCRIBING_RANK + 0.5


@dataclass(frozen=True, order=True, slots=True)
class Run:
    """One try at one generation of a video's audio. Runs are ordered: a newer generation wins over all."""

    generation: int
    number: int = 1


def next_status(current: str | None, wanted: str, *, restarting: bool = False) -> str | None:
    """The status to write, or None when the present one stays.

    Args:
        current: the status that stands; None or empty when there is none.
        wanted: Transcribing, Failed, or the status that the settings name for a success. A name that is
            not in the list ranks right after Transcribing.
        restarting: whether the event belongs to a run after the one that failed (see `is_restart`).
    """
    if current == wanted:
        return None
    if not current:
        return wanted
    if current == FAILED:
        return wanted if restarting else None
    if current not in STATUS_ORDER:
        return None
    return wanted if STATUS_ORDER.index(current) < _first_refused_rank(wanted) else None


def is_restart(run: Run, failed: Run | None) -> bool:
    """Whether a run came after the newest of ours that failed, so that its start may lift Failed."""
    return failed is not None and run > failed


def check_url_keys(keys: Iterable[str]) -> None:
    """Refuse keys that the database would refuse.

    Raises:
        ValueError: naming the keys.
    """
    unknown = sorted(set(keys) - set(URL_KEYS))
    if unknown:
        raise ValueError(f"unknown URL key {', '.join(unknown)}, expected one of {', '.join(URL_KEYS)}")


def _first_refused_rank(wanted: str) -> float:
    if wanted == FAILED:
        return _JUST_AFTER_TRANSCRIBING
    return STATUS_ORDER.index(wanted) if wanted in STATUS_ORDER else _JUST_AFTER_TRANSCRIBING
