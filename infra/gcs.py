"""Cloud Storage as an object store."""

import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import google.auth.exceptions
import requests
import urllib3
from google.api_core import exceptions as api
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from requests.adapters import HTTPAdapter

from core.errors import Retryable
from core.ports import ObjectNotFound, PreconditionFailed, StoredObject
from infra.signing import iam_request, signing_credentials

log = logging.getLogger("klipscribe")

RANGE_BYTES = 1 << 20
TIMEOUT_S = 60.0
CONNECTIONS = 64
"""More than an instance has threads."""

# Vendor's class -> ours, first match wins. What is not listed is a defect and comes out as it is.
# Ranges are read from urllib3's stream, past requests, so that its errors come out as they are.
_UNAVAILABLE = (
    api.ServerError,
    api.TooManyRequests,
    api.RetryError,
    api.Forbidden,
    api.Unauthorized,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    DataCorruption,
    google.auth.exceptions.TransportError,
    google.auth.exceptions.RefreshError,
)


def storage_client(project: str, emulator_url: str = "") -> storage.Client:
    """A client of Cloud Storage, or of an emulator at a URL. An empty project asks the credentials."""
    if emulator_url:
        client = storage.Client(
            project=project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call] # the library has no types
            client_options={"api_endpoint": emulator_url},
        )
    else:
        client = storage.Client(project=project) if project else storage.Client()
    for scheme in ("https://", "http://"):
        # The client has no setting for it: with its ten connections, most of our threads would open new ones.
        client._http.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))  # noqa: SLF001
    return client


@contextmanager
def _mapped(bucket: str, name: str) -> Iterator[None]:
    where = f"gs://{bucket}/{name}"
    try:
        yield
    except api.NotFound as error:
        raise ObjectNotFound(where) from error
    except api.PreconditionFailed as error:
        raise PreconditionFailed(where) from error
    except _UNAVAILABLE as error:
        raise Retryable(
            f"{where}: storage answered {type(error).__name__}", code="storage_unavailable"
        ) from error


class GcsStore:
    """core.ports.ObjectStore over google-cloud-storage.

    Args:
        client: reads and writes.
        request: how IAM and the metadata server are asked where a URL can't be signed here.
    """

    def __init__(self, client: storage.Client, request: Any = iam_request) -> None:
        self._client, self._request = client, request
        self._signing: Any = None

    def stat(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        """What the bucket knows of the object."""
        blob = self._blob(bucket, name, generation)
        try:
            with _mapped(bucket, name):
                blob.reload(timeout=TIMEOUT_S)
        except ObjectNotFound:
            return None
        return _stored(blob)

    def read(self, bucket: str, name: str, generation: int | None = None) -> bytes:
        """All bytes, their checksum compared by the client."""
        with _mapped(bucket, name):
            return bytes(self._blob(bucket, name, generation).download_as_bytes(timeout=TIMEOUT_S))

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:
        """A seekable stream that fetches a mebibyte at a time."""
        about = self.stat(bucket, name, generation)
        if about is None:
            raise ObjectNotFound(f"gs://{bucket}/{name} with generation {generation}")
        # A blob that was looked up would read from its media link, which need not name the generation.
        ranges = _Ranges(self._blob(bucket, name, generation), about.size_bytes)
        return cast("BinaryIO", io.BufferedReader(ranges, RANGE_BYTES))

    def write(  # noqa: PLR0913 - the port's own signature
        self,
        bucket: str,
        name: str,
        data: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        if_generation_match: int | None = None,
    ) -> StoredObject:
        """Upload in one request, when the precondition holds."""
        blob = self._blob(bucket, name, None)
        blob.metadata = dict(metadata or {})
        with _mapped(bucket, name):
            blob.upload_from_string(
                data, content_type=content_type, if_generation_match=if_generation_match, timeout=TIMEOUT_S
            )
        return _stored(blob)

    def upload(self, bucket: str, name: str, path: Path, metadata: Mapping[str, str]) -> StoredObject:
        """Send a file of any size from disk, in resumable parts."""
        blob = self._blob(bucket, name, None)
        blob.metadata = dict(metadata)
        with _mapped(bucket, name):
            blob.upload_from_filename(str(path), timeout=TIMEOUT_S)
        return _stored(blob)

    def delete(self, bucket: str, name: str) -> None:
        """Remove the live object, if it is there."""
        try:
            with _mapped(bucket, name):
                self._blob(bucket, name, None).delete(timeout=TIMEOUT_S)
        except ObjectNotFound:
            return

    def list(self, bucket: str, prefix: str = "") -> Iterable[StoredObject]:
        """Live objects under the prefix, page by page."""
        with _mapped(bucket, prefix):
            for blob in self._client.list_blobs(bucket, prefix=prefix, timeout=TIMEOUT_S):
                yield _stored(blob)

    def signed_url(self, bucket: str, name: str, generation: int, *, expires_s: float) -> str | None:
        """A V4 URL for one generation; None when neither the credentials nor IAM can sign it."""
        try:
            # Two threads that find none make one each: both sign as well.
            self._signing = self._signing or signing_credentials(self._client._credentials, self._request)  # noqa: SLF001
            if self._signing is None:
                return None
            url = self._blob(bucket, name, generation).generate_signed_url(
                version="v4",
                expiration=timedelta(seconds=expires_s),
                method="GET",
                generation=generation,
                credentials=self._signing,
            )
        except google.auth.exceptions.GoogleAuthError as error:
            # By its class alone: the message may hold IAM's answer.
            log.warning(
                "no URL could be signed (%s); an account that has no key needs "
                "roles/iam.serviceAccountTokenCreator on itself, and the IAM Credentials API",
                type(error).__name__,
            )
            return None
        return str(url)

    def _blob(self, bucket: str, name: str, generation: int | None) -> Any:
        return self._client.bucket(bucket).blob(name, generation=generation)


class _Ranges(io.RawIOBase):
    """One generation of an object as a raw stream; every read is one ranged request."""

    def __init__(self, blob: Any, size_bytes: int) -> None:
        self._blob = blob
        self._size = size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """The rest in one request; the base class would send one for every 8 KiB."""
        return self._next(self._size)

    def _next(self, limit: int) -> bytes:
        end = min(self._at + limit, self._size)
        if end <= self._at:
            return b""
        with _mapped(self._blob.bucket.name, self._blob.name):
            data = self._blob.download_as_bytes(
                start=self._at, end=end - 1, raw_download=True, checksum=None, timeout=TIMEOUT_S
            )
        self._at += len(data)
        return bytes(data)


def _stored(blob: Any) -> StoredObject:
    return StoredObject(
        bucket=blob.bucket.name,
        name=blob.name,
        generation=int(blob.generation),
        size_bytes=int(blob.size),
        updated=blob.updated,
        content_type=blob.content_type or "",
        metadata=dict(blob.metadata or {}),
    )
