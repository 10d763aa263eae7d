"""What a process of the API imports: the time that this takes is most of its start."""

import subprocess
import sys
from pathlib import Path

from tests.backends import process_environ

_API = """
import sys
from order_service.bootstrap import api_process
from order_service.bootstrap.contexts import installed
from order_service.context.process import Process
contexts = installed()
config = contexts.load_config(
    environ={"POSTGRES_HOST": "127.0.0.1", "ORDERS_CACHE_WARM_UP": "0"}
)
with Process(config, scopes=contexts.scopes) as process:
    api_process.make_services(process, contexts)
    print(*sys.modules)
"""
_SCRIPT = "import sys; from order_service.__main__ import main; print(*sys.modules)"


def loaded(script: str, tmp_path: Path) -> set[str]:
    """The packages and modules that a script imports."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=process_environ({}),
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
        text=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_api_of_all_contexts_loads_nothing_that_only_workers_need(tmp_path: Path) -> None:
    found = loaded(_API, tmp_path)
    assert "order_service.contexts.checkout.api" in found
    assert not {"kafka", "grpc", "opentelemetry.sdk", "zxcvbn", "order_service.cli"} & found


def test_the_script_that_each_worker_of_the_api_imports_again_loads_next_to_nothing(
    tmp_path: Path,
) -> None:
    found = loaded(_SCRIPT, tmp_path)
    assert not {"click", "structlog", "order_service.cli", "order_service.config"} & found


def test_the_main_process_of_the_server_loads_the_metrics_no_sooner_than_it_may(
    tmp_path: Path,
) -> None:
    # The library looks where the metrics of several processes meet when it is loaded.
    found = loaded("import sys, order_service.bootstrap.api; print(*sys.modules)", tmp_path)
    assert found.isdisjoint({"prometheus_client", "flask"})
