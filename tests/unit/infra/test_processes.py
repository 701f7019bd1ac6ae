import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.local.processes import Processes, StartFailed, free_ports
from tests.waiting import wait_until

pytestmark = pytest.mark.local_cloud

HTTP = """
import http.server, sys

class Teapot(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(418)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Teapot).serve_forever()
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
print("pid", os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path, stop_timeout_s=0.5)
    yield processes
    processes.stop()


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_a_server_that_answers_has_started(processes: Processes) -> None:
    [port] = free_ports(1)
    processes.start("web", python(HTTP, str(port)), os.environ)
    processes.wait_for_http("web", port)
    processes.wait_for_port("web", port)
    assert processes.running["web"].poll() is None


def test_a_process_that_dies_at_start_is_told_with_the_end_of_its_log(processes: Processes) -> None:
    [port] = free_ports(1)
    code = "for n in range(40): print('line', n)\nraise SystemExit('no such bucket')"
    processes.start("storage", python(code), os.environ)
    with pytest.raises(StartFailed) as caught:
        processes.wait_for_http("storage", port)
    message = str(caught.value)
    assert message.startswith("storage did not start")
    assert message.endswith(("line 39", "no such bucket"))
    assert "no such bucket" in message
    assert "line 3\n" not in message
    assert str(processes.directory / "storage.log") in message


def test_a_process_that_died_has_not_started_though_another_answers_on_its_port(
    processes: Processes,
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as another:
        port = another.getsockname()[1]
        processes.start("twin", python("raise SystemExit('address in use')"), os.environ)
        processes.running["twin"].wait()
        with pytest.raises(StartFailed, match="address in use"):
            processes.wait_for_port("twin", port)


def test_a_server_that_never_answers_has_not_started(tmp_path: Path) -> None:
    [port] = free_ports(1)
    processes = Processes(tmp_path, start_timeout_s=0.0)
    processes.start("mute", python("import time; time.sleep(60)"), os.environ)
    with pytest.raises(StartFailed):
        processes.wait_for_http("mute", port)
    processes.stop()


def test_stop_ends_what_runs(processes: Processes) -> None:
    for name in ("one", "two"):
        processes.start(name, python("import time; time.sleep(60)"), os.environ)
    started = list(processes.running.values())
    processes.stop()
    assert [process.returncode for process in started] == [-signal.SIGTERM] * 2
    assert processes.running == {}
    processes.stop()


def test_stop_kills_what_does_not_listen_and_its_children(processes: Processes) -> None:
    processes.start("stubborn", python(STUBBORN), os.environ)
    log = processes.directory / "stubborn.log"
    pids = wait_until(lambda: found if len(found := log.read_text().split("pid")) == 3 else None)
    processes.stop()
    for pid in pids[1:]:
        wait_until(lambda pid=int(pid): True if gone(pid) else None)  # type: ignore[misc]


def test_whoever_is_impatient_with_the_end_has_all_killed(tmp_path: Path) -> None:
    processes = Processes(tmp_path, stop_timeout_s=60.0)
    processes.start("stubborn", python(STUBBORN), os.environ)
    wait_until(lambda: True if "pid" in (tmp_path / "stubborn.log").read_text() else None)
    process = processes.running["stubborn"]
    # A shell starts what runs in its background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    impatience = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    impatience.start()
    with pytest.raises(KeyboardInterrupt):
        processes.stop()
    impatience.join()
    signal.signal(signal.SIGINT, before)
    assert process.returncode == -signal.SIGKILL
    assert processes.running == {}


def gone(pid: int) -> bool:
    """Ended; where nobody takes note of a child's end, it stays in the table as Z."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_server_sees_no_more_of_the_environment_than_it_is_given(processes: Processes) -> None:
    processes.start("env", python("import os; print(sorted(os.environ))"), {"ONLY": "this"})
    processes.running["env"].wait()
    assert "ONLY" in (log := (processes.directory / "env.log").read_text())
    assert "HOME" not in log


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
