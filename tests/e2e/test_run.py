"""`order-service run` as real processes: it comes up, mends itself, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.backends import free_port
from tests.builders import CANONICAL, ROOT
from tests.e2e.stack_process import START_S, STOP_S, Stack, running
from tests.waiting import eventually

ORDER_UID = "b563feb7b2b84b6test"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("run") / "data") as stack:
        stack.await_ready()
        yield stack


def test_an_order_that_is_produced_is_answered(stack: Stack) -> None:
    stack.produce("--file", str(CANONICAL), "--wait")
    assert stack.get(f"/order/{ORDER_UID}") == 200


def test_stack_env_names_every_part(stack: Stack) -> None:
    names = {"HTTP_PORT", "METRICS_WORKER_PORT", "POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB"}
    names |= {"POSTGRES_PASSWORD", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "ORDERS_TOPIC"}
    addresses = stack.addresses()
    assert names <= addresses.keys()
    assert addresses["HTTP_PORT"] == str(stack.port)
    assert (stack.data_dir / "stack.env").stat().st_mode & 0o077 == 0


def test_a_second_run_on_the_same_data_is_refused(stack: Stack) -> None:
    command = [sys.executable, "-m", "order_service", "run"]
    second = subprocess.run(
        command,
        cwd=ROOT,
        env=stack.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert f"already running (process {stack.process.pid})" in second.stderr
    assert stack.get("/health/ready") == 200


def test_a_taken_http_port_is_an_error_that_names_the_way_out(stack: Stack, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "order_service", "run"]
    environ = {**stack.environ, "ORDER_SERVICE_DATA_DIR": str(tmp_path / "other")}
    other = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert other.returncode == 1
    assert f"HTTP_PORT={stack.port + 1}" in other.stderr


def test_a_program_that_asked_for_json_gets_nothing_else(stack: Stack, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "order_service", "run"]
    data_dir = tmp_path / "other"
    environ = {
        **stack.environ,
        "ORDER_SERVICE_DATA_DIR": str(data_dir),
        "HTTP_PORT": str(free_port()),
        "LOG_FORMAT": "json",
        "CONTEXTS_ENABLED": "orders",
    }
    log = tmp_path / "log"
    with log.open("ab") as output:
        other = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
    try:
        eventually(lambda: "Service is ready" in log.read_text(), START_S, log.read_text())
        other.terminate()
        assert other.wait(STOP_S + 10) == 0
    finally:
        other.kill()
        other.wait()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    ready = next(each for each in events if each["event"] == "The Order Service is ready")
    assert ready["data_dir"] == str(data_dir)
    assert f"http://localhost:{environ['HTTP_PORT']}/" in ready["pages"]


@pytest.mark.parametrize("part", ["consumer", "api", "postgres", "valkey", "broker"])
def test_a_part_that_is_killed_comes_back(stack: Stack, part: str, tmp_path: Path) -> None:
    killed = stack.pid_of(part)
    assert killed > 1  # 0 would be the tests themselves
    os.kill(killed, signal.SIGKILL)

    def is_back() -> bool:
        return stack.pid_of(part) not in {0, killed} and psutil.pid_exists(stack.pid_of(part))

    eventually(is_back, 15, f"{part} runs again")
    eventually(lambda: stack.get("/health/ready") == 200, 20, "the API is ready again")
    # What the database missed a moment ago is held against it for a second.
    eventually(lambda: stack.get(f"/order/{ORDER_UID}") == 200, 5, "the order is answered")
    fresh = _order_named(f"after-{part}", tmp_path)
    stack.produce("--file", str(fresh))
    eventually(lambda: stack.get(f"/order/after-{part}") == 200, 20, "a new order is answered")


def _order_named(uid: str, folder: Path) -> Path:
    order = json.loads(CANONICAL.read_text()) | {"order_uid": uid}
    order["payment"]["transaction"] = uid
    path = folder / "order.json"
    path.write_text(json.dumps(order))
    return path


def test_sigterm_stops_everything_in_time(stack: Stack) -> None:
    code, seconds = stack.stop()
    assert code == 0, stack.log.read_text()
    assert seconds < STOP_S
    assert stack.left_behind() == []
    assert not re.search("^{", stack.log.read_text(), re.MULTILINE), "JSON between sentences"
    assert not (stack.data_dir / "stack.env").exists()


def _has_come(stack: Stack, moment: str) -> bool:
    """Whether a file of the data directory is there, or a line in the output."""
    return (stack.data_dir / moment).exists() or moment in stack.log.read_text()


@pytest.mark.parametrize(
    "moment",
    [
        "postgres/postgres.pid",
        "services/migrate.pid",
        "services/api.pid",
        "migrations: apply",
        "api is up",
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_a_start_leaves_nothing_behind(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    with running(tmp_path / "data") as stack:
        eventually(lambda: _has_come(stack, moment), START_S, moment)
        code, seconds = stack.stop(number)
        assert code == 0, stack.log.read_text()
        assert seconds < STOP_S
        assert stack.left_behind() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
@pytest.mark.parametrize("moment", ["services/api.pid", "api is up"])
def test_a_run_that_is_killed_in_the_middle_of_its_start_leaves_no_process(
    tmp_path: Path, moment: str
) -> None:
    with running(tmp_path / "data") as stack:
        eventually(lambda: _has_come(stack, moment), START_S, moment)
        stack.process.kill()
        stack.process.wait()
        eventually(lambda: not stack.left_behind(), STOP_S, f"nothing is left; see {stack.log}")


def test_a_killed_run_leaves_no_process_and_its_data_serve_the_next_one(tmp_path: Path) -> None:
    with running(tmp_path / "data") as first:
        first.await_ready()
        first.produce("--file", str(CANONICAL))
        eventually(lambda: first.get(f"/order/{ORDER_UID}") == 200, 20, "the order is stored")
        first.process.kill()
        first.process.wait()
        if sys.platform == "linux":
            eventually(lambda: not first.left_behind(), STOP_S, f"nothing is left; see {first.log}")
        with running(tmp_path / "data") as second:
            second.await_ready()
            assert second.get(f"/order/{ORDER_UID}") == 200
            code, _ = second.stop(signal.SIGINT)
            assert code == 0
            assert second.left_behind() == []
