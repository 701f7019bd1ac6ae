"""Fallbacks of what makes the model faster. No device is needed: the capture never gets that far."""

from types import SimpleNamespace

import pytest

from core.errors import EngineLost
from infra.acceleration import Decoder, captured
from tests.log_lines import Lines

pytestmark = pytest.mark.asr

PLAIN = Decoder(plain=object())
ON_CUDA = SimpleNamespace(device=SimpleNamespace(type="cuda"))


class Failing:
    """A model that fails as soon as a loop is made for it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def cfg(self) -> None:
        raise self._error


def test_a_capture_that_fails_leaves_the_plain_loop(lines: Lines) -> None:
    model = Failing(RuntimeError("CUDA error: operation not permitted when stream is capturing"))
    assert captured(PLAIN, model, "on", most=4, encoded=ON_CUDA) is PLAIN
    assert lines.one()["message"] == "no CUDA graphs in the decoder: the capture failed"


def test_a_device_that_is_lost_while_capturing_is_no_reason_to_go_on() -> None:
    model = Failing(RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(EngineLost):
        captured(PLAIN, model, "auto", most=4, encoded=ON_CUDA)


def test_no_graph_is_captured_where_it_is_off_or_not_on_cuda() -> None:
    model = Failing(AssertionError("nothing may be made"))
    on_cpu = SimpleNamespace(device=SimpleNamespace(type="cpu"))
    assert captured(PLAIN, model, "off", most=4, encoded=ON_CUDA) is PLAIN
    assert captured(PLAIN, model, "on", most=4, encoded=on_cpu) is PLAIN
