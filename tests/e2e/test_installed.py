"""What `pip install .` of a clean checkout gives: a service that needs nothing of the checkout."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.backends import free_port, free_ports
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
CHECKOUT = ("src", "producer", "migrations", "web")
CHECKOUT_FILES = ("config.yml", "pyproject.toml", "README.md", "LICENSE")
ORDER_UID = "b563feb7b2b84b6test"
START_S = 60.0


class Installation(NamedTuple):
    """A virtual environment with the service, and an empty folder to run it in."""

    bin: Path
    folder: Path
    environ: dict[str, str]

    def run(self, *command: str, code: int = 0) -> str:
        """Run a program of the environment; return its standard output."""
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a clean copy of this checkout."""
    copy, built = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in CHECKOUT:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in CHECKOUT_FILES:
        shutil.copy(ROOT / name, copy / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "-w", str(built), str(copy)], check=True, timeout=120)
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel installed by itself; its dependencies are those of the running environment."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q"]
    options = ["--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, *options, str(wheel)], check=True, timeout=120)
    (site,) = (folder / "venv").glob("lib/python3*/site-packages")
    # A path alone: what is installed as editable there stays out.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    unwanted = {"PYTHONPATH", "VIRTUAL_ENV", "ORDER_SERVICE_CONFIG", "ORDER_SERVICE_DATA_DIR"}
    environ = {name: text for name, text in os.environ.items() if name not in unwanted}
    ports = {name: str(free_port()) for name in ("HTTP_PORT", "ACCOUNTS_GRPC_PORT")}
    ports["METRICS_WORKER_PORT"] = str(free_ports(20))  # one for each worker
    work = folder / "work"
    work.mkdir()
    return Installation(python.parent, work, environ | ports)


@contextmanager
def running(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """Run the whole stack for the length of the block, from its readiness on."""
    log = installation.folder.parent / "run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(installation.bin / "order-service"), "run"],
            cwd=installation.folder,
            env=installation.environ,
            stdout=out,
            stderr=out,
        )
    try:
        eventually(lambda: b"is ready" in log.read_bytes(), START_S, f"ready; see {log}")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def test_the_code_comes_from_the_installation(installation: Installation) -> None:
    where = installation.run("python", "-c", "import order_service as o; print(o.__file__)")
    assert Path(where).is_relative_to(installation.folder.parent / "venv")
    assert installation.run("order-service", "--version").startswith("order-service")


def test_the_settings_travel_with_it(installation: Installation) -> None:
    found = json.loads(installation.run("order-service", "config", "check", "--json"))
    assert found["ok"]
    assert found["file"] is None
    template = installation.run("order-service", "config", "template")
    assert template == (ROOT / "config.yml").read_text(encoding="utf-8")


def test_it_runs_in_an_empty_folder_and_answers_an_order(installation: Installation) -> None:
    base = f"http://127.0.0.1:{installation.environ['HTTP_PORT']}"
    sample = ROOT / "tests/data/order.json"
    with running(installation) as process:
        installation.run("python", "-m", "producer", "--file", str(sample), "--quiet")
        eventually(lambda: _status(f"{base}/order/{ORDER_UID}") == 200, 30, "the order is stored")
        with urllib.request.urlopen(f"{base}/order/{ORDER_UID}", timeout=5) as answer:  # noqa: S310  http
            assert json.load(answer)["order_uid"] == ORDER_UID
        assert _status(f"{base}/") == 200
        assert _status(f"{base}/swagger/") == 200
        findings = json.loads(installation.run("order-service", "doctor", "--json"))
        assert findings["stack"] == ".order-service/stack.env"
    assert process.returncode == 0
    assert {path.name for path in installation.folder.iterdir()} == {".order-service"}


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  http
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
