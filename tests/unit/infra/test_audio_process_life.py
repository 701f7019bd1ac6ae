"""Decoder processes come when needed, give way when they die, and leave when they are told or orphaned."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest

import infra
from core.audio import AudioSource
from core.errors import EngineFailed
from core.ports import AudioReader, Block, ObjectNotFound
from infra.audio import PyAvReader
from infra.audio_decoding import PIECE_S
from infra.audio_file import READ_BYTES
from infra.audio_processes import ProcessReader
from tests.fakes.recordings import MP3, CountingStream, Recipe, chirp, encoded, source_of
from tests.log_lines import Lines
from tests.unit.infra.decoder_processes import await_end, decoders

WAV = Recipe("wav", "pcm_s16le", rate=16_000)
LONG = encoded(np.resize(chirp(10, 16_000), 300 * 16_000), WAV)
"""More than a process can have decoded when its first block is taken."""
SHORT = encoded(chirp(12, 8_000), MP3)
BABBLING = """
import sys
from multiprocessing.connection import Connection
with Connection(int(sys.argv[1])) as parent:
    parent.recv_bytes()
    parent.send_bytes(b"?")
    parent.recv_bytes()
"""
CUT_SHORT = """
import os, sys
socket = int(sys.argv[1])
os.read(socket, 9999)
os.write(socket, bytes([0, 0, 1, 0]) + b"S")  # 256 bytes are announced
"""


@pytest.fixture
def reader() -> Iterator[ProcessReader]:
    with closing(ProcessReader(2)) as reader:
        yield reader
    assert decoders() == []


def read(reader: AudioReader, data: bytes) -> bytes:
    return b"".join(block.samples.tobytes() for block in reader.blocks(source_of(data)))


def begun(reader: AudioReader, data: bytes | CountingStream = LONG) -> Iterator[Block]:
    blocks = iter(reader.blocks(source_of(data)))
    next(blocks)
    return blocks


def test_probing_needs_no_process(reader: ProcessReader) -> None:
    assert reader.probe(source_of(SHORT)) == PyAvReader().probe(source_of(SHORT))
    with pytest.raises(ObjectNotFound):
        reader.probe(source_of(None))
    assert decoders() == []


def test_a_process_is_started_by_the_first_file_and_kept_for_the_next(reader: ProcessReader) -> None:
    assert decoders() == []
    read(reader, SHORT)
    [first] = decoders()
    read(reader, SHORT)
    assert decoders() == [first]


def test_a_process_that_is_killed_costs_its_file_a_failure_and_is_replaced(reader: ProcessReader) -> None:
    stream = CountingStream(LONG)
    blocks = begun(reader, stream)
    [killed] = decoders()
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(EngineFailed, match=r"gs://audio/1/audio_1\.mp3: .* ended, with status -9") as caught:
        list(blocks)
    assert (caught.value.code, caught.value.deterministic) == ("engine_failed", False)
    assert stream.closed
    assert decoders() == []
    assert read(reader, SHORT) == read(PyAvReader(), SHORT)
    assert decoders() not in ([], [killed])


def test_a_process_that_was_killed_between_two_files_costs_nothing(reader: ProcessReader) -> None:
    read(reader, SHORT)
    [killed] = decoders()
    os.kill(killed, signal.SIGKILL)
    assert await_end(killed)
    assert read(reader, SHORT) == read(PyAvReader(), SHORT)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended, with status -11"),
        ("raise SystemExit(3)", "ended, with status 3"),
        (BABBLING, r"said b'\?'"),
        (CUT_SHORT, "ended, with status 0"),
    ],
)
def test_a_process_that_can_not_decode_fails_each_file_anew_and_never_hangs(code: str, words: str) -> None:
    with closing(ProcessReader(1, command=(sys.executable, "-c", code))) as reader:
        for _ in range(2):
            with pytest.raises(EngineFailed, match=words):
                read(reader, SHORT)


def test_where_no_process_can_be_started_files_are_decoded_here(lines: Lines) -> None:
    with closing(ProcessReader(1, command=("/no/such/program",))) as reader:
        for _ in range(2):
            assert read(reader, SHORT) == read(PyAvReader(), SHORT)
    said = [line["message"] for line in lines.read_all()]
    assert said == ["no decoder process could be started: No such file or directory"] * 2


@pytest.mark.parametrize("taken", [1, 3])
def test_leaving_early_closes_the_object_and_frees_the_place(taken: int, reader: ProcessReader) -> None:
    for _ in range(3):
        stream = CountingStream(LONG)
        blocks = reader.blocks(source_of(stream))
        for _ in range(taken):
            next(blocks)
        [left] = decoders()
        del blocks
        assert stream.closed
        assert decoders() == []
        assert await_end(left)


def test_four_files_in_turns_are_read_by_two_processes_and_this_one() -> None:
    files = [encoded(chirp(40 + n, 16_000), WAV) for n in range(4)]
    with closing(ProcessReader(2, patience_s=0)) as reader:
        turns = list(zip_longest(*(reader.blocks(source_of(data)) for data in files)))
        assert len(decoders()) == 2
    for data, blocks in zip(files, zip(*turns, strict=True), strict=True):
        heard = b"".join(block.samples.tobytes() for block in blocks if block)
        assert heard == read(PyAvReader(), data)


class NotHere(PyAvReader):
    """Refuses to decode in this process."""

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        raise AssertionError(source.object.uri)


@pytest.mark.parametrize("processes", [1, 3])
def test_many_files_at_once_are_each_heard_as_if_alone_and_wait_for_a_process(processes: int) -> None:
    files = [encoded(chirp(10 + n / 7, 8_000), MP3) for n in range(24)]
    with closing(ProcessReader(processes, patience_s=60, inner=NotHere())) as reader:
        with ThreadPoolExecutor(6) as pool:
            heard = list(pool.map(lambda data: read(reader, data), files))
        assert 1 <= len(decoders()) <= processes
    assert heard == [read(PyAvReader(), data) for data in files]
    assert decoders() == []


def test_close_lets_those_that_wait_decode_here() -> None:
    reader = ProcessReader(1, patience_s=60)
    held = begun(reader)
    with ThreadPoolExecutor(2) as pool:
        heard = [pool.submit(read, reader, SHORT) for _ in range(2)]
        reader.close()
        assert [future.result() for future in heard] == [read(PyAvReader(), SHORT)] * 2
    del held
    assert decoders() == []


def test_no_more_than_a_few_blocks_are_decoded_before_they_are_asked_for(reader: ProcessReader) -> None:
    stream, taken_s = CountingStream(LONG), 0.0
    for block in reader.blocks(source_of(stream)):
        taken_s += len(block.samples) / 16_000
        read_s = stream.bytes_read / 2 / 16_000
        # A block in the socket, one in the making, a piece in the resampler, and FFmpeg's buffers.
        assert read_s - taken_s <= 2 * 10 + PIECE_S + 3 * READ_BYTES / 32_000


def test_close_ends_idle_processes_and_lets_a_file_be_read_to_its_end() -> None:
    reader = ProcessReader(2)
    blocks = begun(reader)
    [busy] = decoders()
    read(reader, SHORT)
    assert len(decoders()) == 2
    reader.close()
    assert decoders() == [busy]
    assert sum(len(block.samples) for block in blocks) == 290 * 16_000
    assert decoders() == []
    assert read(reader, SHORT) == read(PyAvReader(), SHORT)
    assert decoders() == []


PARENT = """
import os, sys
from infra.audio_processes import ProcessReader
from tests.fakes.recordings import source_of
from tests.unit.infra.decoder_processes import decoders
reader = ProcessReader(1)
blocks = reader.blocks(source_of(open(sys.argv[1], "rb").read()))
next(blocks)
if sys.argv[2] == "idle":
    list(blocks)
