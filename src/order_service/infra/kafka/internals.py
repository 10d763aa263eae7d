# ruff: noqa: SLF001 - see below
"""The private parts of kafka-python that we use, all of them: there is no public way.

A release of the library may change them without a word. tests/integration/test_kafka_internals.py
asks a real client for each, so that such a release is noticed before it is taken
(docs/adr/0018-kafka-clients.md).
"""

from typing import Any

from kafka import KafkaConsumer


def insist_on_rejoin(consumer: KafkaConsumer) -> bool:
    """Return whether `consumer` is about to join its group anew, and make sure that it does.

    A poll may give up before the join is done. kafka-python (3.0.12) then forgets a join that
    new metadata caused: once the metadata are as they were at the assignment, it takes the
    member for joined and for rebalancing at the same time, fetches nothing, sends no
    heartbeat and refuses every commit, for ever. Only what was requested it brings to an end.
    """
    coordinator = consumer._coordinator
    if coordinator.rejoining or coordinator.need_rejoin():
        coordinator.request_rejoin()
        return True
    return False


def join_group(consumer: KafkaConsumer, timeout_ms: int) -> None:
    """Join the group, and return as soon as that is done or the time is over.

    A poll would wait for messages then, as long as it may take, and tell of nothing meanwhile.

    Raises:
        KafkaError: The coordinator cannot be asked.
    """
    consumer._coordinator.poll(timeout_ms=timeout_ms)


def topic_id(consumer: KafkaConsumer, topic: str) -> str | None:
    """Return the id of the topic's present incarnation; older brokers have none."""
    known = consumer._cluster.topic_id(topic)
    return str(known) if known else None


def fetch_settings(consumer: KafkaConsumer) -> dict[str, Any]:
    """Return what the library asks brokers for with every fetch; a change holds from the next."""
    settings: dict[str, Any] = consumer._fetcher.config
    return settings
