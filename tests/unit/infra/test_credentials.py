import socket
from contextlib import closing

import pytest

from infra.credentials import require_cloud, require_emulators
from infra.local.processes import free_ports
from infra.settings import SettingsError, load


def test_one_emulator_without_the_other_is_refused_where_both_are_needed() -> None:
    settings = load({"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9", "GOOGLE_CLOUD_PROJECT": "p"})
    with pytest.raises(SettingsError, match="PUBSUB_EMULATOR_HOST is not set and STORAGE_EMULATOR_HOST is"):
        require_cloud(settings, events=True)


def test_an_emulator_where_nobody_answers_is_named_at_once() -> None:
    [port] = free_ports(1)
    settings = load({"PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}"})
    with pytest.raises(SettingsError, match=f"PUBSUB_EMULATOR_HOST=127.0.0.1:{port}: nobody answers"):
        require_emulators(settings)


def test_an_emulator_that_answers_gives_the_project_of_the_settings() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        named = {"STORAGE_EMULATOR_HOST": host, "GOOGLE_CLOUD_PROJECT": "p"}
        assert require_cloud(load(named), events=False) == "p"
        with pytest.raises(SettingsError, match="GOOGLE_CLOUD_PROJECT is not set"):
            require_cloud(load({"STORAGE_EMULATOR_HOST": host}), events=False)
