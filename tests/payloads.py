"""The requests in tests/events, and variations of them."""

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent / "events"


@dataclass(frozen=True)
class Payload:
    """One POST."""

    headers: dict[str, str]
    body: Any

    @property
    def raw(self) -> bytes:
        return json.dumps(self.body).encode()

    @property
    def data(self) -> Any:
        """What a wrapped push carries."""
        return json.loads(base64.b64decode(self.body["message"]["data"]))

    def with_message(self, **changes: Any) -> "Payload":
        return replace(self, body={**self.body, "message": {**self.body["message"], **changes}})

    def with_data(self, **changes: Any) -> "Payload":
        return self.carrying(json.dumps({**self.data, **changes}).encode())

    def carrying(self, data: bytes) -> "Payload":
        return self.with_message(data=base64.b64encode(data).decode())


def payload(name: str) -> Payload:
    values = json.loads((EVENTS / f"{name}.json").read_text())
    return Payload(values["headers"], values["body"])
