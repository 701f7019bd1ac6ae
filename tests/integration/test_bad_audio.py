"""Audio that is odd or broken, through decoder, windows, model, stitch and coverage."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Damaged, OutOfLimits
from core.transcript import Transcript, Word
from core.wer import compare
from infra.audio import PyAvReader
from infra.parakeet import ParakeetRecognizer
from tests.engines import engine_over
from tests.fakes.recordings import Recipe, encoded, source_of
from tests.recordings import Recording, committed

pytestmark = pytest.mark.asr

RATE = 16_000
Sound = NDArray[np.float64]


def said() -> Recording:
    return committed()["two_voices.flac"]


def sound(rate: int = RATE) -> Sound:
    """The recording at another rate, by linear interpolation."""
    audio = said().audio().astype(np.float64)
    at = np.arange(len(audio) * rate // RATE) * (RATE / rate)
    moved: Sound = np.interp(at, np.arange(len(audio)), audio)
    return moved


def hear(data: bytes, model: ParakeetRecognizer) -> Transcript:
    with engine_over(model) as engine:
        return engine.transcribe(source_of(data), PyAvReader().probe(source_of(data)))


@dataclass(frozen=True, slots=True)
class Oddity:
    """A way to store a recording, and how many of its words may then be heard wrong."""

    recipe: Recipe
    highest_wer: float = 0.05
    gain: float = 1.0


ODDITIES = {
    "stereo": Oddity(Recipe("wav", "pcm_s16le", RATE, "stereo")),
    "8 kHz": Oddity(Recipe("wav", "pcm_s16le", 8_000)),
    "96 kHz": Oddity(Recipe("flac", "flac", 96_000)),
    "5.1": Oddity(Recipe("flac", "flac", 48_000, "5.1")),
    "variable bit rate": Oddity(Recipe("mp3", "libmp3lame", 44_100, codec_options=(("q", "6"),))),
    "clipped": Oddity(Recipe("wav", "pcm_s16le", RATE), highest_wer=0.25, gain=20.0),
    "very quiet": Oddity(Recipe("flac", "flac", RATE), highest_wer=0.25, gain=0.02),
}


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES.keys())
def test_odd_audio_is_heard_as_well_as_any(tiny_model: ParakeetRecognizer, oddity: Oddity) -> None:
    audio = np.clip(sound(oddity.recipe.rate) * oddity.gain, -1, 1)
    heard = hear(encoded(audio, oddity.recipe), tiny_model)
    assert compare(said().words, heard.words).errors.rate <= oddity.highest_wer


@pytest.mark.parametrize("lead_ms", [400, 450, 500, 550, 600])
def test_half_a_second_of_silence_in_front_swallows_no_word(
    tiny_model: ParakeetRecognizer, lead_ms: int
) -> None:
    recording = said()
    begin_s = recording.words[0].start_s
    audio = np.concatenate([np.zeros(lead_ms * RATE // 1000), sound()[round(begin_s * RATE) :]])
    heard = hear(encoded(audio, Recipe("wav", "pcm_s16le", RATE)), tiny_model)
    moved = [word.shifted(lead_ms / 1000 - begin_s) for word in recording.words]
    found = compare(moved, heard.words)
    assert found.errors.edits <= 1
    assert found.start_error_s is not None
    assert found.start_error_s <= 0.04


def noise(seconds: float) -> Sound:
    return np.clip(np.random.default_rng(5).normal(0, 0.1, round(seconds * RATE)), -1, 1)


def music(seconds: float) -> Sound:
    """Chords of four tones, a new one each half second, with a beat."""
    t = np.arange(round(seconds * RATE)) / RATE
    steps = np.random.default_rng(6).integers(0, 24, (4, int(seconds * 2) + 1))
    tones = 110 * 2 ** (steps[:, (t * 2).astype(int)] / 12)
    waves: Sound = np.sin(2 * np.pi * np.cumsum(tones, axis=1) / RATE).mean(axis=0)
    return 0.6 * waves * (0.3 + 0.7 * np.exp(-5 * (t * 2 % 1)))


@pytest.mark.parametrize("made", [noise, music], ids=["noise", "music"])
def test_sound_without_speech_gives_a_transcript_that_hides_nothing(
    tiny_model: ParakeetRecognizer, made: Callable[[float], Sound]
) -> None:
    heard = hear(encoded(made(90.0), Recipe("flac", "flac", RATE)), tiny_model)
    assert heard.duration_s == pytest.approx(90.0, abs=0.01)
    assert {gap.reason for gap in heard.gaps} <= {"no_words"}


def test_speech_after_two_minutes_of_music_is_heard_at_its_time(tiny_model: ParakeetRecognizer) -> None:
    audio = np.concatenate([music(120.0), np.zeros(RATE), sound()])
    heard = hear(encoded(audio, Recipe("flac", "flac", RATE)), tiny_model)
    moved = [word.shifted(121.0) for word in said().words]
    spoken = [word for word in heard.words if word.midpoint_s > 120.5]
    assert compare(moved, spoken).errors.rate <= 0.05


def broken(data: bytes, share: float) -> bytes:
    """The middle of a file, overwritten."""
    length = round(len(data) * share)
    begin = len(data) // 2
    return data[:begin] + np.random.default_rng(8).bytes(length) + data[begin + length :]


def test_what_is_broken_in_the_middle_is_a_gap_and_the_rest_is_heard(tiny_model: ParakeetRecognizer) -> None:
    audio = np.tile(sound(), 4)
    data = encoded(audio, Recipe("flac", "flac", RATE))
    heard = hear(broken(data, 0.03), tiny_model)
    (gap,) = (gap for gap in heard.gaps if gap.reason == "not_decodable")
    length_s = len(audio) / RATE
    assert gap.start_s == pytest.approx(length_s / 2, abs=5)
    assert 0.5 <= gap.end_s - gap.start_s <= 0.05 * length_s
    behind = [word for word in said_four_times() if word.start_s > gap.end_s]
    found = compare(behind, [word for word in heard.words if word.start_s > gap.end_s])
    assert found.errors.rate <= 0.05
    assert found.start_error_s is not None
    assert found.start_error_s <= 0.1


def said_four_times() -> list[Word]:
    length_s = len(sound()) / RATE
    return [word.shifted(turn * length_s) for turn in range(4) for word in said().words]


def test_more_than_a_twentieth_broken_is_refused(tiny_model: ParakeetRecognizer) -> None:
    data = encoded(np.tile(sound(), 4), Recipe("flac", "flac", RATE))
    with pytest.raises(Damaged, match=r"could be decoded"):
        hear(broken(data, 0.15), tiny_model)


def test_a_sample_that_is_no_number_is_refused(tiny_model: ParakeetRecognizer) -> None:
    audio = sound()
    audio[len(audio) // 2] = np.nan
    with pytest.raises(Damaged, match="expected finite numbers") as caught:
        hear(encoded(audio, Recipe("wav", "pcm_f32le", RATE)), tiny_model)
    assert caught.value.code == "not_finite"


def test_a_single_sample_is_too_short(tiny_model: ParakeetRecognizer) -> None:
    with pytest.raises(OutOfLimits) as caught:
        hear(encoded(sound()[:1], Recipe("wav", "pcm_s16le", RATE)), tiny_model)
    assert caught.value.code == "too_short"