print(*decoders(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_process_ends_when_its_parent_is_killed(state: str, tmp_path: Path) -> None:
    (tmp_path / "long.wav").write_bytes(LONG)
    command = [sys.executable, "-c", PARENT, str(tmp_path / "long.wav"), state]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    root = Path(infra.__file__).parents[1]
    with subprocess.Popen(command, cwd=root, **pipes) as parent:  # type: ignore[call-overload]
        orphan = int(parent.stdout.readline())
        assert decoders(parent.pid) == [orphan]
        parent.kill()
    assert await_end(orphan)


def test_a_process_knows_nothing_of_the_servers_environment(
    reader: ProcessReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "made-up")
    read(reader, SHORT)
    [pid] = decoders()
    names = [line.split(b"=")[0] for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")]
    assert b"DEEPGRAM_API_KEY" not in names
    assert b"PYTHONPATH" in names


def test_a_process_loads_no_part_of_the_server() -> None:
    code = "import sys, infra.audio_worker; print(*sys.modules)"
    root = Path(infra.__file__).parents[1]
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, check=True, text=True
    ).stdout.split()
    assert "av" in loaded
    vendors = {"torch", "nemo", "google.cloud.storage", "google.auth", "pydantic", "httpx", "requests"}
    assert vendors.isdisjoint(loaded)
    assert not [name for name in loaded if name.startswith("handlers")]


@pytest.mark.parametrize("processes", [0, -1])
def test_fewer_processes_than_one_are_refused(processes: int) -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        ProcessReader(processes)
