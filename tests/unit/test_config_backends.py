"""What settings of replica, Sentinel, cluster and certificates must go together."""

from collections.abc import Mapping

import pytest

from order_service.bootstrap.contexts import installed
from order_service.config import ConfigError
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
