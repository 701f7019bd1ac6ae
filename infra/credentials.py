"""Whether the environment names a cloud at all, asked before the first call: a client asks late."""

import socket
from urllib.parse import urlsplit

import google.auth
from google.auth.exceptions import DefaultCredentialsError

from infra.settings import Settings, SettingsError

CONNECT_TIMEOUT_S = 3.0
_SHOWN_CHARACTERS = 160


def require_cloud(settings: Settings, *, events: bool) -> str:
    """The project to work in.

    Args:
        settings: what the environment says.
        events: whether Pub/Sub is needed beside storage.

    Raises:
        SettingsError: neither a local cloud nor a real one can be reached with these settings.
    """
    storage, pubsub = settings.storage_emulator_host, settings.pubsub_emulator_host
    if events and bool(storage) != bool(pubsub):
        names = ("PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")
        missing, given = names if storage else reversed(names)
        raise SettingsError([f"{missing} is not set and {given} is: expected both, or none of them"])
    require_emulators(settings)
    found = "" if storage else _project_of_credentials()
    if project := settings.google_cloud_project or found:
        return project
    raise SettingsError(["GOOGLE_CLOUD_PROJECT is not set: expected the project that the bucket belongs to"])


def require_emulators(settings: Settings) -> None:
    """Ask the emulators that the settings name for a connection: the clients would try for minutes.

    Raises:
        SettingsError: nobody answers at one of them.
    """
    named = {
        f"STORAGE_EMULATOR_HOST={settings.storage_emulator_host}": settings.storage_emulator_host,
        f"PUBSUB_EMULATOR_HOST={settings.pubsub_emulator_host}": settings.pubsub_emulator_host,
    }
    silent = [name for name, address in named.items() if address and not _answers(address)]
    if silent:
        raise SettingsError(
            f"{name}: nobody answers there, expected an emulator; is `klipscribe up` still running?"
            for name in silent
        )


def _answers(address: str) -> bool:
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False


def _project_of_credentials() -> str:
    try:
        _, project = google.auth.default()
    except DefaultCredentialsError as error:
        raise SettingsError(
            [
                f"no Google Cloud credentials ({str(error).splitlines()[0][:_SHOWN_CHARACTERS]})",
                "for the local cloud: run `klipscribe up`, and set here the variables that it prints",
                "for the real one: run `gcloud auth application-default login`, and set GOOGLE_CLOUD_PROJECT",
            ]
        ) from error
    return project or ""
