"""A program that has loaded its modules before it is told where the servers are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import os, sys
print(sys.argv[1:], os.environ["ADDRESS"], sys.stdin.read() == "", "heavy" in sys.modules)
"""


@pytest.fixture
def program(tmp_path: Path) -> subprocess.Popen[str]:
    (tmp_path / "heavy.py").write_text("print('loaded', flush=True)\n")
    (tmp_path / "told.py").write_text(_PROGRAM)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    launcher = [sys.executable, "-m", "order_service.embedded.loaded_ahead"]
    return subprocess.Popen(
        [*launcher, "heavy", "told", "one", "two"],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_loads_first_and_runs_once_it_is_told_its_environment(
    program: subprocess.Popen[str],
) -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == "loaded\n"
    output, errors = program.communicate(json.dumps({"ADDRESS": "here"}) + "\n", timeout=20)
    assert output == "['one', 'two'] here True True\n", errors
    assert program.returncode == 0


def test_it_does_not_run_if_nobody_tells_it(program: subprocess.Popen[str]) -> None:
    output, errors = program.communicate(timeout=20)
    assert output == "loaded\n"
    assert "nobody said" in errors
    assert program.returncode == 1
