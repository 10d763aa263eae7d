"""Programs of the machine that some tests need."""

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Return the path of a program; skip the test without it, but not in CI.

    Args:
        name: Of the program.
        package: Of Debian and Ubuntu that brings it.
    """
    # Where servers lie, which is on the path of root alone.
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing, and in CI nothing is skipped")
    if path is None:
        pytest.skip(f"{name} is not installed (Debian, Ubuntu: apt-get install {package})")
    return path
