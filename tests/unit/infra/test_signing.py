"""Who can sign a URL: an instance's account by IAM, and who can't. IAM is a stand-in on loopback."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.oauth2.credentials
import pytest
from flask import Flask, Response, jsonify, request
from google.auth import compute_engine
from google.cloud import storage
from werkzeug.serving import make_server

from infra.gcs import GcsStore
from infra.signing import SCOPES, iam_request

EMAIL = "runner@klip.iam.gserviceaccount.com"
SIGNATURE = b"a signature by IAM"
ComputeCredentials: Any = compute_engine.Credentials  # these classes have no types
UserCredentials: Any = google.oauth2.credentials.Credentials


@dataclass
class Cloud:
    """The metadata server of an instance, and IAM.

    Args:
        address: of both on loopback.
        signs: what signBlob answers with.
        knows: whether the metadata server tells the account.
    """

    address: str = ""
    signs: int = 200
    knows: bool = True
    signed: list[bytes] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("cloud")
        account = "/computeMetadata/v1/instance/service-accounts/default/"
        app.add_url_rule(account, "account", self._account)
        app.add_url_rule(f"{account}token", "token", self._token)
        app.add_url_rule(
            f"/v1/projects/-/serviceAccounts/{EMAIL}:signBlob", "sign", self._sign, methods=["POST"]
        )
        return app

    def request(self, url: str, *args: Any, **kwargs: Any) -> Any:
        """What google.auth sends anywhere ends up here."""
        parts = urlsplit(url)
        return iam_request(parts._replace(scheme="http", netloc=self.address).geturl(), *args, **kwargs)

    def _account(self) -> Response:
        if not self.knows:
            return Response("no such account", status=404)
        return jsonify({"email": EMAIL, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]})

    def _token(self) -> Response:
        self.scopes.append(request.args.get("scopes", ""))
        return jsonify({"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"})

    def _sign(self) -> Response:
        self.tokens.append(request.headers["Authorization"])
        body: Mapping[str, str] = request.get_json()
        self.signed.append(base64.b64decode(body["payload"]))
        signed = base64.b64encode(SIGNATURE).decode()
        return Response(status=self.signs) if self.signs != 200 else jsonify({"signedBlob": signed})


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    found = Cloud()
    server = make_server("127.0.0.1", 0, found.app(), threaded=True)
    found.address = f"127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def instance() -> Any:
    """An instance's credentials; the domain would be asked for without the stand-in."""
    return ComputeCredentials(universe_domain="googleapis.com")


def store(cloud: Cloud, credentials: Any) -> GcsStore:
    return GcsStore(storage.Client(project="klip", credentials=credentials), cloud.request)


def url(store: GcsStore) -> str | None:
    return store.signed_url("bucket", "1/audio_1.mp3", 7, expires_s=900)


def warning(caplog: pytest.LogCaptureFixture) -> str:
    [record] = [record for record in caplog.records if record.name == "klipscribe"]
    return record.getMessage()


@pytest.mark.local_cloud
def test_an_instance_signs_by_iam_as_its_own_account(cloud: Cloud) -> None:
    gcs = store(cloud, instance())
    signed = url(gcs)

    assert signed is not None
    query = parse_qs(urlsplit(signed).query)
    assert query["X-Goog-Signature"] == [SIGNATURE.hex()]
    assert query["X-Goog-Credential"][0].startswith(EMAIL)
    assert (query["X-Goog-Expires"], query["generation"]) == (["900"], ["7"])
    [payload] = cloud.signed
    assert payload.startswith(b"GOOG4-RSA-SHA256")
    assert cloud.tokens == ["Bearer a-token"]
    assert cloud.scopes == list(SCOPES)


@pytest.mark.local_cloud
def test_the_account_and_its_token_are_asked_for_once(cloud: Cloud) -> None:
    gcs = store(cloud, instance())
    assert url(gcs)
    assert url(gcs)
    assert (len(cloud.signed), len(cloud.scopes)) == (2, 1)


@pytest.mark.local_cloud
def test_an_account_that_may_not_sign_has_its_audio_streamed(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.signs = 403
    assert url(store(cloud, instance())) is None
    assert "roles/iam.serviceAccountTokenCreator" in warning(caplog)


@pytest.mark.local_cloud
def test_an_instance_that_is_not_told_its_account_signs_nothing(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.knows = False
    assert url(store(cloud, instance())) is None
    assert "RefreshError" in warning(caplog)


def test_a_person_s_login_signs_nothing_and_asks_nobody() -> None:
    assert url(store(Cloud(), UserCredentials("a-token"))) is None
