"""A context is a folder and a line: one is dropped into the program, all others are taken out."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ, free_port
from tests.builders import ROOT
from tests.waiting import eventually

HERE = Path(__file__).parent
LIST = "bootstrap/contexts.py"


class Program:
    """A copy of the program that has just the contexts that it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "src/order_service"
        shutil.copytree(
            ROOT / "src/order_service", self.package, ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copytree(ROOT / "migrations", folder / "migrations")
        shutil.copytree(ROOT / "web", folder / "web")
        shutil.copy(ROOT / "config.yml", folder / "config.yml")

    def add(self, name: str, context: Path, migrations: Path) -> None:
        """Drop a folder in, and write its line."""
        shutil.copytree(context, self.package / "contexts" / name)
        shutil.copytree(migrations, self.folder / "migrations" / name)
        file = self.package / LIST
        text = file.read_text()
        file.write_text(text.replace("_NAMES = (\n", f'_NAMES = (\n    "{name}",\n'))
        assert file.read_text() != text

    def keep(self, *names: str) -> None:
        """Delete the folders, lines and settings of all contexts but these."""
        contexts = self.package / "contexts"
        others = [each.name for each in contexts.iterdir() if each.is_dir()]
        file = self.package / LIST
        for name in set(others) - set(names):
            shutil.rmtree(contexts / name)
            shutil.rmtree(self.folder / "migrations" / name, ignore_errors=True)
            file.write_text(file.read_text().replace(f'    "{name}",\n', ""))
            settings = self.folder / "config.yml"
            section = re.compile(rf"^{name}:\n(?:(?: .*)?\n)+", re.MULTILINE)
            settings.write_text(section.sub("", settings.read_text()))

    def environ(self, environ: Mapping[str, str]) -> Environ:
        """The environment of its processes."""
        return {**os.environ, **environ, "PYTHONPATH": str(self.package.parent)}

    def run(self, environ: Mapping[str, str], *command: str) -> str:
        """Run a command that must end well; return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "order_service", *command],
            check=True,
            cwd=self.folder,
            env=self.environ(environ),
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        return done.stdout

    @contextmanager
    def started(self, environ: Mapping[str, str], command: Sequence[str]) -> Iterator[None]:
        """Run a command that stays for the length of the block; it must stop cleanly."""
        with subprocess.Popen(
            [sys.executable, "-m", "order_service", *command],
            cwd=self.folder,
            env=self.environ(environ),
        ) as process:
            try:
                yield
            finally:
                process.terminate()
                code = process.wait(30)
        assert code == 0


@pytest.fixture
def environ(empty_database: Environ, valkey_server: ValkeyServer) -> Environ:
    names = ("HTTP_PORT", "METRICS_WORKER_PORT", "ACCOUNTS_GRPC_PORT")
    ports = {name: str(free_port()) for name in names}
    return {**empty_database, **valkey_server.environment(), **ports, "ORDERS_CACHE_WARM_UP": "0"}


def text_of(port: str, path: str) -> str | None:
    """What a server says, None while it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)
    except OSError:
        return None


def test_a_folder_and_a_line_make_a_context(tmp_path: Path, environ: Environ) -> None:
    program = Program(tmp_path)
    program.add("tiny", HERE / "tiny", HERE / "migrations")
    environ["TINY_GREETING"] = "well met"
    assert "greet" in program.run(environ, "--help")
    assert program.run(environ, "greet") == "well met\n"
    assert "tiny-writer" in program.run(environ, "work")
    settings = json.loads(program.run(environ, "config", "check", "--json"))["settings"]
    assert settings["tiny"] == {"greeting": "well met"}
    program.run(environ, "migrate", "up")
    port, own_port = environ["HTTP_PORT"], environ["METRICS_WORKER_PORT"]
    with (
        program.started(environ, ["work", "tiny-writer"]),
        program.started(environ, ["api"]),
    ):
        eventually(lambda: text_of(port, "/tiny/notes") == "well met", 30, "the note is served")
        assert "order_service_tiny_notes_read_total 1.0" in str(text_of(port, "/metrics"))
        assert '"tiny":{"ok":true}' in str(text_of(port, "/health/ready"))
        assert "/tiny/notes" in json.loads(str(text_of(port, "/openapi.json")))["paths"]
        assert '"tiny":{"ok":true}' in str(text_of(own_port, "/health/ready"))
        assert text_of(port, "/order/unknown") == "404"
    program.run(environ, "migrate", "down")


def test_orders_alone_make_a_program(tmp_path: Path, environ: Environ) -> None:
    program = Program(tmp_path)
    program.keep("orders")
    assert "keys" not in program.run(environ, "--help")
    program.run(environ, "migrate", "up")
    with program.started(environ, ["api"]):
        eventually(
            lambda: text_of(environ["HTTP_PORT"], "/order/unknown") == "404", 30, "it answers"
        )
        assert text_of(environ["HTTP_PORT"], "/orders") == '{"orders":[],"next_cursor":null}'
        assert '"status":"ok"' in str(text_of(environ["HTTP_PORT"], "/health/ready"))


def test_a_context_that_is_off_is_not_served(tmp_path: Path, environ: Environ) -> None:
    program = Program(tmp_path)
    program.add("tiny", HERE / "tiny", HERE / "migrations")
    program.run(environ, "migrate", "up")
    environ["CONTEXTS_ENABLED"] = "tiny"
    with program.started(environ, ["api"]):
        eventually(lambda: text_of(environ["HTTP_PORT"], "/tiny/notes") == "", 30, "it answers")
        assert text_of(environ["HTTP_PORT"], "/orders") == "404"
