"""The commands as real processes: exit codes, what is said, and a prompt end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.backends import Environ, free_port, process_environ

NAMED = {
    "POSTGRES_HOST": "127.0.0.1",
    "POSTGRES_PASSWORD": "very-secret",
    "REDIS_URL": "redis://:also-secret@127.0.0.1:1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
}


def clean() -> Environ:
    """This process's environment without settings of the service."""
    sections = ("POSTGRES_", "REDIS_", "KAFKA_", "CACHE_", "HTTP_", "METRICS_", "ORDER_SERVICE_")
    return {name: text for name, text in os.environ.items() if not name.startswith(sections)}


def command(environ: Environ, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where neither config.yml nor .env lies."""
    return subprocess.run(
        [sys.executable, "-m", "order_service", *arguments],
        cwd=folder,
        env=clean() | {"PYTHONPATH": process_environ({})["PYTHONPATH"]} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_good_configuration_is_shown_without_its_secrets(tmp_path: Path) -> None:
    shown = command(NAMED, tmp_path, "config", "check")
    assert shown.returncode == 0, shown.stderr
    told = shown.stdout + shown.stderr
    assert [value for value in ("very-secret", "also-secret") if value in told] == []
    assert "127.0.0.1:1" in shown.stdout


def test_every_fault_of_a_configuration_is_told_at_once(tmp_path: Path) -> None:
    faulty = {
        "HTTP_PORT": "eighty",
        "KAFKA_RETRY_ATTEMPTS": "-1",
        "ORDERS_CACHE_TTL": "soon",
    }
    (tmp_path / "config.yml").write_text("http:\n  prot: 80\nnonsense: 1\n")
    refused = command(faulty, tmp_path, "config", "check")
    assert refused.returncode == 2
    for name in ("http.port", "kafka.retry.attempts", "cache.ttl", "http.prot", "nonsense"):
        assert name in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["api"], ["postgres.host", "redis.url"]),
        (["consume"], ["postgres.host", "redis.url", "kafka.bootstrap_servers"]),
        (["migrate", "up"], ["postgres.host"]),
    ],
)
def test_a_command_names_all_addresses_that_it_misses(
    tmp_path: Path, arguments: list[str], missing: list[str]
) -> None:
    refused = command({}, tmp_path, *arguments)
    assert refused.returncode == 2
    assert [name for name in missing if name not in refused.stderr] == []
    assert "Traceback" not in refused.stderr


def test_a_configuration_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("http:\n  port: 8181\n")
    shown = command(NAMED, tmp_path, "--config", "mine.yml", "config", "check")
    assert shown.returncode == 0
    assert "8181" in shown.stdout
    assert command(NAMED, tmp_path, "--config", "no.yml", "config", "check").returncode == 2


def test_an_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    assert command({}, tmp_path, "frobnicate").returncode == 2


def test_help_tells_every_command(tmp_path: Path) -> None:
    shown = command({}, tmp_path, "--help")
    assert shown.returncode == 0
    for name in ("run", "api", "consume", "migrate", "dead-letters", "config"):
        assert f"  {name}" in shown.stdout


def test_a_new_migration_is_two_files(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from order_service.bootstrap import migrate;"
        f"migrate.bundled = lambda name: Path({str(tmp_path)!r}) / name;"
        "from order_service.cli import main;"
        "main(['migrate', 'create', '--context', 'orders', 'Add a Column'])"
    )
    (tmp_path / "migrations").mkdir()
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=process_environ({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    paths = [Path(line) for line in made.stdout.splitlines()]
    names = ["0001-add-a-column.sql", "0001-add-a-column.rollback.sql"]
    assert [path.name for path in paths] == names
    assert all(path.is_file() for path in paths)


def test_a_consumer_that_waits_for_its_broker_ends_at_once_and_well(tmp_path: Path) -> None:
    """A deployment that comes up in any order must be able to go down in any."""
    nowhere = NAMED | {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "METRICS_WORKER_PORT": "0",
        "LOG_FORMAT": "json",
    }
    consumer = subprocess.Popen(
        [sys.executable, "-m", "order_service", "consume"],
        cwd=tmp_path,
        env=clean() | {"PYTHONPATH": process_environ({})["PYTHONPATH"]} | nowhere,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert consumer.stderr
    try:
        for line in consumer.stderr:
            if json.loads(line)["event"] == "backend is failing, trying again":
                break
        began = time.monotonic()
        consumer.send_signal(signal.SIGTERM)
        _, log = consumer.communicate(timeout=30)
    finally:
        consumer.kill()
        consumer.wait(timeout=10)
    assert consumer.returncode == 0, log
    assert time.monotonic() - began < 15
    assert "Traceback" not in log


def test_a_worker_whose_port_is_taken_says_so_in_its_log(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = {"METRICS_WORKER_PORT": str(other.getsockname()[1]), "LOG_FORMAT": "json"}
        done = command(NAMED | taken, tmp_path, "work", "orders-consumer")
    assert done.returncode == 1
    # Its pools may have a word about backends that are not there, before or after.
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    (told,) = (line for line in lines if line["event"] == "the worker cannot start")
    assert "in use" in told["error"]


def test_a_worker_whose_broker_says_nothing_ends_in_time_and_tells_why(tmp_path: Path) -> None:
    """The promise of a stop does not depend on what a library waits for."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        broker = {
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{silent.getsockname()[1]}",
            "METRICS_WORKER_PORT": "0",
            "LOG_FORMAT": "json",
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "order_service", "work", "orders-consumer"],
            cwd=tmp_path,
            env=clean() | {"PYTHONPATH": process_environ({})["PYTHONPATH"]} | NAMED | broker,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            silent.settimeout(30)
            connection, _ = silent.accept()
            began = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            _, log = worker.communicate(timeout=30)
            connection.close()
        finally:
            worker.kill()
            worker.wait(timeout=10)
    assert worker.returncode == 0, log
    assert 7 < time.monotonic() - began < 12
    assert "the stop takes too long" in log
