"""The compose file starts what there is, with settings that there are."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from order_service.bootstrap.contexts import installed
from order_service.config import Schema
from tests.deploy.files import PROMETHEUS, ROOT, yaml_of

SERVICES: Mapping[str, dict[str, Any]] = yaml_of(ROOT / "docker-compose.yml")["services"]
OURS = {name: each for name, each in SERVICES.items() if each.get("image") == "order-service:local"}
WORKERS = {worker.name for each in installed().installed for worker in each.workers}
SECRET = re.compile(r"\$\{(\w+):\?.*\}$")


def _environment(name: str) -> dict[str, str]:
    """The variables of a service, its secrets filled in."""
    given = {key: str(value) for key, value in OURS[name]["environment"].items()}
    return {key: SECRET.sub("secret", value) for key, value in given.items()}


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_a_setting(name: str) -> None:
    assert set(_environment(name)) <= {key.variable for key in Schema(installed().sections).keys}


@pytest.mark.parametrize("name", OURS)
def test_each_service_starts_with_a_configuration_without_faults(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = installed().load_config(environ=_environment(name))
    config.require("postgres")


def test_each_worker_runs_in_a_service_of_its_name() -> None:
    run = {name: each["command"] for name, each in OURS.items() if each["command"][0] == "work"}
    assert {name: ["work", name] for name in WORKERS - {"orders-consumer"}} == run
    assert OURS["consumer"]["command"] == ["consume"]


def test_prometheus_asks_each_of_them() -> None:
    jobs = yaml_of(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    (job,) = (each for each in jobs if each["job_name"] == "worker")
    (found,) = job["dns_sd_configs"]
    assert set(found["names"]) == WORKERS - {"orders-consumer"}
    for name in found["names"]:
        assert _environment(name)["METRICS_WORKER_PORT"] == str(found["port"])


def test_each_context_has_a_deployment_behind_the_gateway() -> None:
    told = {
        key: value for key, value in SERVICES["gateway"]["environment"].items() if value[0] != ":"
    }
    for key, place in told.items():
        name, _, port = place.partition(":")
        assert _environment(name)["HTTP_PORT"] == port
        assert key.lower() in _environment(name)["CONTEXTS_ENABLED"].split(",")
    enabled = {
        c for name in OURS for c in _environment(name).get("CONTEXTS_ENABLED", "").split(",")
    }
    assert enabled - {""} == {each.name for each in installed().installed}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_is_there(name: str) -> None:
    assert set(SERVICES[name].get("depends_on", ())) <= SERVICES.keys()
