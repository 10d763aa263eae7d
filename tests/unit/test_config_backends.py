"""What settings of replica, Sentinel, cluster and certificates must go together."""

from collections.abc import Mapping

import pytest
from psycopg.conninfo import conninfo_to_dict

from order_service.bootstrap.contexts import installed
from order_service.config import ConfigError
from order_service.context import backends
from tests.builders import ROOT

load_config = installed().load_config


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"POSTGRES_READ_HOST": "replica"}, "postgres.read_host"),
        ({"REDIS_SENTINELS": "a:1"}, "redis.sentinel_master"),
        (
            {
                "REDIS_SENTINELS": "a:1",
                "REDIS_SENTINEL_MASTER": "orders",
                "REDIS_CLUSTER_NODES": "b:1",
            },
            "redis.cluster_nodes",
        ),
        ({"REDIS_CLUSTER_NODES": "a:1", "REDIS_URL": "unix:///redis.sock"}, "redis.url"),
        ({"REDIS_CLUSTER_NODES": "a:1,b"}, "redis.cluster_nodes"),
        ({"REDIS_URL": "redis://a", "REDIS_SSL_CAFILE": "ca.pem"}, "redis.ssl_cafile"),
        ({"REDIS_URL": "rediss://a", "REDIS_SSL_KEYFILE": "key.pem"}, "redis.ssl_certfile"),
        ({"POSTGRES_HOST": "pg-1,pg-2:first"}, "postgres.host"),
        ({"POSTGRES_HOST": "pg-1:70000"}, "postgres.host"),
        ({"POSTGRES_HOST": "pg 1"}, "postgres.host"),
        ({"POSTGRES_HOST": "pg-1", "POSTGRES_READ_HOST": "pg-2,:1"}, "postgres.read_host"),
        ({"POSTGRES_SSLCERT": "cert.pem"}, "postgres.sslkey"),
        ({"KAFKA_SSL_KEYFILE": "key.pem"}, "kafka.ssl_certfile"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    environ: Mapping[str, str], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(ROOT / "config.yml", environ)
    assert [fault.path for fault in caught.value.faults] == [path]


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES"])
def test_redis_is_named_by_any_of_its_addresses(name: str) -> None:
    value = "redis://a" if name == "REDIS_URL" else "a:1,b:2"
    environ = {name: value, "REDIS_SENTINEL_MASTER": "orders"}
    assert load_config(ROOT / "config.yml", environ).missing("redis") == ()
    assert load_config(ROOT / "config.yml", {}).missing("redis") == ("redis.url",)


@pytest.mark.parametrize("host", ["pg-1,[fd00::1]:5433, pg-3", "::1", "fe80::1%eth0", "/var/run"])
def test_postgres_is_named_by_hosts_addresses_or_the_folder_of_its_socket(host: str) -> None:
    config = load_config(ROOT / "config.yml", {"POSTGRES_HOST": host})
    assert config.missing("postgres") == ()


def test_a_cluster_is_asked_for_the_member_that_takes_writes() -> None:
    environ = {"POSTGRES_HOST": "pg-1,pg-2:5433,[::1]", "POSTGRES_PORT": "5434"}
    environ |= {"POSTGRES_READ_HOST": "pg-1,pg-2:1"}
    config = load_config(ROOT / "config.yml", environ)
    primary, replica = (
        conninfo_to_dict(target.settings.conninfo)
        for target in (backends.primary(config, 1), backends.replica(config, 1))
    )
    assert (primary["host"], primary["port"]) == ("pg-1,pg-2,::1", "5434,5433,5434")
    assert primary["target_session_attrs"] == "read-write"
    assert (replica["host"], replica["port"]) == ("pg-1,pg-2", "5434,1")
    assert replica["target_session_attrs"] == "prefer-standby"
    assert replica["load_balance_hosts"] == "random"


def test_a_single_server_is_taken_as_it_is() -> None:
    config = load_config(ROOT / "config.yml", {"POSTGRES_HOST": "pg-1"})
    assert "target_session_attrs" not in backends.primary(config, 1).settings.conninfo
