"""Reads audio with FFmpeg, inside the process and in a stream: a file of any length takes the same memory."""

from collections.abc import Generator, Iterator
from contextlib import closing

from core.audio import MAX_DURATION_S, MIN_DURATION_S, AudioInfo, AudioSource, check_duration
from core.errors import Damaged
from core.ports import SAMPLE_RATE_HZ, Block
from infra.audio_ahead import ahead
from infra.audio_decoding import Decoding, Piece
from infra.audio_file import AudioFile, opened
from infra.audio_length import length, stated_s
from infra.audio_resampling import resampled
from infra.audio_timeline import Timeline

COMPLETE = 0.95
"""A file of which less than this share can be decoded is damaged; rounding and padding are far smaller."""


PIECES_AHEAD = 4
"""Pieces of 2 s that wait between the two threads: 0.5 MB of 8 kHz MP3, 37 MB of 5.1 floats at 96 kHz."""


class PyAvReader:
    """Any accepted container and codec, through PyAV.

    Args:
        threads: with 1 everything runs in the thread that takes the blocks. From 2 on a second one reads and
            decodes ahead, while the first resamples; the blocks are the same. More than two are not used,
            since decoders side by side wait for the interpreter's lock at each packet (ADR 7).

    Raises:
        ValueError: threads is below 1.
    """

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}, expected at least 1")
        self._threads = threads

    def probe(self, source: AudioSource) -> AudioInfo:
        """Look at the header; see infra.audio_length for when more than the header is read.

        Raises:
            NotAudio: no accepted container, or no audio stream in it.
            ObjectNotFound, Retryable: as the store raises them.
        """
        with opened(source) as audio:
            codec = audio.stream.codec_context
            duration_s, is_estimate = length(audio)
            return AudioInfo(
                duration_s=duration_s,
                sample_rate_hz=codec.sample_rate,
                channels=codec.channels,
                codec=codec.codec.canonical_name,
                is_estimate=is_estimate,
            )

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        """Decode the first audio stream to 16 kHz mono, in blocks of 10 s (the last one is shorter).

        Where time stamps leave a hole, or packets can't be decoded, silence takes their place, so that times
        stay right behind it; that is for scratches only, see COMPLETE.

        Raises:
            NotAudio: as probe.
            Damaged: too little of it could be decoded, or a sample is not a number.
            OutOfLimits: more than twelve hours, whatever the header says.
            ObjectNotFound, Retryable: as the store raises them; all also in the middle.
        """
        with opened(source) as audio:
            decoding = Decoding(audio)
            given = 0
            # Closed before the file is: a thread may be reading it.
            with closing(self._pieces(decoding)) as pieces:
                for block in resampled(pieces):
                    given += len(block.samples)
                    if given > MAX_DURATION_S * SAMPLE_RATE_HZ:
                        check_duration(audio.uri, given / SAMPLE_RATE_HZ)
                    yield block
            _check_complete(audio, decoding.timeline)

    def _pieces(self, decoding: Decoding) -> Generator[Piece]:
        pieces = decoding.pieces()
        return pieces if self._threads == 1 else ahead(pieces, PIECES_AHEAD)


def _check_complete(audio: AudioFile, timeline: Timeline) -> None:
    """Refuse what ended early, or has holes.

    Raises:
        Damaged: with both figures.
        OutOfLimits: shorter than a second, and no header promised more.
    """
    expected_s, heard_s, position_s = stated_s(audio), timeline.heard_s, timeline.position_s
    if expected_s is not None and position_s < COMPLETE * expected_s:
        raise Damaged(
            f"{audio.uri}: {heard_s:.3f} s could be decoded, the header states {expected_s:.3f} s",
            code="truncated",
        )
    if heard_s == 0 or heard_s < COMPLETE * position_s:
        raise Damaged(
            f"{audio.uri}: {heard_s:.3f} s of {position_s:.3f} s could be decoded, "
            f"expected {COMPLETE:.0%} of it",
            code="corrupt",
        )
    if audio.format == "aac" and timeline.heard_bytes < COMPLETE * audio.sound_bytes:
        # Neither a header nor time stamps: FFmpeg passes over whatever does not look like a frame.
        raise Damaged(
            f"{audio.uri}: {timeline.heard_bytes} of {audio.sound_bytes} bytes could be decoded, "
            f"expected {COMPLETE:.0%} of them",
            code="corrupt",
        )
    if heard_s < COMPLETE * MIN_DURATION_S:
        check_duration(audio.uri, heard_s)
