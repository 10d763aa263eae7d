"""What the guides call by its name exists: files, what stands in them, and classes."""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from order_service.bootstrap.contexts import installed
from order_service.config import Schema
from tests.builders import ROOT

GUIDES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
GUIDES.remove(ROOT / "CHANGELOG.md")  # tells of names that there were
PACKAGE = ROOT / "src/order_service"
PLACES = (ROOT, PACKAGE, PACKAGE / "contexts")
"""Where paths in guides begin."""

CODE = ("src", "producer", "tests", "benchmarks", "deploy", "migrations", "schemas")
SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w./<>-]+\.(?:py|sql|proto)")
NAME_IN_FILE = re.compile(r"`(\w+)`(?:,? (?:and|or) `(\w+)`)? in\s+`([\w./-]+\.(?:py|sql))`")
SETTING = re.compile(r"([a-z]+)\.[a-z_.]+")
CLASS = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+")
TABLES = frozenset(
    {("orders", "orders"), ("orders", "deliveries"), ("orders", "payments"), ("orders", "items")}
)
"""Tables, whose schema has the name of a section."""

FOREIGN = frozenset({"DynamicUser", "LoadCredential", "ScaledObject", "PodMonitor"})
"""Names of other programs."""


def found(path: str) -> Path | None:
    """A file, by its path; by its name alone where guides speak of what every context has."""
    exact = (place / path for place in PLACES if (place / path).exists())
    anywhere = () if "/" in path else PACKAGE.rglob(path)
    return next(itertools.chain(exact, anywhere), None)


def is_setting(dotted: str) -> bool:
    """Whether a dotted name is a key or a section, or begins with the name of no section."""
    path, schema = tuple(dotted.split(".")), Schema(installed().sections)
    known = {section.name for section in schema.sections}
    return path[0] not in known or path in schema.by_path or path in schema.groups or path in TABLES


@cache
def code() -> str:
    """All code, to look names up in."""
    kinds = {".py", ".sql", ".yml", ".yaml", ".json", ".proto"}
    files = [file for folder in CODE for file in (ROOT / folder).rglob("*") if file.suffix in kinds]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def unknown(text: str) -> Iterator[str]:
    """Yield what a guide names and nobody finds."""
    for span in SPAN.findall(text):
        if FILE.fullmatch(span) and "<" not in span and found(span) is None:
            yield f"there is no file {span}"
        if SETTING.fullmatch(span) and not (FILE.fullmatch(span) or is_setting(span)):
            yield f"there is no setting {span}"
        if CLASS.fullmatch(span) and span not in FOREIGN and not re.search(rf"\b{span}\b", code()):
            yield f"nothing is called {span}"
    for *names, path in NAME_IN_FILE.findall(text):
        file = found(path)
        for name in filter(None, names):
            if file and not re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")):
                yield f"there is no {name} in {path}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_what_a_guide_names_exists(guide: Path) -> None:
    assert list(unknown(guide.read_text(encoding="utf-8"))) == []


def test_names_that_do_not_exist_are_noticed() -> None:
    absent = "NoSuch" + "Class"
    good = "`http/app.py`, `HttpMeter`, `http.port`"
    text = f"{good}, `http/gone.py`, `nothing` in `http/app.py`, `{absent}`, `http.prot`"
    assert list(unknown(text)) == [
        "there is no file http/gone.py",
        f"nothing is called {absent}",
        "there is no setting http.prot",
        "there is no nothing in http/app.py",
    ]
