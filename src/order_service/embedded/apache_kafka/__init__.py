"""A real Apache Kafka (KRaft) on Java, for tests of correctness and of faults."""

from order_service.embedded.apache_kafka.broker import KafkaBroker
from order_service.embedded.apache_kafka.cluster import ApacheKafka
from order_service.embedded.apache_kafka.jars import available, kafka_version

__all__ = ["ApacheKafka", "KafkaBroker", "available", "kafka_version"]
