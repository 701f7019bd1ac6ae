"""The real server above a process that ends itself."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.local.processes import Processes, free_ports
from tests.waiting import wait_until

pytestmark = pytest.mark.local_cloud

SERVED = Path(__file__).parents[1] / "unit" / "handlers" / "served.py"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    processes, port = Processes(tmp_path), free_ports(1)[0]
    command = [sys.executable, "-m", "functions_framework", "--source", str(SERVED), "--target", "losing"]
    processes.start("losing", [*command, "--port", str(port)], {**os.environ, "WORKERS": "1", "THREADS": "4"})
    try:
        processes.wait_for_http("losing", port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        processes.stop()


def test_a_process_that_lost_its_engine_answers_then_gives_way_to_another_one(url: str) -> None:
    before = httpx.get(url).text
    answered = httpx.post(url)
    assert (answered.status_code, answered.text) == (200, before)

    def another() -> bool | None:
        try:
            return httpx.get(url, timeout=5).text != before or None
        except httpx.TransportError:
            return None

    assert wait_until(another)
