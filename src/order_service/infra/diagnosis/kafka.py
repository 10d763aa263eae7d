"""Looks at Kafka: brokers, topics, their limits, our rights, and how far the group has got."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    KafkaError,
    SaslAuthenticationFailedError,
)

from order_service.infra.kafka.clients import Connection, open_admin

from .endpoints import Address, reach
from .finding import Finding, fault, hint, ok, warning

_LATEST = -1
_NOT_AUTHORIZED = 29
_UNKNOWN_TOPIC = 3
_COORDINATOR_TRIES = 8
_COORDINATOR_PAUSE = 0.25


class Target(NamedTuple):
    """The brokers, and what the service needs of them.

    Attributes:
        addresses: Hosts and ports of the brokers.
        connection: How the service logs in.
        topic: Where the orders are.
        dead_letter_topic: Where messages go that are none.
        group: The consumer group.
        letter_bytes: What the dead-letter topic must admit.
        creates: Whether the consumer makes topics that are missing.
        rights: Operations that are needed, by topic.
        timeout: Seconds to connect.
        sleep: Blocks for so many seconds.
    """

    addresses: Sequence[Address]
    connection: Connection
    topic: str
    dead_letter_topic: str
    group: str
    letter_bytes: int
    creates: bool
    rights: Mapping[str, Sequence[str]]
    timeout: float
    sleep: Callable[[float], None] = time.sleep


def look(target: Target) -> Iterator[Finding]:
    """Yield what there is to say about the brokers."""
    reached = list(reach(target.addresses, "kafka.bootstrap_servers", target.timeout))
    yield from reached
    if reached[-1].level == "fault":
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


def _login_remedy(target: Target) -> str:
    """Return what to try where the brokers close the connection and do not say why."""
    listener = "do kafka.security_protocol and the certificates fit the listener of the brokers?"
    if "sasl_mechanism" in target.connection.security:
        return f"are kafka.sasl and KAFKA_SASL_PASSWORD right? If so: {listener}"
    return listener


def _look_at_topics(admin: KafkaAdminClient, target: Target) -> Iterator[Finding]:
    names = [target.topic, target.dead_letter_topic]
    described = {topic["name"]: topic for topic in admin.describe_topics(names)}
    for name in names:
        yield from _topic(described.get(name), name, target)
    if _partitions(described.get(target.dead_letter_topic)):
        yield from _letter_limit(admin, target)
    if partitions := _partitions(described.get(target.topic)):
        yield from _lag(admin, target, partitions)


def _partitions(topic: Mapping[str, Any] | None) -> list[int]:
    found = topic["partitions"] if topic and not topic["error_code"] else []
    return sorted(partition["partition_index"] for partition in found)


def _topic(topic: Mapping[str, Any] | None, name: str, target: Target) -> Iterator[Finding]:
    code = topic["error_code"] if topic else _UNKNOWN_TOPIC
    if code == _UNKNOWN_TOPIC:
        yield _missing(name, target)
    elif code == _NOT_AUTHORIZED:
        yield fault("rights", f"we may not see the topic {name}", _grant(name, "Describe"))
    elif topic is None or code:
        yield fault("topic", f"{name}: the brokers answer with error {code}", "see their log")
    else:
        yield _leaders(topic, name)
        yield from _allowed(topic, name, target)


def _missing(name: str, target: Target) -> Finding:
    text = f"there is no topic {name}"
    if target.creates:
        return hint("topic", text, "`order-service consume` makes it (kafka.create_topics)")
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


def _allowed(topic: Mapping[str, Any], name: str, target: Target) -> Iterator[Finding]:
    operations = topic.get("authorized_operations")
    if operations is None:
        return  # this broker does not tell
    missing = [each for each in target.rights[name] if each.upper() not in operations]
    if missing:
        text = f"we may not {' or '.join(missing).lower()} {name}"
        yield fault("rights", text, _grant(name, *missing))
    else:
        yield ok("rights", f"{name}: {', '.join(target.rights[name]).lower()} is allowed")


def _grant(topic: str, *operations: str) -> str:
    options = " ".join(f"--operation {operation}" for operation in operations)
    return f"kafka-acls.sh --add --allow-principal User:... {options} --topic {topic}"


def _letter_limit(admin: KafkaAdminClient, target: Target) -> Iterator[Finding]:
    name = target.dead_letter_topic
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    try:
        answer = admin.describe_configs([resource], config_filter="all")
        limit = int(answer["topic"][name]["max.message.bytes"]["value"])
    except (KeyError, TypeError, KafkaError):
        text = f"the brokers do not tell max.message.bytes of {name}"
        yield hint("limits", text, f"it must be at least {target.letter_bytes}")
        return
    if limit < target.letter_bytes:
        remedy = f"set max.message.bytes of {name} to {target.letter_bytes} (kafka-configs.sh)"
        text = f"{name} admits {limit} bytes: large letters will lose their bodies"
        yield warning("limits", text, remedy)
    else:
        yield ok("limits", f"{name} admits {limit} bytes, enough for the largest letter")


def _lag(admin: KafkaAdminClient, target: Target, partitions: Sequence[int]) -> Iterator[Finding]:
    wanted = [TopicPartition(target.topic, number) for number in partitions]
    try:
        ends = admin.list_partition_offsets(dict.fromkeys(wanted, _LATEST))
        committed = _committed(admin, target, wanted)
    except AuthorizationError as error:
        remedy = f"{_grant(target.topic, 'Read')}, and the same for --group {target.group}"
        yield fault("rights", f"we may not read as group {target.group}: {error}", remedy)
        return
    except CoordinatorNotAvailableError:
        text = f"no broker coordinates the group {target.group}"
        remedy = "wait if they have just started; else the topic __consumer_offsets is in trouble"
        yield fault("group", text, remedy)
        return
    reached = {part: at.offset for part, at in committed.items() if at.offset >= 0}
    lag = sum(ends[part].offset - reached[part] for part in wanted if part in reached)
    if reached:
        yield ok("group", f"{target.group} is {lag} messages behind")
    else:
        text = f"{target.group} has committed nothing yet: it will read from the beginning"
        yield hint("group", text)


def _committed(
    admin: KafkaAdminClient, target: Target, wanted: Sequence[TopicPartition]
) -> Mapping[TopicPartition, Any]:
    """Return the group's offsets; the first group ever makes the brokers take a moment."""
    for _ in range(_COORDINATOR_TRIES):
        with contextlib.suppress(CoordinatorNotAvailableError):
            return _asked(admin, target, wanted)
        target.sleep(_COORDINATOR_PAUSE)
    return _asked(admin, target, wanted)


def _asked(
    admin: KafkaAdminClient, target: Target, wanted: Sequence[TopicPartition]
) -> Mapping[TopicPartition, Any]:
    found: Mapping[TopicPartition, Any] = admin.list_group_offsets({target.group: wanted})[
        target.group
    ]
    return found
