"""Patterns that take long to compile wait for their first use, and are like any other then."""

import re
import subprocess
import sys
from types import ModuleType

import pytest

from order_service.infra.late_patterns import SLOW, LatePattern, compiled_late

PROBE = """
import importlib, sys
from order_service.infra.late_patterns import SLOW, LatePattern
from order_service.infra.loading import modules_loading
with modules_loading():
    for name in sorted(SLOW):
        module = importlib.import_module(name)
        places = [module, *(each for each in vars(module).values() if isinstance(each, type))]
        print(any(isinstance(each, LatePattern) for at in places for each in vars(at).values()))
from marshmallow.validate import Email, ValidationError
print(Email()("somebody@example.com"))
try:
    Email()("somebody@nowhere@")
except ValidationError as error:
    print(error)
from cryptography.x509 import Name
print(Name.from_rfc4514_string("CN=shop,O=Some Shop").rfc4514_string())
import yaml
print(yaml.safe_load("a: 1"))
"""


def test_what_libraries_do_with_them_is_the_same() -> None:
    """In a process of its own, as here they are loaded already."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        *["True"] * len(SLOW),
        "somebody@example.com",
        "Not a valid email address.",
        "CN=shop,O=Some Shop",
        "{'a': 1}",
    ]


def test_only_those_wait_and_only_while_modules_load(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, other = ModuleType(min(SLOW)), ModuleType("other")
    monkeypatch.setattr(slow, "re", re, raising=False)
    monkeypatch.setattr(other, "re", re, raising=False)
    source = "late = re.compile('a+', re.IGNORECASE)"
    with compiled_late():
        exec(source, vars(slow))  # noqa: S102 - as the import system does
        exec(source, vars(other))  # noqa: S102
    assert isinstance(vars(slow)["late"], LatePattern)
    assert isinstance(vars(other)["late"], re.Pattern)
    exec(source, vars(slow))  # noqa: S102
    assert isinstance(vars(slow)["late"], re.Pattern)


def test_it_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = LatePattern("a+", re.IGNORECASE)
    found = pattern.match("AAb")  # type: ignore[operator]
    assert found.group() == "AA"
    monkeypatch.setattr(re, "compile", None)
    assert pattern.match("b") is None  # type: ignore[operator]
