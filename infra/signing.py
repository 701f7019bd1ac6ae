"""Credentials that can sign URLs: those at hand, or their own account's by way of IAM, as on Cloud Run."""

from typing import Any

from google.auth import iam
from google.auth.credentials import Scoped, Signing
from google.auth.transport.requests import Request
from google.oauth2 import service_account

SCOPES = ("https://www.googleapis.com/auth/iam",)
"""signBlob takes no token that was made for storage alone, which is what the storage client asks for."""

TIMEOUT_S = 10.0
_UNKNOWN = (None, "", "default")


def iam_request(*args: Any, **kwargs: Any) -> Any:
    """google.auth's way to IAM and to the metadata server, with a timeout that suits a small question."""
    return Request()(*args, **{"timeout": TIMEOUT_S, **kwargs})


def signing_credentials(credentials: Any, request: Any = iam_request) -> Any | None:
    """Credentials with `sign_bytes` and `signer_email`; None where there is no account to sign as.

    A service account's key signs here. An instance has none: IAM signs for it, when its account holds
    roles/iam.serviceAccountTokenCreator on itself.

    Args:
        credentials: the storage client's.
        request: sends HTTP requests, as google.auth.transport.Request.

    Raises:
        GoogleAuthError: the metadata server does not tell which account this is.
    """
    if isinstance(credentials, Signing):
        return credentials
    if not (isinstance(credentials, Scoped) and hasattr(credentials, "service_account_email")):
        return None
    own: Any = credentials.with_scopes(SCOPES)  # type: ignore[no-untyped-call] # no types
    if own.service_account_email == "default":
        own.refresh(request)
    email = own.service_account_email
    if email in _UNKNOWN:
        return None
    signer = iam.Signer(request, own, email)  # type: ignore[no-untyped-call] # no types
    return service_account.Credentials(  # type: ignore[no-untyped-call] # no types
        signer=signer, service_account_email=email, token_uri=""
    )
