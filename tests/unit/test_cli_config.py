"""`order-service config check`, for people and for programs."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from order_service.bootstrap.contexts import installed
from order_service.cli import main
from order_service.config import Schema
from order_service.config.explanation import comments

KEYS = Schema(installed().sections).keys


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(*options: str, document: str = "", **environ: str) -> Result:
    Path("config.yml").write_text(document, encoding="utf-8")
    return CliRunner().invoke(main, ["config", "check", *options], env=environ)


def checked(document: str = "", **environ: str) -> dict[str, Any]:
    result = check("--json", document=document, **environ)
    found: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code == 0) == found["ok"]
    return found


def test_every_setting_is_shown_with_the_place_that_it_comes_from() -> None:
    lines = check(document="http:\n  port: 81", HTTP_THREADS="3").stdout.splitlines()
    assert len(lines) == len(KEYS)
    shown = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines}
    assert shown["http.port"] == ["81", "config.yml, line 2"]
    assert shown["http.threads"] == ["3", "environment variable HTTP_THREADS"]
    assert shown["http.host"] == ['"127.0.0.1"', "default"]


def test_a_fault_is_explained() -> None:
    result = check(document="http:\n  port: eighty")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [" ".join(line.split()) for line in result.stderr.splitlines()] == [
        "http.port: expected an integer >= 1 and <= 65535, got 'eighty'",
        "value from: config.yml, line 2",
        "allowed: an integer >= 1 and <= 65535",
        "default: 8080",
        "about: TCP port of the API, the page and the API's metrics.",
        "set it: http.port in config.yml, or HTTP_PORT in .env or the environment",
        "",
        "1 fault in the configuration",
    ]


def test_programs_get_faults_warnings_and_hints_as_json() -> None:
    found = checked("orders: {cache: {tll: 1}}", HTTP_PORTS="1", LOG_LEVEL="loud")
    assert not found["ok"]
    assert found["settings"] is None
    assert [fault["path"] for fault in found["faults"]] == ["orders.cache.tll", "log.level"]
    assert "local_ttl" in found["faults"][0]["allowed"]
    assert found["faults"][1]["origin"] == "environment variable LOG_LEVEL"
    assert found["warnings"] == ["HTTP_PORTS is no setting: did you mean HTTP_PORT?"]


def test_parts_without_an_address_are_hints_and_no_faults() -> None:
    found = checked(REDIS_URL="redis://cache")
    assert found["ok"]
    assert [hint.split()[0] for hint in found["hints"]] == [
        "postgres.host",
        "kafka.bootstrap_servers",
    ]
    assert found["settings"]["redis"]["url"] == "redis://cache"
    assert found["origins"] == {"redis.url": "environment variable REDIS_URL"}


def test_a_key_that_stands_twice_is_a_fault_with_both_lines() -> None:
    document = "http:\n  port: 1\nlog: {level: info}\nhttp:\n  threads: 2\n  threads: 3\n"
    assert [(f["path"], f["origin"], f["problem"][:35]) for f in checked(document)["faults"]] == [
        ("http", "config.yml, line 4", "stands there twice, first in line 1"),
        ("http.threads", "config.yml, line 6", "stands there twice, first in line 5"),
    ]


def test_an_anchor_that_holds_itself_ends_in_a_fault() -> None:
    assert not checked("http: &a {port: *a}")["ok"]
    assert not checked("&a a: *a")["ok"]


def test_secrets_are_masked_in_both_forms() -> None:
    secrets = {"POSTGRES_PASSWORD": "hunter2", "REDIS_URL": "redis://:hunter2@cache"}
    for option in ((), ("--json",)):
        assert "hunter2" not in check(*option, **secrets).output
    assert "hunter2" not in check(document="postgres: {password: [hunter2]}").output


def test_most_keys_are_explained_in_the_words_of_config_yml() -> None:
    explained = [key.dotted for key in KEYS if comments().get(key.dotted)]
    assert len(explained) > 0.8 * len(KEYS)
    assert set(comments()) >= {key.dotted for key in KEYS}
