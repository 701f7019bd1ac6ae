"""What becomes of several processes that decode one file."""

import os
import signal
from contextlib import closing

import pytest

from core.errors import EngineFailed
from infra.audio_processes import ProcessReader
from tests.fakes.recordings import CountingStream, encoded
from tests.unit.infra.decoder_processes import decoders
from tests.unit.infra.test_audio_side_by_side import FLAC, RATE, blocks, named, speech, straight


def test_one_killed_process_of_several_fails_the_file_and_leaves_none_of_it_behind() -> None:
    data = encoded(speech(600, RATE), FLAC)
    with closing(ProcessReader(3, per_file=3)) as reader:
        heard = named(reader, data)
        next(heard)
        os.kill(decoders()[1], signal.SIGKILL)
        with pytest.raises(EngineFailed, match="ended, with status -9"):
            list(heard)
        assert decoders() == []
        assert blocks(named(reader, data)) == straight(data)
    assert decoders() == []


def test_leaving_early_closes_the_object_and_ends_the_processes() -> None:
    stream = CountingStream(encoded(speech(600, RATE), FLAC))
    with closing(ProcessReader(3, per_file=3)) as reader:
        heard = named(reader, stream)
        next(heard)
        assert len(decoders()) == 3
        del heard
        assert stream.closed
        assert decoders() == []


def test_a_short_file_takes_one_process_and_a_second_file_what_is_left() -> None:
    short, long = encoded(speech(20, RATE), FLAC), encoded(speech(170, RATE), FLAC)
    with closing(ProcessReader(2, per_file=2, patience_s=0)) as reader:
        blocks(named(reader, short))
        assert len(decoders()) == 1
        heard = named(reader, long)
        first = next(heard)
        assert len(decoders()) == 2
        assert blocks(named(reader, short)) == straight(short)
        assert len(first.samples) + sum(len(block.samples) for block in heard) == 170 * RATE
