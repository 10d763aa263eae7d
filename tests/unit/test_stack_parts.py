"""The small parts of `order-service run`: lock, addresses file, ports, readiness, console."""

import io
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from dotenv import dotenv_values

from order_service.config import Config
from order_service.config.secret import Secret
from order_service.embedded.console import Banner, Console
from order_service.embedded.listening import PortTakenError, with_usable_ports
from order_service.embedded.lock import AlreadyRunningError, locked
from order_service.embedded.readiness import HealthProbe, ReadinessStep, StartCancelledError
from order_service.embedded.stack_env import configured_addresses, write_stack_env
from order_service.embedded.workload import Endpoint, Program, Workload

HOLD_THE_LOCK = """
import os, pathlib, sys
from order_service.embedded.lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_data_directory_that_another_process_holds_is_refused_with_its_pid(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        with pytest.raises(AlreadyRunningError, match=rf"process {pid}\b"), locked(tmp_path):
            pass
        holder.kill()
    with locked(tmp_path):  # the kernel dropped the lock with the killed process
        pass


def test_a_data_directory_is_closed_to_others_also_one_that_was_open(tmp_path: Path) -> None:
    new = tmp_path / "new"
    with locked(new):
        assert stat.S_IMODE(new.stat().st_mode) & 0o066 == 0
    new.chmod(0o755)
    with locked(new):
        assert stat.S_IMODE(new.stat().st_mode) & 0o066 == 0
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o755)
    with locked(theirs):
        assert stat.S_IMODE(theirs.stat().st_mode) == 0o755, "a folder that we did not make"


def test_stack_env_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "stack.env"
    write_stack_env(path, {"POSTGRES_PASSWORD": "s3cret"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_stack_env_holds_plain_values_bare(tmp_path: Path) -> None:
    path = tmp_path / "stack.env"
    write_stack_env(path, {"REDIS_URL": "redis://127.0.0.1:6379/0", "HTTP_PORT": "8080"})
    assert path.read_text() == "HTTP_PORT=8080\nREDIS_URL=redis://127.0.0.1:6379/0\n"


@pytest.mark.parametrize("value", ["a b", "it's", "back\\slash", "#", 'say "x"', "$HOME", ""])
def test_any_value_comes_back_from_stack_env_as_it_was(tmp_path: Path, value: str) -> None:
    path = tmp_path / "stack.env"
    write_stack_env(path, {"POSTGRES_PASSWORD": value})
    assert dotenv_values(path, interpolate=False) == {"POSTGRES_PASSWORD": value}


def test_only_parts_that_the_configuration_names_have_configured_addresses() -> None:
    nothing = configured_addresses(Config())
    assert "POSTGRES_HOST" not in nothing
    assert "REDIS_URL" not in nothing
    assert nothing["HTTP_PORT"] == "8080"
    postgres = msgspec.structs.replace(Config().postgres, host="db", password=Secret("s3cret"))
    named = configured_addresses(msgspec.structs.replace(Config(), postgres=postgres))
    assert (named["POSTGRES_HOST"], named["POSTGRES_PASSWORD"]) == ("db", "s3cret")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def with_ports(http: int, consumer: int, *, chosen: bool = True) -> Workload:
    """An API and a consumer; `chosen` says that somebody chose the consumer's port."""
    api = Endpoint("127.0.0.1", http, "HTTP_PORT")
    metrics = Endpoint("127.0.0.1", consumer, "METRICS_PORT", fixed=chosen)
    return Workload(
        services=[
            Program("api", ["api"], endpoint=api),
            Program("consumer", ["consume"], endpoint=metrics if consumer else None),
        ]
    )


def port_of(workload: Workload, name: str) -> int:
    return dict(workload.endpoints())[name].port


def test_a_taken_http_port_is_refused_with_the_way_out(taken_port: int) -> None:
    with pytest.raises(PortTakenError, match=rf"port {taken_port}: .*HTTP_PORT={taken_port + 1}"):
        with_usable_ports(with_ports(taken_port, 0))


