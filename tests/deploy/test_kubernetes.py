"""The manifests obey Kubernetes' schemas and fit the program that they start."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from dotenv import dotenv_values

from order_service.bootstrap.contexts import installed
from order_service.config import Schema
from order_service.context import consuming
from order_service.contexts.orders.settings import OrdersSettings
from tests.deploy.files import ROOT, RULES, yaml_of

KUBERNETES = ROOT / "deploy/kubernetes"
BASE = KUBERNETES / "base"
HAPROXY = ROOT / "deploy/haproxy/haproxy.cfg"
# The oldest version that the manifests are meant for, and a recent one.
VERSIONS = ("1.30", "1.35")
SETTINGS = {name: str(value) for name, value in dotenv_values(BASE / "settings.env").items()}


class Object(NamedTuple):
    """One Kubernetes object and its file."""

    path: Path
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.content['kind']}/{self.content['metadata']['name']}"


def _objects() -> Iterator[Object]:
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            for content in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield Object(path, content)


OBJECTS = list(_objects())
SEPARATE = KUBERNETES / "components/separate-contexts"
OURS = [given for given in OBJECTS if given.path.parent in {BASE, SEPARATE}]
PODS = [given for given in OURS if given.content["kind"] in {"Deployment", "Job"}]
WORKLOADS = [given for given in PODS if str(given) != "Deployment/gateway"]
SECRETS = {
    given.content["metadata"]["name"]: given.content["stringData"]
    for given in OURS
    if given.content["kind"] == "Secret"
}


def _named(kind: str, name: str) -> dict[str, Any]:
    (found,) = (o.content for o in OBJECTS if str(o) == f"{kind}/{name}")
    return found


def _pod(given: Object) -> dict[str, Any]:
    pod: dict[str, Any] = given.content["spec"]["template"]["spec"]
    return pod


def _container(given: Object) -> dict[str, Any]:
    (container,) = _pod(given)["containers"]
    assert isinstance(container, dict)
    return container


def _environment(given: Object) -> dict[str, str]:
    """The variables that the container starts with."""
    found: dict[str, str] = {}
    for source in _container(given)["envFrom"]:
        if "configMapRef" in source:
            found |= SETTINGS
        else:
            found |= SECRETS[source["secretRef"]["name"]]
    return found | {entry["name"]: entry["value"] for entry in _container(given).get("env", ())}


def _validate(version: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kubernetes_validate", "-k", version, "--strict"]
    return subprocess.run(
        [*command, *paths], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_obeys_the_schemas_of_kubernetes(version: str) -> None:
    files = sorted({given.path for given in OURS})
    done = _validate(version, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARN" not in done.stdout
    assert done.stdout.count(" passed for resource ") == len(OURS)


def test_a_misspelt_field_would_be_noticed(tmp_path: Path) -> None:
    text = (BASE / "api.yaml").read_text(encoding="utf-8")
    path = tmp_path / "api.yaml"
    path.write_text(text.replace("readOnlyRootFilesystem", "readonlyRootFilesystem"))
    done = _validate(VERSIONS[0], path)
    assert done.returncode != 0
    assert "readonlyRootFilesystem" in done.stdout


@pytest.mark.parametrize("path", sorted(KUBERNETES.rglob("kustomization.yaml")), ids=str)
def test_each_kustomization_names_what_is_there_and_leaves_nothing_out(path: Path) -> None:
    content = yaml_of(path)
    named = {*content.get("resources", ()), *content.get("components", ())}
    assert all((path.parent / name).exists() for name in named)
    beside = {found.name for found in path.parent.glob("*.yaml")}
    assert beside - named <= {"kustomization.yaml", "secret.example.yaml"}


def test_no_secret_is_applied_with_the_manifests() -> None:
    assert SECRETS
    assert "secret.example.yaml" not in yaml_of(BASE / "kustomization.yaml")["resources"]


@pytest.mark.parametrize("given", WORKLOADS, ids=str)
def test_each_variable_is_a_setting(given: Object) -> None:
    assert set(_environment(given)) <= {key.variable for key in Schema(installed().sections).keys}


@pytest.mark.parametrize("given", WORKLOADS, ids=str)
def test_each_pod_starts_with_a_configuration_without_faults(
    given: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = installed().load_config(environ=_environment(given))
    config.require("postgres")
    if given.content["kind"] == "Deployment":
        config.require("redis", "kafka")


@pytest.mark.parametrize("given", WORKLOADS, ids=str)
def test_no_pod_keeps_more_rights_than_it_needs(given: Object) -> None:
    pod, container = _pod(given), _container(given)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("given", WORKLOADS, ids=str)
def test_each_pod_runs_as_the_user_of_the_image(given: Object) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)
    assert user
    assert _pod(given)["securityContext"]["runAsUser"] == int(user[1])
    assert _pod(given)["securityContext"]["runAsGroup"] == int(user[2])


@pytest.mark.parametrize("given", WORKLOADS, ids=str)
def test_no_variable_of_a_neighbouring_service_reaches_the_settings(given: Object) -> None:
    # A Service named postgres would set POSTGRES_PORT=tcp://10.0.0.1:5432.
    assert _pod(given)["enableServiceLinks"] is False


@pytest.mark.parametrize("given", WORKLOADS, ids=str)
def test_memory_is_bounded_and_asked_for(given: Object) -> None:
    resources = _container(given)["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    assert "memory" in resources["limits"]


@pytest.mark.parametrize(
    ("name", "port"), [("api", "HTTP_PORT"), ("consumer", "METRICS_WORKER_PORT")]
)
def test_probes_ask_the_port_that_the_process_listens_on(name: str, port: str) -> None:
    (given,) = (w for w in WORKLOADS if str(w) == f"Deployment/{name}")
    container = _container(given)
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert str(ports[asked["port"]]) == _environment(given)[port]
        assert asked["path"] in {"/health/live", "/health/ready"}


@pytest.mark.parametrize("name", ["api", "consumer"])
def test_a_pod_gets_the_time_that_a_clean_stop_takes(name: str) -> None:
    (given,) = (w for w in WORKLOADS if str(w) == f"Deployment/{name}")
    config = installed().load_config(environ=_environment(given))
    before = _container(given).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
    needed = max(config.http.shutdown_timeout, consuming.SHUTDOWN)
    grace = _pod(given)["terminationGracePeriodSeconds"]
    assert before.get("seconds", 0) + needed + 5 <= grace


def test_consumers_are_replaced_without_one_in_addition() -> None:
    update = _named("Deployment", "consumer")["spec"]["strategy"]["rollingUpdate"]
    assert update == {"maxSurge": 0, "maxUnavailable": 1}


def test_never_more_consumers_than_partitions() -> None:
    partitions = int(SETTINGS["KAFKA_PARTITIONS"])
    assert _named("ScaledObject", "consumer")["spec"]["maxReplicaCount"] <= partitions
    assert _named("Deployment", "consumer")["spec"]["replicas"] <= partitions


def test_the_autoscaler_watches_the_group_and_topic_of_the_consumers() -> None:
    (trigger,) = _named("ScaledObject", "consumer")["spec"]["triggers"]
    config = installed().load_config(environ=SETTINGS)
    assert trigger["metadata"]["consumerGroup"] == config.of(OrdersSettings).group_id
    assert trigger["metadata"]["topic"] == config.of(OrdersSettings).topic
    assert trigger["metadata"]["bootstrapServersFromEnv"] in SETTINGS


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_each_selector_finds_pods(kind: str) -> None:
    ours = [{"app.kubernetes.io/part-of": "order-service"}]
    ours += [given.content["spec"]["template"]["metadata"]["labels"] for given in PODS]
    for given in OURS:
        if given.content["kind"] == kind:
            spec = given.content["spec"]
            wanted = spec.get("podSelector") or spec["selector"]
            labels = wanted.get("matchLabels", wanted).items()
            assert any(labels <= pod.items() for pod in ours)


def test_the_jobs_of_the_alert_rules_are_the_components_of_the_pods() -> None:
    monitor = _named("PodMonitor", "order-service")["spec"]
    (expression,) = monitor["selector"]["matchExpressions"]
    assert monitor["jobLabel"] == expression["key"] == "app.kubernetes.io/component"
    assert set(expression["values"]) == {"api", "consumer", "worker"}


def test_each_worker_of_the_contexts_runs() -> None:
    run = [_container(given)["args"] for given in WORKLOADS]
    workers = {worker.name for each in installed().installed for worker in each.workers}
    assert {args[1] for args in run if args[0] == "work"} == workers - {"orders-consumer"}
    assert ["consume"] in run


def test_the_contexts_are_separate_and_none_is_missing() -> None:
    own = [given for given in WORKLOADS if given.path.parent == SEPARATE]
    served = {
        given.content["metadata"]["labels"]["context"]: _environment(given)["CONTEXTS_ENABLED"]
        for given in own
    }
    assert all(context in enabled.split(",") for context, enabled in served.items())
    named = {name for enabled in served.values() for name in enabled.split(",")}
    assert named == {each.name for each in installed().installed}


def test_the_gateway_is_told_where_each_context_is() -> None:
    (container,) = _named("Deployment", "gateway")["spec"]["template"]["spec"]["containers"]
    told = {entry["name"]: entry["value"] for entry in container["env"]}
    wanted = set(re.findall(r'"\$\{(\w+)\}"', HAPROXY.read_text(encoding="utf-8")))
    assert told.keys() == wanted - {"ACCOUNTS_2", "ACCOUNTS_3"}
    services = {str(given).removeprefix("Service/") for given in OURS if "Service/" in str(given)}
    places = {value.removesuffix(":80") for value in told.values() if not value.startswith(":")}
    assert places <= services


def test_the_rules_become_objects_of_the_prometheus_operator_as_the_readme_says() -> None:
    readme = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    loop = re.search(r"^for file in .*?^done", readme, re.MULTILINE | re.DOTALL)
    assert loop
    done = subprocess.run(
        ["sh", "-c", loop[0]], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    made = list(yaml.safe_load_all(done.stdout))
    assert [rule["kind"] for rule in made] == ["PrometheusRule"] * len(RULES)
    assert [rule["spec"] for rule in made] == [yaml_of(path) for path in RULES]
