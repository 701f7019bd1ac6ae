"""`klipscribe report` over a real server."""

import json

import pytest
from google.cloud import storage
from typer.testing import CliRunner, Result

from handlers.cli import app
from infra.books import ObjectBooks
from infra.gcs import GcsStore
from infra.local.topology import create_buckets
from tests.unit.core.bookkeeping import attempt

pytestmark = pytest.mark.local_cloud
STATE = "state-of-the-report"


@pytest.fixture
def environ(gcs_client: storage.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    create_buckets(gcs_client, (STATE,))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_client._connection.API_BASE_URL)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "klip")
    monkeypatch.setenv("STATE_BUCKET", STATE)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


@pytest.mark.usefixtures("environ")
def test_a_month_is_read_from_the_books(gcs_client: storage.Client) -> None:
    books = ObjectBooks(GcsStore(gcs_client), STATE)
    for fence in range(1, 21):
        books.record(attempt(fence=fence))
    said = json.loads(run("--month", "2026-11", "--json").stdout)
    assert (said["attempts"], said["jobs"], said["parked"]) == (20, 1, 0)
    assert run("--month", "2026-11", "--csv").stdout.count("\n") == 21


@pytest.mark.usefixtures("environ")
def test_a_month_with_nothing_in_it_says_so() -> None:
    result = run("--month", "2001-01")
    assert result.exit_code == 0
    assert f"no attempt of 2001-01 is in the books in gs://{STATE}" in result.stderr


@pytest.mark.usefixtures("environ")
def test_a_bucket_that_is_not_there_is_a_failure_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_BUCKET", "nowhere-at-all")
    result = run()
    assert result.exit_code == 1
    assert "the books can't be read: gs://nowhere-at-all/costs/" in result.stderr
