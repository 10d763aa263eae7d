"""The Go services that ours is compared with, built where Go is installed."""

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent / "baselines/go"
_BUILDS = Path(__file__).parents[1] / ".cache/benchmarks"
_BUILD_S = 600.0


class NoGoError(Exception):
    """The Go services cannot be had here; the text says why."""


def go_version() -> str:
    """Return the version of Go, such as ``go1.26.8``; empty if it is not installed."""
    if shutil.which("go") is None:
        return ""
    command = ["go", "env", "GOVERSION"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


@cache
def built() -> Path:
    """Return the program with all Go services; the first call builds it.

    Raises:
        NoGoError: Go is not installed, or does not get or compile the modules.
    """
    version = go_version()
    if not version:
        raise NoGoError("Go is not installed")
    program = _BUILDS / f"baseline-{_fingerprint(version)}"
    if not program.exists():
        _build(program)
    return program


def _fingerprint(version: str) -> str:
    """Return a name for what these sources become with this compiler."""
    sources = sorted(path for path in SOURCES.iterdir() if path.suffix in {".go", ".mod", ".sum"})
    text = b"\0".join([version.encode(), *(path.read_bytes() for path in sources)])
    return hashlib.sha256(text).hexdigest()[:16]


def _build(program: Path) -> None:
    """Build beside `program` and move it there: a build that was killed leaves none."""
    program.parent.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_suffix(f".{os.getpid()}")
    command = ["go", "build", "-o", str(unfinished), "."]
    done = subprocess.run(
        command, cwd=SOURCES, check=False, capture_output=True, text=True, timeout=_BUILD_S
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise NoGoError(f"go build failed: {reason[:200]}")
    unfinished.replace(program)
