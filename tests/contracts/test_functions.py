"""The light functions as they are deployed: wired from the environment, in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage

from infra.gcs import GcsStore
from infra.local.pubsub import PubSubEmulator
from infra.local.topology import create_buckets, create_topics
from tests.contracts.storage import PROJECT
from tests.payloads import payload

pytestmark = pytest.mark.local_cloud

ROOT = Path(__file__).parents[2]
STATE = "state-of-the-functions"

PROGRAM = """
import json, sys
from functions_framework import create_app

statuses = {}
for target, name in json.loads(sys.argv[1]):
    request = json.load(open(f"tests/events/{name}.json"))
    client = create_app(target, "handlers/main.py").test_client()
    answer = client.post("/", json=request["body"], headers=request["headers"])
    statuses[f"{target} {name}"] = answer.status_code
heavy = [name for name in ("torch", "nemo", "lightning", "transformers") if name in sys.modules]
print(json.dumps({"statuses": statuses, "heavy": heavy}))
"""

PUSHES = [
    ("ingest", "storage_delete"),
    ("ingest", "storage_finalize"),
    ("ingest", "requested"),
    ("fallback", "storage_finalize"),
    ("notify", "requested"),
    ("dead_letter", "requested_dead_letter"),
    ("dead_letter", "storage_finalize_dead_letter"),
]
UNUSABLE = {("ingest", "requested"), ("fallback", "storage_finalize"), ("notify", "requested")}


@pytest.fixture(scope="module")
def told(gcs_client: storage.Client) -> dict[str, Any]:
    create_buckets(gcs_client, (STATE,))
    with PubSubEmulator() as emulator:
        create_topics(emulator.host, PROJECT)
        environ = {
            "PATH": os.environ["PATH"],
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "STATE_BUCKET": STATE,
            "PUBSUB_EMULATOR_HOST": emulator.host,
            "STORAGE_EMULATOR_HOST": gcs_client._connection.API_BASE_URL,
            "DEEPGRAM_API_KEY": "made-up",
            "LOG_LEVEL": "DEBUG",
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(PUSHES)],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "log": [json.loads(line) for line in done.stderr.splitlines()]}


def test_every_push_is_acked(told: dict[str, Any]) -> None:
    assert told["statuses"] == {f"{target} {name}": 204 for target, name in PUSHES}


def test_light_functions_load_no_speech_model(told: dict[str, Any]) -> None:
    assert told["heavy"] == []


def test_what_could_not_be_used_is_kept_in_the_state_bucket(
    told: dict[str, Any], gcs_client: storage.Client
) -> None:
    store = GcsStore(gcs_client)
    kept = [
        json.loads(store.read(STATE, found.name)) for found in store.list(STATE, "dead-letters/malformed/")
    ]
    unusable = [payload(name).body for target, name in PUSHES if (target, name) in UNUSABLE]
    assert [json.loads(record["body"]) for record in kept] == unusable


def test_every_line_of_the_log_is_json_and_tells_no_secret(told: dict[str, Any]) -> None:
    assert {line["severity"] for line in told["log"]} <= {"DEBUG", "INFO", "WARNING", "ERROR"}
    assert "made-up" not in json.dumps(told["log"])
    assert payload("requested").body["message"]["data"] not in json.dumps(told["log"])
