"""The limit of the server: a WSGI callable that returns ready bytes.

BENCH_ANSWER names a JSON file with `status`, `headers` and `body`, as the service once answered.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_answer = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
_STATUS: str = _answer["status"]
_HEADERS: list[tuple[str, str]] = [(name, value) for name, value in _answer["headers"]]
_BODY: bytes = _answer["body"].encode()


def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
    """Answer."""
    start_response(_STATUS, _HEADERS)
    return [_BODY]
