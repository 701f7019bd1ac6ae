"""How long an audio file is, by its header where that says so, else by its packets. Nothing is decoded.

What each container states was found out with truncated files:

| container | where the length comes from | a truncated file |
|---|---|---|
| mp3 with a Xing, Info or VBRI tag | the tag's number of frames | shorter than stated |
| mp3 without one | estimated: bytes / bit rate of the first frames | not noticed: nothing is stated |
| wav | RIFF size; FFmpeg clips it to the bytes there are | RIFF size past the end |
| flac | STREAMINFO; unknown (0) when written to a pipe: packets | shorter than stated |
| m4a | moov; at the end of the file it is lost with it | shorter than stated, or not audio |
| aac (ADTS) | packets; FFmpeg's estimate is off for a variable bit rate | not noticed |
| ogg | the last page | not noticed: the last page left counts |
| webm, mka | the stream's DURATION tag, else the segment's; live: packets | shorter than stated |
| wma | FFmpeg's mix of header and bytes, too rough to call a file short | not noticed |
"""

import re

from core.audio import MAX_DURATION_S, MIN_DURATION_S
from infra.audio_file import AudioFile

_UNKNOWN_RIFF_BYTES = 0x7FFF_F000
"""Writers to a pipe put 0, or a number of this size or larger (up to 0xFFFFFFFF), for "not known"."""

_CLOCK = re.compile(r"(\d{1,9}):(\d{1,9}):(\d{1,9}(?:\.\d+)?)", re.ASCII)
"""What muxers write into a stream's DURATION tag; it is text, so it may say anything."""

_STATING = ("mp3", "flac", "mov", "matroska")
"""Containers whose length was written by the file's maker, not derived from the bytes that are left."""


def stated_s(audio: AudioFile) -> float | None:
    """The length that the file claims to have; None where it claims nothing."""
    if audio.format == "mp3" and not _counts_mp3_frames(audio.head):
        return None
    if audio.format == "wav":
        return _wav_s(audio)
    return _header_s(audio) if audio.format in _STATING else None


def length(audio: AudioFile) -> tuple[float, bool]:
    """Seconds as far as they can be told without decoding, and whether they are a mere estimate.

    Packets are counted (all bytes are read then) where the header gives no number, and where an estimate
    would lead to refusing the file.
    """
    stated = stated_s(audio)
    if stated is not None:
        return stated, False
    estimate_s = _header_s(audio) if audio.format != "aac" else None
    if estimate_s is not None and MIN_DURATION_S <= estimate_s <= MAX_DURATION_S:
        return estimate_s, True
    return _packets_s(audio), False


def _header_s(audio: AudioFile) -> float | None:
    stream = audio.stream
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    tag = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if tag:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return audio.container.duration / 1e6 if audio.container.duration is not None else None


def _wav_s(audio: AudioFile) -> float | None:
    """FFmpeg's length, or the longer one that the RIFF header promises."""
    found_s = _header_s(audio)
    promised_bytes = int.from_bytes(audio.head[4:8], "little") + 8
    known = audio.head[:4] == b"RIFF" and 8 < promised_bytes < _UNKNOWN_RIFF_BYTES
    if not known or promised_bytes <= audio.size_bytes or not audio.stream.bit_rate:
        return found_s
    return max(found_s or 0.0, promised_bytes * 8 / audio.stream.bit_rate)


def _counts_mp3_frames(head: bytes) -> bool:
    """Whether the first frame is a tag with the number of frames."""
    return any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))


def _packets_s(audio: AudioFile) -> float:
    """From the start of the first packet to the end of the last; stops once past the longest allowed."""
    first_s: float | None = None
    end_s = total_s = 0.0
    for packet in audio.container.demux(audio.stream):
        if packet.size == 0 or packet.time_base is None:
            continue
        length_s = float((packet.duration or 0) * packet.time_base)
        total_s += length_s
        if packet.pts is not None:
            start_s = float(packet.pts * packet.time_base)
            first_s = start_s if first_s is None else first_s
            end_s = max(end_s, start_s + length_s - first_s)
        if max(total_s, end_s) > MAX_DURATION_S:
            break
    return max(total_s, end_s)
