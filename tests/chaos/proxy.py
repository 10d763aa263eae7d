"""TCP proxies that spoil the connection between two real processes on purpose.

They run in a thread of their own, so that a test can change their mood while the processes
go on. What a proxy holds back is not lost: it goes on its way when the proxy passes again.
"""

import asyncio
import contextlib
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

HOST = "127.0.0.1"
OFFSET_COMMIT = 8
"""Key of the OffsetCommit request in the Kafka protocol."""

T = TypeVar("T")
_CHUNK = 65536


class _ResetError(Exception):
    """This connection is to be reset."""


class TcpProxy:
    """Forwards a loopback port to another one.

    Attributes:
        delay: Seconds by which each chunk of bytes is late.
        connections: How many were accepted so far.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        """`target` is asked for the port at each connection: a restarted server may have moved."""
        self.delay = 0.0
        self.connections = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        self._refusing = False
        self._fatal: bytes | None = None
        self._slow: bytes | None = None
        self._lost = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, HOST, 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def heal(self) -> None:
        """Pass everything on from now on, also what was held back."""
        self.delay, self._refusing, self._fatal, self._slow = 0.0, False, None, None
        self._loop.call_soon_threadsafe(self._gate.set)

    def hang(self) -> None:
        """Accept everything and pass nothing on."""
        self._run(self._hang())

    def reset(self) -> None:
        """Reset all connections."""
        self._run(self._reset())

    def refuse(self) -> None:
        """Reset all connections, and each new one at once."""
        self._refusing = True
        self.reset()

    def lose_reply(self, marked: bytes) -> threading.Event:
        """Drop the next reply that contains `marked` and reset its connection.

        Returns:
            An event that is set once it happened.
        """
        self._lost.clear()
        self._fatal = marked
        return self._lost

    def hold_reply(self, marked: bytes) -> threading.Event:
        """Hang once a reply that contains `marked` is on its way, and keep that one back.

        Returns:
            An event that is set once it happened.
        """
        self._lost.clear()
        self._slow = marked
        return self._lost

    async def _hang(self) -> None:
        self._gate.clear()

    async def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        self._gate.set()
        # A task that is cancelled before it began would leave its connection open.
        for _ in range(3):
            await asyncio.sleep(0)
        await self._reset()
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if not self._refusing:
                await self._couple(reader, writer)
        writer.transport.abort()

    async def _couple(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._gate.wait()
        far_reader, far_writer = await asyncio.open_connection(HOST, self._target())
        self._writers.add(far_writer)
        try:
            up = asyncio.create_task(self._pump(reader, far_writer, self._request))
            down = asyncio.create_task(self._pump(far_reader, writer, self._reply))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            for pump in (up, down):
                pump.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        finally:
            far_writer.transport.abort()
            self._writers -= {writer, far_writer}

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        look: Callable[[bytes], Coroutine[Any, Any, bytes]],
    ) -> None:
        while data := await self._read(reader):
            await asyncio.sleep(self.delay)
            await self._gate.wait()
            writer.write(await look(data))
            await writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        return await reader.read(_CHUNK)

    async def _request(self, data: bytes) -> bytes:
        return data

    async def _reply(self, data: bytes) -> bytes:
        if self._fatal is not None and self._fatal in data:
            self._fatal = None
            self._lost.set()
            raise _ResetError
        if self._slow is not None and self._slow in data:
            self._slow = None
            self._gate.clear()
            self._lost.set()
            await self._gate.wait()
        return data

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


class KafkaProxy(TcpProxy):
    """A proxy of one broker that knows the protocol well enough to stay in between.

    A broker tells its clients where to connect to; that is rewritten on the way.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        super().__init__(target)
        self._held_key: int | None = None
        self._held = threading.Event()

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.port}"

    def hold(self, api_key: int) -> threading.Event:
        """Swallow requests of this kind, and let their senders wait.

        Returns:
            An event that is set once one has come.
        """
        self._held.clear()
        self._held_key = api_key
        return self._held

    def heal(self) -> None:
        """See `TcpProxy`; requests that were swallowed stay so."""
        self._held_key = None
        super().heal()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        size = await reader.readexactly(4)
        return size + await reader.readexactly(int.from_bytes(size))

    async def _request(self, data: bytes) -> bytes:
        if int.from_bytes(data[4:6]) == self._held_key:
            self._held.set()
            return b""
        return data

    async def _reply(self, data: bytes) -> bytes:
        real, mine = (
            HOST.encode() + struct.pack(">i", port) for port in (self._target(), self.port)
        )
        return await super()._reply(data.replace(real, mine))
