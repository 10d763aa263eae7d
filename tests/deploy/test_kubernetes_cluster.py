"""The component for CloudNativePG tells every pod of the cluster, by what the operator provides."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from order_service.bootstrap.contexts import installed
from order_service.config import Schema
from tests.deploy.files import yaml_of
from tests.deploy.test_kubernetes import BASE, KUBERNETES, PODS, Object

COMPONENT = KUBERNETES / "components/cloudnative-pg"
PATCHES = yaml_of(COMPONENT / "kustomization.yaml")["patches"]
# What the operator's manual lists ("Connecting from an application").
PROVIDED = {"username", "password", "host", "port", "dbname", "uri", "jdbc-uri", "pgpass"}
CLUSTER = yaml_of(COMPONENT / "cluster.yaml")
PODS_OF_BASE = [given for given in PODS if given.path.parent == BASE]


def _patched(given: Object) -> dict[str, Any]:
    """Return the container as the component changes it (RFC 6902)."""
    content = copy.deepcopy(given.content)
    (patch,) = [each for each in PATCHES if each["target"]["kind"] == content["kind"]]
    for step in yaml.safe_load(patch["patch"]):
        *way, last = step["path"].removeprefix("/").split("/")
        place: Any = content
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if step["op"] == "remove":
            del place[int(last)]
        elif isinstance(place, list):
            assert last == "-"
            place.append(step["value"])
        else:
            assert last not in place
            place[last] = step["value"]
    (container,) = content["spec"]["template"]["spec"]["containers"]
    return dict(container)


def _references(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in container["env"]:
        if source := entry.get("valueFrom", {}).get("secretKeyRef"):
            yield source["name"], source["key"]


@pytest.mark.parametrize("given", PODS_OF_BASE, ids=str)
def test_each_pod_is_told_of_the_cluster_by_settings_and_secrets_that_there_are(
    given: Object,
) -> None:
    container = _patched(given)
    told = {entry["name"] for entry in container["env"]}
    assert told <= {key.variable for key in Schema(installed().sections).keys}
    assert told >= {"POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB"}
    name = CLUSTER["metadata"]["name"]
    for secret, key in _references(container):
        assert secret in {f"{name}-app", f"{name}-superuser"}
        assert key in PROVIDED
    assert CLUSTER["spec"]["enableSuperuserAccess"] is True


def test_only_the_migration_gets_the_superuser() -> None:
    holders = [
        str(given)
        for given in PODS_OF_BASE
        if any(secret.endswith("superuser") for secret, _ in _references(_patched(given)))
    ]
    assert holders == ["Job/migrate"]


def test_the_migration_needs_no_other_administrator() -> None:
    (job,) = (given for given in PODS_OF_BASE if str(given) == "Job/migrate")
    named = [source.get("secretRef", {}).get("name") for source in _patched(job)["envFrom"]]
    assert "order-service-admin" not in named


def test_lookups_read_the_standbys_of_the_cluster() -> None:
    (api,) = (given for given in PODS_OF_BASE if str(given) == "Deployment/api")
    told = {entry["name"]: entry.get("value") for entry in _patched(api)["env"]}
    assert told["POSTGRES_READ_HOST"] == f"{CLUSTER['metadata']['name']}-ro"


def test_a_commit_waits_for_a_standby() -> None:
    assert CLUSTER["spec"]["instances"] >= 3
    assert CLUSTER["spec"]["postgresql"]["synchronous"]["number"] >= 1
