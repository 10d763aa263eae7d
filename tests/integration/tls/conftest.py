"""Servers that let nobody in without TLS, and the certificates of all who meet there."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from order_service.context.brokers import kafka_connection
from order_service.embedded.apache_kafka import ApacheKafka
from order_service.infra.kafka import clients as kafka_clients
from tests.backends import config_of, migrator_of
from tests.certificates import Authority, Identity
from tests.servers import started
from tests.tls_servers import (
    USER,
    TlsPostgres,
    TlsRedis,
    postgres_files,
    scram_login,
    secure_kafka,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signed none of the servers' certificates."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    """Of the service; Postgres wants the name of the role."""
    return authority.issue("order_service")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[ApacheKafka]:
    with started(secure_kafka(tmp_path_factory.mktemp("kafka"), authority)) as server:
        plain = kafka_connection(config_of(server.environment()).kafka)
        with closing(kafka_clients.open_admin(plain)) as admin:
            assert admin.alter_user_scram_credentials([scram_login()]) == {USER: None}
        yield server


@pytest.fixture(scope="module")
def postgres(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, identity: Identity
) -> Iterator[TlsPostgres]:
    with started(TlsPostgres(tmp_path_factory.mktemp("postgres"), authority)) as server:
        with migrator_of(server.environment() | postgres_files(authority, identity)) as migrator:
            migrator.up()
        yield server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[TlsRedis]:
    with started(TlsRedis(tmp_path_factory.mktemp("redis"), authority)) as server:
        yield server
