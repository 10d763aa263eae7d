"""Posts JSON over and over, from a process of its own so that what is measured is not disturbed.

Usage: python -m benchmarks.posting <port> <seconds> <posts a second, 0 for as many as are answered>

Reads requests from standard input, a JSON array `[path, body, token]` a line, up to an empty line,
and sends them in turns, each connection the next one. Says `ready`, waits for a line, and says at
the end how many were answered with which status, as a JSON object.
"""

import contextlib
import http.client
import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from order_service.embedded.ports import HOST

_CONNECTIONS = 8

Request = tuple[str, object, str]


def main(port: int, seconds: float, rate: float) -> None:
    """Send in threads, one for each connection."""
    requests = list(_requests())
    print("ready", flush=True)
    sys.stdin.readline()
    ends, answers = time.perf_counter() + seconds, Counter[int]()
    threads = [
        threading.Thread(
            target=_send, args=(port, requests[number::_CONNECTIONS], rate, number, ends, answers)
        )
        for number in range(_CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(answers), flush=True)


def _requests() -> Iterator[Request]:
    while line := sys.stdin.readline().strip():
        path, body, token = json.loads(line)
        yield path, body, token


def _send(  # noqa: PLR0913, PLR0917 - what a thread is started with
    port: int,
    requests: Sequence[Request],
    rate: float,
    place: int,
    ends: float,
    answers: Counter[int],
) -> None:
    began = time.perf_counter()
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=30)) as connection:
        for number, (path, body, token) in enumerate(itertools.cycle(requests)):
            if rate:
                # One after the other: people do not wait for each other to ask at the same moment.
                due = began + (number * _CONNECTIONS + place) / rate
                time.sleep(max(0.0, due - time.perf_counter()))
            if time.perf_counter() > ends:
                return
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
