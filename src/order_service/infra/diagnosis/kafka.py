"""Looks at Kafka: brokers, topics, their limits, our rights, and how far groups have got."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    KafkaError,
    SaslAuthenticationFailedError,
)

from order_service.infra.addresses import Address
from order_service.infra.kafka.clients import Connection, open_admin
from order_service.infra.kafka.topic import Topic

from .endpoints import reach
from .finding import Finding, fault, hint, ok, warning

_LATEST = -1
_NOT_AUTHORIZED = 29
_UNKNOWN_TOPIC = 3
_COORDINATOR_TRIES = 8
_COORDINATOR_PAUSE = 0.25


class KafkaTarget(NamedTuple):
    """The brokers, and what the service needs of them.

    Attributes:
        addresses: Hosts and ports of the brokers.
        connection: How the service logs in.
        topics: What it reads and writes.
        creates: Whether the service makes topics that are missing.
        timeout: Seconds to connect.
    """

    addresses: Sequence[Address]
    connection: Connection
    topics: Sequence[Topic]
    creates: bool
    timeout: float


def look(target: KafkaTarget) -> Iterator[Finding]:
    """Yield what there is to say about the brokers."""
    if not (yield from reach(target.addresses, "kafka.bootstrap_servers", target.timeout)):
        return
    try:
        admin = open_admin(target.connection)
    except SaslAuthenticationFailedError as error:
        yield fault("login", f"refused: {error}", "see kafka.sasl and KAFKA_SASL_PASSWORD")
        return
    except (KafkaError, OSError, ValueError) as error:
        yield fault("login", f"it listens, but no broker answers: {error}", _login_remedy(target))
        return
    with contextlib.closing(admin):
        yield ok("login", "the brokers answer")
        yield from _look_at_topics(admin, target)


def _login_remedy(target: KafkaTarget) -> str:
    """Return what to try where the brokers close the connection and do not say why."""
    listener = "do kafka.security_protocol and the certificates fit the listener of the brokers?"
    if "sasl_mechanism" in target.connection.security:
        return f"are kafka.sasl and KAFKA_SASL_PASSWORD right? If so: {listener}"
    return listener


def _look_at_topics(admin: KafkaAdminClient, target: KafkaTarget) -> Iterator[Finding]:
    names = [topic.name for topic in target.topics]
    described = {each["name"]: each for each in admin.describe_topics(names)}
    for topic in target.topics:
        found = described.get(topic.name)
        yield from _state(found, topic, creates=target.creates)
        partitions = _partitions(found)
        if partitions and topic.max_bytes and "Write" in topic.operations:
            yield _size_limit(admin, topic)
        if partitions and topic.group:
            yield _lag(admin, topic, partitions)


def _partitions(topic: Mapping[str, Any] | None) -> list[int]:
    found = topic["partitions"] if topic and not topic["error_code"] else []
    return sorted(partition["partition_index"] for partition in found)


def _state(found: Mapping[str, Any] | None, topic: Topic, *, creates: bool) -> Iterator[Finding]:
    code = found["error_code"] if found else _UNKNOWN_TOPIC
    if code == _UNKNOWN_TOPIC:
        yield _missing(topic.name, creates=creates)
    elif code == _NOT_AUTHORIZED:
        remedy = _grant(topic.name, "Describe")
        yield fault("rights", f"we may not see the topic {topic.name}", remedy)
    elif found is None or code:
        text = f"{topic.name}: the brokers answer with error {code}"
        yield fault("topic", text, "see their log")
    else:
        yield _leaders(found, topic.name)
        yield from _allowed(found, topic)


def _missing(name: str, *, creates: bool) -> Finding:
    text = f"there is no topic {name}"
    if creates:
        return hint("topic", text, "the worker that needs it makes it (kafka.create_topics)")
    return fault("topic", text, "create it, or switch kafka.create_topics on")


def _leaders(topic: Mapping[str, Any], name: str) -> Finding:
    partitions = topic["partitions"]
    orphans = [part["partition_index"] for part in partitions if part["leader_id"] < 0]
    behind = [
        p["partition_index"] for p in partitions if len(p["isr_nodes"]) < len(p["replica_nodes"])
    ]
    if orphans:
        text = f"{name}: partitions {orphans} have no leader"
        return fault("topic", text, "a broker is away: start it")
    if behind:
        text = f"{name}: partitions {behind} have replicas that are behind"
        return warning("topic", text, "a broker is away or slow; another loss may lose data")
    copies = min((len(part["replica_nodes"]) for part in partitions), default=0)
    many, each = len(partitions) != 1, "copy" if copies == 1 else "copies"
    return ok("topic", f"{name}: {len(partitions)} partition{'s' * many}, {copies} {each} of each")


def _allowed(found: Mapping[str, Any], topic: Topic) -> Iterator[Finding]:
    operations = found.get("authorized_operations")
    if operations is None:
        return  # this broker does not tell
    missing = [each for each in topic.operations if each.upper() not in operations]
    if missing:
        text = f"we may not {' or '.join(missing).lower()} {topic.name}"
        yield fault("rights", text, _grant(topic.name, *missing))
    else:
        yield ok("rights", f"{topic.name}: {', '.join(topic.operations).lower()} is allowed")


def _grant(topic: str, *operations: str) -> str:
    options = " ".join(f"--operation {operation}" for operation in operations)
    return f"kafka-acls.sh --add --allow-principal User:... {options} --topic {topic}"


def _size_limit(admin: KafkaAdminClient, topic: Topic) -> Finding:
    name, needed = topic.name, topic.max_bytes
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    try:
        answer = admin.describe_configs([resource], config_filter="all")
        limit = int(answer["topic"][name]["max.message.bytes"]["value"])
    except (KeyError, TypeError, KafkaError):
        text = f"the brokers do not tell max.message.bytes of {name}"
        return hint("limits", text, f"it must be at least {needed}")
    if limit < needed:
        text = f"{name} admits {limit} bytes: larger records lose their bodies, or are refused"
        remedy = f"set max.message.bytes of {name} to {needed} (kafka-configs.sh)"
        return warning("limits", text, remedy)
    return ok("limits", f"{name} admits {limit} bytes, enough for the largest record")


def _lag(admin: KafkaAdminClient, topic: Topic, partitions: Sequence[int]) -> Finding:
    wanted = [TopicPartition(topic.name, number) for number in partitions]
    try:
        ends = admin.list_partition_offsets(dict.fromkeys(wanted, _LATEST))
        committed = _committed(admin, topic.group, wanted)
    except AuthorizationError as error:
        remedy = f"{_grant(topic.name, 'Read')}, and the same for --group {topic.group}"
        return fault("rights", f"we may not read as group {topic.group}: {error}", remedy)
    except CoordinatorNotAvailableError:
        text = f"no broker coordinates the group {topic.group}"
        remedy = "wait if they have just started; else the topic __consumer_offsets is in trouble"
        return fault("group", text, remedy)
    reached = {part: at.offset for part, at in committed.items() if at.offset >= 0}
    lag = sum(ends[part].offset - reached[part] for part in wanted if part in reached)
    if reached:
        return ok("group", f"{topic.group} is {lag} messages behind in {topic.name}")
    text = f"{topic.group} has committed nothing yet: it will read {topic.name} from the beginning"
    return hint("group", text)


def _committed(
    admin: KafkaAdminClient, group: str, wanted: Sequence[TopicPartition]
) -> Mapping[TopicPartition, Any]:
    """Return the group's offsets; the first group ever makes the brokers take a moment."""
    for _ in range(_COORDINATOR_TRIES):
        with contextlib.suppress(CoordinatorNotAvailableError):
            return _asked(admin, group, wanted)
        time.sleep(_COORDINATOR_PAUSE)
    return _asked(admin, group, wanted)


def _asked(
    admin: KafkaAdminClient, group: str, wanted: Sequence[TopicPartition]
) -> Mapping[TopicPartition, Any]:
    found: Mapping[TopicPartition, Any] = admin.list_group_offsets({group: wanted})[group]
    return found
