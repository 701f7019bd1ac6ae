"""What a vendor's error becomes, and what a signed URL holds; no server is needed for either."""

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.oauth2.service_account import Credentials

from core.errors import Retryable
from core.ports import ObjectNotFound, PreconditionFailed
from infra.gcs import GcsStore, storage_client
from tests.log_lines import Lines

SIGNED_S = 900.0
api: Any = exceptions  # these classes have no types
auth: Any = auth_exceptions


class Refusing:
    """A client, a bucket and a blob in one, whose every request ends in one error."""

    name = "bucket"
    generation, size = 1, 1

    def __init__(self, error: Exception) -> None:
        self._error = error

    def bucket(self, name: str) -> "Refusing":
        return self

    def blob(self, name: str, generation: int | None = None) -> "Refusing":
        return self

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise self._error

    reload = download_as_bytes = upload_from_string = upload_from_filename = delete = list_blobs = _refuse


def requests_to(store: GcsStore) -> dict[str, Callable[[], object]]:
    return {
        "stat": lambda: store.stat("bucket", "object"),
        "read": lambda: store.read("bucket", "object"),
        "open": lambda: store.open("bucket", "object", 1),
        "write": lambda: store.write("bucket", "object", b""),
        "delete": lambda: store.delete("bucket", "object"),
        "list": lambda: list(store.list("bucket", "object")),
    }


UNAVAILABLE = [
    api.InternalServerError("500"),
    api.BadGateway("502"),
    api.ServiceUnavailable("503"),
    api.GatewayTimeout("504"),
    api.TooManyRequests("429"),
    api.RetryError("deadline", cause=None),
    api.Forbidden("403"),
    api.Unauthorized("401"),
    requests.exceptions.ConnectionError("refused"),
    requests.exceptions.SSLError("handshake"),
    requests.exceptions.ConnectTimeout("connect"),
    requests.exceptions.ReadTimeout("read"),
    requests.exceptions.ChunkedEncodingError("cut"),
    urllib3.exceptions.ProtocolError("cut"),
    urllib3.exceptions.IncompleteRead(1, 2),
    urllib3.exceptions.ReadTimeoutError(None, None, "read"),  # type: ignore[arg-type] # no pool is needed
    ConnectionResetError("reset"),
    DataCorruption("checksum"),
    auth.TransportError("metadata server"),
    auth.RefreshError("token"),
]
DEFECTS = [
    api.BadRequest("400"),
    api.Conflict("409"),
    api.RequestRangeNotSatisfiable("416"),
    ValueError("value"),
    http.client.InvalidURL("url"),
    auth.DefaultCredentialsError("none"),
]
METHODS = ["stat", "read", "open", "write", "delete", "list"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", UNAVAILABLE, ids=lambda error: type(error).__name__)
def test_what_mends_itself_is_retryable(method: str, error: Exception) -> None:
    with pytest.raises(Retryable, match="gs://bucket/object") as caught:
        requests_to(GcsStore(Refusing(error)))[method]()
    assert caught.value.code == "storage_unavailable"
    assert caught.value.__cause__ is error
    assert str(caught.value) == f"gs://bucket/object: storage answered {type(error).__name__}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", DEFECTS, ids=lambda error: type(error).__name__)
def test_what_is_not_listed_comes_out_as_it_is(method: str, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        requests_to(GcsStore(Refusing(error)))[method]()
    assert caught.value is error


@pytest.mark.parametrize("method", ["read", "open", "write", "list"])
def test_what_is_not_there_is_not_found(method: str) -> None:
    with pytest.raises(ObjectNotFound, match="gs://bucket/object"):
        requests_to(GcsStore(Refusing(api.NotFound("404"))))[method]()


@pytest.mark.parametrize("method", ["stat", "delete"])
def test_what_is_not_there_needs_no_error(method: str) -> None:
    assert requests_to(GcsStore(Refusing(api.NotFound("404"))))[method]() is None


def test_a_lost_race_is_a_failed_precondition() -> None:
    with pytest.raises(PreconditionFailed, match="gs://bucket/object"):
        requests_to(GcsStore(Refusing(api.PreconditionFailed("412"))))["write"]()


@pytest.fixture(scope="module")
def account() -> Credentials:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = {
        "client_email": "made-up@klip.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": "https://oauth2.invalid/token",
    }
    credentials: Credentials = Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call]
    return credentials


def test_without_a_key_there_is_no_signed_url() -> None:
    store = GcsStore(storage_client("klip", "http://127.0.0.1:1"))
    assert store.signed_url("bucket", "object", 7, expires_s=SIGNED_S) is None


def test_a_signed_url_lets_read_one_generation_for_a_while(account: Credentials, lines: Lines) -> None:
    store = GcsStore(storage.Client(project="klip", credentials=account))
    url = store.signed_url("bucket", "a b#c?d%2Fe/世界.mp3", 1795473005907105, expires_s=SIGNED_S)
    assert url is not None
    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    assert (parts.scheme, parts.hostname) == ("https", "storage.googleapis.com")
    assert parts.path == "/bucket/a%20b%23c%3Fd%252Fe/%E4%B8%96%E7%95%8C.mp3"
    assert query["X-Goog-Algorithm"] == ["GOOG4-RSA-SHA256"]
    assert query["X-Goog-Expires"] == ["900"]
    assert query["generation"] == ["1795473005907105"]
    assert lines.getvalue() == ""
