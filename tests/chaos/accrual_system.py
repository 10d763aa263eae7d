"""An accrual system that answers as badly as one can, with a truth behind it.

Each number has an outcome that follows from it. Between a question and that outcome come, at random
but from a seed: 204, 500, slowness, garbage, another order, half of an answer, and 429 with a time
to wait. Questions that come within that time, of those who should have known, are counted.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from random import Random
from typing import NamedTuple

GRACE = 0.5
"""Seconds after a 429 in which questions that were on their way may still arrive."""

WAIT = 2
"""Seconds that a 429 wants to be waited."""


_QUIET_TURNS = 10
"""Turns of the loop without anybody, after which nobody comes any more."""


class Truth(NamedTuple):
    """What an order is really worth, in hundredths; None if it is not accepted."""

    points: int | None


def truth_of(number: str) -> Truth:
    """The outcome of a number."""
    kind = int(number[:-1]) % 10
    return Truth(None if kind == 0 else 0 if kind == 1 else int(number[:-1]) % 100_000 + 1)


class UnreliableAccrual:
    """Serves on a port of its own, in a thread, until it is stopped."""

    def __init__(self, seed: int, port: int = 0, *, faulty: bool = True) -> None:
        self.port = port
        self.faulty = faulty
        self.said = Counter[str]()
        self.late = 0
        self.closings = 0
        self._random = Random(seed)  # noqa: S311 - repeatable on purpose
        self._closed = (0.0, 0.0)
        self._asked = Counter[str]()

    def start(self) -> None:
        """Serve on the port that it had before, if any."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        """Break off every connection, as if it were killed."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopping.wait()
        server.close()
        mine = asyncio.current_task()
        # Among them are those that accept: they tell `_talk` of it a few turns later, and a task
        # that is cancelled before it began would leave its connection open.
        quiet = 0
        while quiet < _QUIET_TURNS:
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for writer in self._writers:
                writer.transport.abort()
            if others:
                await asyncio.wait(others, timeout=0.05)
            else:
                await asyncio.sleep(0)
            quiet = 0 if others else quiet + 1

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        number = head.split(b" ", 2)[1].rpartition(b"/")[2].decode()
        mood = self._mood(number)
        self.said[mood] += 1
        if mood == "slow":
            await asyncio.sleep(0.3)
        writer.write(self._bytes(mood, number))
        await writer.drain()
        return mood != "half"

    def _mood(self, number: str) -> str:
        """Choose what to answer; a number that was asked for often is answered in earnest."""
        now, (began, ends) = time.monotonic(), self._closed
        if now < ends:
            self.late += now > began + GRACE
            return "429"
        self._asked[number] += 1
        if not self.faulty or self._asked[number] > 6:
            return "truth"
        moods = ["429", "500", "204", "garbage", "wrong", "half", "slow", "processing", "truth"]
        weights = [0.3, 6, 5, 3, 3, 3, 1, 10, 68]
        mood = self._random.choices(moods, weights)[0]
        if mood == "429":
            self._closed = (now, now + WAIT)
            self.closings += 1
        return mood

    def _bytes(self, mood: str, number: str) -> bytes:
        if mood == "429":
            text = b"No more than 10 requests per minute allowed"
            return _http("429 Too Many Requests", text, f"Retry-After: {WAIT}\r\n")
        if mood == "500":
            return _http("500 Internal Server Error", b"oops")
        if mood == "204":
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        if mood == "garbage":
            return _http("200 OK", b'{"order": "' + number.encode() + b'", "status": "PROC')
        if mood == "processing":
            return _http("200 OK", json.dumps({"order": number, "status": "PROCESSING"}).encode())
        said = _said("18" if mood == "wrong" else number)
        whole = _http("200 OK", said)
        return whole[: -len(said) // 2] if mood == "half" else whole


def _said(number: str) -> bytes:
    points = truth_of(number).points
    if points is None:
        return json.dumps({"order": number, "status": "INVALID"}).encode()
    accrual = f', "accrual": {points // 100}.{points % 100:02}' if points else ""
    return f'{{"order": "{number}", "status": "PROCESSED"{accrual}}}'.encode()


def _http(status: str, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body
