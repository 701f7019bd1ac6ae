from core.transcript import Word
from core.words import Token, words_from

FRAME_S = 0.08


def built(*tokens: tuple[str, int, int], duration_s: float = 10.0) -> list[tuple[str, float, float]]:
    words = words_from([Token(*token) for token in tokens], FRAME_S, duration_s)
    return [(word.text, round(word.start_s, 6), round(word.end_s, 6)) for word in words]


def test_pieces_are_joined_into_words_at_the_word_start_sign() -> None:
    assert built(("▁t", 1, 2), ("wo", 3, 1), ("▁one", 10, 4)) == [("two", 0.08, 0.32), ("one", 0.8, 1.12)]


def test_no_tokens_are_no_words() -> None:
    assert built() == []


def test_a_first_piece_without_the_sign_still_begins_a_word() -> None:
    assert built(("ve", 0, 1), ("▁s", 5, 1)) == [("ve", 0.0, 0.08), ("s", 0.4, 0.48)]


def test_a_lone_sign_gives_the_word_its_start() -> None:
    assert built(("▁", 2, 1), ("k", 3, 1), ("▁no", 9, 1)) == [("k", 0.16, 0.32), ("no", 0.72, 0.8)]


def test_a_lone_sign_before_another_word_is_no_word() -> None:
    assert built(("▁", 2, 1), ("▁no", 9, 1)) == [("no", 0.72, 0.8)]


def test_punctuation_sticks_to_the_word_before_and_does_not_stretch_it() -> None:
    assert built(("▁yes", 1, 2), (",", 30, 4), ("▁no", 40, 1)) == [("yes,", 0.08, 0.24), ("no", 3.2, 3.28)]


def test_closing_punctuation_after_a_space_sticks_to_the_word_before() -> None:
    assert built(("▁yes", 1, 2), ("▁", 20, 1), ("?", 21, 1)) == [("yes?", 0.08, 0.24)]
    assert built(("▁yes", 1, 2), ("▁!", 20, 1)) == [("yes!", 0.08, 0.24)]


def test_an_apostrophe_at_the_front_begins_a_word_that_starts_with_its_sound() -> None:
    assert built(("▁stop", 1, 1), ("▁'", 4, 1), ("em", 6, 2)) == [("stop", 0.08, 0.16), ("'em", 0.48, 0.64)]


def test_an_apostrophe_inside_a_word_keeps_it_whole() -> None:
    assert built(("▁don", 1, 1), ("'", 2, 0), ("t", 3, 1)) == [("don't", 0.08, 0.32)]


def test_punctuation_with_no_word_before_it_stands_alone() -> None:
    assert built((".", 3, 1)) == [(".", 0.24, 0.32)]


def test_a_token_that_cannot_be_written_leaves_no_trace_in_the_text() -> None:
    assert built(("▁ca", 1, 1), ("", 2, 1), ("fe", 3, 1)) == [("cafe", 0.08, 0.32)]
    assert built(("", 2, 1)) == []


def test_a_word_that_lasts_no_frame_gets_one() -> None:
    assert built(("▁go", 5, 0)) == [("go", 0.4, 0.48)]


def test_words_of_no_length_at_the_same_frame_share_it() -> None:
    assert built(("▁go", 5, 0), ("▁no", 5, 0)) == [("go", 0.4, 0.44), ("no", 0.44, 0.48)]


def test_an_end_behind_the_audio_is_clipped_to_it() -> None:
    assert built(("▁go", 5, 4), duration_s=0.5) == [("go", 0.4, 0.5)]


def test_a_start_at_the_very_end_of_the_audio_still_leaves_a_word() -> None:
    [(text, start_s, end_s)] = built(("▁go", 5, 4), duration_s=0.4)
    assert text == "go"
    assert 0 <= start_s < end_s <= 0.4


def test_the_weakest_spoken_token_is_the_confidence_of_the_word() -> None:
    tokens = [Token("▁t", 0, 1, 0.9), Token("wo", 1, 1, 0.4), Token(".", 2, 1, 0.1)]
    assert words_from(tokens, FRAME_S, 1.0) == [Word("two.", 0.0, 0.16, 0.4)]


def test_a_confidence_that_rounding_pushed_over_one_is_one() -> None:
    assert words_from([Token("▁a", 0, 1, 1.0000001)], FRAME_S, 1.0)[0].confidence == 1.0
