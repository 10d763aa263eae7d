"""A cache's reads, and what they fill, over one connection in an event loop: no thread waits.

What is asked in one turn of the loop is sent together, and answers come in the order of the
questions. It has no patience and no second try: what cannot be told goes back to whoever asked, who
has another way to ask.
"""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import hiredis
from redis import ConnectionError as RedisConnectionError
from redis import RedisError, ResponseError
from redis import TimeoutError as RedisTimeoutError

from .commands import CacheEntry, Command, packed, set_command

Value = bytes | ResponseError | None
Then = Callable[[Value | RedisError], None]
"""Told a value, None if there is no such key, ResponseError if it is of another type; any other
error if it could not be asked for. Of an entry that is set: whether it is new, or why it is not."""

_RECEIVED = 262_144
"""Most bytes that are read at once."""

_AT_ONCE = 8
"""Questions that do not wait for the end of a turn: the server works on them meanwhile."""

_REST = 1.0
"""Seconds until it is tried again to connect."""


class Line(NamedTuple):
    """A connection that is ready for questions.

    Attributes:
        socket: Without TLS.
        close: Ends the connection.
    """

    socket: socket.socket
    close: Callable[[], None]


class Questions(NamedTuple):
    """What was asked in one turn.

    Attributes:
        until: When there must be an answer, by the clock of the loop.
        then: Those who are told, in the order of the answers.
    """

    until: float
    then: deque[Then]


class LoopCalls:
    """Asks one server. Used in one event loop.

    Args:
        connect: Makes a connection; called in a thread, may raise RedisError or OSError.
        timeout: Seconds until an answer must have come.
    """

    def __init__(self, connect: Callable[[], Line], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._line: Line | None = None
        self._connecting = False
        # Of the thread that connects as well.
        self._lock = threading.Lock()
        self._made: Line | None = None
        self._closed = False
        self._next_try = 0.0
        self._loop: asyncio.AbstractEventLoop
        self._reader = hiredis.Reader()
        self._asked: list[tuple[bytes, Then]] = []
        self._away: deque[Questions] = deque()
        self._unsent = b""
        self._watch: asyncio.TimerHandle | None = None

    def ready(self) -> bool:
        """Whether there is a connection; if there is none, one is made in the background."""
        if self._line is not None:
            return True
        if not (self._connecting or self._closed):
            self._loop = asyncio.get_running_loop()
            if self._loop.time() >= self._next_try:
                self._open_soon()
        return False

    def ask(self, key: str, then: Then) -> None:
        """Ask for a key; call it only when it is `ready`. `then` is called later, in the loop."""
        self._add(("GET", key), then)

    def set_new(self, entry: CacheEntry, then: Then) -> None:
        """Set an entry unless its key exists; as `ask`."""
        self._add(set_command(entry, only_new=True), then)

    def _add(self, command: Command, then: Then) -> None:
        if not self._asked:
            self._loop.call_soon(self._send_asked)
        self._asked.append((packed([command]), then))
        if len(self._asked) >= _AT_ONCE:
            self._send_asked()

    def close(self) -> None:
        """End the connection; called when the loop has ended."""
        with self._lock:
            self._closed = True
            made, self._made = self._made, None
        for line in (made, self._line):
            if line is not None:
                line.close()

    # Connecting.

    def _open_soon(self) -> None:
        opening = threading.Thread(target=self._open, name="redis-line", daemon=True)
        try:
            opening.start()
        except RuntimeError:  # the system has no thread for it now
            self._next_try = self._loop.time() + _REST
        else:
            self._connecting = True

    def _open(self) -> None:
        line: Line | None = None
        with suppress(RedisError, OSError):
            line = self._connect()
        with self._lock:
            if not self._closed:
                self._made, line = line, None
        if line is not None:
            line.close()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._opened)

    def _opened(self) -> None:
        self._connecting = False
        self._next_try = self._loop.time() + _REST
        with self._lock:
            line, self._made = self._made, None
        if line is None:
            return
        line.socket.setblocking(False)  # noqa: FBT003 - the library's
        self._line = line
        self._reader = hiredis.Reader()
        self._loop.add_reader(line.socket.fileno(), self._read)

    # Asking.

    def _send_asked(self) -> None:
        asked, self._asked = self._asked, []
        if not asked:
            return  # they did not wait for the end of the turn
        self._away.append(
            Questions(self._loop.time() + self._timeout, deque(then for _, then in asked))
        )
        if self._line is None:  # lost in this very turn
            self._lose(RedisConnectionError("the connection was lost"))
            return
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout, self._look)
        self._send(b"".join([packed for packed, _ in asked]))

    def _send(self, data: bytes) -> None:
        """Send what can be sent now; the rest goes when there is room."""
        line = self._line
        if line is None:
            return
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = line.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose(RedisConnectionError(str(error)))
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self._loop.add_writer(line.socket.fileno(), self._send_on)

    def _send_on(self) -> None:
        if self._line is not None:
            self._loop.remove_writer(self._line.socket.fileno())
        data, self._unsent = self._unsent, b""
        self._send(data)

    # Answers.

    def _read(self) -> None:
        line = self._line
        if line is None:
            return
        try:
            data = line.socket.recv(_RECEIVED)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(RedisConnectionError(str(error)))
            return
        if not data:
            self._lose(RedisConnectionError("the server closed the connection"))
            return
        try:
            self._reader.feed(data)
            while (value := self._reader.gets()) is not False:
                self._tell(value)
        except hiredis.ProtocolError as error:
            self._lose(RedisConnectionError(str(error)))

    def _tell(self, value: object) -> None:
        if isinstance(value, hiredis.PushNotification):
            return
        if not self._away:
            raise hiredis.ProtocolError("an answer without a question")
        then = self._away[0].then
        told = then.popleft()
        if not then:
            self._away.popleft()
        told(ResponseError(str(value)) if isinstance(value, hiredis.ReplyError) else value)  # type: ignore[arg-type]  # GET

    def _look(self) -> None:
        """Give up what has waited for too long, and look again when the next may have."""
        self._watch = None
        if not self._away:
            return
        left = self._away[0].until - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._lose(RedisTimeoutError("no answer in time"))

    def _lose(self, error: RedisError) -> None:
        """End the connection, and tell all who wait why.

        An answer that comes late must not be taken for that of the next question.
        """
        line, self._line = self._line, None
        if line is not None:
            self._loop.remove_reader(line.socket.fileno())
            self._loop.remove_writer(line.socket.fileno())
            line.close()
        self._unsent = b""
        self._next_try = self._loop.time() + _REST
        away, self._away = self._away, deque()
        for questions in away:
            for then in questions.then:
                then(error)
