"""Tools that the checks of deploy/ need."""

import os
import shutil

import pytest


def _tool(name: str, how: str) -> str:
    """Return the path of a tool; without it skip, but never in CI."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing, and in CI nothing is skipped: {how}")
    if path is None:
        pytest.skip(f"{name} is not installed: {how}")
    return path


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus's own checker."""
    return _tool("promtool", "it is in Debian's package prometheus")