def test_a_port_that_somebody_chose_is_refused_when_it_is_taken(
    taken_port: int, unused_tcp_port: int
) -> None:
    with pytest.raises(PortTakenError, match="METRICS_PORT"):
        with_usable_ports(with_ports(unused_tcp_port, taken_port))


def test_a_port_that_nobody_chose_moves_when_it_is_taken(
    taken_port: int, unused_tcp_port: int
) -> None:
    usable = with_usable_ports(with_ports(unused_tcp_port, taken_port, chosen=False))
    assert port_of(usable, "consumer") not in {taken_port, 0}
    assert port_of(usable, "api") == unused_tcp_port


def test_a_port_is_given_to_one_service_alone(unused_tcp_port: int) -> None:
    with pytest.raises(PortTakenError, match="api is to listen on it"):
        with_usable_ports(with_ports(unused_tcp_port, unused_tcp_port))
    usable = with_usable_ports(with_ports(unused_tcp_port, unused_tcp_port, chosen=False))
    assert port_of(usable, "consumer") != port_of(usable, "api") == unused_tcp_port


@pytest.fixture
def unused_tcp_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


class Service(BaseHTTPRequestHandler):
    """Becomes ready at the third question."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if self.asked >= 3 else 503)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def service_port() -> Iterator[int]:
    Service.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def probe(service: str, port: int) -> HealthProbe:
    return HealthProbe(service, Endpoint("127.0.0.1", port, "HTTP_PORT"))


def test_the_start_waits_until_a_service_says_that_it_is_ready(service_port: int) -> None:
    ReadinessStep("ready", [probe("api", service_port)], lambda _: None).start()
    assert Service.asked == 3


def test_waiting_for_readiness_ends_when_it_is_stopped(unused_tcp_port: int) -> None:
    readiness = ReadinessStep("ready", [probe("api", unused_tcp_port)], lambda _: None)
    readiness.stop()
    with pytest.raises(StartCancelledError):
        readiness.start()


def test_a_probe_says_what_is_in_the_way(unused_tcp_port: int) -> None:
    fault = probe("consumer", unused_tcp_port).fault()
    assert fault.startswith("consumer does not answer yet")


def test_the_banner_names_every_url_once_and_warns_of_what_is_not_kept() -> None:
    out = io.StringIO()
    api = Endpoint("0.0.0.0", 8080, "HTTP_PORT", pages={"API": "/swagger/", "Metrics": "/metrics"})  # noqa: S104
    consumer = Endpoint("127.0.0.1", 9108, "METRICS_PORT", pages={"Metrics": "/metrics"})
    banner = Banner(
        [("api", api), ("consumer", consumer)], Path("/d"), 2.5, ["Do something"], ["Beware"]
    )
    Console(out, io.StringIO()).ready(banner)
    assert [line.strip() for line in out.getvalue().splitlines() if "http://" in line] == [
        "API       http://localhost:8080/swagger/",
        "Metrics   http://localhost:8080/metrics",
        "http://localhost:9108/metrics (consumer)",
    ]
    for text in ("(2.5 s)", "/d", "Do something", "Beware"):
        assert text in out.getvalue()
    assert "\033" not in out.getvalue()


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_lines_of_children_are_led_by_their_name_on_a_terminal() -> None:
    out = Terminal()
    Console(out, Terminal()).relay("consumer", io.BytesIO(b"one\ntwo\xff\n")).join()
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert all("consumer" in line for line in lines)


def test_each_child_has_a_colour_of_its_own_and_lines_begin_below_each_other() -> None:
    out = Terminal()
    console = Console(out, Terminal(), ["api", "worker-of-orders"])
    console.relay("api", io.BytesIO(b"line\n")).join()
    console.relay("worker-of-orders", io.BytesIO(b"line\n")).join()
    first, second = out.getvalue().splitlines()
    assert first.partition("m")[0] != second.partition("m")[0]
    assert first.index("line") == second.index("line")


def test_output_that_nobody_reads_any_more_stops_nothing() -> None:
    gone = io.StringIO()
    console = Console(gone, gone)
    gone.close()
    console.say("hello")
    console.error("trouble")
    assert gone.closed
