"""Registrations on their topic: each once in effect, whatever is away, in either format."""

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from order_service.context.relaying import Relaying
from order_service.contexts.accounts.generated.events_pb2 import PersonRegistered
from order_service.contexts.accounts.model import Tokens
from order_service.contexts.accounts.settings import AccountsSettings
from order_service.contexts.accounts.wiring.announcing import announcing
from order_service.contexts.accounts.wiring.outbox import open_relay
from order_service.embedded.server import KafkaServer
from order_service.infra.kafka.clients import Connection
from order_service.infra.postgres.database import Database
from order_service.infra.retry import StoppedError
from order_service.messaging.envelope import Envelope
from order_service.messaging.outbox.admin import OutboxAdmin
from tests.backends import Environ, NewTopic, Record, process_of, records_of
from tests.integration.accounts.bench import AccountsBench, wipe
from tests.registry_server import RegistryServer
from tests.servers import started
from tests.waiting import eventually

WAIT_S = 60.0


class Publishing:
    """A database, a topic, and people who register."""

    def __init__(
        self, environ: Environ, bench: AccountsBench, topic: str, reached: Connection
    ) -> None:
        self.environ = environ
        self.bench = bench
        self.topic = topic
        self._reached = reached
        settings = AccountsSettings(topic=topic)
        bench.people._announce = announcing(settings)  # noqa: SLF001 - the bench has none
        self._outbox = OutboxAdmin(bench.people._statements._database, "accounts")  # noqa: SLF001

    def register(self, count: int = 1) -> list[Tokens]:
        return [self.bench.register(f"person-{uuid.uuid4().hex}") for _ in range(count)]

    @property
    def waiting(self) -> int:
        return self._outbox.list(1).total

    def records(self) -> list[Record]:
        return records_of(self._reached, self.topic)

    @contextmanager
    def relay(self, **settings: str) -> Iterator[Relaying]:
        """The relay of the accounts in a thread, for the length of the block."""
        environ = self.environ | {"ACCOUNTS_TOPIC": self.topic} | settings
        with process_of(environ) as process:
            work = open_relay(process)

            def run() -> None:
                with suppress(StoppedError):
                    work.run()

            thread = threading.Thread(target=run)
            thread.start()
            try:
                yield work
            finally:
                process.stopping.set()
                thread.join(WAIT_S)

    def drains(self) -> None:
        eventually(lambda: self.waiting == 0, WAIT_S, "the outbox is empty")


@pytest.fixture
def environ(
    admin: psycopg.Connection[object], shared_database: Environ, kafka_server: KafkaServer
) -> Environ:
    wipe(admin)
    admin.execute("TRUNCATE accounts.outbox")
    return shared_database | kafka_server.environment()


@pytest.fixture
def publishing(
    environ: Environ,
    accounts_database: Database,
    kafka_connection: Connection,
    new_topic: NewTopic,
) -> Iterator[Publishing]:
    with closing(AccountsBench(accounts_database)) as bench:
        yield Publishing(environ, bench, new_topic(), kafka_connection)


def people_of(records: list[Record]) -> list[str]:
    return [PersonRegistered.FromString(record.value).user_id for record in records]


def test_a_registration_arrives_in_protobuf_under_its_person(publishing: Publishing) -> None:
    (tokens,) = publishing.register()
    with publishing.relay():
        publishing.drains()
    (record,) = publishing.records()
    event = PersonRegistered.FromString(record.value)
    envelope = Envelope.parse(record.headers)
    assert record.key.decode() == event.user_id == str(tokens.person_id)
    assert (envelope.type, envelope.content_type) == (
        "accounts.v1.PersonRegistered",
        "application/protobuf",
    )
    assert str(envelope.id) == event.event_id
    assert event.registered_at.ToDatetime(publishing.bench.now.tzinfo) == publishing.bench.now


def test_a_login_that_is_taken_tells_nobody(publishing: Publishing) -> None:
    publishing.bench.register("ann")
    for _ in range(3):
        with pytest.raises(Exception, match="ANN"):
            publishing.bench.register("ANN")
    assert publishing.waiting == 1


def test_people_register_while_kafka_is_away(publishing: Publishing) -> None:
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    with publishing.relay(**nowhere):
        people = publishing.register(5)
    assert publishing.waiting == 5
    with publishing.relay():
        people += publishing.register(5)
        publishing.drains()
    assert sorted(people_of(publishing.records())) == sorted(
        str(tokens.person_id) for tokens in people
    )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with started(RegistryServer(tmp_path_factory.mktemp("registry"))) as server:
        yield server


def read_by_a_client(environ: Mapping[str, str], record: Record) -> str:
    """The person of a record, as a consumer with Confluent's deserializer reads it."""
    form = {"use.deprecated.format": False}
    with SchemaRegistryClient({"url": environ["SCHEMA_REGISTRY_URL"]}) as client:
        deserialize = ProtobufDeserializer(PersonRegistered, form, client)
        event = deserialize(record.value, SerializationContext(record.topic, MessageField.VALUE))
    return str(event.user_id)


@pytest.mark.apache_kafka
@pytest.mark.timeout(600)
def test_with_a_registry_its_clients_can_read_the_events(
    publishing: Publishing, registry: RegistryServer
) -> None:
    people = [str(tokens.person_id) for tokens in publishing.register(3)]
    with publishing.relay(**registry.environment()):
        publishing.drains()
    records = publishing.records()
    assert [record.value[0] for record in records] == [0, 0, 0]
    assert [read_by_a_client(registry.environment(), record) for record in records] == people
    kinds = {Envelope.parse(record.headers).content_type for record in records}
    assert kinds == {"application/vnd.confluent.protobuf"}
    with SchemaRegistryClient({"url": registry.url}) as client:
        assert f"{publishing.topic}-value" in client.get_subjects()


@pytest.mark.apache_kafka
@pytest.mark.timeout(600)
def test_people_register_while_the_registry_is_away(
    publishing: Publishing, registry: RegistryServer
) -> None:
    registry.kill()
    with publishing.relay(**registry.environment()) as relay:
        people = [str(tokens.person_id) for tokens in publishing.register(4)]
        eventually(lambda: _is_failing(relay), WAIT_S, "the relay waits for the registry")
        assert publishing.waiting == 4
        registry.start()
        publishing.drains()
    records = publishing.records()
    assert [read_by_a_client(registry.environment(), record) for record in records] == people


def _is_failing(relay: Relaying) -> bool:
    states = [check.state() for check in relay.checks]
    return any(float(str(state.detail["failing_for_seconds"])) > 0 for state in states)
