"""A process that is killed in the middle of a job, on the real local cloud."""

import os
import signal
from pathlib import Path

import pytest

from infra.ledger import LEASE_S
from tests.e2e.chain import running_chain
from tests.e2e.test_bad_files import GOOD
from tests.waiting import wait_until

pytestmark = [pytest.mark.local_cloud, pytest.mark.asr, pytest.mark.full]


def workers(pid: int) -> list[int]:
    """The processes that gunicorn's first one has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_job_whose_process_was_killed_is_taken_over_when_its_lease_has_expired(tmp_path: Path) -> None:
    with running_chain(tmp_path) as chain:
        audio = chain.drop(GOOD.path, video_id="9900")
        lease = f"jobs/{audio.job_id}/1/lease.json"
        wait_until(lambda: True if lease in chain.state(lease) else None)
        [worker] = workers(chain.cloud.processes.running["transcribe"].pid)
        os.kill(worker, signal.SIGKILL)
        event = chain.outcome(audio, patience_s=3 * LEASE_S)
        assert (event["outcome"], event["attempts"]) == ("completed", 2)
        assert chain.text(event) == GOOD.text
