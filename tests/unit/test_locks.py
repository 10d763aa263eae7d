"""The lock files agree: what is deployed and what runs locally is what was tested."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"


def _text(name: str) -> str:
    return (REQUIREMENTS / name).read_text(encoding="utf-8")


def _pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", _text(name), re.MULTILINE))


@pytest.mark.parametrize(
    ("smaller", "larger"), [("service.lock", "dev.lock"), ("run.lock", "dev.lock")]
)
def test_a_smaller_lock_pins_the_versions_of_the_larger_one(smaller: str, larger: str) -> None:
    assert _pins(smaller).items() < _pins(larger).items()


def test_the_deployed_service_can_trace_and_goes_without_the_embedded_servers() -> None:
    # What is deployed can record traces; what runs on a laptop starts faster without.
    assert "opentelemetry-sdk" in _pins("service.lock")
    embedded = set(re.findall(r"^[a-z].*$", _text("embedded.txt"), re.MULTILINE))
    assert embedded <= _pins("run.lock").keys()
    assert not embedded & _pins("service.lock").keys()


@pytest.mark.parametrize("lock", ["service.lock", "run.lock", "dev.lock"])
def test_a_lock_names_no_address_and_has_a_hash_for_each_pin(lock: str) -> None:
    assert "://" not in _text(lock)
    stanzas = re.split(r"^(?=[a-z])", _text(lock), flags=re.MULTILINE)
    assert all("--hash=sha256:" in stanza for stanza in stanzas if stanza)
