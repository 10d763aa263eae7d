"""The compose file runs every worker, and every context behind the gateway."""

from collections.abc import Mapping
from typing import Any

from order_service.bootstrap.contexts import installed
from tests.deploy.files import PROMETHEUS, ROOT, yaml_of

SERVICES: Mapping[str, dict[str, Any]] = yaml_of(ROOT / "docker-compose.yml")["services"]
OURS = {name: each for name, each in SERVICES.items() if each.get("image") == "order-service:local"}
WORKERS = {worker.name for each in installed().installed for worker in each.workers}


def _environment(name: str) -> dict[str, str]:
    return {key: str(value) for key, value in OURS[name]["environment"].items()}


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
