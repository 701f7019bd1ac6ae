"""What the service logs, read back."""

import io
import json
from typing import Any


class Lines(io.StringIO):
    def read_all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def one(self) -> dict[str, Any]:
        [line] = self.read_all()
        return line
