"""A side of a comparison in its own process: `python -m handlers.bench.worker` answers requests, one a line.

    {"call": "open", "side": "ours", "nemo" or "cold", "values": {...}}
    {"call": NAME, "values": {...}}

Each answer is a line of JSON: {"value": ...} or {"error": ...}. Whatever else prints goes to stderr.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

Side = Any


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # NeMo prints on standard output
    serve(sys.stdin, answers, {"ours": _ours, "nemo": _nemo, "cold": _cold})


def serve(requests: TextIO, answers: TextIO, sides: Mapping[str, Callable[..., Side]]) -> None:
    """Open a side, then call its methods."""
    side: Side = None
    for line in requests:
        request = json.loads(line)
        try:
            if request["call"] == "open":
                side = sides[request["side"]](**request["values"])
                answer: dict[str, Any] = {"value": None}
            else:
                answer = {"value": getattr(side, request["call"])(**request["values"])}
        except Exception as error:  # noqa: BLE001 - whatever fails in there is the answer of this side
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _ours(**values: Any) -> Side:
    from handlers.bench.ours import Ours

    return Ours(**values)


def _nemo(**values: Any) -> Side:
    from handlers.bench.peer import Nemo

    return Nemo(**values)


def _cold() -> Side:
    from handlers.bench.cold import Cold

    return Cold()


if __name__ == "__main__":
    main()
