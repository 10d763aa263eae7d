"""Every command of the guides is run, or at least held against the program that it calls."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import psycopg
import pytest
from click.testing import CliRunner
from dotenv import dotenv_values

import producer.cli
from order_service.bootstrap.contexts import installed
from order_service.cli import main
from order_service.config import Schema
from tests.backends import free_port, free_ports, process_environ
from tests.docs.guides import ROOT, Command, commands, inline_commands
from tests.waiting import eventually

COMMANDS = commands()
SAMPLE = "b563feb7b2b84b6test"
# What comes from elsewhere, and what no test can run without harm or without the network.
FOREIGN = {
    "docker", "etcdctl", "grep", "head", "kubectl", "openapi-python-client", "patronictl",
    "pg_dump", "pip", "pre-commit", "printf",
}  # fmt: skip
BUILT_IN = {"export", "source"}
# Variables that are no settings.
VARIABLES = {"CI", "COMPOSE_PROFILES", "PATH", "ORDER_SERVICE_CONFIG", "ORDER_SERVICE_DATA_DIR"}


def program_of(command: Command) -> str:
    return command.words[0].rsplit("/", maxsplit=1)[-1]


def of(*programs: str) -> list[Command]:
    """The commands that call one of the programs, each once."""
    return list({c.words: c for c in COMMANDS if program_of(c) in programs}.values())


def check_service(words: list[str]) -> None:
    """Hold a command line against the commands of the service."""
    command: click.Command = main
    while isinstance(command, click.Group):
        words = _without_config(words)
        if not words or words == ["--help"]:
            return
        found = command.commands.get(words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    if "--help" not in words:
        with command.make_context(command.name, list(words), obj=installed()):
            pass


def _without_config(words: list[str]) -> list[str]:
    return words[2:] if words[:1] == ["--config"] else words


@cache
def makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def check_make(words: list[str]) -> None:
    """Hold targets and variables against the Makefile."""
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable:
            assert name in _settings() or re.search(rf"\$\({name}\)|\b{name} \?=", makefile()), word
        else:
            assert re.search(rf"^{re.escape(name)}:.*## ", makefile(), re.MULTILINE), word


def _settings() -> set[str]:
    return {key.variable for key in Schema(installed().sections).keys}


def check_python(words: list[str]) -> None:
    """Hold a call of Python against the modules and files of the checkout."""
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file()
    elif words[1] == "producer":
        with producer.cli.main.make_context("producer", words[2:]):
            pass
    elif words[1] == "order_service":
        check_service(words[2:])
    elif words[1] != "venv":
        path = ROOT / words[1].split("<", maxsplit=1)[0].rstrip(".").replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file()


def check_dotenv(words: list[str]) -> None:
    check(words[words.index("--") + 1 :])


@cache
def _help_of(*path: str) -> str:
    program = Path(sys.executable).with_name("kafka-python")
    command = [str(program), *path, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def check_kafka(words: list[str]) -> None:
    """Hold a call of the admin tool of kafka-python against its help."""
    connection = words[1:3]
    assert connection[0] == "-b"
    path, rest = words[3:5], words[5:]
    shown = _help_of(words[0], *connection, *path)
    options = [word for word in rest if word.startswith("-") and not word[1:2].isdigit()]
    assert all(re.search(rf"{option}\b", shown) for option in options), shown


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "order-service": check_service,
    "make": check_make,
    "python": check_python,
    "python3": check_python,
    "dotenv": check_dotenv,
    "kafka-python": check_kafka,
}


def check(words: list[str]) -> None:
    """Hold one command against the program that it calls."""
    program = words[0].rsplit("/", maxsplit=1)[-1]
    if program in CHECKS:
        CHECKS[program](words[1:])
    else:
        assert program in FOREIGN | BUILT_IN | {"curl", "psql"}, f"nobody checks {program}"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What examples take for given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repaired.json").write_text("{}")
    (tmp_path / "tests").symlink_to(ROOT / "tests")


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_one_that_its_program_understands(command: Command) -> None:
    check(list(command.words))
    unknown = command.environ.keys() - VARIABLES - _settings()
    assert not {name for name in unknown if not name.startswith("PG")}


@pytest.mark.parametrize(("page", "text"), inline_commands())
def test_a_command_in_running_text_exists(page: str, text: str) -> None:
    program, *words = text.split()
    if program == "order-service":
        command: click.Command = main
        for word in _without_config(words):
            if isinstance(command, click.Group):
                assert word in command.commands, page
                command = command.commands[word]
            elif word.startswith("--"):
                assert any(word in option.opts for option in command.params), page
    elif program == "make":
        check_make(words)
    elif "<" not in text:
        check_python(words)


def test_the_guides_name_every_command_of_the_service() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    guide = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        assert f"order-service {name}" in readme
        assert f"`{name}" in guide
        if isinstance(command, click.Group):
            assert all(
                f"`{name} {part}`" in guide or f"`{part}`" in guide for part in command.commands
            )


def test_there_are_commands_to_test() -> None:
    assert len(of("order-service")) > 20
    assert len(of("curl")) > 5


class Stack(NamedTuple):
    """A stack that runs, with the sample order in it."""

    environ: Mapping[str, str]

    def url(self, documented: str) -> str:
        """The address that stands for one of the guides."""
        ports = {"8080": "HTTP_PORT", "9108": "METRICS_WORKER_PORT"}
        return re.sub(
            r"localhost:(\d+)", lambda m: f"127.0.0.1:{self.environ[ports[m[1]]]}", documented
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("docs")
    ports = {name: str(free_port()) for name in ("HTTP_PORT", "ACCOUNTS_GRPC_PORT")}
    ports["METRICS_WORKER_PORT"] = str(free_ports(20))  # one for each worker
    data = folder / ".order-service"
    environ = process_environ({**ports, "ORDER_SERVICE_DATA_DIR": str(data)})
    environ["PYTHONPATH"] += os.pathsep + str(ROOT)
    log = folder / "run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "order_service", "run"],
            cwd=folder, env=environ, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        eventually(lambda: b"is ready" in log.read_bytes(), 60, f"ready; see {log}")
        told = {name: text or "" for name, text in dotenv_values(data / "stack.env").items()}
        running = Stack(told)
        sample = ["-m", "producer", "--file", str(ROOT / "tests/data/order.json"), "--quiet"]
        subprocess.run([sys.executable, *sample], cwd=folder, env=environ, check=True, timeout=60)
        order = running.url(f"http://localhost:8080/order/{SAMPLE}")
        eventually(lambda: _get(order)[0] == 200, 30, "the sample is stored")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310  http
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


# What starts a server, or changes what the other commands need.
KEPT_FROM_RUNNING = {"run", "api", "consume", "migrate down", "migrate create"}
# There are no letters, and the broker in memory finds no offsets by time.
NOT_THERE = {"dead-letters show": 3, "reconcile --topic": 1}


def _runnable() -> list[Command]:
    return [
        command
        for command in of("order-service")
        if not KEPT_FROM_RUNNING & {command.words[1], " ".join(command.words[1:3])}
        and ("replay" not in command.words or {"--dry-run", "--help"} & set(command.words))
    ]


@pytest.mark.parametrize("command", _runnable(), ids=str)
def test_a_command_of_the_service_runs(
    command: Command, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [word.replace("config.yml", str(ROOT / "config.yml")) for word in command.words[1:]]
    # The answer to what is asked for: a password.
    result = CliRunner().invoke(main, words, env=dict(stack.environ), input="staple after staple\n")
    expected = NOT_THERE.get(" ".join(words[:2]), 0)
    assert result.exit_code == expected, result.output


@pytest.mark.parametrize("command", of("curl"), ids=str)
def test_a_request_is_answered(command: Command, stack: Stack) -> None:
    words = list(command.words)
    headers = dict(
        words[at + 1].split(": ", maxsplit=1) for at, word in enumerate(words) if word == "-H"
    )
    (url,) = [word for word in words if word.startswith("http")]
    status, body = _get(stack.url(url), headers)
    if url.endswith("/order/ID"):
        assert status == 404
        assert b"order" in body
    else:
        assert status == 200


@pytest.mark.parametrize("command", of("psql"), ids=str)
def test_a_query_runs(command: Command, stack: Stack) -> None:
    words, environ = list(command.words), stack.environ
    with psycopg.connect(
        host=environ["POSTGRES_HOST"],
        port=environ["POSTGRES_PORT"],
        user=environ["POSTGRES_ADMIN_USER"],
        password=environ["POSTGRES_ADMIN_PASSWORD"],
        dbname=words[1],
    ) as connection:
        connection.execute(words[words.index("-c") + 1].encode())
        connection.rollback()


def test_the_makefile_lists_all_its_targets() -> None:
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    for target in re.findall(r"^([a-z-]+):.*## ", makefile(), re.MULTILINE):
        assert f"make {target} " in shown
