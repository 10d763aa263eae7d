"""TLS and SASL against real servers: who is let in, who is refused, and what the log says."""

import gc
import logging
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka.errors import KafkaError
from redis import RedisError
from structlog.testing import capture_logs

from order_service.context.backends import connect_redis
from order_service.context.brokers import kafka_connection
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.settings import CacheSettings
from order_service.contexts.orders.wiring.cache import make_cache
from order_service.contexts.orders.wiring.storage import open_storage
from order_service.embedded.apache_kafka import ApacheKafka
from order_service.embedded.ports import free_port
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.topics import ensure_topics
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Query
from order_service.infra.redis.client import FastRedis
from tests.backends import Environ, config_of, process_environ, process_of, records_of, send
from tests.builders import CANONICAL, ROOT, canonical
from tests.certificates import Authority, Identity
from tests.integration.service_process import consuming
from tests.servers import started
from tests.tls_servers import (
    PASSWORD,
    USER,
    TlsPostgres,
    TlsRedis,
    TlsSentinel,
    kafka_files,
    postgres_files,
    redis_files,
)
from tests.waiting import eventually

SESSION = Query("session", "SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
LOGINS = ["SSL", "PLAIN", "SCRAM-SHA-512"]

apache_kafka = pytest.mark.apache_kafka
# kafka-python forgets the socket of a connection that was refused in the handshake.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


def kafka_environ(
    kafka: ApacheKafka, login: str, authority: Authority, identity: Identity
) -> Environ:
    """The settings of a client: by certificate (SSL), or by password with a SASL mechanism."""
    if login == "SSL":
        settings = kafka_files(authority, identity)
    else:
        settings = {
            "KAFKA_SSL_CAFILE": str(authority.certificate),
            "KAFKA_SASL_MECHANISM": login,
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD": PASSWORD,
        }
    protocol = "SSL" if login == "SSL" else "SASL_SSL"
    servers = kafka.secured_servers(protocol)
    return {
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "KAFKA_SECURITY_PROTOCOL": protocol,
        **settings,
    }


def new_topic(connection: kafka_clients.Connection) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    with closing(kafka_clients.open_admin(connection)) as admin:
        ensure_topics(admin, {name: {"num_partitions": 1, "replication_factor": 1}})
    return name


@apache_kafka
@pytest.mark.parametrize("login", LOGINS)
def test_messages_go_in_and_out_over_tls(
    kafka: ApacheKafka, authority: Authority, identity: Identity, login: str
) -> None:
    environ = kafka_environ(kafka, login, authority, identity)
    connection = kafka_connection(config_of(environ).kafka)
    topic = new_topic(connection)
    with closing(kafka_clients.open_producer(connection, 1024)) as producer:
        send(producer, topic, b"by the service")
    run_producer(environ | {"ORDERS_TOPIC": topic}, "--count", "2")
    values = [record.value for record in records_of(connection, topic)]
    assert values[0] == b"by the service"
    assert len(values) == 3


def run_producer(environ: Environ, *arguments: str) -> None:
    command = [sys.executable, "-m", "producer", *arguments]
    subprocess.run(command, cwd=ROOT, env=process_environ(environ), check=True, timeout=60)


def refusal(environ: Environ) -> str:
    """Try to reach the brokers with these settings, in vain; return the error."""
    connection = kafka_connection(config_of(environ).kafka)._replace(bootstrap_timeout=1.5)
    with pytest.raises(KafkaError) as caught:
        kafka_clients.open_admin(connection)
    gc.collect()  # or a later test would be told of the sockets that the library forgot
    return str(caught.value)


@apache_kafka
def test_brokers_that_a_stranger_vouches_for_are_refused(
    kafka: ApacheKafka,
    identity: Identity,
    stranger: Authority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusal(kafka_environ(kafka, "SSL", stranger, identity))
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


@apache_kafka
def test_brokers_refuse_a_certificate_of_a_stranger(
    kafka: ApacheKafka, authority: Authority, stranger: Authority
) -> None:
    refusal(kafka_environ(kafka, "SSL", authority, stranger.issue("order_service")))


@apache_kafka
@pytest.mark.parametrize("login", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_refused_and_suspected_but_not_logged(
    kafka: ApacheKafka,
    authority: Authority,
    identity: Identity,
    caplog: pytest.LogCaptureFixture,
    login: str,
) -> None:
    wrong = {"KAFKA_SASL_PASSWORD": "wrong horse"}
    error = refusal(kafka_environ(kafka, login, authority, identity) | wrong)
    assert "refuse the SASL user, password or mechanism" in error
    assert "wrong horse" not in error + caplog.text


def session(environ: Environ) -> tuple[Any, ...]:
    """How Postgres sees a connection of ours."""
    with process_of(environ) as process:
        [row] = process.database(1).read(SESSION)
        return row


def test_postgres_is_asked_over_tls_by_who_we_are(
    postgres: TlsPostgres, authority: Authority, identity: Identity
) -> None:
    environ = postgres.environment() | postgres_files(authority, identity)
    assert session(environ) == (True, "/CN=order_service")


def test_a_postgres_that_a_stranger_vouches_for_is_refused(
    postgres: TlsPostgres,
    stranger: Authority,
    identity: Identity,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(UnavailableError):
        session(postgres.environment() | postgres_files(stranger, identity))
    assert "certificate verify failed" in caplog.text


def test_a_postgres_with_a_certificate_for_another_host_is_refused(
    postgres: TlsPostgres,
    authority: Authority,
    identity: Identity,
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = postgres.environment() | postgres_files(authority, identity)
    with caplog.at_level(logging.WARNING), pytest.raises(UnavailableError):
        session(environ | {"POSTGRES_HOST": "localhost"})
    assert 'does not match host name "localhost"' in caplog.text


def test_postgres_lets_nobody_in_without_tls(postgres: TlsPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(postgres.admin_dsn(), sslmode="disable")


def test_redis_is_asked_over_tls(redis: TlsRedis, authority: Authority, identity: Identity) -> None:
    assert remembers(redis.environment() | redis_files(authority, identity))


def test_a_redis_that_a_stranger_vouches_for_is_a_cache_that_is_away(
    redis: TlsRedis, stranger: Authority, identity: Identity
) -> None:
    environ = redis.environment() | redis_files(stranger, identity)
    with process_of(environ) as process, capture_logs() as logs:
        cache = make_cache(process, process.cache_client(), CacheSettings())
        assert cache.get("order-1") is None
        assert cache.get("order-1") is None
    [entry] = logs
    assert "CERTIFICATE_VERIFY_FAILED" in entry["error"]


def test_redis_refuses_who_has_no_certificate(redis: TlsRedis, authority: Authority) -> None:
    environ = redis.environment() | {"REDIS_SSL_CAFILE": str(authority.certificate)}
    with closing(connect_redis(config_of(environ).redis)) as client, pytest.raises(RedisError):
        client.ping()


def test_a_master_and_its_sentinels_are_asked_over_tls(
    redis: TlsRedis, authority: Authority, identity: Identity, tmp_path: Path
) -> None:
    with started(TlsSentinel(tmp_path, authority, redis, "orders")) as sentinel:
        environ = redis_files(authority, identity) | {
            "REDIS_URL": "rediss://",
            "REDIS_SENTINELS": sentinel.address,
            "REDIS_SENTINEL_MASTER": "orders",
        }
        assert remembers(environ)


def test_a_cluster_is_asked_over_tls(
    authority: Authority, identity: Identity, tmp_path: Path
) -> None:
    # Left alone it takes a port 10,000 higher, which may belong to an outgoing connection.
    bus = ("--cluster-port", str(free_port()))
    mode = ("--cluster-enabled", "yes", "--tls-cluster", "yes", *bus)
    files = redis_files(authority, identity)
    with started(TlsRedis(tmp_path, authority, *mode)) as node:
        with closing(alone(node, files)) as direct:
            direct.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            eventually(
                lambda: b"state:ok" in direct.execute_command("CLUSTER", "INFO"), 40, "it is up"
            )
        environ = {"REDIS_URL": "rediss://", "REDIS_CLUSTER_NODES": node.address}
        assert remembers(files | environ)


def alone(node: TlsRedis, files: Environ) -> Any:  # noqa: ANN401 - its methods are untyped
    """A client of one server."""
    client = connect_redis(config_of(files | node.environment()).redis)
    assert isinstance(client, FastRedis)
    client.response_callbacks.clear()
    return client


def remembers(environ: Environ) -> bool:
    """Whether what is set is there."""
    with closing(connect_redis(config_of(environ).redis)) as client:
        client.set("key", b"value", px=60_000, nx=False)
        return client.fast_get("key") == b"value"


@apache_kafka
def test_an_order_passes_the_whole_service_over_tls(
    kafka: ApacheKafka,
    postgres: TlsPostgres,
    redis: TlsRedis,
    authority: Authority,
    identity: Identity,
) -> None:
    topic = f"orders-{uuid.uuid4().hex}"
    environ = {
        **kafka_environ(kafka, "SCRAM-SHA-512", authority, identity),
        **postgres.environment() | postgres_files(authority, identity),
        **redis.environment() | redis_files(authority, identity),
        "ORDERS_TOPIC": topic,
        "ORDERS_DEAD_LETTER_TOPIC": f"{topic}.dead-letters",
        "KAFKA_PARTITIONS": "1",
    }
    document, uid = Document.of(canonical()), canonical().order_uid
    with process_of(environ) as process, consuming(environ) as consumer:
        cache = make_cache(process, process.cache_client(), CacheSettings())
        storage = open_storage(process)
        eventually(consumer.drained, 40, "the consumer is there")
        run_producer(environ, "--file", str(CANONICAL))
        eventually(lambda: cache.get(uid) == document, 40, "the order is cached")
        assert storage.orders.find(uid) == document
