"""Links and commands of the guides lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from order_service.bootstrap.contexts import installed
from order_service.cli import main
from order_service.config import Schema
from tests.deploy.files import ROOT

GUIDES = [
    ROOT / "docs/runbooks.md",
    ROOT / "docs/scaling.md",
    ROOT / "deploy/kubernetes/README.md",
]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?<!-n )order-service (?:[a-z]|--)[^`\n|#]*")
_KEY = re.compile(
    r"`((?:contexts|http|postgres|redis|kafka|metrics|log|tracing|orders)\.[a-z_.]+)`"
)


def _anchors(path: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def _found(pattern: re.Pattern[str]) -> list[tuple[Path, str]]:
    texts = {path: path.read_text(encoding="utf-8") for path in GUIDES}
    return [(path, hit) for path in GUIDES for hit in sorted(set(pattern.findall(texts[path])))]


@pytest.mark.parametrize(("path", "link"), _found(_LINK))
def test_each_link_leads_to_a_file_and_a_heading(path: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    if name.startswith("https://"):
        return
    target = (path.parent / name).resolve() if name else path
    assert target.exists()
    assert not anchor or anchor in _anchors(target)


@pytest.mark.parametrize(("path", "text"), _found(_COMMAND))
def test_each_command_of_the_service_exists(path: Path, text: str) -> None:
    assert path.exists()
    command: click.Command = main
    words = shlex.split(text)[1:]
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    command.make_context(command.name, words, obj=installed())


@pytest.mark.parametrize(("path", "key"), _found(_KEY))
def test_each_setting_that_is_named_exists(path: Path, key: str) -> None:
    assert path.exists()
    known = {setting.dotted for setting in Schema(installed().sections).keys}
    assert key in known or any(name.startswith(f"{key}.") for name in known)
