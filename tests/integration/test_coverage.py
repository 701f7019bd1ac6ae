"""Speech whose words are all known has no hole; where words are taken away, there is one."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from core.coverage import holes
from core.ports import Block
from core.transcript import Word
from core.windows import WindowSpec, cut
from tests.fakes.voices import Samples, whole
from tests.recordings import Recording, five_minutes, five_minutes_of_real_voices, short_samples

RATE = 16_000


def found(audio: Samples, words: Sequence[Word]) -> list[tuple[float, float]]:
    windows = cut([Block(audio)], WindowSpec())
    return [(begin / RATE, end / RATE) for window in windows for begin, end in holes(window, words)]


def samples_of(recording: Recording) -> Samples:
    return whole(recording.audio().astype(np.float64) * 32_768)


@pytest.mark.parametrize("recording", [*short_samples(), five_minutes()], ids=lambda said: said.path.name)
def test_speech_whose_words_are_all_known_has_no_hole(recording: Recording) -> None:
    assert found(samples_of(recording), recording.words) == []


def test_real_voices_whose_words_are_all_known_have_no_hole() -> None:
    recording = five_minutes_of_real_voices()
    assert found(samples_of(recording), recording.words) == []


@pytest.mark.parametrize("said", [five_minutes, five_minutes_of_real_voices])
def test_four_seconds_of_words_taken_away_are_found(said: Callable[[], Recording]) -> None:
    recording = said()
    chance, audio, words = random.Random(4), samples_of(recording), recording.words
    tried = 0
    while tried < 30:
        first = last = chance.randrange(len(words) - 20)
        length_s = chance.uniform(4, 15)
        while words[last].end_s - words[first].start_s < length_s:
            last += 1
        lost = words[first : last + 1]
        if max(after.start_s - before.end_s for before, after in pairwise(lost)) > 0.5:
            continue  # a pause is no speech
        tried += 1
        parts = found(audio, [*words[:first], *words[last + 1 :]])
        assert parts[0][0] == pytest.approx(lost[0].start_s, abs=0.3)
        assert parts[-1][1] == pytest.approx(lost[-1].end_s, abs=0.3)
        assert all(one[1] == two[0] for one, two in pairwise(parts))  # on a cut
