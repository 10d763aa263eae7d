"""Registrations in the wire format of Confluent's clients: the schema's number, then the message.

The outbox holds plain protobuf, so that a registration needs no registry. The relay asks the
registry, once, when it publishes; while that is away, messages wait in the outbox like any that
Kafka does not take, in their order.
"""

from collections.abc import Mapping, Sequence

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from order_service.messaging.envelope import CONTENT_TYPE
from order_service.messaging.errors import TopicsUnavailableError
from order_service.messaging.outbox.ports import PendingMessage, Topics

from .generated.events_pb2 import PersonRegistered

CONFLUENT_PROTOBUF = "application/vnd.confluent.protobuf"
"""What the header says of a body that begins with a zero byte and the schema's number."""

_TIMEOUT = 5.0

# What a registry says for good: the schema is not compatible, or not one at all.
_REFUSED = frozenset({409, 422})


class RegisteredTopics:
    """Implements :class:`messaging.outbox.ports.Topics`.

    Args:
        topics: Where the messages go then.
        url: Of the registry: ``http://host:port/apis/ccompat/v7``.
        login: ``user:password``; empty if it wants none.
    """

    def __init__(self, topics: Topics, url: str, login: str = "") -> None:
        self._topics = topics
        self._settings: dict[str, object] = {"url": url, "timeout": _TIMEOUT, "max.retries": 0}
        if login:
            self._settings["basic.auth.user.info"] = login
        self._client: SchemaRegistryClient | None = None
        self._serializer: ProtobufSerializer | None = None

    def publish(self, messages: Sequence[PendingMessage]) -> Mapping[int, str]:
        """See :meth:`messaging.outbox.ports.Topics.publish`."""
        framed: list[PendingMessage] = []
        refused: dict[int, str] = {}
        for message in messages:
            try:
                framed.append(self._framed(message))
            except SchemaRegistryError as error:
                if error.http_status_code not in _REFUSED:
                    raise TopicsUnavailableError(f"the schema registry: {error}") from error
                refused[message.id] = f"the schema registry: {error}"
            except Exception as error:  # its HTTP client has errors of its own
                raise TopicsUnavailableError(f"the schema registry: {error!r}") from error
        return {**refused, **self._topics.publish(framed)}

    def _framed(self, message: PendingMessage) -> PendingMessage:
        event = PersonRegistered.FromString(message.value or b"")
        context = SerializationContext(message.topic, MessageField.VALUE)
        headers = {**message.headers, CONTENT_TYPE: CONFLUENT_PROTOBUF}
        return message._replace(value=self._serialize(event, context), headers=headers)

    def _serialize(self, event: PersonRegistered, context: SerializationContext) -> bytes:
        if self._serializer is None:
            self._client = SchemaRegistryClient.new_client(self._settings)
            form = {"use.deprecated.format": False}
            self._serializer = ProtobufSerializer(PersonRegistered, self._client, form)
        return self._serializer(event, context) or b""

    def close(self) -> None:
        """See :meth:`messaging.outbox.ports.Topics.close`; a later call connects again."""
        if self._client is not None:
            self._client.close()
        self._client = self._serializer = None
        self._topics.close()
