from infra.local.cloud import REPLACEABLE, _given
from infra.settings import NAMES


def test_an_empty_setting_counts_as_unset_and_keeps_its_stand_in() -> None:
    environ = {"PUBSUB_EMULATOR_HOST": "", "CONVEX_URL": " ", "AUDIO_BUCKET": "mine", "OTHER": ""}
    assert _given(environ) == {"AUDIO_BUCKET": "mine", "OTHER": ""}


def test_what_replaces_a_stand_in_is_a_setting() -> None:
    assert set(REPLACEABLE) <= set(NAMES)
