"""The program behind `MockKafka`: librdkafka's built-in broker, on a port of our choice.

librdkafka always picks a port of its own, which would change with every restart, and answers
everybody. So this program listens on the wanted port, passes on what comes from our own user, and
lets the broker announce the wanted port. The broker's own socket is put into the data directory,
which is closed to others.

It says `ready` on stdout. Each line `<topic> <partitions>` on stdin creates a topic and is answered
by librdkafka's error code. It ends with its stdin, hence also with its parent.
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import socket
import sys
from asyncio import StreamReader, StreamWriter
from importlib.util import find_spec
from pathlib import Path

from order_service.embedded.peers import is_stranger

HOST = "127.0.0.1"
_BROKER_ID = 1
_CHUNK_BYTES = 256 * 1024
_SOCKET = "mock-kafka.sock"


class MockCluster:
    """One mock broker inside this process, which keeps 5 MiB of each partition in memory."""

    def __init__(self, announced_port: int) -> None:
        """Clients are told that the broker listens on `announced_port`."""
        self._library = _load_library()
        errors = ctypes.create_string_buffer(512)
        conf = self._library.rd_kafka_conf_new()
        # It would complain of each connection that there is no such thing to disable.
        self._library.rd_kafka_conf_set(conf, b"socket.nagle.disable", b"false", errors, 512)
        handle = self._library.rd_kafka_new(0, conf, errors, len(errors))
        if not handle:
            raise RuntimeError(errors.value.decode())
        self._cluster = self._library.rd_kafka_mock_cluster_new(handle, 1)
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self._library.rd_kafka_mock_broker_set_host_port(
            self._cluster, _BROKER_ID, HOST.encode(), announced_port
        )

    def hide(self, path: str) -> None:
        """Listen on a socket in the file system instead of a port.

        librdkafka goes on with the descriptor that it has: what is behind it is exchanged.
        """
        Path(path).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as hidden:
            hidden.bind(path)
            hidden.listen()
            os.dup2(hidden.fileno(), _listener(self._port), inheritable=False)

    @property
    def _port(self) -> int:
        servers: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return int(servers.rpartition(b":")[2])

    def create_topic(self, name: str, partitions: int) -> int:
        """Create a topic; return librdkafka's error code, 0 for none."""
        code: int = self._library.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), partitions, 1
        )
        return code


def _listener(port: int) -> int:
    """Return the descriptor of this process that listens on a port of the loopback interface."""
    for each in Path("/dev/fd").iterdir():
        number = int(each.name)
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as candidate:
            listens = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and candidate.getsockname() == (HOST, port):
                return number
    raise RuntimeError(f"nothing listens on port {port}")


def _load_library() -> ctypes.CDLL:
    """Load librdkafka through the extension module that is linked to it."""
    spec = find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise RuntimeError("the Python package confluent-kafka is not installed")
    library = ctypes.CDLL(str(next(Path(spec.origin).parent.glob("cimpl*.so"))))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    library.rd_kafka_conf_new.restype = pointer
    library.rd_kafka_conf_set.argtypes = [pointer, text, text, ctypes.c_char_p, ctypes.c_size_t]
    library.rd_kafka_new.restype = pointer
    library.rd_kafka_new.argtypes = [number, pointer, text, ctypes.c_size_t]
    library.rd_kafka_mock_cluster_new.restype = pointer
    library.rd_kafka_mock_cluster_new.argtypes = [pointer, number]
    library.rd_kafka_mock_cluster_bootstraps.restype = text
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [pointer]
    library.rd_kafka_mock_topic_create.argtypes = [pointer, text, number, number]
    library.rd_kafka_mock_broker_set_host_port.argtypes = [pointer, number, text, number]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [pointer, number]
    return library


async def _relay(port: int, reader: StreamReader, writer: StreamWriter) -> None:
    client_port = writer.get_extra_info("peername")[1]
    try:
        if is_stranger(client_port, port):
            raise PermissionError
        answers, requests = await asyncio.open_unix_connection(_SOCKET)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pump(reader, requests), _pump(answers, writer))


async def _pump(source: StreamReader, target: StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK_BYTES):
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


async def _obey(cluster: MockCluster) -> None:
    """Create the topics that stdin names, until it ends."""
    lines = StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().split():
        print(cluster.create_topic(line[0], int(line[1])), flush=True)  # noqa: T201  the protocol


async def _serve(port: int) -> None:
    cluster = MockCluster(port)
    cluster.hide(_SOCKET)
    relay = functools.partial(_relay, port)
    async with await asyncio.start_server(relay, HOST, port, limit=_CHUNK_BYTES):
        print("ready", flush=True)  # noqa: T201  the protocol
        await _obey(cluster)


if __name__ == "__main__":
    # The path of a socket may have some hundred characters, that of a folder more.
    os.chdir(sys.argv[2])
    asyncio.run(_serve(int(sys.argv[1])))
