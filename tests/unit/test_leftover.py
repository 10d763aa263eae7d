"""Whose a folder is: what the pid file of a child says about it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from order_service.embedded.process_table import identity
from order_service.embedded.processes import EmbeddedServerError, end_leftover


def written(folder: Path, pid: int, started: str | None, owner_started: str | None) -> Path:
    """A pid file as this process would have written it."""
    owner = {"owner": str(os.getpid()), "owner_started": owner_started}
    file = folder / "server.pid"
    file.write_text(json.dumps({"pid": str(pid), "started": started} | owner))
    return file


def test_a_child_that_ended_before_its_file_was_written_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    file = written(tmp_path, child.pid, None, identity(os.getpid()))
    end_leftover(file)
    assert not file.exists()


def test_a_child_of_an_owner_that_lives_is_no_leftover(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        file = written(tmp_path, child.pid, identity(child.pid), identity(os.getpid()))
        with pytest.raises(EmbeddedServerError, match=f"in use by process {os.getpid()}"):
            end_leftover(file)
        assert child.poll() is None
        child.kill()


def test_a_child_of_an_owner_that_died_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        end_leftover(written(tmp_path, child.pid, identity(child.pid), "another boot:1"))
        assert child.wait(10) != 0
