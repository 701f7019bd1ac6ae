"""What an event changes in the video's record: the status while work goes on, the places of the outputs.

Events come late, twice and in any order. A note per video in the state bucket keeps the newest run that was
heard of and the newest that failed, so that nothing old is shown over something new.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core import events
from core.errors import MalformedMessage, RecordNotFound, Retryable
from core.ports import ObjectNotFound, ObjectStore, PreconditionFailed, VideoRecords
from core.video import FAILED, TRANSCRIBING, Run, is_restart, next_status

NOTE_TRIES = 8

Noted = Literal["written", "unchanged", "stale", "not_a_video", "unknown_video"]


@dataclass(frozen=True, slots=True)
class Note:
    """The newest run of a video that was heard of, and the newest that failed."""

    newest: Run
    failed: Run | None = None

    def with_event(self, run: Run, *, failed: bool) -> "Note":
        """The note after an event about a run. The failure of an older run is never shown, so not kept."""
        return Note(max(self.newest, run), run if failed and run >= self.newest else self.failed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """Writes events into the database of videos.

    Args:
        success_status: a status to send after a success; none when empty. The status Completed belongs to
            the whole pipeline and is never ours.
    """

    videos: VideoRecords
    store: ObjectStore
    state_bucket: str
    success_status: str = ""

    def run(self, kind: str, data: Mapping[str, Any]) -> Noted:
        """Apply one event; what came of it.

        Raises:
            Retryable, RecordRefused: deliver it again later.
            MalformedMessage: the event lacks a field.
        """
        try:
            video_id, run = str(data["video_id"]), Run(int(data["generation"]), int(data["run"]))
            urls = _urls(data["files"]) if kind == events.COMPLETED else {}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise MalformedMessage(
                f"{kind} lacks a field or holds a wrong kind of value ({type(error).__name__}: {error}); "
                "expected video_id, generation and run, and when completed the files segments and words"
            ) from error
        if not (video_id.isascii() and video_id.isdecimal()):
            return "not_a_video"
        superseded = bool(data.get("superseded"))
        before = self._noted(video_id, run, failed=kind == events.FAILED and not superseded)
        late_start = kind == events.STARTED and run == before.failed
        if run < before.newest or superseded or late_start:
            return "stale"
        try:
            return self._apply(kind, urls, video_id, restarting=is_restart(run, before.failed))
        except RecordNotFound:
            return "unknown_video"

    def _apply(self, kind: str, urls: Mapping[str, str], video_id: str, *, restarting: bool) -> Noted:
        actions: dict[str, Callable[[], Noted]] = {
            events.STARTED: lambda: self._move(video_id, TRANSCRIBING, restarting=restarting),
            events.FAILED: lambda: self._move(video_id, FAILED, restarting=restarting),
            events.COMPLETED: lambda: self._finish(video_id, urls, restarting=restarting),
        }
        return actions[kind]() if kind in actions else "unchanged"

    def _finish(self, video_id: str, urls: Mapping[str, str], *, restarting: bool) -> Noted:
        self.videos.set_urls(video_id, urls)
        # Also where no status follows a success: the start may be lost, and Failed must not stay.
        self._move(video_id, self.success_status or TRANSCRIBING, restarting=restarting)
        return "written"

    def _move(self, video_id: str, wanted: str, *, restarting: bool) -> Noted:
        status = next_status(self.videos.status(video_id), wanted, restarting=restarting)
        if status is None:
            return "unchanged"
        self.videos.set_status(video_id, status)
        return "written"

    def _noted(self, video_id: str, run: Run, *, failed: bool) -> Note:
        """Add the event to the video's note; the note as it was before, this run included as newest."""
        for _ in range(NOTE_TRIES):
            try:
                generation, before = self._note(video_id)
                known = before or Note(run)
                after = known.with_event(run, failed=failed)
                if after != before:
                    self._write(video_id, after, generation)
            except (ObjectNotFound, PreconditionFailed):
                continue
            return known
        raise Retryable(f"video {video_id}: others kept writing its note, {NOTE_TRIES} tries")

    def _note(self, video_id: str) -> tuple[int, Note | None]:
        """The note and its generation. Raises ObjectNotFound where somebody replaces it at this moment."""
        stored = self.store.stat(self.state_bucket, _name(video_id))
        if stored is None:
            return 0, None
        values = json.loads(self.store.read(self.state_bucket, _name(video_id), stored.generation))
        failed = values["failed"]
        return stored.generation, Note(Run(*values["newest"]), Run(*failed) if failed else None)

    def _write(self, video_id: str, note: Note, generation: int) -> None:
        failed = [note.failed.generation, note.failed.number] if note.failed else None
        data = json.dumps({"newest": [note.newest.generation, note.newest.number], "failed": failed}).encode()
        self.store.write(
            self.state_bucket,
            _name(video_id),
            data,
            content_type="application/json",
            if_generation_match=generation,
        )


def _urls(files: Mapping[str, str]) -> dict[str, str]:
    return {"transcript_url": files["segments"], "transcriptWords_url": files["words"]}


def _name(video_id: str) -> str:
    return f"videos/{video_id}.json"
