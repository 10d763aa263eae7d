"""The files of deploy/ and what is read out of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
GRAFANA = ROOT / "deploy/grafana"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))


class Expression(NamedTuple):
    """PromQL and where it stands."""

    place: str
    text: str


def yaml_of(path: Path) -> dict[str, Any]:
    """Return the one document of a YAML file."""
    return cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))


def rules() -> Iterator[dict[str, Any]]:
    """Yield every rule of every file."""
    for path in RULES:
        for group in yaml_of(path)["groups"]:
            yield from group["rules"]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    found = [rule for rule in rules() if "alert" in rule]
    assert len({rule["alert"] for rule in found}) == len(found), "two alerts share a name"
    return {rule["alert"]: rule for rule in found}


def recorded() -> set[str]:
    """Return the names of the series that rules record."""
    return {rule["record"] for rule in rules() if "record" in rule}


def dashboard(path: Path) -> dict[str, Any]:
    """Return a dashboard."""
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def panels(path: Path) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that show data."""
    return [panel for panel in dashboard(path)["panels"] if panel["type"] != "row"]


def rule_expressions() -> list[Expression]:
    """Return the PromQL of all rules."""
    return [Expression(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def dashboard_expressions() -> list[Expression]:
    """Return the PromQL of all panels and annotations, variables replaced."""
    found = []
    for path in DASHBOARDS:
        for panel in panels(path):
            found += [(panel["title"], target["expr"]) for target in panel["targets"]]
        notes = dashboard(path)["annotations"]["list"]
        found += [(note["name"], note["expr"]) for note in notes]
    return [Expression(name, text.replace("$__rate_interval", "1m")) for name, text in found]
