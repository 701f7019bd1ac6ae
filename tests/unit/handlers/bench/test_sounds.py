from pathlib import Path

import numpy as np

from handlers.bench.sounds import FORMATS, Sound, cuts, decoded, long_file, short_files


def test_a_long_file_is_as_long_as_asked_and_its_words_lie_in_it(tmp_path: Path) -> None:
    sound = long_file(tmp_path, 330.0)
    samples = sum(len(block) for block in decoded(sound.path))
    assert abs(samples / 16_000 - 330.0) < 0.1
    assert len(sound.words) > 364  # the words of the first recording, and some of the next ones
    assert sound.words[-1].end_s <= 330.0


def test_words_lie_where_it_is_loud(tmp_path: Path) -> None:
    sound = long_file(tmp_path, 320.0)
    audio = np.concatenate(list(decoded(sound.path))).astype(np.float64)
    in_words = np.zeros(len(audio), bool)
    for word in sound.words:
        in_words[round(word.start_s * 16_000) : round(word.end_s * 16_000)] = True
    loud = np.abs(audio) > 1500
    assert loud[in_words].sum() > 0.99 * loud.sum()


def test_short_files_last_20_to_40_s_each(tmp_path: Path) -> None:
    for sound in short_files(tmp_path, 3):
        samples = sum(len(block) for block in decoded(sound.path))
        assert 20 <= samples / 16_000 <= 40.1


def test_ready_cuts_hold_all_of_the_audio(tmp_path: Path) -> None:
    sound = long_file(tmp_path, 70.0)
    pieces = cuts(Sound(sound.path, 70.0, ()), 30.0)
    assert [len(piece) for piece in pieces[:2]] == [480_000, 480_000]
    assert abs(sum(map(len, pieces)) / 16_000 - 70.0) < 0.1
    assert pieces[0].dtype == np.float32


def test_every_format_can_be_written(tmp_path: Path) -> None:
    for form in FORMATS.values():
        sound = long_file(tmp_path, 3.0, form)
        assert abs(sum(len(block) for block in decoded(sound.path)) / 16_000 - 3.0) < 0.15
