"""Values of many keys in an event loop: told in order, or not at all, whatever the server does."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import RedisError, ResponseError
from redis import TimeoutError as RedisTimeoutError

from order_service.infra.redis.commands import CacheEntry
from order_service.infra.redis.loop_calls import Line, LoopCalls, Value
from tests.loops import run


class Server:
    """The other end of the line, in the hands of the test.

    Attributes:
        lines: How many were made.
        closed: How many of them were closed.
        away: No more can be made.
    """

    def __init__(self) -> None:
        self.lines = 0
        self.closed = 0
        self.away = False
        self._end: socket.socket

    def connect(self) -> Line:
        if self.away:
            raise RedisConnectionError("away")
        self._end, ours = socket.socketpair()
        self._end.setblocking(False)  # noqa: FBT003 - the library's
        self.lines += 1

        def close() -> None:
            self.closed += 1
            ours.close()

        return Line(ours, close)

    async def takes(self, count: int) -> bytes:
        """Return so many bytes that were sent."""
        loop, data = asyncio.get_running_loop(), b""
        while len(data) < count:
            data += await loop.sock_recv(self._end, count - len(data))
        return data

    def sent(self) -> bytes:
        """Return what has been sent until now."""
        try:
            return self._end.recv(100_000)
        except BlockingIOError:
            return b""

    async def says(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._end, data)

    def hangs_up(self) -> None:
        self._end.close()


class Rig:
    """Reads that are connected.

    Attributes:
        told: What was told for each key, in the order in which it was.
    """

    def __init__(self, timeout: float = 20.0) -> None:
        self.server = Server()
        self.reads = LoopCalls(self.server.connect, timeout)
        self.told: list[tuple[str, Value | RedisError]] = []

    async def connected(self) -> None:
        await until(self.reads.ready)

    def ask(self, *keys: str) -> None:
        for key in keys:
            self.reads.ask(key, lambda value, key=key: self.told.append((key, value)))  # type: ignore[misc]

    async def until_told(self, count: int) -> None:
        await until(lambda: len(self.told) >= count)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


def get(*keys: str) -> bytes:
    return b"".join(b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key.encode()) for key in keys)


def test_what_is_asked_in_one_turn_is_sent_at_once_and_answers_come_in_its_order() -> None:
    async def test() -> None:
        rig = Rig()
        assert not rig.reads.ready()
        await rig.connected()
        rig.ask("a", "b")
        rig.ask("c")
        assert await rig.server.takes(len(get("a", "b", "c"))) == get("a", "b", "c")
        rig.ask("d")
        assert await rig.server.takes(len(get("d"))) == get("d")
        answers = b"$1\r\nA\r\n$-1\r\n>2\r\n+invalidate\r\n:1\r\n-WRONGTYPE of c\r\n$0\r\n\r\n"
        for byte in answers:
            await rig.server.says(bytes([byte]))
        await rig.until_told(4)
        assert [key for key, _ in rig.told] == list("abcd")
        values = dict(rig.told)
        assert (values["a"], values["b"], values["d"]) == (b"A", None, b"")
        assert isinstance(values["c"], ResponseError)
        assert rig.server.lines == 1
        rig.reads.close()

    run(test)


def test_what_is_set_is_sent_in_the_order_of_the_questions() -> None:
    async def test() -> None:
        rig = Rig()
        await rig.connected()
        rig.ask("a")
        for key in ("a", "b"):
            entry = CacheEntry(key, b"V", 60_000)
            rig.reads.set_new(entry, lambda value: rig.told.append(("set", value)))
        rig.ask("b")
        sets = b"".join(
            b"*6\r\n$3\r\nSET\r\n$1\r\n%b\r\n$1\r\nV\r\n$2\r\nPX\r\n$5\r\n60000\r\n$2\r\nNX\r\n" % k
            for k in (b"a", b"b")
        )
        wanted = get("a") + sets + get("b")
        assert await rig.server.takes(len(wanted)) == wanted
        await rig.server.says(b"$-1\r\n+OK\r\n$-1\r\n$1\r\nV\r\n")
        await rig.until_told(4)
        assert rig.told == [("a", None), ("set", b"OK"), ("set", None), ("b", b"V")]
        rig.reads.close()

    run(test)


def test_of_many_questions_the_first_do_not_wait_for_the_end_of_the_turn() -> None:
    async def test() -> None:
        rig = Rig()
        await rig.connected()
        rig.ask(*map(str, range(7)))
        assert rig.server.sent() == b""
        rig.ask("7", "8")
        assert rig.server.sent() == get(*map(str, range(8)))
        assert await rig.server.takes(len(get("8"))) == get("8")
        for number in range(9):
            await rig.server.says(b"$1\r\n%d\r\n" % number)
        await rig.until_told(9)
        assert rig.told == [(str(number), b"%d" % number) for number in range(9)]
        rig.reads.close()

    run(test)


def test_many_and_large_answers_and_questions_are_no_trouble() -> None:
    async def test() -> None:
        rig = Rig()
        await rig.connected()
        keys = [f"{number:01000}" for number in range(3000)]  # more than a socket holds
        rig.ask(*keys)
        rig.ask("last")
        await asyncio.sleep(0)
        rig.ask("later")  # while the others are still being sent
        wanted = get(*keys, "last", "later")
        assert await rig.server.takes(len(wanted)) == wanted
        body = b"x" * 10_000
        await rig.server.says(b"$10000\r\n%b\r\n" % body * 3002)
        await rig.until_told(3002)
        assert all(value == body for _, value in rig.told)
        rig.reads.close()

    run(test)


@pytest.mark.parametrize("garbage", [b"", b"?what\r\n", b"$1\r\nA\r\n$1\r\nB\r\n$1\r\nC\r\n"])
def test_who_waits_when_the_connection_is_lost_is_told_and_another_one_is_made(
    garbage: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order_service.infra.redis.loop_calls._REST", 0.01)

    async def test() -> None:
        rig = Rig()
        await rig.connected()
        rig.ask("a", "b")
        await rig.server.takes(len(get("a", "b")))
        if garbage:
            await rig.server.says(garbage)
        else:
            rig.server.hangs_up()
        await rig.until_told(2)
        errors = [value for _, value in rig.told if not isinstance(value, bytes)]
        assert all(isinstance(error, RedisConnectionError) for error in errors)
        assert len(errors) == (0 if b"A" in garbage else 2)
        # An answer without a question is noticed after the others.
        await until(lambda: not rig.reads.ready())
        assert rig.server.closed == 1
        await rig.connected()
        assert rig.server.lines == 2
        rig.ask("c")
        await rig.server.takes(len(get("c")))
        await rig.server.says(b"$1\r\nC\r\n")
        await rig.until_told(3)
        assert rig.told[-1] == ("c", b"C")
        rig.reads.close()

    run(test)


def test_a_question_in_the_turn_in_which_the_connection_is_lost_is_told_so() -> None:
    async def test() -> None:
        rig = Rig()
        await rig.connected()
        rig.server.hangs_up()
        rig.ask("a")
        await rig.until_told(1)
        assert isinstance(rig.told[0][1], RedisConnectionError)

    run(test)


def test_who_waits_for_too_long_is_told_and_late_answers_are_nobodys() -> None:
    async def test() -> None:
        rig = Rig(timeout=0.1)
        await rig.connected()
        loop = asyncio.get_running_loop()
        rig.ask("quick")
        await rig.server.takes(len(get("quick")))
        await rig.server.says(b"$1\r\nQ\r\n")
        await rig.until_told(1)
        began = loop.time()
        rig.ask("a")
        await asyncio.sleep(0.05)
        rig.ask("b")
        await rig.until_told(3)
        assert loop.time() - began >= 0.09
        assert [type(value) for _, value in rig.told[1:]] == [RedisTimeoutError] * 2
        assert rig.server.closed == 1
        assert not rig.reads.ready()

    run(test)


def test_a_server_that_is_away_is_not_asked_for_a_connection_all_the_time() -> None:
    async def test() -> None:
        rig = Rig()
        rig.server.away = True
        for _ in range(20):
            assert not rig.reads.ready()
            await asyncio.sleep(0.01)
        assert rig.server.lines == 0
        rig.server.away = False
        for _ in range(20):
            assert not rig.reads.ready()  # it rests for a second
            await asyncio.sleep(0.001)
        rig.reads.close()

    run(test)


def test_once_closed_it_makes_no_connection() -> None:
    async def test() -> None:
        rig = Rig()
        rig.reads.close()
        for _ in range(5):
            assert not rig.reads.ready()
            await asyncio.sleep(0.01)
        assert rig.server.lines == 0

    run(test)
