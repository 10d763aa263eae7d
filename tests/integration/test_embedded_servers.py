"""The embedded servers: they start, survive what must be survived, and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

import order_service
from order_service.embedded.machine import memory_bytes
from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.process_table import identity
from order_service.embedded.processes import EmbeddedServerError
from order_service.embedded.server import Server
from order_service.embedded.valkey import ValkeyServer
from tests.servers import started

Make = Callable[[Path], Server]

# Starts the servers, says their pids and waits, to be killed.
_OWNER = """
import sys
from pathlib import Path
from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.valkey import ValkeyServer

folder = Path(sys.argv[1])
servers = [
    PostgresServer(folder / "postgres", durable=False),
    ValkeyServer(folder / "valkey"),
    MockKafka(folder / "kafka", {"orders": 1}),
]
for server in servers:
    server.start()
print(*(server.pid for server in servers), flush=True)
sys.stdin.read()
"""


def make_postgres(folder: Path) -> Server:
    return PostgresServer(folder, durable=False)


def make_valkey(folder: Path) -> Server:
    return ValkeyServer(folder)


def make_mock_kafka(folder: Path) -> Server:
    return MockKafka(folder, {"orders": 2})


@pytest.fixture(params=[make_postgres, make_valkey, make_mock_kafka])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    make: Make = request.param
    with started(make(tmp_path)) as running:
        yield running


def connects(server: Server) -> bool:
    """Whether somebody listens where the server says that it listens."""
    environment = server.environment()
    port = environment.get("POSTGRES_PORT") or (
        environment.get("REDIS_URL") or environment["KAFKA_BOOTSTRAP_SERVERS"]
    ).rpartition(":")[2].removesuffix("/0")
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(port))) == 0


def test_a_server_stops_and_starts_again_on_the_same_port(server: Server) -> None:
    before = server.environment()
    server.stop()
    assert not server.alive()
    assert not connects(server)
    server.start()
    assert server.environment() == before
    assert connects(server)


def test_a_killed_server_starts_again_on_the_same_port(server: Server) -> None:
    before = server.environment()
    server.kill()
    assert (server.alive(), server.pid) == (False, None)
    server.start()
    assert server.environment() == before
    assert connects(server)


def test_a_server_that_died_by_itself_starts_again(server: Server) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    assert not server.alive()
    server.start()
    assert server.alive()
    assert server.pid != pid


def test_stopping_twice_and_starting_twice_are_harmless(server: Server) -> None:
    pid = server.pid
    server.start()
    assert server.pid == pid
    server.stop()
    server.stop()
    server.kill()
    assert not server.alive()


def test_a_suspended_server_is_stopped_all_the_same(server: Server) -> None:
    server.suspend()
    assert server.alive()
    server.stop(timeout=5.0)
    assert not server.alive()


def test_a_folder_in_use_is_refused_to_a_second_server(tmp_path: Path) -> None:
    with started(ValkeyServer(tmp_path)) as first:
        with pytest.raises(EmbeddedServerError, match="in use"):
            ValkeyServer(tmp_path).start()
        assert first.alive()


def test_a_fixed_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with started(ValkeyServer(tmp_path / "one")) as first:
        second = ValkeyServer(tmp_path / "two", first.port)
        with pytest.raises(EmbeddedServerError, match=f"port {first.port} is taken"):
            second.start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="maxmemory"):
        ValkeyServer(tmp_path, max_memory="much").start()


def test_two_stacks_run_side_by_side(tmp_path: Path) -> None:
    makes = [make_postgres, make_valkey, make_mock_kafka]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(started(make(tmp_path / side / make.__name__)))
            for side in ("left", "right")
            for make in makes
        ]
        assert all(connects(server) for server in servers)
        assert len({server.pid for server in servers}) == 6


def admin(server: PostgresServer) -> psycopg.Connection[Any]:
    return psycopg.connect(server.admin_dsn(), autocommit=True)


@pytest.mark.parametrize("end", [PostgresServer.kill, PostgresServer.stop_immediately])
def test_committed_rows_survive_a_killed_postgres(
    tmp_path: Path, end: Callable[[PostgresServer], None]
) -> None:
    with started(PostgresServer(tmp_path, durable=False)) as server:
        with admin(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        end(server)
        server.start()
        with admin(server) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_rows_and_passwords_outlive_the_server_object(tmp_path: Path) -> None:
    with started(PostgresServer(tmp_path)) as first, admin(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with started(PostgresServer(tmp_path)) as second:
        with admin(second) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        assert "POSTGRES_PASSWORD" in second.environment()
        assert second.environment()["POSTGRES_PASSWORD"] == first.environment()["POSTGRES_PASSWORD"]


def test_postgres_may_keep_a_quarter_of_the_memory_in_buffers(tmp_path: Path) -> None:
    with started(PostgresServer(tmp_path)) as server, admin(server) as connection:
        row = connection.execute("SELECT pg_size_bytes(current_setting('shared_buffers'))")
        [(buffers,)] = row.fetchall()
    assert buffers == pytest.approx(min(memory_bytes() / 4, 4 << 30), rel=0.01)


def test_postgres_starts_though_its_lock_file_names_a_foreign_process(
    tmp_path: Path, valkey_server: ValkeyServer
) -> None:
    stranger = valkey_server
    with started(PostgresServer(tmp_path, durable=False)) as server:
        lock = tmp_path / "cluster/postmaster.pid"
        _pid, _, rest = lock.read_text().partition("\n")
        server.kill()
        lock.write_text(f"{stranger.pid}\n{rest}")
        server.start()
        assert server.alive()


def test_postgres_wants_a_password(tmp_path: Path) -> None:
    with started(PostgresServer(tmp_path, durable=False)) as server:
        wrong = psycopg.conninfo.make_conninfo(server.admin_dsn(), password="wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_passwords_are_for_the_owner_only(tmp_path: Path) -> None:
    PostgresServer(tmp_path).environment()
    modes = [path.stat().st_mode & 0o777 for path in tmp_path.glob("*.password")]
    assert modes == [0o600, 0o600]


def test_postgres_runs_below_a_folder_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    made = PostgresServer(closed / "data", durable=False)
    with started(made) as server, admin(server) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@contextmanager
def client_of(server: ValkeyServer) -> Iterator[redis.Redis]:
    url = server.environment()["REDIS_URL"]
    with closing(redis.Redis.from_url(url, socket_timeout=0.5, retry=None)) as client:
        yield client


def test_valkey_evicts_rather_than_refuses(tmp_path: Path) -> None:
    with started(ValkeyServer(tmp_path, max_memory="4mb")) as server, client_of(server) as client:
        for number in range(100):
            client.set(f"key-{number}", b"x" * 100_000)
        assert 0 < int(str(client.dbsize())) < 100


def test_a_suspended_valkey_hangs_and_goes_on_after_it(valkey_server: ValkeyServer) -> None:
    with client_of(valkey_server) as client:
        assert client.ping()
        valkey_server.suspend()
        try:
            with pytest.raises(redis.TimeoutError):
                client.ping()
        finally:
            valkey_server.resume()
        assert client.ping()


def test_no_server_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    with _owner(tmp_path) as owner:
        children = [psutil.Process(pid) for pid in _pids(owner)]
        assert len(children) == 3
        family = [
            *children,
            *(each for child in children for each in child.children(recursive=True)),
        ]
        owner.kill()
    _gone, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_a_leftover_is_ended_and_its_data_are_there(tmp_path: Path) -> None:
    with _owner(tmp_path) as owner:
        pids = _pids(owner)
        # A process that is stopped does not notice what its parent's death sends it.
        os.kill(pids[0], signal.SIGSTOP)
        owner.kill()
    with started(PostgresServer(tmp_path / "postgres", durable=False)) as server:
        assert identity(pids[0]) is None
        with admin(server) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def _owner(folder: Path) -> "subprocess.Popen[str]":
    sources = Path(str(order_service.__path__[0])).parent
    return subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(sources)},
    )


def _pids(owner: "subprocess.Popen[str]") -> list[int]:
    assert owner.stdout is not None
    return [int(pid) for pid in owner.stdout.readline().split()]
