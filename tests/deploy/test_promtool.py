"""Prometheus's own checker on configuration, rules and the PromQL of the dashboards."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.files import PROMETHEUS, RULE_TESTS, RULES, alerts, dashboard_expressions, yaml_of


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape_configuration_is_valid(promtool: str) -> None:
    _run(promtool, "check", "config", PROMETHEUS / "prometheus.yml")


def test_the_rules_are_valid(promtool: str) -> None:
    _run(promtool, "check", "rules", *RULES)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.name)
def test_the_alerts_fire_when_they_should_and_only_then(promtool: str, path: Path) -> None:
    _run(promtool, "test", "rules", path)


def test_the_queries_of_the_dashboards_are_valid(promtool: str, tmp_path: Path) -> None:
    expressions = dashboard_expressions()
    recorded = [{"record": f"r{n}", "expr": e.text} for n, e in enumerate(expressions)]
    assert recorded
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    _run(promtool, "check", "rules", path)


def test_a_broken_query_would_be_noticed(promtool: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text('groups: [{name: g, rules: [{record: r, expr: "sum(rate(a[5m])"}]}]')
    with pytest.raises(AssertionError):
        _run(promtool, "check", "rules", path)


def test_each_alert_fires_in_some_situation() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in RULE_TESTS)
    fired = {name for name in alerts() if f'alertname="{name}"' in text}
    for path in RULE_TESTS:
        for situation in yaml_of(path)["tests"]:
            checks = situation.get("alert_rule_test", ())
            fired |= {check["alertname"] for check in checks if check["exp_alerts"]}
    assert fired == set(alerts())
