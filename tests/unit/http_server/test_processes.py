"""The production server as a real process: bounds, stopping, dying."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from order_service.http.server.listening import let_nobody_in
from tests.backends import free_port
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]


class Server:
    """A running server with its FIFO."""

    def __init__(self, port: int, fifo: Path, workers: int = 1) -> None:
        os.mkfifo(fifo)
        self.port, self.fifo = port, fifo
        path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        program = [sys.executable, "-m", "tests.unit.http_server.app"]
        arguments = [*program, str(port), str(fifo), str(workers)]
        self.process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def get(self, path: str) -> tuple[int, bytes, str | None]:
        """Return status, body and the Connection header."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Connection")
        finally:
            connection.close()

    def get_when_up(self) -> bytes:
        while self.process.poll() is None:
            try:
                return self.get("/")[1]
            except (ConnectionRefusedError, ConnectionResetError):
                continue  # it does not listen yet, or its listening has just begun
        raise AssertionError(self.process.communicate()[0])

    def stop(self) -> None:
        with self.process:
            self.process.terminate()
            self.process.communicate(timeout=20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(free_port(), tmp_path / "fifo")
    server.get_when_up()
    yield server
    server.stop()


def test_sigterm_lets_the_request_in_flight_finish_and_exits_with_0(server: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.get, "/wait")
        with server.fifo.open("wb") as fifo:  # opens when the request is being handled
            server.process.send_signal(signal.SIGTERM)
            while True:
                try:
                    if server.get("/")[2] == "close":
                        break
                except ConnectionRefusedError:
                    break
            fifo.write(b"finished")
        assert waiting.result()[:2] == (200, b"finished")
    output, _ = server.process.communicate(timeout=20)
    assert server.process.returncode == 0, output
    assert "closed" in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_heard_from_the_moment_in_which_the_port_is_open(
    tmp_path: Path, number: signal.Signals
) -> None:
    for each in range(3):  # it is a matter of 100 microseconds, which one try may miss
        server = Server(free_port(), tmp_path / str(each))
        while server.process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port), timeout=20).close()
                break
        server.process.send_signal(number)
        output, _ = server.process.communicate(timeout=20)
        assert server.process.returncode == 0, output


def test_a_second_server_on_the_port_fails_instead_of_sharing_it(
    server: Server, tmp_path: Path
) -> None:
    second = Server(server.port, tmp_path / "second")
    output, _ = second.process.communicate(timeout=20)
    assert second.process.returncode != 0
    assert "in use" in output


def test_the_workers_end_when_the_main_process_is_killed(server: Server) -> None:
    worker = psutil.Process(int(server.get("/")[1]))
    server.process.kill()
    worker.wait(timeout=20)
    assert not worker.is_running()


def test_a_worker_that_hangs_ends_with_its_main_process_all_the_same(server: Server) -> None:
    worker = psutil.Process(int(server.get("/")[1]))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.get, "/wait")
        with server.fifo.open("wb"):  # opens when the request is being handled, and says nothing
            server.process.kill()
            worker.wait(timeout=60)
        assert isinstance(waiting.exception(), HTTPException | ConnectionError)


def test_several_workers_end_together_when_the_main_process_is_killed(tmp_path: Path) -> None:
    server = Server(free_port(), tmp_path / "fifo", workers=3)
    server.get_when_up()
    main = psutil.Process(server.process.pid)
    # The first one answers while the others are still to be made.
    eventually(lambda: len(main.children()) >= 3, 20, "there are three workers")
    workers = main.children()
    server.process.kill()
    server.process.communicate(timeout=20)  # their output ends when all have ended
    assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_a_worker_that_dies_is_replaced(server: Server) -> None:
    first = server.get("/")[1]
    os.kill(int(first), signal.SIGKILL)
    replaced = False
    while server.process.poll() is None and not replaced:
        try:
            replaced = server.get("/")[1] != first
        except (ConnectionError, OSError):
            continue
    assert replaced
    server.process.terminate()
    server.process.communicate(timeout=20)


def test_a_head_that_is_too_large_is_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 431")


def test_nobody_new_gets_in_while_those_in_the_queue_are_still_accepted() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as barred,
        socket.create_server(("127.0.0.1", 0)) as open_,
        socket.create_connection(barred.getsockname()) as queued,
    ):
        let_nobody_in(barred)
        with pytest.raises(TimeoutError):
            socket.create_connection(barred.getsockname(), timeout=0.2)
        socket.create_connection(open_.getsockname()).close()
        accepted, _ = barred.accept()
        with accepted:
            accepted.sendall(b"welcome")
            assert queued.recv(100) == b"welcome"


def test_several_workers_share_the_clients(tmp_path: Path) -> None:
    server = Server(free_port(), tmp_path / "fifo", workers=2)
    server.get_when_up()
    answered: set[bytes] = set()

    def all_answer() -> bool:
        answered.add(server.get("/")[1])
        return len(answered) >= 2

    eventually(all_answer, 20, "both workers answer")
    server.stop()


def test_a_second_server_does_not_share_the_port_of_several_workers(tmp_path: Path) -> None:
    server = Server(free_port(), tmp_path / "fifo", workers=2)
    server.get_when_up()
    second = Server(server.port, tmp_path / "second", workers=2)
    output, _ = second.process.communicate(timeout=20)
    assert second.process.returncode != 0
    assert "in use" in output
    server.stop()


def test_what_is_half_sent_does_not_hold_up_a_stop(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHo")
        server.process.terminate()
        assert connection.recv(100) == b""
        output, _ = server.process.communicate(timeout=20)
    assert server.process.returncode == 0, output


def test_a_worker_that_cannot_make_the_application_ends_the_server(tmp_path: Path) -> None:
    server = Server(free_port(), tmp_path / "fifo", workers=-1)
    output, _ = server.process.communicate(timeout=20)
    assert server.process.returncode == 1, output
    assert "cannot start" in output
