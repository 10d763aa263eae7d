"""The archive of Kafka's classes is made once, and only used if this Java could make it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from order_service.embedded.apache_kafka import class_archive
from order_service.embedded.processes import EmbeddedServerError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORDER_SERVICE_CACHE_DIR", str(tmp_path))
    return tmp_path


def java_that_writes(content: bytes | None, lives: list[str]) -> Callable[[str], None]:
    def live_once(option: str) -> None:
        lives.append(option)
        name, _, path = option.partition("=")
        assert name == "-XX:ArchiveClassesAtExit"
        if content is not None:
            Path(path).write_bytes(content)

    return live_once


def test_it_is_made_once_and_used_from_then_on(cache: Path) -> None:
    lives: list[str] = []
    assert class_archive.options() == []
    for _ in range(2):
        class_archive.ensure(java_that_writes(b"classes", lives))
    [option] = class_archive.options()
    name, _, path = option.partition("=")
    assert name == "-XX:SharedArchiveFile"
    assert (Path(path).parent, Path(path).read_bytes()) == (cache, b"classes")
    assert len(lives) == 1


def test_a_java_that_makes_none_is_not_asked_again() -> None:
    lives: list[str] = []
    for _ in range(2):
        class_archive.ensure(java_that_writes(None, lives))
    assert (class_archive.options(), len(lives)) == ([], 1)


def test_after_a_broker_that_did_not_start_it_is_tried_again() -> None:
    def fail(_option: str) -> None:
        raise EmbeddedServerError("no memory")

    with pytest.raises(EmbeddedServerError):
        class_archive.ensure(fail)
    lives: list[str] = []
    class_archive.ensure(java_that_writes(b"classes", lives))
    assert len(lives) == 1


def test_another_java_has_an_archive_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_archive.ensure(java_that_writes(b"classes", []))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "other"))
    assert class_archive.options() == []
