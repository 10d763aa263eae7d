"""The container files against the program that they start; needs no container engine."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import click
import pytest
import yaml

from order_service.bootstrap.contexts import installed
from order_service.config import Schema

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROMETHEUS = ROOT / "deploy/prometheus/prometheus.yml"


def _yaml(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))


SERVICES: dict[str, dict[str, Any]] = _yaml(ROOT / "docker-compose.yml")["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
THEIRS = sorted(SERVICES.keys() - set(OURS))


def _environment(service: str) -> dict[str, str]:
    """What the container gets when every secret of `.env` is the word `secret`."""
    given = SERVICES[service]["environment"]
    return {
        name: re.sub(r"\$\{.*?(?::-(.*?))?\}", _given, str(value)) for name, value in given.items()
    }


def _given(variable: re.Match[str]) -> str:
    return variable[1] or "secret"


def _dockerfile(instruction: str) -> list[str]:
    found = re.search(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found, f"the Dockerfile has no {instruction} in exec form"
    return cast("list[str]", json.loads(found[1]))


def _console_script(name: str) -> click.Group:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"][name].partition(":")
    assert callable(getattr(import_module(module), function))
    # What is called imports the commands, so that importing it costs nothing.
    return cast("click.Group", resolve_name("order_service.cli:main"))


def _parse(command: click.Command, words: list[str]) -> None:
    """Follow the words down the command tree; raise click.UsageError where they leave it."""
    if isinstance(command, click.Group) and words:
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        _parse(found, words)
    else:
        command.make_context(command.name, words)


def _dependencies() -> list[tuple[str, str]]:
    wanted = [service.get("depends_on", {}) for service in SERVICES.values()]
    return sorted({(name, need["condition"]) for needs in wanted for name, need in needs.items()})


def _has_health_check(service: dict[str, Any]) -> bool:
    if "healthcheck" in service:
        return not service["healthcheck"].get("disable", False)
    return "build" in service and "\nHEALTHCHECK " in DOCKERFILE


def test_the_compose_file_obeys_the_compose_specification() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(ROOT / "docker-compose.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", OURS)
def test_each_of_our_containers_runs_a_command_that_the_program_has(service: str) -> None:
    _parse(_console_script(*_dockerfile("ENTRYPOINT")), SERVICES[service]["command"])


def test_the_image_runs_a_command_of_the_program_by_default() -> None:
    _parse(_console_script(*_dockerfile("ENTRYPOINT")), _dockerfile("CMD"))


@pytest.mark.parametrize("words", [["serve"], ["migrate", "sideways"], ["api", "--no-such-option"]])
def test_a_command_that_the_program_lacks_would_be_noticed(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        _parse(_console_script("order-service"), words)


@pytest.mark.parametrize("service", OURS)
def test_each_variable_of_our_containers_is_a_setting(service: str) -> None:
    assert set(_environment(service)) <= {key.variable for key in Schema(installed().sections).keys}


@pytest.mark.parametrize("service", OURS)
def test_our_containers_start_with_a_configuration_without_faults(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = installed().load_config(environ=_environment(service))
    assert config.postgres.host in SERVICES
    assert not config.warnings


def test_only_the_migration_gets_the_password_of_the_administrator() -> None:
    holders = [name for name in OURS if "POSTGRES_ADMIN_PASSWORD" in _environment(name)]
    assert holders == ["migrate"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_written_in_the_compose_file(service: str) -> None:
    given = SERVICES[service].get("environment", {})
    secrets = [value for name, value in given.items() if "PASSWORD" in name]
    assert all(value.startswith("${") for value in secrets)


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_keeps_more_rights_than_it_needs(service: str) -> None:
    container = SERVICES[service]
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]
    assert not container.get("privileged", False)


@pytest.mark.parametrize(("dependency", "condition"), _dependencies())
def test_what_a_container_waits_for_can_happen(dependency: str, condition: str) -> None:
    awaited = SERVICES[dependency]
    can_happen = {
        "service_started": True,
        "service_healthy": _has_health_check(awaited),
        "service_completed_successfully": awaited["restart"] == "no",
    }
    assert can_happen[condition]


@pytest.mark.parametrize("service", THEIRS)
def test_each_foreign_image_is_pinned_to_a_version(service: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+[\w.-]*", SERVICES[service]["image"])


def test_prometheus_scrapes_the_ports_on_which_the_metrics_are_served() -> None:
    jobs = {job["job_name"]: job for job in _yaml(PROMETHEUS)["scrape_configs"]}
    consumer = installed().load_config(environ=_environment("consumer")).metrics.worker_port
    api = installed().load_config(environ=_environment("api")).http.port
    assert jobs["api"]["static_configs"] == [{"targets": [f"api:{api}"]}]
    assert jobs["consumer"]["dns_sd_configs"][0]["port"] == consumer
    assert str(consumer) in " ".join(SERVICES["consumer"]["healthcheck"]["test"])
